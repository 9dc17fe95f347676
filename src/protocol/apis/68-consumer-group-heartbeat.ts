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

/**
 * Joins, keeps and leaves a consumer group, all in one (KIP-848). v1 subscription by regular
 * expression.
 */
export const ConsumerGroupHeartbeat = api({
  key: 68,
  name: 'ConsumerGroupHeartbeat',
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    instanceId: nullableString({ default: null }),
    rackId: nullableString({ default: null }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    subscribedTopicNames: nullableArray(string(), { default: null }),
    subscribedTopicRegex: nullableString({ since: 1 }),
    serverAssignor: nullableString({ default: null }),
    topicPartitions: nullableArray(
      {
        topicId: uuid(),
        partitions: array(int32()),
      },
      { default: null },
    ),
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
