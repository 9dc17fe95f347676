import { api, bytes, int16, nullableBytes } from '../schema.ts'

/** Carries another request with its sender's principal to the controller (KIP-590). */
export const Envelope = api({
  key: 58,
  name: 'Envelope',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    requestData: bytes(),
    requestPrincipal: nullableBytes(),
    clientHostAddress: bytes(),
  },
  response: {
    responseData: nullableBytes({ default: null }),
    errorCode: int16(),
  },
})
