import {
  array,
  int8,
  int16,
  int32,
  int64,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  uint16,
} from '../schema.ts'
import { recordType } from './record-type.ts'

/** The epoch of a streams group (KIP-1071). */
export const StreamsGroupMetadataRecord = recordType({
  id: 17,
  name: 'StreamsGroupMetadata',
  key: {
    groupId: string(),
  },
  value: {
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
      epoch: int32(),
      metadataHash: int64(),
      validatedTopologyEpoch: int32({ tag: 0, default: -1 }),
      lastAssignmentConfigs: nullableArray(
        {
          key: string(),
          value: string(),
        },
        { tag: 1, default: [] },
      ),
      storedDescriptionTopologyEpoch: int32({ tag: 2, default: -1 }),
      failedDescriptionTopologyEpoch: int32({ tag: 3, default: -1 }),
    },
  },
})

/** What a member of a streams group said about itself. */
export const StreamsGroupMemberMetadataRecord = recordType({
  id: 19,
  name: 'StreamsGroupMemberMetadata',
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
      rebalanceTimeoutMs: int32({ default: -1 }),
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
    },
  },
})

/** The epoch of the target assignment of a streams group. */
export const StreamsGroupTargetAssignmentMetadataRecord = recordType({
  id: 20,
  name: 'StreamsGroupTargetAssignmentMetadata',
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

/** The tasks a member of a streams group shall have. */
export const StreamsGroupTargetAssignmentMemberRecord = recordType({
  id: 21,
  name: 'StreamsGroupTargetAssignmentMember',
  key: {
    groupId: string(),
    memberId: string(),
  },
  value: {
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
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
    },
  },
})

/** The tasks a member of a streams group has, and those it must give up. */
export const StreamsGroupCurrentMemberAssignmentRecord = recordType({
  id: 22,
  name: 'StreamsGroupCurrentMemberAssignment',
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
      activeTasks: array({
        subtopologyId: string(),
        partitions: array(int32()),
        assignmentEpochs: nullableArray(int32(), { tag: 0, default: [] }),
      }),
      standbyTasks: array({
        subtopologyId: string(),
        partitions: array(int32()),
        assignmentEpochs: nullableArray(int32(), { tag: 0, default: [] }),
      }),
      warmupTasks: array({
        subtopologyId: string(),
        partitions: array(int32()),
        assignmentEpochs: nullableArray(int32(), { tag: 0, default: [] }),
      }),
      activeTasksPendingRevocation: array({
        subtopologyId: string(),
        partitions: array(int32()),
        assignmentEpochs: nullableArray(int32(), { tag: 0, default: [] }),
      }),
      standbyTasksPendingRevocation: array({
        subtopologyId: string(),
        partitions: array(int32()),
        assignmentEpochs: nullableArray(int32(), { tag: 0, default: [] }),
      }),
      warmupTasksPendingRevocation: array({
        subtopologyId: string(),
        partitions: array(int32()),
        assignmentEpochs: nullableArray(int32(), { tag: 0, default: [] }),
      }),
    },
  },
})

/** The topology of a streams group. */
export const StreamsGroupTopologyRecord = recordType({
  id: 23,
  name: 'StreamsGroupTopology',
  key: {
    groupId: string(),
  },
  value: {
    versions: [0, 0],
    flexibleSince: 0,
    fields: {
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
  },
})
