import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import { forget, type Reply, type ReplyTo, reply, type Wake, wake } from '../effect.ts'
import { ClassicGroup } from './classic-group.ts'
import type { Join } from './classic-join.ts'
import { classicProtocols, type SyncResponse } from './classic-member.ts'
import {
  type Effects,
  failSyncs,
  JOIN_TIMER,
  joinError,
  prepareRebalance,
  restartSession,
  SYNC_TIMER,
  sessionMember,
  sessionTimer,
  syncError,
} from './classic-rebalance.ts'
import type {
  HeartbeatRequest,
  HeartbeatResponse,
  LeaveRequest,
  LeaveResponse,
  SyncRequest,
} from './classic-requests.ts'
import { ConsumerChange } from './consumer-change.ts'
import { beatInConsumerGroup, joinConsumerGroup, syncInConsumerGroup } from './consumer-classic.ts'
import { ConsumerGroup } from './consumer-group.ts'
import {
  type ConsumerHeartbeatRequest,
  type ConsumerHeartbeatResponse,
  checkConsumerHeartbeat,
  heartbeatConsumerGroup,
} from './consumer-heartbeat.ts'
import {
  type ConsumerMember,
  LEFT_FOR_NOW_EPOCH,
  MemberState,
  placeRecord,
} from './consumer-member.ts'
import { findEither, findInstance, findMember, findStaticMember } from './consumer-membership.ts'
import { attempt, heartbeatError, write } from './consumer-outcome.ts'
import { planRemoval } from './consumer-removal.ts'
import type { Group } from './group.ts'
import type { Client, GroupContext } from './group-context.ts'
import { canDowngrade, downgradeRecords, upgrade } from './group-conversion.ts'
import { noPartitions } from './partition-sets.ts'
import { resolveRegexes } from './regex-subscription.ts'

/** Timers of a consumer group besides the sessions of its members. */
const REGEX_TIMER = 'regex'
/** A member must have given up what it was told to. */
const REVOKE_PREFIX = 'revoke/'
/** A classic member must have joined again. */
const REJOIN_PREFIX = 'rejoin/'
/** A classic member must have asked for its assignment. */
const CLASSIC_SYNC_PREFIX = 'sync/'
const WRITE_RETRY_MS = 500
const MEMBER_PREFIXES = [REVOKE_PREFIX, REJOIN_PREFIX, CLASSIC_SYNC_PREFIX]

/**
 * Requests and timers of consumer groups, and of their members that speak the classic protocol:
 * decides by consumer-*.ts, and says what is to be written, answered and watched.
 */
export class ConsumerCoordinator {
  readonly #groups: ReadonlyMap<string, Group>
  readonly #context: GroupContext

  constructor(groups: ReadonlyMap<string, Group>, context: GroupContext) {
    this.#groups = groups
    this.#context = context
  }

  heartbeat(
    request: ConsumerHeartbeatRequest,
    client: Client,
    to: ReplyTo<ConsumerHeartbeatResponse>,
    nowMs: number,
  ): Effects {
    return attempt(
      () => {
        checkConsumerHeartbeat(request, client.apiVersion, this.#context)
        if (request.memberEpoch < 0) return this.#leave(request, to, nowMs)
        return this.#joinOrBeat(request, client, to, nowMs)
      },
      (error) => reply(to, heartbeatError(error.errorCode, error.detail ?? null)),
    )
  }

  #joinOrBeat(
    request: ConsumerHeartbeatRequest,
    client: Client,
    to: ReplyTo<ConsumerHeartbeatResponse>,
    nowMs: number,
  ): Effects {
    const context = this.#context
    const { groupId } = request
    const former = this.#groups.get(groupId)
    const outcome = heartbeatConsumerGroup(this.#open(groupId, request.memberEpoch === 0), {
      request,
      client,
      context,
      nowMs,
    })
    const { change, member, response } = outcome
    return write(
      change.records,
      (writtenMs) => {
        const timeoutMs = context.groupConfig(groupId).consumerSessionTimeoutMs
        const effects: Effects = [
          wake(groupId, sessionTimer(member.memberId), writtenMs + timeoutMs),
        ]
        const isPlaced = change.records.some(
          ({ type }) => type === 'ConsumerGroupCurrentMemberAssignment',
        )
        if (isPlaced) effects.push(revokeTimer(groupId, member, writtenMs))
        this.#settle(groupId, outcome.resolveRegexes, writtenMs, effects)
        if (former instanceof ClassicGroup) this.#abandon(former, writtenMs, effects)
        effects.push(reply(to, response))
        return effects
      },
      (errorCode) => reply(to, heartbeatError(errorCode, null)),
      nowMs,
    )
  }

  /** The group, ready to be changed; a new one, or one made of a classic one, for who joins. */
  #open(groupId: string, joins: boolean): ConsumerChange {
    const group = this.#groups.get(groupId)
    if (group instanceof ConsumerGroup) return new ConsumerChange(group)
    if (!joins) {
      const problem = group ? `Group ${groupId} is not a consumer group.` : undefined
      throw new KafkaError('GROUP_ID_NOT_FOUND', problem ?? `Consumer group ${groupId} not found.`)
    }
    if (!group) return new ConsumerChange(new ConsumerGroup(groupId))
    if (!(group instanceof ClassicGroup)) {
      throw new KafkaError('GROUP_ID_NOT_FOUND', `Group ${groupId} is not a consumer group.`)
    }
    if (group.state === 'Empty') {
      return new ConsumerChange(new ConsumerGroup(groupId), group.tombstones())
    }
    return upgrade(group, this.#context)
  }

  /** What is volatile, once a change is written. */
  #settle(groupId: string, resolve: boolean, nowMs: number, effects: Effects): void {
    const group = this.#groups.get(groupId)
    if (!(group instanceof ConsumerGroup)) return
    group.checkedVersion = this.#context.topics.version
    if (!resolve) return
    group.resolvingRegexes = true
    effects.push(wake(groupId, REGEX_TIMER, nowMs))
  }

  /** The classic group that is now a consumer group: who waits is to join again. */
  #abandon(former: ClassicGroup, nowMs: number, effects: Effects): void {
    const { groupId } = former
    effects.push(forget(groupId, JOIN_TIMER), forget(groupId, SYNC_TIMER))
    for (const member of former.members.values()) {
      if (member.awaitingJoin !== null) {
        const error = joinError(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId)
        effects.push(reply(member.awaitingJoin, error))
        member.awaitingJoin = null
      }
      restartSession(former, member, nowMs, effects)
    }
    failSyncs(former, ErrorCode.REBALANCE_IN_PROGRESS, nowMs, effects)
  }

  #leave(
    request: ConsumerHeartbeatRequest,
    to: ReplyTo<ConsumerHeartbeatResponse>,
    nowMs: number,
  ): Effects {
    const { groupId, memberId, memberEpoch, instanceId } = request
    const group = this.#groups.get(groupId)
    if (!(group instanceof ConsumerGroup)) {
      const problem = group ? 'is not a consumer group' : 'not found'
      throw new KafkaError('GROUP_ID_NOT_FOUND', `Group ${groupId} ${problem}.`)
    }
    const member = findEither(group, memberId, instanceId)
    const answer = reply(to, {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      memberId,
      memberEpoch,
      heartbeatIntervalMs: 0,
    })
    const failed = (errorCode: ErrorCode) => reply(to, heartbeatError(errorCode, null))
    if (memberEpoch !== LEFT_FOR_NOW_EPOCH)
      return this.#remove(group, [member], answer, failed, nowMs)
    const away = { ...member, memberEpoch: LEFT_FOR_NOW_EPOCH, pendingRevocation: noPartitions }
    return write([placeRecord(groupId, away)], () => [answer], failed, nowMs)
  }

  /** Takes members out; their timers end with them. */
  #remove(
    group: ConsumerGroup,
    leaving: readonly ConsumerMember[],
    answer: Reply | undefined,
    failed: (errorCode: ErrorCode, nowMs: number) => Reply | Wake,
    nowMs: number,
  ): Effects {
    const { groupId } = group
    const { records, downgraded } = planRemoval(group, leaving, this.#context, nowMs)
    const committed = (writtenMs: number) => {
      const effects: Effects = []
      for (const { memberId } of leaving) {
        effects.push(forget(groupId, sessionTimer(memberId)))
        for (const prefix of MEMBER_PREFIXES) effects.push(forget(groupId, prefix + memberId))
        group.rejoining.delete(memberId)
      }
      if (answer) effects.push(answer)
      if (downgraded) this.#begin(groupId, downgraded, writtenMs, effects)
      return effects
    }
    return write(records, committed, failed, nowMs)
  }

  /** A group that went back to the classic protocol begins with a rebalance. */
  #begin(
    groupId: string,
    members: readonly ConsumerMember[],
    nowMs: number,
    effects: Effects,
  ): void {
    const classic = this.#groups.get(groupId)
    if (!(classic instanceof ClassicGroup)) return
    // Members go on with the epoch they have, and are told to join again.
    classic.generationId--
    for (const { memberId, classic: facet } of members) {
      for (const prefix of MEMBER_PREFIXES) effects.push(forget(groupId, prefix + memberId))
      const member = classic.members.get(memberId)
      if (!member || !facet) continue
      member.protocols = classicProtocols(facet.supportedProtocols)
      restartSession(classic, member, nowMs, effects)
    }
    prepareRebalance(classic, this.#context.settings, nowMs, effects)
  }

  join(group: ConsumerGroup, join: Join): Effects {
    const { request, client, to } = join
    const change = new ConsumerChange(group)
    return attempt(
      () => {
        const { memberId, evolved } = joinConsumerGroup(change, join, this.#context)
        if (!evolved) return [reply(to, joinError(ErrorCode.MEMBER_ID_REQUIRED, memberId))]
        const staying = change.members()
        if (request.groupInstanceId !== null && canDowngrade(staying, this.#context)) {
          return this.#joinDowngraded(change, staying, memberId, join)
        }
        return this.#joined(change, evolved.member, evolved.resolveRegexes, join)
      },
      (error) => {
        const isKnown = client.apiVersion > 0 && error.errorCode === ErrorCode.FENCED_INSTANCE_ID
        return reply(to, joinError(error.errorCode, isKnown ? request.memberId : ''))
      },
    )
  }

  #joined(change: ConsumerChange, member: ConsumerMember, resolve: boolean, join: Join): Effects {
    const { request, to, nowMs } = join
    const { groupId, memberId } = { groupId: change.groupId, memberId: member.memberId }
    const [protocolName = null] = join.protocols.keys()
    const answer = reply(to, {
      errorCode: ErrorCode.NONE,
      generationId: member.memberEpoch,
      protocolType: 'consumer',
      protocolName,
      leader: '',
      memberId,
      members: [],
    })
    const committed = (writtenMs: number) => {
      const effects: Effects = [
        forget(groupId, REJOIN_PREFIX + memberId),
        wake(groupId, sessionTimer(memberId), writtenMs + request.sessionTimeoutMs),
        // It is given as long to ask for its assignment as it asked to be waited for.
        wake(
          groupId,
          CLASSIC_SYNC_PREFIX + memberId,
          writtenMs + Math.max(0, member.rebalanceTimeoutMs),
        ),
      ]
      change.group.rejoining.delete(memberId)
      this.#settle(groupId, resolve, writtenMs, effects)
      effects.push(answer)
      return effects
    }
    const failed = (errorCode: ErrorCode) => reply(to, joinError(errorCode, request.memberId))
    return write(change.records, committed, failed, nowMs)
  }

  /** A static member came back with the classic protocol, and it was the last with the other. */
  #joinDowngraded(
    change: ConsumerChange,
    staying: readonly ConsumerMember[],
    memberId: string,
    join: Join,
  ): Effects {
    const { request, to, nowMs } = join
    const { groupId } = change
    const records = downgradeRecords(change, staying, this.#context, nowMs)
    const committed = (writtenMs: number) => {
      const effects: Effects = []
      const classic = this.#groups.get(groupId)
      const member = classic instanceof ClassicGroup ? classic.members.get(memberId) : undefined
      if (member) member.awaitingJoin = to
      this.#begin(groupId, staying, writtenMs, effects)
      return effects
    }
    const failed = (errorCode: ErrorCode) => reply(to, joinError(errorCode, request.memberId))
    return write(records, committed, failed, nowMs)
  }

  sync(
    group: ConsumerGroup,
    request: SyncRequest,
    to: ReplyTo<SyncResponse>,
    nowMs: number,
  ): Effects {
    return attempt(
      () => {
        const { member, response } = syncInConsumerGroup(group, request, this.#context)
        const { groupId } = group
        if (!response) {
          const effects = this.#awaitRejoin(group, member, nowMs)
          return [...effects, reply(to, syncError(ErrorCode.REBALANCE_IN_PROGRESS))]
        }
        return [
          forget(groupId, CLASSIC_SYNC_PREFIX + member.memberId),
          wake(groupId, sessionTimer(member.memberId), nowMs + member.classic!.sessionTimeoutMs),
          reply(to, response),
        ]
      },
      (error) => reply(to, syncError(error.errorCode)),
    )
  }

  beat(
    group: ConsumerGroup,
    request: HeartbeatRequest,
    to: ReplyTo<HeartbeatResponse>,
    nowMs: number,
  ): Effects {
    return attempt(
      () => {
        const { member, mustRejoin } = beatInConsumerGroup(group, request)
        const { memberId, classic } = member
        const session = wake(
          group.groupId,
          sessionTimer(memberId),
          nowMs + classic!.sessionTimeoutMs,
        )
        if (!mustRejoin) return [session, reply(to, { errorCode: ErrorCode.NONE })]
        const effects = this.#awaitRejoin(group, member, nowMs)
        const errorCode = ErrorCode.REBALANCE_IN_PROGRESS
        return [session, ...effects, reply(to, { errorCode })]
      },
      (error) => reply(to, { errorCode: error.errorCode }),
    )
  }

  /** From when it is first told, a member has its rebalance timeout to join again. */
  #awaitRejoin(group: ConsumerGroup, member: ConsumerMember, nowMs: number): Effects {
    const { memberId, rebalanceTimeoutMs } = member
    if (group.rejoining.has(memberId)) return []
    group.rejoining.add(memberId)
    const atMs = nowMs + Math.max(0, rebalanceTimeoutMs)
    return [wake(group.groupId, REJOIN_PREFIX + memberId, atMs)]
  }

  leaveGroup(
    group: ConsumerGroup,
    members: LeaveRequest['members'],
    to: ReplyTo<LeaveResponse>,
    nowMs: number,
  ): Effects {
    const leaving = new Map<string, ConsumerMember>()
    const answers = members.map(({ memberId, groupInstanceId }) => {
      const answer = { memberId, groupInstanceId, errorCode: ErrorCode.NONE as ErrorCode }
      try {
        const member = leavingMember(group, memberId, groupInstanceId)
        leaving.set(member.memberId, member)
        return answer
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        return { ...answer, errorCode: error.errorCode }
      }
    })
    const answer = reply(to, { errorCode: ErrorCode.NONE, members: answers })
    if (leaving.size === 0) return [answer]
    const failed = (errorCode: ErrorCode) => reply(to, { errorCode, members: [] })
    return this.#remove(group, [...leaving.values()], answer, failed, nowMs)
  }

  wake(group: ConsumerGroup, timer: string, nowMs: number): Effects {
    if (timer === REGEX_TIMER) return this.#resolveRegexes(group, nowMs)
    const prefix = MEMBER_PREFIXES.find((one) => timer.startsWith(one))
    const memberId = prefix ? timer.slice(prefix.length) : sessionMember(timer)
    const member = memberId === undefined ? undefined : group.members.get(memberId)
    if (!member) return []
    if (prefix === REVOKE_PREFIX && member.state !== MemberState.UNREVOKED_PARTITIONS) return []
    // What cannot be written now is tried again.
    const again = (_errorCode: ErrorCode, failedMs: number) =>
      wake(group.groupId, timer, failedMs + WRITE_RETRY_MS)
    return this.#remove(group, [member], undefined, again, nowMs)
  }

  #resolveRegexes(group: ConsumerGroup, nowMs: number): Effects {
    const change = new ConsumerChange(group)
    resolveRegexes(change, this.#context, nowMs)
    const over = () => {
      group.resolvingRegexes = false
      return []
    }
    if (change.records.length === 0) return over()
    return [
      { type: 'append', atomic: true, records: change.records, committed: over, failed: over },
    ]
  }

  /** After the last record of the log: sessions begin anew. */
  loaded(group: ConsumerGroup, nowMs: number): Effects {
    const { groupId } = group
    const effects: Effects = []
    const { consumerSessionTimeoutMs } = this.#context.groupConfig(groupId)
    for (const member of group.members.values()) {
      const timeoutMs = member.classic?.sessionTimeoutMs ?? consumerSessionTimeoutMs
      effects.push(wake(groupId, sessionTimer(member.memberId), nowMs + timeoutMs))
      if (!member.classic) effects.push(revokeTimer(groupId, member, nowMs))
    }
    return effects
  }
}

function leavingMember(
  group: ConsumerGroup,
  memberId: string,
  instanceId: string | null,
): ConsumerMember {
  if (instanceId === null) return findMember(group, memberId)
  return memberId === ''
    ? findInstance(group, instanceId)
    : findStaticMember(group, memberId, instanceId)
}

function revokeTimer(groupId: string, member: ConsumerMember, nowMs: number) {
  const timer = REVOKE_PREFIX + member.memberId
  return member.state === MemberState.UNREVOKED_PARTITIONS
    ? wake(groupId, timer, nowMs + Math.max(0, member.rebalanceTimeoutMs))
    : forget(groupId, timer)
}
