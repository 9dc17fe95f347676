import { ZERO_UUID } from '../../base/uuid.ts'
import { MAX_STRING_BYTES } from '../../protocol/bytes/reader.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { type RecordOrigin, type ReplyTo, reply, wake } from '../effect.ts'
import { ClassicGroup, emptyGroupRecord } from './classic-group.ts'
import { type JoinRequest, joinClassicGroup, joinOf } from './classic-join.ts'
import type { JoinResponse, SyncResponse } from './classic-member.ts'
import {
  type Effects,
  failSyncs,
  JOIN_TIMER,
  joinError,
  joinTimeIsUp,
  prepareRebalance,
  restartSession,
  STORE_TIMER,
  SYNC_TIMER,
  sessionIsOver,
  sessionMember,
  storeAgain,
  syncError,
  syncTimeIsUp,
} from './classic-rebalance.ts'
import {
  type HeartbeatRequest,
  type HeartbeatResponse,
  heartbeatClassicGroup,
  type LeaveRequest,
  type LeaveResponse,
  leaveClassicGroup,
  type SyncRequest,
  syncClassicGroup,
} from './classic-requests.ts'
import { ConsumerCoordinator } from './consumer-coordinator.ts'
import { ConsumerGroup } from './consumer-group.ts'
import type { ConsumerHeartbeatRequest, ConsumerHeartbeatResponse } from './consumer-heartbeat.ts'
import type { Group } from './group.ts'
import {
  type DescribedConsumerGroup,
  type DescribedGroup,
  describeClassicGroup,
  describeConsumerGroup,
  type ListedGroup,
  type ListFilter,
  listGroups,
} from './group-admin.ts'
import type { Client, GroupContext } from './group-context.ts'
import { GroupOffsets } from './group-offsets.ts'
import type { GroupRecord } from './group-records.ts'
import { GroupRegister } from './group-register.ts'
import {
  type CommitPlan,
  type CommitResponse,
  type CommitTopic,
  commitFailure,
  fetchOffsets,
  type OffsetCommitRequest,
  type OffsetDeleteRequest,
  type OffsetDeleteResponse,
  type OffsetFetchGroup,
  type OffsetFetchGroupResponse,
  planCommit,
  planDelete,
  planExpiry,
  type TxnOffsetCommitRequest,
} from './offset-requests.ts'

/** Timers of the coordinator itself have no group; no group that has timers is called ''. */
const NO_GROUP = ''
const EXPIRY_TIMER = 'expiry'
export const RESIZE_TIMER = 'resize'

/** An unknown group with a generation: named for what it is from this version of OffsetCommit on. */
const GROUP_ID_NOT_FOUND_SINCE = 9

/**
 * All groups of one partition of `__consumer_offsets`. Pure: requests, timers and time in, effects
 * out (effect.ts). What must survive a restart changes only in `replay` and `replayMarker`.
 */
export class GroupCoordinator {
  readonly #context: GroupContext
  readonly #groups = new GroupRegister()
  readonly #offsets = new GroupOffsets()
  readonly #consumers: ConsumerCoordinator

  constructor(context: GroupContext) {
    this.#context = context
    this.#consumers = new ConsumerCoordinator(this.#groups.byId, context)
  }

  get groups(): ReadonlyMap<string, Group> {
    return this.#groups.byId
  }

  get offsets(): GroupOffsets {
    return this.#offsets
  }

  joinGroup(
    request: JoinRequest,
    client: Client,
    to: ReplyTo<JoinResponse>,
    nowMs: number,
  ): Effects {
    const { groupId, memberId } = request
    const errorCode = this.#checkJoin(request)
    if (errorCode !== ErrorCode.NONE) return [reply(to, joinError(errorCode, memberId))]
    const join = joinOf(request, client, to, nowMs)
    const group = this.#groups.get(groupId)
    if (group instanceof ClassicGroup) return joinClassicGroup(group, join, this.#context)
    if (group instanceof ConsumerGroup && !group.isEmpty) return this.#consumers.join(group, join)
    if (memberId !== '') return [reply(to, joinError(ErrorCode.UNKNOWN_MEMBER_ID, memberId))]
    return [
      {
        type: 'append',
        atomic: true,
        // A consumer group without members changes its type.
        records: [...(group?.tombstones() ?? []), emptyGroupRecord(groupId, nowMs)],
        committed: () => joinClassicGroup(this.#groups.classic(groupId)!, join, this.#context),
        failed: (error) => [reply(to, joinError(error, memberId))],
      },
    ]
  }

  #checkJoin(request: JoinRequest): ErrorCode {
    const { groupMinSessionTimeoutMs, groupMaxSessionTimeoutMs } = this.#context.settings
    const { groupId, sessionTimeoutMs } = request
    if (groupId === '') return ErrorCode.INVALID_GROUP_ID
    // Bad UTF-8 grows when it is replaced, and these go to other members and into records.
    const names = [request.groupInstanceId ?? '', request.protocolType]
    for (const { name } of request.protocols) names.push(name)
    if (!names.every(fitsString)) return ErrorCode.INVALID_REQUEST
    return sessionTimeoutMs < groupMinSessionTimeoutMs ||
      sessionTimeoutMs > groupMaxSessionTimeoutMs
      ? ErrorCode.INVALID_SESSION_TIMEOUT
      : ErrorCode.NONE
  }

  syncGroup(request: SyncRequest, to: ReplyTo<SyncResponse>, nowMs: number): Effects {
    if (request.groupId === '') return [reply(to, syncError(ErrorCode.INVALID_GROUP_ID))]
    const group = this.#groups.get(request.groupId)
    if (!group || group.isEmpty) return [reply(to, syncError(ErrorCode.UNKNOWN_MEMBER_ID))]
    return group instanceof ConsumerGroup
      ? this.#consumers.sync(group, request, to, nowMs)
      : syncClassicGroup(group, request, to, this.#context.settings, nowMs)
  }

  heartbeat(request: HeartbeatRequest, to: ReplyTo<HeartbeatResponse>, nowMs: number): Effects {
    if (request.groupId === '') return [reply(to, { errorCode: ErrorCode.INVALID_GROUP_ID })]
    const group = this.#groups.get(request.groupId)
    if (!group) return [reply(to, { errorCode: ErrorCode.UNKNOWN_MEMBER_ID })]
    return group instanceof ConsumerGroup
      ? this.#consumers.beat(group, request, to, nowMs)
      : heartbeatClassicGroup(group, request, to, nowMs)
  }

  /** `request.members` in all versions: handlers put the single member of old ones there. */
  leaveGroup(request: LeaveRequest, to: ReplyTo<LeaveResponse>, nowMs: number): Effects {
    if (request.groupId === '') {
      return [reply(to, { errorCode: ErrorCode.INVALID_GROUP_ID, members: [] })]
    }
    const group = this.#groups.get(request.groupId)
    if (group instanceof ConsumerGroup) {
      return this.#consumers.leaveGroup(group, request.members, to, nowMs)
    }
    if (group) return leaveClassicGroup(group, request.members, to, this.#context.settings, nowMs)
    const members = request.members.map(({ memberId, groupInstanceId }) => ({
      memberId,
      groupInstanceId,
      errorCode: ErrorCode.UNKNOWN_MEMBER_ID,
    }))
    return [reply(to, { errorCode: ErrorCode.NONE, members })]
  }

  consumerGroupHeartbeat(
    request: ConsumerHeartbeatRequest,
    client: Client,
    to: ReplyTo<ConsumerHeartbeatResponse>,
    nowMs: number,
  ): Effects {
    return this.#consumers.heartbeat(request, client, to, nowMs)
  }

  /** Every topic has its name and, where known, its id. */
  offsetCommit(
    request: OffsetCommitRequest,
    client: Client,
    to: ReplyTo<CommitResponse>,
    nowMs: number,
  ): Effects {
    const { groupId, memberId, retentionTimeMs } = request
    const group = this.#groups.get(groupId)
    const committer = { ...request, apiVersion: client.apiVersion, transactional: false }
    const errorCode =
      group?.checkOffsetCommit(committer) ??
      unknownGroupError(request.generationIdOrMemberEpoch, client.apiVersion)
    if (errorCode !== ErrorCode.NONE) return [reply(to, commitFailure(request.topics, errorCode))]
    const effects: Effects = []
    if (group instanceof ClassicGroup && group.state !== 'CompletingRebalance') {
      const member = group.members.get(memberId)
      if (member) restartSession(group, member, nowMs, effects)
    }
    const plan = planCommit(groupId, request.topics, {
      offsetMetadataMaxBytes: this.#context.settings.offsetMetadataMaxBytes,
      expireTimestampMs: retentionTimeMs === -1 ? -1 : nowMs + retentionTimeMs,
      nowMs,
    })
    return [...effects, ...storeCommit(plan, request, to)]
  }

  /** Pending until the marker of the producer's transaction is replayed. */
  txnOffsetCommit(
    request: TxnOffsetCommitRequest,
    client: Client,
    to: ReplyTo<CommitResponse>,
    nowMs: number,
  ): Effects {
    const { groupId, generationIdOrMemberEpoch, producerId, producerEpoch } = request
    const committer = { ...request, apiVersion: client.apiVersion, transactional: true }
    let errorCode: ErrorCode = ErrorCode.INVALID_GROUP_ID
    if (groupId !== '') {
      const group = this.#groups.get(groupId)
      errorCode =
        group?.checkOffsetCommit(committer) ?? unknownGroupError(generationIdOrMemberEpoch, 0)
    }
    // Producers know generations only.
    if (errorCode === ErrorCode.STALE_MEMBER_EPOCH) errorCode = ErrorCode.ILLEGAL_GENERATION
    if (errorCode !== ErrorCode.NONE) return [reply(to, commitFailure(request.topics, errorCode))]
    const { offsetMetadataMaxBytes } = this.#context.settings
    const rules = { offsetMetadataMaxBytes, expireTimestampMs: -1, nowMs }
    const plan = planCommit(groupId, request.topics, rules)
    return storeCommit(plan, request, to, { producerId, producerEpoch })
  }

  /** `request.topics` null asks for all. Reads what is committed now. */
  offsetFetch(request: OffsetFetchGroup, requireStable: boolean): OffsetFetchGroupResponse {
    return fetchOffsets(this.#groups.get(request.groupId), request, requireStable, this.#offsets)
  }

  describeClassicGroup(groupId: string, apiVersion: number): DescribedGroup {
    return describeClassicGroup(this.#groups.get(groupId), groupId, apiVersion)
  }

  /** Throws KafkaError GROUP_ID_NOT_FOUND. */
  describeConsumerGroup(groupId: string): DescribedConsumerGroup {
    return describeConsumerGroup(this.#groups.get(groupId), groupId, this.#context)
  }

  listGroups(filter: ListFilter): ListedGroup[] {
    return listGroups(this.#groups.byId.values(), filter)
  }

  offsetDelete(request: OffsetDeleteRequest, to: ReplyTo<OffsetDeleteResponse>): Effects {
    const failure = (errorCode: ErrorCode) =>
      reply(to, { errorCode, throttleTimeMs: 0, topics: [] })
    if (request.groupId === '') return [failure(ErrorCode.INVALID_GROUP_ID)]
    const group = this.#groups.get(request.groupId)
    const errorCode = group?.checkOffsetDelete() ?? ErrorCode.GROUP_ID_NOT_FOUND
    if (!group || errorCode !== ErrorCode.NONE) return [failure(errorCode)]
    const { records, topics } = planDelete(group, request.topics, this.#offsets)
    const success = reply(to, { errorCode: ErrorCode.NONE, throttleTimeMs: 0, topics })
    return deleted(records, [success], (error) => [failure(error)])
  }

  /** Answers the error code of each of `groupIds`, in their order. */
  deleteGroups(groupIds: readonly string[], to: ReplyTo<readonly ErrorCode[]>): Effects {
    const records: GroupRecord[] = []
    const errorCodes = groupIds.map((groupId) => {
      const group = this.#groups.get(groupId)
      if (!group) return ErrorCode.GROUP_ID_NOT_FOUND
      if (!group.isEmpty || isRebalancing(group)) return ErrorCode.NON_EMPTY_GROUP
      records.push(...this.#offsets.tombstones(groupId), ...group.tombstones())
      return ErrorCode.NONE
    })
    return deleted(records, [reply(to, errorCodes)], (error) => [
      reply(
        to,
        errorCodes.map((code) => (code === ErrorCode.NONE ? error : code)),
      ),
    ])
  }

  /** Topics are gone, and with them what groups stored about them. */
  topicsDeleted(topics: readonly { readonly name: string; readonly topicId: string }[]): Effects {
    const deletedIds = new Map(topics.map(({ name, topicId }) => [name, topicId]))
    const records = this.#offsets.tombstonesOfTopics((name, topicId) => {
      const deletedId = deletedIds.get(name)
      return deletedId !== undefined && (topicId === ZERO_UUID || topicId === deletedId)
    })
    return deleted(records, [], () => [])
  }

  wake(groupId: string, timer: string, nowMs: number): Effects {
    if (groupId === NO_GROUP) return timer === EXPIRY_TIMER ? this.#expire(nowMs) : []
    const group = this.#groups.get(groupId)
    if (!group) return []
    if (group instanceof ConsumerGroup) return this.#consumers.wake(group, timer, nowMs)
    const { settings } = this.#context
    const effects: Effects = []
    const memberId = sessionMember(timer)
    if (memberId !== undefined) sessionIsOver(group, memberId, settings, nowMs, effects)
    else if (timer === JOIN_TIMER) {
      joinTimeIsUp(group, settings.groupInitialRebalanceDelayMs, nowMs, effects)
    } else if (timer === SYNC_TIMER) syncTimeIsUp(group, settings, nowMs, effects)
    else if (timer === STORE_TIMER) storeAgain(group, effects)
    else if (timer === RESIZE_TIMER && group.state === 'Stable') {
      prepareRebalance(group, settings, nowMs, effects)
    }
    return effects
  }

  /** Deletes what nobody needs any more, and comes again. */
  #expire(nowMs: number): Effects {
    const { offsetsRetentionMinutes, offsetsRetentionCheckIntervalMs } = this.#context.settings
    const expiry = { nowMs, retentionMs: offsetsRetentionMinutes * 60_000 }
    const records: GroupRecord[] = []
    for (const group of this.#groups.byId.values()) {
      const plan = planExpiry(group, this.#offsets, expiry)
      records.push(...plan.records)
      if (plan.allExpired && group.isEmpty && !isRebalancing(group)) {
        records.push(...group.tombstones())
      }
    }
    const again = wake(NO_GROUP, EXPIRY_TIMER, nowMs + offsetsRetentionCheckIntervalMs)
    return [again, ...deleted(records, [], () => [])]
  }

  /** After the last record of the log: sessions of the members that it told of begin. */
  loaded(nowMs: number): Effects {
    const { offsetsRetentionCheckIntervalMs, groupMaxSize } = this.#context.settings
    const effects: Effects = [wake(NO_GROUP, EXPIRY_TIMER, nowMs + offsetsRetentionCheckIntervalMs)]
    for (const group of this.#groups.byId.values()) {
      if (group instanceof ConsumerGroup) {
        effects.push(...this.#consumers.loaded(group, nowMs))
        continue
      }
      for (const member of group.members.values()) restartSession(group, member, nowMs, effects)
      if (group.members.size > groupMaxSize) {
        effects.push(wake(group.groupId, RESIZE_TIMER, nowMs))
      }
    }
    return effects
  }

  /** This broker is not the coordinator any more: nobody waits in vain. */
  unloaded(nowMs: number): Effects {
    const effects: Effects = []
    for (const group of this.#groups.byId.values()) {
      if (!(group instanceof ClassicGroup)) continue
      for (const member of group.members.values()) {
        if (member.awaitingJoin === null) continue
        effects.push(reply(member.awaitingJoin, joinError(ErrorCode.NOT_COORDINATOR, '')))
        member.awaitingJoin = null
      }
      failSyncs(group, ErrorCode.NOT_COORDINATOR, nowMs, effects)
    }
    return effects
  }

  replay(record: GroupRecord, origin: RecordOrigin): void {
    if (record.type !== 'OffsetCommit') {
      this.#groups.replay(record)
      return
    }
    const { key, value } = record
    if (value !== null) this.#groups.openSimple(key.group, value.commitTimestamp)
    this.#offsets.replay(key, value, origin)
  }

  replayMarker(producerId: number, result: 'commit' | 'abort'): void {
    this.#offsets.replayMarker(producerId, result)
  }
}

function fitsString(text: string): boolean {
  return text.length * 3 <= MAX_STRING_BYTES || Buffer.byteLength(text) <= MAX_STRING_BYTES
}

function unknownGroupError(generationIdOrMemberEpoch: number, apiVersion: number): ErrorCode {
  if (generationIdOrMemberEpoch < 0) return ErrorCode.NONE
  return apiVersion >= GROUP_ID_NOT_FOUND_SINCE
    ? ErrorCode.GROUP_ID_NOT_FOUND
    : ErrorCode.ILLEGAL_GENERATION
}

/** In the middle of a rebalance a group counts as used, also when its last member just left. */
function isRebalancing(group: Group): boolean {
  return group instanceof ClassicGroup && group.state !== 'Empty'
}

/** Deletes what `records` name, if anything, before anything else follows. */
function deleted(
  records: readonly GroupRecord[],
  then: Effects,
  failed: (errorCode: ErrorCode) => Effects,
): Effects {
  if (records.length === 0) return then
  return [{ type: 'append', records, atomic: false, committed: () => then, failed }]
}

function storeCommit(
  plan: CommitPlan,
  request: { readonly topics: readonly CommitTopic[] },
  to: ReplyTo<CommitResponse>,
  producer?: { readonly producerId: number; readonly producerEpoch: number },
): Effects {
  const answer = reply(to, { topics: plan.topics })
  if (plan.records.length === 0) return [answer]
  return [
    {
      type: 'append',
      records: plan.records,
      atomic: true,
      ...(producer && { producer }),
      committed: () => [answer],
      failed: (errorCode) => [reply(to, commitFailure(request.topics, errorCode))],
    },
  ]
}
