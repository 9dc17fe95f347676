import { api, array, int16, int32, int64, nullableString, string, uuid } from '../schema.ts'

/**
 * Stores offsets as part of a transaction. v2 leader epochs; v3 flexible, group membership
 * (KIP-447); v5 adds the partition to the transaction by itself (KIP-890); v6 topic ids.
 */
export const TxnOffsetCommit = api({
  key: 28,
  name: 'TxnOffsetCommit',
  versions: [0, 6],
  flexibleSince: 3,
  request: {
    transactionalId: string(),
    groupId: string(),
    producerId: int64(),
    producerEpoch: int16(),
    generationIdOrMemberEpoch: int32({ since: 3, default: -1 }),
    memberId: string({ since: 3 }),
    groupInstanceId: nullableString({ since: 3 }),
    topics: array({
      name: string({ until: 5 }),
      topicId: uuid({ since: 6 }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ since: 2, default: -1 }),
        committedMetadata: nullableString(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      name: string({ until: 5 }),
      topicId: uuid({ since: 6 }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
})
