import {
  api,
  array,
  int16,
  int32,
  int64,
  nullableArray,
  nullableString,
  string,
  uuid,
} from '../schema.ts'

/** Tells the start offsets of share groups (KIP-932). v1 lag. */
export const DescribeShareGroupOffsets = api({
  key: 90,
  name: 'DescribeShareGroupOffsets',
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groups: array({
      groupId: string(),
      topics: nullableArray({
        topicName: string(),
        partitions: array(int32()),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    groups: array({
      groupId: string(),
      topics: array({
        topicName: string(),
        topicId: uuid(),
        partitions: array({
          partitionIndex: int32(),
          startOffset: int64(),
          leaderEpoch: int32(),
          lag: int64({ since: 1, default: -1 }),
          errorCode: int16(),
          errorMessage: nullableString({ default: null }),
        }),
      }),
      errorCode: int16(),
      errorMessage: nullableString({ default: null }),
    }),
  },
})
