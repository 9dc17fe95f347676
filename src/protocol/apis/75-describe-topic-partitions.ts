import {
  api,
  array,
  bool,
  int16,
  int32,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  uuid,
} from '../schema.ts'

/** Describes topics page by page with in-sync and eligible replicas (KIP-966). */
export const DescribeTopicPartitions = api({
  key: 75,
  name: 'DescribeTopicPartitions',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    topics: array({
      name: string(),
    }),
    responsePartitionLimit: int32({ default: 2000 }),
    cursor: nullableStruct(
      {
        topicName: string(),
        partitionIndex: int32(),
      },
      { default: null },
    ),
  },
  response: {
    throttleTimeMs: int32(),
    topics: array({
      errorCode: int16(),
      name: nullableString(),
      topicId: uuid(),
      isInternal: bool({ default: false }),
      partitions: array({
        errorCode: int16(),
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32({ default: -1 }),
        replicaNodes: array(int32()),
        isrNodes: array(int32()),
        eligibleLeaderReplicas: nullableArray(int32(), { default: null }),
        lastKnownElr: nullableArray(int32(), { default: null }),
        offlineReplicas: array(int32()),
      }),
      topicAuthorizedOperations: int32({ default: -2147483648 }),
    }),
    nextCursor: nullableStruct(
      {
        topicName: string(),
        partitionIndex: int32(),
      },
      { default: null },
    ),
  },
})
