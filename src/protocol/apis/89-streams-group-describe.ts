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

/** Describes streams groups (KIP-1071). v1 is of the 4.4 line. */
export const StreamsGroupDescribe = api({
  key: 89,
  name: 'StreamsGroupDescribe',
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
    includeTopologyDescription: bool({ since: 1 }),
  },
  response: {
    throttleTimeMs: int32(),
    groups: array({
      errorCode: int16(),
      errorMessage: nullableString({ default: null }),
      groupId: string(),
      groupState: string(),
      groupEpoch: int32(),
      assignmentEpoch: int32(),
      topology: nullableStruct(
        {
          epoch: int32(),
          subtopologies: nullableArray(
            {
              subtopologyId: string(),
              sourceTopics: array(string()),
              repartitionSinkTopics: array(string()),
              stateChangelogTopics: array({
                name: string(),
                partitions: int32(),
                replicationFactor: int16(),
                topicConfigs: array({
                  key: string(),
                  value: string(),
                }),
              }),
              repartitionSourceTopics: array({
                name: string(),
                partitions: int32(),
                replicationFactor: int16(),
                topicConfigs: array({
                  key: string(),
                  value: string(),
                }),
              }),
            },
            { default: null },
          ),
        },
        { default: null },
      ),
      members: array({
        memberId: string(),
        memberEpoch: int32(),
        instanceId: nullableString({ default: null }),
        rackId: nullableString({ default: null }),
        clientId: string(),
        clientHost: string(),
        topologyEpoch: int32(),
        processId: string(),
        userEndpoint: nullableStruct(
          {
            host: string(),
            port: uint16(),
          },
          { default: null },
        ),
        clientTags: array({
          key: string(),
          value: string(),
        }),
        taskOffsets: array({
          subtopologyId: string(),
          partition: int32(),
          offset: int64(),
        }),
        taskEndOffsets: array({
          subtopologyId: string(),
          partition: int32(),
          offset: int64(),
        }),
        assignment: struct({
          activeTasks: array({
            subtopologyId: string(),
            partitions: array(int32()),
          }),
          standbyTasks: array({
            subtopologyId: string(),
            partitions: array(int32()),
          }),
          warmupTasks: array({
            subtopologyId: string(),
            partitions: array(int32()),
          }),
        }),
        targetAssignment: struct({
          activeTasks: array({
            subtopologyId: string(),
            partitions: array(int32()),
          }),
          standbyTasks: array({
            subtopologyId: string(),
            partitions: array(int32()),
          }),
          warmupTasks: array({
            subtopologyId: string(),
            partitions: array(int32()),
          }),
        }),
        isClassic: bool(),
      }),
      authorizedOperations: int32({ default: -2147483648 }),
      topologyDescription: nullableStruct(
        {
          subtopologies: array({
            subtopologyId: string(),
            nodes: array({
              name: string(),
              nodeType: int8(),
              sourceTopics: array(string()),
              sinkTopic: nullableString({ default: null }),
              stores: array(string()),
              successors: array(string()),
            }),
          }),
          globalStores: array({
            source: struct({
              name: string(),
              nodeType: int8(),
              sourceTopics: array(string()),
              sinkTopic: nullableString({ default: null }),
              stores: array(string()),
              successors: array(string()),
            }),
            processor: struct({
              name: string(),
              nodeType: int8(),
              sourceTopics: array(string()),
              sinkTopic: nullableString({ default: null }),
              stores: array(string()),
              successors: array(string()),
            }),
          }),
        },
        { since: 1 },
      ),
      topologyDescriptionStatus: int8({ since: 1 }),
      assignorName: nullableString({ since: 1 }),
    }),
  },
})
