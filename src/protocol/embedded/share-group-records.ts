import { array, int8, int32, int64, nullableString, string, uuid } from '../schema.ts'
import { recordType } from './record-type.ts'

/** What a member of a share group said about itself (KIP-932). */
export const ShareGroupMemberMetadataRecord = recordType({
  id: 10,
  name: 'ShareGroupMemberMetadata',
  key: {
    groupId: string(),
    memberId: string(),
  },
  value: {
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
      rackId: nullableString(),
      clientId: string(),
      clientHost: string(),
      subscribedTopicNames: array(string()),
    },
  },
})

/** The epoch of a share group. */
export const ShareGroupMetadataRecord = recordType({
  id: 11,
  name: 'ShareGroupMetadata',
  key: {
    groupId: string(),
  },
  value: {
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
      epoch: int32(),
      metadataHash: int64(),
    },
  },
})

/** The epoch of the target assignment of a share group. */
export const ShareGroupTargetAssignmentMetadataRecord = recordType({
  id: 12,
  name: 'ShareGroupTargetAssignmentMetadata',
  key: {
    groupId: string(),
  },
  value: {
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
      assignmentEpoch: int32(),
      assignmentTimestamp: int64({ tag: 0 }),
    },
  },
})

/** The partitions a member of a share group shall have. */
export const ShareGroupTargetAssignmentMemberRecord = recordType({
  id: 13,
  name: 'ShareGroupTargetAssignmentMember',
  key: {
    groupId: string(),
    memberId: string(),
  },
  value: {
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
      topicPartitions: array({
        topicId: uuid(),
        partitions: array(int32()),
      }),
    },
  },
})

/** The partitions a member of a share group has. */
export const ShareGroupCurrentMemberAssignmentRecord = recordType({
  id: 14,
  name: 'ShareGroupCurrentMemberAssignment',
  key: {
    groupId: string(),
    memberId: string(),
  },
  value: {
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
      memberEpoch: int32(),
      previousMemberEpoch: int32(),
      state: int8(),
      assignedPartitions: array({
        topicId: uuid(),
        partitions: array(int32()),
      }),
    },
  },
})

/** The share partitions whose durable state begins, exists or ends. */
export const ShareGroupStatePartitionMetadataRecord = recordType({
  id: 15,
  name: 'ShareGroupStatePartitionMetadata',
  key: {
    groupId: string(),
  },
  value: {
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
      initializingTopics: array({
        topicId: uuid(),
        topicName: string(),
        partitions: array(int32()),
      }),
      initializedTopics: array({
        topicId: uuid(),
        topicName: string(),
        partitions: array(int32()),
      }),
      deletingTopics: array({
        topicId: uuid(),
        topicName: string(),
      }),
    },
  },
})
