import { api, array, bytes, int16, int32, nullableString, string } from '../schema.ts'

/**
 * Brings the leader's assignment and answers the member's share of it. v1 throttle; v3 static
 * members (KIP-345); v4 flexible; v5 protocol type and name to compare.
 */
export const SyncGroup = api({
  key: 14,
  name: 'SyncGroup',
  versions: [0, 5],
  flexibleSince: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: nullableString({ since: 3 }),
    protocolType: nullableString({ since: 5 }),
    protocolName: nullableString({ since: 5 }),
    assignments: array({
      memberId: string(),
      assignment: bytes(),
    }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16(),
    protocolType: nullableString({ since: 5 }),
    protocolName: nullableString({ since: 5 }),
    assignment: bytes(),
  },
})
