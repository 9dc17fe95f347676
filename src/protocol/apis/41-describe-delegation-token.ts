import { api, array, bytes, int16, int32, int64, nullableArray, string } from '../schema.ts'

/** Lists delegation tokens. v2 flexible; v3 requesters (KIP-373). */
export const DescribeDelegationToken = api({
  key: 41,
  name: 'DescribeDelegationToken',
  versions: [0, 3],
  flexibleSince: 2,
  request: {
    owners: nullableArray({
      principalType: string(),
      principalName: string(),
    }),
  },
  response: {
    errorCode: int16(),
    tokens: array({
      principalType: string(),
      principalName: string(),
      tokenRequesterPrincipalType: string({ since: 3 }),
      tokenRequesterPrincipalName: string({ since: 3 }),
      issueTimestamp: int64(),
      expiryTimestamp: int64(),
      maxTimestamp: int64(),
      tokenId: string(),
      hmac: bytes(),
      renewers: array({
        principalType: string(),
        principalName: string(),
      }),
    }),
    throttleTimeMs: int32(),
  },
})
