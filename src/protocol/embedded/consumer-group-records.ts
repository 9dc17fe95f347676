import {
  array,
  bytes,
  int8,
  int32,
  int64,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  uuid,
} from '../schema.ts'
import { recordType } from './record-type.ts'

/** The epoch of a consumer group (KIP-848). */
export const ConsumerGroupMetadataRecord = recordType({
  id: 3,
  name: 'ConsumerGroupMetadata',
  key: {
    groupId: string(),
  },
  value: {
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
      epoch: int32(),
      metadataHash: int64({ tag: 0 }),
    },
  },
})

/** The partition counts a consumer group was last assigned by. */
export const ConsumerGroupPartitionMetadataRecord = recordType({
  id: 4,
  name: 'ConsumerGroupPartitionMetadata',
  key: {
    groupId: string(),
  },
  value: {
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
      topics: array({
        topicId: uuid(),
        topicName: string(),
        numPartitions: int32(),
        partitionMetadata: array({
          partition: int32(),
          racks: array(string()),
        }),
      }),
    },
  },
})

/** What a member of a consumer group said about itself. */
export const ConsumerGroupMemberMetadataRecord = recordType({
  id: 5,
  name: 'ConsumerGroupMemberMetadata',
  key: {
    groupId: string(),
    memberId: string(),
  },
  value: {
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
      instanceId: nullableString(),
      rackId: nullableString(),
      clientId: string(),
      clientHost: string(),
      subscribedTopicNames: array(string()),
      subscribedTopicRegex: nullableString(),
      rebalanceTimeoutMs: int32({ default: -1 }),
      serverAssignor: nullableString(),
      // Here and in assignmentEpochs Kafka writes the null, and reads absence as empty.
      classicMemberMetadata: nullableStruct(
        {
          sessionTimeoutMs: int32(),
          supportedProtocols: array({
            name: string(),
            metadata: bytes(),
          }),
        },
        { tag: 0, default: {} },
      ),
    },
  },
})

/** The epoch of the target assignment of a consumer group. */
export const ConsumerGroupTargetAssignmentMetadataRecord = recordType({
  id: 6,
  name: 'ConsumerGroupTargetAssignmentMetadata',
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

/** The partitions a member of a consumer group shall have. */
export const ConsumerGroupTargetAssignmentMemberRecord = recordType({
  id: 7,
  name: 'ConsumerGroupTargetAssignmentMember',
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

/** The partitions a member of a consumer group has, and those it must give up. */
export const ConsumerGroupCurrentMemberAssignmentRecord = recordType({
  id: 8,
  name: 'ConsumerGroupCurrentMemberAssignment',
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
        assignmentEpochs: nullableArray(int32(), { tag: 0, default: [] }),
      }),
      partitionsPendingRevocation: array({
        topicId: uuid(),
        partitions: array(int32()),
        assignmentEpochs: nullableArray(int32(), { tag: 0, default: [] }),
      }),
    },
  },
})

/** The topics a regular expression of a consumer group matched. */
export const ConsumerGroupRegularExpressionRecord = recordType({
  id: 16,
  name: 'ConsumerGroupRegularExpression',
  key: {
    groupId: string(),
    regularExpression: string(),
  },
  value: {
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
      topics: array(string()),
      version: int64(),
      timestamp: int64(),
    },
  },
})
