import { api, bytes, int16, int64, nullableString } from '../schema.ts'

/** Carries a SASL token each way. v1 session lifetime (KIP-368); v2 flexible. */
export const SaslAuthenticate = api({
  key: 36,
  name: 'SaslAuthenticate',
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    authBytes: bytes(),
  },
  response: {
    errorCode: int16(),
    errorMessage: nullableString(),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ since: 1 }),
  },
})
