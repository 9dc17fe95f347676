import { api, array, bytes, int16, int32, int64, nullableString, string } from '../schema.ts'

/** Creates a delegation token. v2 flexible; v3 for another owner (KIP-373). */
export const CreateDelegationToken = api({
  key: 38,
  name: 'CreateDelegationToken',
  versions: [0, 3],
  flexibleSince: 2,
  request: {
    ownerPrincipalType: nullableString({ since: 3 }),
    ownerPrincipalName: nullableString({ since: 3 }),
    renewers: array({
      principalType: string(),
      principalName: string(),
    }),
    maxLifetimeMs: int64(),
  },
  response: {
    errorCode: int16(),
    principalType: string(),
    principalName: string(),
    tokenRequesterPrincipalType: string({ since: 3 }),
    tokenRequesterPrincipalName: string({ since: 3 }),
    issueTimestampMs: int64(),
    expiryTimestampMs: int64(),
    maxTimestampMs: int64(),
    tokenId: string(),
    hmac: bytes(),
    throttleTimeMs: int32(),
  },
})
