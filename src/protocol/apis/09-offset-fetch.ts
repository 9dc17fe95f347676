import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  nullableArray,
  nullableString,
  string,
  uuid,
} from '../schema.ts'

/**
 * Reads a group's offsets. v2 null topics mean all, top-level error; v5 leader epochs; v6 flexible;
 * v7 may require stable offsets (KIP-447); v8 several groups (KIP-709); v9 member epochs (KIP-848);
 * v10 topic ids.
 */
export const OffsetFetch = api({
  key: 9,
  name: 'OffsetFetch',
  versions: [0, 10],
  flexibleSince: 6,
  request: {
    groupId: string({ until: 7 }),
    topics: nullableArray(
      {
        name: string(),
        partitionIndexes: array(int32()),
      },
      { until: 7, nullableSince: 2, default: [] },
    ),
    groups: array(
      {
        groupId: string(),
        memberId: nullableString({ since: 9 }),
        memberEpoch: int32({ since: 9, default: -1 }),
        topics: nullableArray({
          name: string({ until: 9 }),
          topicId: uuid({ since: 10 }),
          partitionIndexes: array(int32()),
        }),
      },
      { since: 8 },
    ),
    requireStable: bool({ since: 7 }),
  },
  response: {
    throttleTimeMs: int32({ since: 3 }),
    topics: array(
      {
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          committedOffset: int64(),
          committedLeaderEpoch: int32({ since: 5, default: -1 }),
          metadata: nullableString(),
          errorCode: int16(),
        }),
      },
      { until: 7 },
    ),
    errorCode: int16({ since: 2, until: 7 }),
    groups: array(
      {
        groupId: string(),
        topics: array({
          name: string({ until: 9 }),
          topicId: uuid({ since: 10 }),
          partitions: array({
            partitionIndex: int32(),
            committedOffset: int64(),
            committedLeaderEpoch: int32({ default: -1 }),
            metadata: nullableString(),
            errorCode: int16(),
          }),
        }),
        errorCode: int16({ default: 0 }),
      },
      { since: 8 },
    ),
  },
})
