import { type Uuid, ZERO_UUID } from '../../base/uuid.ts'
import type { OffsetCommit } from '../../protocol/apis/08-offset-commit.ts'
import type { OffsetFetch } from '../../protocol/apis/09-offset-fetch.ts'
import type { TxnOffsetCommit } from '../../protocol/apis/28-txn-offset-commit.ts'
import type { OffsetDelete } from '../../protocol/apis/47-offset-delete.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { Group } from './group.ts'
import { type CommittedOffset, type GroupOffsets, tombstone } from './group-offsets.ts'
import type { GroupRecord } from './group-records.ts'

export type OffsetCommitRequest = RequestOf<typeof OffsetCommit>
export type OffsetCommitResponse = ResponseOf<typeof OffsetCommit>
export type TxnOffsetCommitRequest = RequestOf<typeof TxnOffsetCommit>
/** What both kinds of commit answer. */
export type CommitResponse = Pick<OffsetCommitResponse, 'topics'>
export type OffsetDeleteRequest = RequestOf<typeof OffsetDelete>
export type OffsetDeleteResponse = ResponseOf<typeof OffsetDelete>
export type OffsetFetchGroup = RequestOf<typeof OffsetFetch>['groups'][number]
export type OffsetFetchGroupResponse = NonNullable<ResponseOf<typeof OffsetFetch>['groups']>[number]

/** What OffsetCommit and TxnOffsetCommit have in common. */
export type CommitTopic = TxnOffsetCommitRequest['topics'][number]
type CommitPartition = CommitTopic['partitions'][number]

/** What a commit stores, and what it answers when that is stored. */
export interface CommitPlan {
  readonly records: readonly GroupRecord[]
  readonly topics: OffsetCommitResponse['topics']
}

export interface CommitRules {
  readonly offsetMetadataMaxBytes: number
  /** -1: as the group's retention says. */
  readonly expireTimestampMs: number
  readonly nowMs: number
}

/** `topics` have both name and id: handlers resolve them. */
export function planCommit(
  groupId: string,
  topics: readonly CommitTopic[],
  rules: CommitRules,
): CommitPlan {
  const records: GroupRecord[] = []
  const answers = topics.map((topic) => ({
    name: topic.name,
    topicId: topic.topicId,
    partitions: topic.partitions.map((partition) => {
      const errorCode = checkPartition(partition, rules)
      if (errorCode === ErrorCode.NONE) {
        records.push(offsetRecord(groupId, topic, partition, rules))
      }
      return { partitionIndex: partition.partitionIndex, errorCode }
    }),
  }))
  return { records, topics: answers }
}

function checkPartition(partition: CommitPartition, rules: CommitRules): ErrorCode {
  if ((partition.committedMetadata ?? '').length > rules.offsetMetadataMaxBytes) {
    return ErrorCode.OFFSET_METADATA_TOO_LARGE
  }
  // Beyond what a number holds exactly: it would come back as another offset.
  return Math.abs(partition.committedOffset) < Number.MAX_SAFE_INTEGER
    ? ErrorCode.NONE
    : ErrorCode.INVALID_COMMIT_OFFSET_SIZE
}

function offsetRecord(
  group: string,
  topic: CommitTopic,
  partition: CommitPartition,
  rules: CommitRules,
): GroupRecord {
  return {
    type: 'OffsetCommit',
    key: { group, topic: topic.name, partition: partition.partitionIndex },
    value: {
      offset: partition.committedOffset,
      leaderEpoch: Math.max(partition.committedLeaderEpoch, -1),
      metadata: partition.committedMetadata ?? '',
      commitTimestamp: rules.nowMs,
      expireTimestamp: rules.expireTimestampMs,
      topicId: topic.topicId,
    },
  }
}

/** Everything of `topics` answered with one code. */
export function commitFailure(
  topics: readonly CommitTopic[],
  errorCode: ErrorCode,
): CommitResponse {
  return {
    topics: topics.map((topic) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitions: topic.partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  }
}

const noOffset = { committedOffset: -1, committedLeaderEpoch: -1, metadata: '' }

/** One group's offsets; `topics` null asks for all there are. */
export function fetchOffsets(
  group: Group | undefined,
  request: OffsetFetchGroup,
  requireStable: boolean,
  offsets: GroupOffsets,
): OffsetFetchGroupResponse {
  const { groupId } = request
  const errorCode = group?.checkOffsetFetch(request.memberId, request.memberEpoch) ?? ErrorCode.NONE
  if (errorCode !== ErrorCode.NONE) return { groupId, topics: [], errorCode }
  const answer = (topic: string, topicId: Uuid, partitionIndex: number) => {
    if (requireStable && offsets.hasPending(groupId, topic, partitionIndex)) {
      return { partitionIndex, ...noOffset, errorCode: ErrorCode.UNSTABLE_OFFSET_COMMIT }
    }
    const offset = group && offsets.committed.get(groupId, topic, partitionIndex)
    if (!offset || isOfOtherTopic(offset, topicId)) {
      return { partitionIndex, ...noOffset, errorCode: ErrorCode.NONE }
    }
    return {
      partitionIndex,
      committedOffset: offset.committedOffset,
      committedLeaderEpoch: offset.leaderEpoch,
      metadata: offset.metadata,
      errorCode: ErrorCode.NONE,
    }
  }
  const topics = request.topics ?? allTopics(group, offsets)
  return {
    groupId,
    topics: topics.map((topic) => ({
      name: topic.name,
      topicId: topic.topicId,
      partitions: topic.partitionIndexes.map((partition) =>
        answer(topic.name, topic.topicId, partition),
      ),
    })),
    errorCode: ErrorCode.NONE,
  }
}

function allTopics(group: Group | undefined, offsets: GroupOffsets) {
  if (!group) return []
  return [...offsets.committed.topics(group.groupId)].map(([name, partitions]) => ({
    name,
    topicId: ZERO_UUID,
    partitionIndexes: [...partitions.keys()],
  }))
}

/** An offset of a deleted topic says nothing about the one that has its name now. */
function isOfOtherTopic(offset: CommittedOffset, topicId: Uuid): boolean {
  return topicId !== ZERO_UUID && offset.topicId !== ZERO_UUID && offset.topicId !== topicId
}

export interface DeletePlan {
  readonly records: readonly GroupRecord[]
  readonly topics: OffsetDeleteResponse['topics']
}

/** Deletes what is stored of each partition, unless the group's members consume its topic. */
export function planDelete(
  group: Group,
  topics: OffsetDeleteRequest['topics'],
  offsets: GroupOffsets,
): DeletePlan {
  const { groupId } = group
  const records: GroupRecord[] = []
  const answers = topics.map(({ name, partitions }) => {
    const subscribed = group.isSubscribedTo(name)
    return {
      name,
      partitions: partitions.map(({ partitionIndex }) => {
        if (subscribed) {
          return { partitionIndex, errorCode: ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC }
        }
        const stored =
          offsets.committed.get(groupId, name, partitionIndex) !== undefined ||
          offsets.hasPending(groupId, name, partitionIndex)
        if (stored) records.push(tombstone(groupId, name, partitionIndex))
        return { partitionIndex, errorCode: ErrorCode.NONE }
      }),
    }
  })
  return { records, topics: answers }
}

export interface Expiry {
  readonly nowMs: number
  readonly retentionMs: number
}

/** Tombstones of the group's expired offsets, and whether nothing is left of them. */
export function planExpiry(
  group: Group,
  offsets: GroupOffsets,
  expiry: Expiry,
): { readonly records: readonly GroupRecord[]; readonly allExpired: boolean } {
  const records: GroupRecord[] = []
  let allExpired = !offsets.hasOpenTransaction(group.groupId)
  for (const [topic, partitions] of offsets.committed.topics(group.groupId)) {
    const subscribed = group.isSubscribedTo(topic)
    for (const [partition, offset] of partitions) {
      const pending = offsets.hasPending(group.groupId, topic, partition)
      if (!subscribed && !pending && isExpired(group, offset, expiry)) {
        records.push(tombstone(group.groupId, topic, partition))
      } else allExpired = false
    }
  }
  return { records, allExpired }
}

function isExpired(group: Group, offset: CommittedOffset, expiry: Expiry): boolean {
  const baseMs = group.retentionBaseMs(offset)
  if (baseMs === null) return false
  if (offset.expireTimestampMs !== -1) return expiry.nowMs >= offset.expireTimestampMs
  return expiry.nowMs - baseMs >= expiry.retentionMs
}
