import { api, array, bool, int16, int32, nullableString, string, struct, uuid } from '../schema.ts'

/** Describes share groups (KIP-932). v0 was a preview. */
export const ShareGroupDescribe = api({
  key: 77,
  name: 'ShareGroupDescribe',
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
        rackId: nullableString({ default: null }),
        memberEpoch: int32(),
        clientId: string(),
        clientHost: string(),
        subscribedTopicNames: array(string()),
        assignment: struct({
          topicPartitions: array({
            topicId: uuid(),
            topicName: string(),
            partitions: array(int32()),
          }),
        }),
      }),
      authorizedOperations: int32({ default: -2147483648 }),
    }),
  },
})
