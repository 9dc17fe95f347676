import { ZERO_UUID } from '../../base/uuid.ts'
import { ProtocolError } from '../../protocol/bytes/protocol-error.ts'
import {
  GroupMetadataRecord,
  LegacyOffsetCommitRecord,
  OffsetCommitRecord,
} from '../../protocol/embedded/classic-group-records.ts'
import {
  ConsumerGroupCurrentMemberAssignmentRecord,
  ConsumerGroupMemberMetadataRecord,
  ConsumerGroupMetadataRecord,
  ConsumerGroupPartitionMetadataRecord,
  ConsumerGroupRegularExpressionRecord,
  ConsumerGroupTargetAssignmentMemberRecord,
  ConsumerGroupTargetAssignmentMetadataRecord,
} from '../../protocol/embedded/consumer-group-records.ts'
import {
  decodeRecord,
  encodeRecordKey,
  encodeRecordValue,
  type InternalRecord,
  type RecordType,
  type ValueOf,
} from '../../protocol/embedded/record-type.ts'

/** Records of `__consumer_offsets` that coordinators write and replay (groups.md section 12). */
const recordTypes = [
  OffsetCommitRecord,
  GroupMetadataRecord,
  ConsumerGroupMetadataRecord,
  // Not written any more, but deleted with the group.
  ConsumerGroupPartitionMetadataRecord,
  ConsumerGroupMemberMetadataRecord,
  ConsumerGroupTargetAssignmentMetadataRecord,
  ConsumerGroupTargetAssignmentMemberRecord,
  ConsumerGroupCurrentMemberAssignmentRecord,
  ConsumerGroupRegularExpressionRecord,
] as const
const readableTypes = [LegacyOffsetCommitRecord, ...recordTypes] as const

/** A record in the making or just read; a null value is a tombstone. */
export type GroupRecord = InternalRecord<(typeof recordTypes)[number]>

export type OffsetCommitValue = ValueOf<typeof OffsetCommitRecord>
export type GroupMetadataValue = ValueOf<typeof GroupMetadataRecord>
export type MemberMetadataValue = ValueOf<typeof ConsumerGroupMemberMetadataRecord>
export type CurrentAssignmentValue = ValueOf<typeof ConsumerGroupCurrentMemberAssignmentRecord>
export type GroupMetadataMember = GroupMetadataValue['members'][number]

const typesByName = new Map<string, RecordType>(recordTypes.map((type) => [type.name, type]))

interface RecordBytes {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

/** Throws ProtocolError when a string is longer than the format allows. */
export function encodeGroupRecord(record: GroupRecord): RecordBytes {
  const type = typesByName.get(record.type)!
  return {
    key: encodeRecordKey(type, record.key),
    value: record.value && encodeRecordValue(type, valueVersion(record), record.value),
  }
}

/** The version that Kafka 4.3 writes. */
function valueVersion(record: GroupRecord): number {
  switch (record.type) {
    case 'OffsetCommit':
      // Only version 1 carries an expiry of its own.
      return record.value === null || record.value.expireTimestamp === -1 ? 4 : 1
    case 'GroupMetadata':
      return 3
    default:
      return 0
  }
}

/** Undefined: a kind or version that is not known here, or bytes that are no such record. */
export function decodeGroupRecord({ key, value }: RecordBytes): GroupRecord | undefined {
  try {
    const record = decodeRecord(readableTypes, bufferOf(key), value && bufferOf(value))
    if (record?.type !== 'LegacyOffsetCommit') return record
    return {
      type: 'OffsetCommit',
      key: record.key,
      value: record.value && {
        ...record.value,
        leaderEpoch: -1,
        expireTimestamp: -1,
        topicId: ZERO_UUID,
      },
    }
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
