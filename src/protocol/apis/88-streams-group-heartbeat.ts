import {
  api,
  array,
  bool,
  int8,
  int16,
  int32,
  int64,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  struct,
  uint16,
} from '../schema.ts'

/** Joins, keeps and leaves a streams group (KIP-1071). v1 is of the 4.4 line. */
export const StreamsGroupHeartbeat = api({
  key: 88,
  name: 'StreamsGroupHeartbeat',
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groupId: string(),
    memberId: string(),
    memberEpoch: int32(),
    endpointInformationEpoch: int32(),
    instanceId: nullableString({ default: null }),
    rackId: nullableString({ default: null }),
    rebalanceTimeoutMs: int32({ default: -1 }),
    topology: nullableStruct(
      {
        epoch: int32(),
        subtopologies: array({
          subtopologyId: string(),
          sourceTopics: array(string()),
          sourceTopicRegex: array(string()),
          stateChangelogTopics: array({
            name: string(),
            partitions: int32(),
            replicationFactor: int16(),
            topicConfigs: array({
              key: string(),
              value: string(),
            }),
          }),
          repartitionSinkTopics: array(string()),
          repartitionSourceTopics: array({
            name: string(),
            partitions: int32(),
            replicationFactor: int16(),
            topicConfigs: array({
              key: string(),
              value: string(),
            }),
          }),
          copartitionGroups: array({
            sourceTopics: array(int16()),
            sourceTopicRegex: array(int16()),
            repartitionSourceTopics: array(int16()),
          }),
        }),
      },
      { default: null },
    ),
    activeTasks: nullableArray(
      {
        subtopologyId: string(),
        partitions: array(int32()),
      },
      { default: null },
    ),
    standbyTasks: nullableArray(
      {
        subtopologyId: string(),
        partitions: array(int32()),
      },
      { default: null },
    ),
    warmupTasks: nullableArray(
      {
        subtopologyId: string(),
        partitions: array(int32()),
      },
      { default: null },
    ),
    processId: nullableString({ default: null }),
    userEndpoint: nullableStruct(
      {
        host: string(),
        port: uint16(),
      },
      { default: null },
    ),
    clientTags: nullableArray(
      {
        key: string(),
        value: string(),
      },
      { default: null },
    ),
    taskOffsets: nullableArray(
      {
        subtopologyId: string(),
        partition: int32(),
        offset: int64(),
      },
      { default: null },
    ),
    taskEndOffsets: nullableArray(
      {
        subtopologyId: string(),
        partition: int32(),
        offset: int64(),
      },
      { default: null },
    ),
    shutdownApplication: bool({ default: false }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    memberId: string(),
    memberEpoch: int32(),
    heartbeatIntervalMs: int32(),
    acceptableRecoveryLagLegacy: int32({ until: 0 }),
    taskOffsetIntervalMs: int32(),
    acceptableRecoveryLag: int64({ since: 1, default: -1 }),
    status: nullableArray({
      statusCode: int8(),
      statusDetail: string(),
    }),
    activeTasks: nullableArray(
      {
        subtopologyId: string(),
        partitions: array(int32()),
      },
      { default: null },
    ),
    standbyTasks: nullableArray(
      {
        subtopologyId: string(),
        partitions: array(int32()),
      },
      { default: null },
    ),
    warmupTasks: nullableArray(
      {
        subtopologyId: string(),
        partitions: array(int32()),
      },
      { default: null },
    ),
    topologyDescriptionRequired: bool({ since: 1 }),
    endpointInformationEpoch: int32(),
    partitionsByUserEndpoint: nullableArray(
      {
        userEndpoint: struct({
          host: string(),
          port: uint16(),
        }),
        activePartitions: array({
          topic: string(),
          partitions: array(int32()),
        }),
        standbyPartitions: array({
          topic: string(),
          partitions: array(int32()),
        }),
      },
      { default: null },
    ),
  },
})
