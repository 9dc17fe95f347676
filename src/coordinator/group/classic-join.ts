import type { JoinGroup } from '../../protocol/apis/11-join-group.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { forget, type ReplyTo, reply, wake } from '../effect.ts'
import { type ClassicGroup, selectProtocol } from './classic-group.ts'
import {
  ClassicMember,
  type ClassicProtocols,
  classicProtocols,
  type JoinResponse,
} from './classic-member.ts'
import {
  completeJoinIfAllJoined,
  type Effects,
  joinAnswer,
  joinError,
  prepareRebalance,
  rebalance,
  removeMember,
  restartSession,
  sessionTimer,
  syncError,
} from './classic-rebalance.ts'
import type { Client, GroupContext } from './group-context.ts'
import type { GroupSettings } from './group-settings.ts'

export type JoinRequest = RequestOf<typeof JoinGroup>

/** One JoinGroup on its way through the rules of groups.md section 3. */
export interface Join {
  readonly request: JoinRequest
  readonly protocols: ClassicProtocols
  readonly client: Client
  readonly to: ReplyTo<JoinResponse>
  readonly nowMs: number
}

/** From here on clients send the member id they were given (KIP-394). */
export const MEMBER_ID_REQUIRED_SINCE = 4
/** From here on a leader can be told to leave the assignment alone (KIP-814). */
const SKIP_ASSIGNMENT_SINCE = 9

/** Ids handed out and not come back, per group; each lives for one session timeout. */
const PENDING_MEMBERS_MAX = 10_000

/** Of the name in a member id, in UTF-16 units: the whole id must fit into a protocol string. */
const MEMBER_NAME_MAX = 8_000

export function joinOf(
  request: JoinRequest,
  client: Client,
  to: ReplyTo<JoinResponse>,
  nowMs: number,
): Join {
  return { request, protocols: classicProtocols(request.protocols), client, to, nowMs }
}

export function joinClassicGroup(group: ClassicGroup, join: Join, context: GroupContext): Effects {
  const { request, protocols, to } = join
  const { memberId } = request
  const effects: Effects = []
  if (!hasRoom(group, join, context.settings)) {
    const member = group.members.get(memberId)
    if (member) removeMember(group, member, ErrorCode.UNKNOWN_MEMBER_ID, effects)
    group.pendingMembers.delete(memberId)
    effects.push(reply(to, joinError(ErrorCode.GROUP_MAX_SIZE_REACHED, '')))
  } else if (!group.supportsProtocols(request.protocolType, protocols)) {
    effects.push(reply(to, joinError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, memberId)))
  } else if (memberId === '') {
    joinWithoutId(group, join, context, effects)
  } else {
    joinWithId(group, join, context, effects)
  }
  return effects
}

function hasRoom(group: ClassicGroup, join: Join, settings: GroupSettings): boolean {
  const { memberId } = join.request
  if (!hasSeat(group, memberId, settings.groupMaxSize)) return false
  let size = 0
  for (const [name, metadata] of join.protocols) size += name.length + metadata.length
  for (const member of group.members.values()) {
    if (member.memberId !== memberId) size += member.sizeBytes
  }
  return size <= settings.groupBytesMax
}

/** While a rebalance collects members, only those who wait already count. */
function hasSeat(group: ClassicGroup, memberId: string, groupMaxSize: number): boolean {
  if (group.state === 'Empty') return true
  if (group.state === 'PreparingRebalance') {
    const waits = (group.members.get(memberId)?.awaitingJoin ?? null) !== null
    return waits || group.awaitingJoinCount < groupMaxSize
  }
  return group.members.has(memberId) || group.members.size < groupMaxSize
}

function joinWithoutId(
  group: ClassicGroup,
  join: Join,
  context: GroupContext,
  effects: Effects,
): void {
  const { request, client, to, nowMs } = join
  const instanceId = request.groupInstanceId
  const name = (instanceId ?? client.clientId).slice(0, MEMBER_NAME_MAX)
  const memberId = `${name}-${context.randomId()}`
  const formerId = instanceId === null ? undefined : group.staticMembers.get(instanceId)
  if (formerId !== undefined) {
    rejoinStatically(group, group.members.get(formerId)!, memberId, join, context, effects)
  } else if (instanceId !== null || client.apiVersion < MEMBER_ID_REQUIRED_SINCE) {
    addMember(group, memberId, join, context, effects)
  } else if (group.pendingMembers.size >= PENDING_MEMBERS_MAX) {
    effects.push(reply(to, joinError(ErrorCode.GROUP_MAX_SIZE_REACHED, '')))
  } else {
    group.pendingMembers.add(memberId)
    effects.push(
      wake(group.groupId, sessionTimer(memberId), nowMs + request.sessionTimeoutMs),
      reply(to, joinError(ErrorCode.MEMBER_ID_REQUIRED, memberId)),
    )
  }
}

function joinWithId(
  group: ClassicGroup,
  join: Join,
  context: GroupContext,
  effects: Effects,
): void {
  const { request, protocols, to } = join
  const { memberId, groupInstanceId } = request
  if (group.pendingMembers.has(memberId)) {
    // Static members are never pending; Kafka answers this impossible case as a failure of its own.
    if (groupInstanceId === null) addMember(group, memberId, join, context, effects)
    else effects.push(reply(to, joinError(ErrorCode.UNKNOWN_SERVER_ERROR, '')))
    return
  }
  const errorCode = group.checkMember(memberId, groupInstanceId)
  if (errorCode !== ErrorCode.NONE) {
    effects.push(reply(to, joinError(errorCode, memberId)))
    return
  }
  const member = group.members.get(memberId)!
  if (needsRebalance(group, member, protocols)) {
    updateMember(member, join, effects)
    rebalance(group, context.settings, join.nowMs, effects)
  } else {
    // It may have missed the answer to its first try.
    effects.push(reply(to, joinAnswer(group, memberId)))
  }
}

/**
 * A leader that joins a stable group asks for a new assignment, for instance because partitions
 * were added; anyone else only by what it changed.
 */
function needsRebalance(
  group: ClassicGroup,
  member: ClassicMember,
  protocols: ClassicProtocols,
): boolean {
  if (group.state === 'PreparingRebalance') return true
  if (group.state === 'Stable' && group.leader === member.memberId) return true
  return !member.matches(protocols)
}

function addMember(
  group: ClassicGroup,
  memberId: string,
  join: Join,
  context: GroupContext,
  effects: Effects,
): void {
  const { request, protocols, client, to, nowMs } = join
  const member = new ClassicMember({
    memberId,
    groupInstanceId: request.groupInstanceId,
    clientId: client.clientId,
    clientHost: client.clientHost,
    rebalanceTimeoutMs: rebalanceTimeout(join),
    sessionTimeoutMs: request.sessionTimeoutMs,
    protocols,
  })
  member.isNew = true
  if (group.state === 'PreparingRebalance' && group.previousState === 'Empty') {
    group.newMemberAdded = true
  }
  group.add(member, request.protocolType)
  member.awaitingJoin = to
  restartSession(group, member, nowMs, effects)
  rebalance(group, context.settings, nowMs, effects)
}

/** v0 has no rebalance timeout of its own. */
function rebalanceTimeout({ request, client }: Join): number {
  return client.apiVersion === 0 ? request.sessionTimeoutMs : request.rebalanceTimeoutMs
}

function updateMember(member: ClassicMember, join: Join, effects: Effects): void {
  member.protocols = join.protocols
  member.rebalanceTimeoutMs = rebalanceTimeout(join)
  member.sessionTimeoutMs = join.request.sessionTimeoutMs
  if (member.awaitingJoin !== null) {
    // The same member from another connection: the one it gave up must not wait for ever.
    effects.push(
      reply(member.awaitingJoin, joinError(ErrorCode.REBALANCE_IN_PROGRESS, member.memberId)),
    )
  }
  member.awaitingJoin = join.to
}

/**
 * A static member came back without its member id: a new id takes the place of the old one, whose
 * requests are fenced from now on (KIP-345).
 */
function rejoinStatically(
  group: ClassicGroup,
  former: ClassicMember,
  memberId: string,
  join: Join,
  context: GroupContext,
  effects: Effects,
): void {
  if (group.state === 'Stable') {
    rejoinStable(group, former, memberId, join, context, effects)
    return
  }
  const member = successor(former, memberId, join)
  replaceMember(group, former, member, effects)
  member.awaitingJoin = join.to
  restartSession(group, member, join.nowMs, effects)
  // The leader may have been told the old id already, so an assignment under way cannot be used.
  if (group.state === 'CompletingRebalance') {
    prepareRebalance(group, context.settings, join.nowMs, effects)
  } else completeJoinIfAllJoined(group, join.nowMs, effects)
}

/** When the protocol stays what it is, the generation goes on with the new id, once it is stored. */
function rejoinStable(
  group: ClassicGroup,
  former: ClassicMember,
  memberId: string,
  join: Join,
  context: GroupContext,
  effects: Effects,
): void {
  const { client, to } = join
  const formerLeader = group.leader
  const leader = formerLeader === former.memberId ? memberId : formerLeader
  const member = successor(former, memberId, join)
  const members = group.membersWith(former, member)
  if (selectProtocol(members) !== group.protocolName) {
    replaceMember(group, former, member, effects)
    member.awaitingJoin = to
    restartSession(group, member, join.nowMs, effects)
    rebalance(group, context.settings, join.nowMs, effects)
    return
  }
  effects.push({
    type: 'append',
    atomic: true,
    records: [group.toRecord((one) => one.assignment, members, leader)],
    committed: (nowMs) => {
      const then: Effects = []
      fence(group, former, then)
      const stored = group.members.get(memberId)!
      stored.protocols = member.protocols
      restartSession(group, stored, nowMs, then)
      const answer = joinAnswer(group, memberId)
      if (client.apiVersion >= SKIP_ASSIGNMENT_SINCE) {
        then.push(reply(to, { ...answer, skipAssignment: group.leader === memberId }))
      } else {
        // The old leader's id makes the member act as a follower, which does not assign.
        then.push(reply(to, { ...answer, leader: formerLeader ?? '', members: [] }))
      }
      return then
    },
    failed: (errorCode) => [
      reply(to, {
        ...joinAnswer(group, ''),
        errorCode,
        leader: formerLeader ?? '',
      }),
    ],
  })
}

/** The same member under a new id, as it was known, with what it now says of itself. */
function successor(former: ClassicMember, memberId: string, join: Join): ClassicMember {
  const member = new ClassicMember({
    memberId,
    groupInstanceId: former.groupInstanceId,
    clientId: former.clientId,
    clientHost: former.clientHost,
    rebalanceTimeoutMs: rebalanceTimeout(join),
    sessionTimeoutMs: join.request.sessionTimeoutMs,
    protocols: join.protocols,
  })
  member.assignment = former.assignment
  return member
}

function replaceMember(
  group: ClassicGroup,
  former: ClassicMember,
  member: ClassicMember,
  effects: Effects,
): void {
  fence(group, former, effects)
  group.replace(former, member)
}

/** Whoever still waits under the old id learns that another has taken its place. */
function fence(group: ClassicGroup, former: ClassicMember, effects: Effects): void {
  if (former.awaitingJoin !== null) {
    const error = joinError(ErrorCode.FENCED_INSTANCE_ID, former.memberId)
    effects.push(reply(former.awaitingJoin, error))
    former.awaitingJoin = null
  }
  if (former.awaitingSync !== null) {
    effects.push(reply(former.awaitingSync, syncError(ErrorCode.FENCED_INSTANCE_ID)))
    former.awaitingSync = null
  }
  effects.push(forget(group.groupId, sessionTimer(former.memberId)))
}
