import { api, array, int16, int32, int64, nullableString, string, uuid } from '../schema.ts'

/**
 * Stores a group's offsets. v1 membership; v2-v4 retention time; v6 leader epochs; v7 static
 * members (KIP-345); v8 flexible; v9 member epochs (KIP-848); v10 topic ids.
 */
export const OffsetCommit = api({
  key: 8,
  name: 'OffsetCommit',
  versions: [0, 10],
  flexibleSince: 8,
  request: {
    groupId: string(),
    generationIdOrMemberEpoch: int32({ since: 1, default: -1 }),
    memberId: string({ since: 1 }),
    groupInstanceId: nullableString({ since: 7 }),
    retentionTimeMs: int64({ since: 2, until: 4, default: -1 }),
    topics: array({
      name: string({ until: 9 }),
      topicId: uuid({ since: 10 }),
      partitions: array({
        partitionIndex: int32(),
        committedOffset: int64(),
        committedLeaderEpoch: int32({ since: 6, default: -1 }),
        commitTimestamp: int64({ since: 1, until: 1, default: -1 }),
        committedMetadata: nullableString(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32({ since: 3 }),
    topics: array({
      name: string({ until: 9 }),
      topicId: uuid({ since: 10 }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
})
