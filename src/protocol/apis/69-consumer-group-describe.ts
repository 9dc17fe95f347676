import {
  api,
  array,
  bool,
  int8,
  int16,
  int32,
  nullableString,
  string,
  struct,
  uuid,
} from '../schema.ts'

/** Describes consumer groups (KIP-848). v1 member types (KIP-1099). */
export const ConsumerGroupDescribe = api({
  key: 69,
  name: 'ConsumerGroupDescribe',
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groupIds: array(string()),
    includeAuthorizedOperations: bool(),
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
      assignorName: string(),
      members: array({
        memberId: string(),
        instanceId: nullableString({ default: null }),
        rackId: nullableString({ default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        subscribedTopicRegex: nullableString({ default: null }),
        assignment: struct({
          topicPartitions: array({
            topicId: uuid(),
            topicName: string(),
            partitions: array(int32()),
          }),
        }),
        targetAssignment: struct({
          topicPartitions: array({
            topicId: uuid(),
            topicName: string(),
            partitions: array(int32()),
          }),
        }),
        memberType: int8({ since: 1, default: -1 }),
      }),
      authorizedOperations: int32({ default: -2147483648 }),
    }),
  },
})
