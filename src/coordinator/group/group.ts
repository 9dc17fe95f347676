import type { Uuid } from '../../base/uuid.ts'
import type { ErrorCode } from '../../protocol/error-code.ts'
import type { CommittedOffset } from './group-offsets.ts'
import type { GroupRecord } from './group-records.ts'

/** Who commits offsets, as what, and of what. */
export interface Committer {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly generationIdOrMemberEpoch: number
  readonly apiVersion: number
  readonly transactional: boolean
  readonly topics: readonly CommitterTopic[]
}

export interface CommitterTopic {
  readonly topicId: Uuid
  readonly partitions: readonly { readonly partitionIndex: number }[]
}

/** What offset and admin requests need to know of a group of any type. */
export interface Group {
  /** As ListGroups names it. */
  readonly type: 'classic' | 'consumer'
  readonly groupId: string
  readonly isEmpty: boolean
  readonly members: ReadonlyMap<string, unknown>
  /** As responses name it. */
  readonly state: string
  readonly protocolType: string | null
  checkOffsetCommit(committer: Committer): ErrorCode
  checkOffsetFetch(memberId: string | null, memberEpoch: number): ErrorCode
  checkOffsetDelete(): ErrorCode
  isSubscribedTo(topic: string): boolean
  /** From when an offset's retention counts; null: it does not expire now. */
  retentionBaseMs(offset: CommittedOffset): number | null
  /** Records that delete the group itself. */
  tombstones(): GroupRecord[]
}
