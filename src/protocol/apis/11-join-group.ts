import { api, array, bool, bytes, int16, int32, nullableString, string } from '../schema.ts'

/**
 * Joins a classic group and waits for the rebalance. v1 rebalance timeout; v4 the member id is
 * handed out first (KIP-394); v5 static members (KIP-345); v6 flexible; v7 protocol type in the
 * answer; v8 reason (KIP-800); v9 the leader may skip the assignment (KIP-814).
 */
export const JoinGroup = api({
  key: 11,
  name: 'JoinGroup',
  versions: [0, 9],
  flexibleSince: 6,
  request: {
    groupId: string(),
    sessionTimeoutMs: int32(),
    rebalanceTimeoutMs: int32({ since: 1, default: -1 }),
    memberId: string(),
    groupInstanceId: nullableString({ since: 5 }),
    protocolType: string(),
    protocols: array({
      name: string(),
      metadata: bytes(),
    }),
    reason: nullableString({ since: 8 }),
  },
  response: {
    throttleTimeMs: int32({ since: 2 }),
    errorCode: int16(),
    generationId: int32({ default: -1 }),
    protocolType: nullableString({ since: 7 }),
    protocolName: nullableString({ nullableSince: 7 }),
    leader: string(),
    skipAssignment: bool({ since: 9 }),
    memberId: string(),
    members: array({
      memberId: string(),
      groupInstanceId: nullableString({ since: 5 }),
      metadata: bytes(),
    }),
  },
})
