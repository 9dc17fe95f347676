import { api, bytes, int16, int32, int64 } from '../schema.ts'

/** Ends a delegation token, now or later. v2 flexible. */
export const ExpireDelegationToken = api({
  key: 40,
  name: 'ExpireDelegationToken',
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    hmac: bytes(),
    expiryTimePeriodMs: int64(),
  },
  response: {
    errorCode: int16(),
    expiryTimestampMs: int64(),
    throttleTimeMs: int32(),
  },
})
