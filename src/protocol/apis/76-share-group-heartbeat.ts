import {
  api,
  array,
  int16,
  int32,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  uuid,
} from '../schema.ts'

/** Joins, keeps and leaves a share group (KIP-932). v0 was a preview. */
export const ShareGroupHeartbeat = api({
  key: 76,
  name: 'ShareGroupHeartbeat',
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    rackId: nullableString({ default: null }),
    subscribedTopicNames: nullableArray(string(), { default: null }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    memberId: nullableString({ default: null }),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    assignment: nullableStruct(
      {
        topicPartitions: array({
          topicId: uuid(),
          partitions: array(int32()),
        }),
      },
      { default: null },
    ),
  },
})
