import {
  GroupMetadataRecord,
  LegacyOffsetCommitRecord,
  OffsetCommitRecord,
} from './classic-group-records.ts'
import {
  ConsumerGroupCurrentMemberAssignmentRecord,
  ConsumerGroupMemberMetadataRecord,
  ConsumerGroupMetadataRecord,
  ConsumerGroupPartitionMetadataRecord,
  ConsumerGroupRegularExpressionRecord,
  ConsumerGroupTargetAssignmentMemberRecord,
  ConsumerGroupTargetAssignmentMetadataRecord,
} from './consumer-group-records.ts'
import {
  ShareGroupCurrentMemberAssignmentRecord,
  ShareGroupMemberMetadataRecord,
  ShareGroupMetadataRecord,
  ShareGroupStatePartitionMetadataRecord,
  ShareGroupTargetAssignmentMemberRecord,
  ShareGroupTargetAssignmentMetadataRecord,
} from './share-group-records.ts'
import {
  StreamsGroupCurrentMemberAssignmentRecord,
  StreamsGroupMemberMetadataRecord,
  StreamsGroupMetadataRecord,
  StreamsGroupTargetAssignmentMemberRecord,
  StreamsGroupTargetAssignmentMetadataRecord,
  StreamsGroupTopologyRecord,
} from './streams-group-records.ts'

/** Every record type of `__consumer_offsets` (reference: groups.md, section 12). */
export const consumerOffsetsRecords = [
  LegacyOffsetCommitRecord,
  OffsetCommitRecord,
  GroupMetadataRecord,
  ConsumerGroupMetadataRecord,
  ConsumerGroupPartitionMetadataRecord,
  ConsumerGroupMemberMetadataRecord,
  ConsumerGroupTargetAssignmentMetadataRecord,
  ConsumerGroupTargetAssignmentMemberRecord,
  ConsumerGroupCurrentMemberAssignmentRecord,
  ShareGroupMemberMetadataRecord,
  ShareGroupMetadataRecord,
  ShareGroupTargetAssignmentMetadataRecord,
  ShareGroupTargetAssignmentMemberRecord,
  ShareGroupCurrentMemberAssignmentRecord,
  ShareGroupStatePartitionMetadataRecord,
  ConsumerGroupRegularExpressionRecord,
  StreamsGroupMetadataRecord,
  StreamsGroupMemberMetadataRecord,
  StreamsGroupTargetAssignmentMetadataRecord,
  StreamsGroupTargetAssignmentMemberRecord,
  StreamsGroupCurrentMemberAssignmentRecord,
  StreamsGroupTopologyRecord,
] as const
