import { api, array, bool, bytes, int16, int32, nullableString, string } from '../schema.ts'

/**
 * Describes classic groups. v1 throttle; v3 authorized operations; v4 static members (KIP-345); v5
 * flexible; v6 an error for unknown groups.
 */
export const DescribeGroups = api({
  key: 15,
  name: 'DescribeGroups',
  versions: [0, 6],
  flexibleSince: 5,
  request: {
    groups: array(string()),
    includeAuthorizedOperations: bool({ since: 3 }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    groups: array({
      errorCode: int16(),
      errorMessage: nullableString({ since: 6 }),
      groupId: string(),
      groupState: string(),
      protocolType: string(),
      protocolData: string(),
      members: array({
        memberId: string(),
        groupInstanceId: nullableString({ since: 4 }),
        clientId: string(),
        clientHost: string(),
        memberMetadata: bytes(),
        memberAssignment: bytes(),
      }),
      authorizedOperations: int32({ since: 3, default: -2147483648 }),
    }),
  },
})
