import { api, bytes, int16, int32, int64 } from '../schema.ts'

/** Extends the life of a delegation token. v2 flexible. */
export const RenewDelegationToken = api({
  key: 39,
  name: 'RenewDelegationToken',
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    hmac: bytes(),
    renewPeriodMs: int64(),
  },
  response: {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32(),
  },
})
