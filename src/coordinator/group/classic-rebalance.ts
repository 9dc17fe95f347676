import { assert } from '../../base/assert.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { type Append, type Effect, forget, reply, wake } from '../effect.ts'
import { type ClassicGroup, selectProtocol } from './classic-group.ts'
import { type ClassicMember, noBytes } from './classic-member.ts'
import type { GroupRecord } from './group-records.ts'
import type { GroupSettings } from './group-settings.ts'

/**
 * The rebalance of a classic group (groups.md section 2, "Transitions"). Functions change what is
 * volatile in place and add to `effects`; an append is always the last they add.
 */
export type Effects = Effect<GroupRecord>[]

/** Timers of a group: one for the rebalance as a whole, one for each member's session. */
export const JOIN_TIMER = 'join'
export const SYNC_TIMER = 'sync'
export const STORE_TIMER = 'store'
const SESSION_PREFIX = 'session/'

export function sessionTimer(memberId: string): string {
  return SESSION_PREFIX + memberId
}

/** The member whose session the timer stands for. */
export function sessionMember(timer: string): string | undefined {
  return timer.startsWith(SESSION_PREFIX) ? timer.slice(SESSION_PREFIX.length) : undefined
}

const STORE_RETRY_MS = 1_000

/** A JoinGroup of a member that does not know its id yet is given up after this (KIP-394). */
const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60_000

export function restartSession(
  group: ClassicGroup,
  member: ClassicMember,
  nowMs: number,
  effects: Effects,
): void {
  const timeoutMs = member.isNew ? NEW_MEMBER_JOIN_TIMEOUT_MS : member.sessionTimeoutMs
  effects.push(wake(group.groupId, sessionTimer(member.memberId), nowMs + timeoutMs))
}

/** After any change of the members: begin a rebalance, or see whether the one under way is done. */
export function rebalance(
  group: ClassicGroup,
  settings: GroupSettings,
  nowMs: number,
  effects: Effects,
): void {
  if (group.state === 'PreparingRebalance') completeJoinIfAllJoined(group, nowMs, effects)
  else prepareRebalance(group, settings, nowMs, effects)
}

export function prepareRebalance(
  group: ClassicGroup,
  settings: GroupSettings,
  nowMs: number,
  effects: Effects,
): void {
  if (group.state === 'CompletingRebalance') {
    failSyncs(group, ErrorCode.REBALANCE_IN_PROGRESS, nowMs, effects)
  }
  effects.push(forget(group.groupId, SYNC_TIMER))
  const initial = group.state === 'Empty'
  group.enter('PreparingRebalance', nowMs)
  if (initial) {
    const delayMs = settings.groupInitialRebalanceDelayMs
    const remainingMs = Math.max(group.rebalanceTimeoutMs - delayMs, 0)
    waitInitially(group, { delayMs, remainingMs }, nowMs, effects)
  } else {
    effects.push(wake(group.groupId, JOIN_TIMER, nowMs + Math.max(0, group.rebalanceTimeoutMs)))
    completeJoinIfAllJoined(group, nowMs, effects)
  }
}

/** Lets the first members of a group arrive together (KIP-134); no delay, no timer. */
function waitInitially(
  group: ClassicGroup,
  delay: { delayMs: number; remainingMs: number },
  nowMs: number,
  effects: Effects,
): void {
  group.initialDelay = delay
  if (delay.delayMs <= 0) joinTimeIsUp(group, group.initialDelay.delayMs, nowMs, effects)
  else effects.push(wake(group.groupId, JOIN_TIMER, nowMs + delay.delayMs))
}

/** The join timer: an initial delay may be extended, everything else ends the join phase. */
export function joinTimeIsUp(
  group: ClassicGroup,
  initialRebalanceDelayMs: number,
  nowMs: number,
  effects: Effects,
): void {
  if (group.state !== 'PreparingRebalance') return
  const delay = group.initialDelay
  if (delay && group.newMemberAdded && delay.remainingMs > 0) {
    group.newMemberAdded = false
    const delayMs = Math.min(initialRebalanceDelayMs, delay.remainingMs)
    const remainingMs = Math.max(delay.remainingMs - delay.delayMs, 0)
    waitInitially(group, { delayMs, remainingMs }, nowMs, effects)
  } else completeJoin(group, nowMs, effects)
}

export function completeJoinIfAllJoined(
  group: ClassicGroup,
  nowMs: number,
  effects: Effects,
): void {
  if (group.state !== 'PreparingRebalance' || group.previousState === 'Empty') return
  if (group.allJoined) completeJoin(group, nowMs, effects)
}

function completeJoin(group: ClassicGroup, nowMs: number, effects: Effects): void {
  effects.push(forget(group.groupId, JOIN_TIMER))
  group.initialDelay = null
  group.newMemberAdded = false
  for (const member of [...group.members.values()]) {
    // A static member keeps its place until its session expires (KIP-345).
    if (member.awaitingJoin !== null || member.isStatic) continue
    group.remove(member.memberId)
    effects.push(forget(group.groupId, sessionTimer(member.memberId)))
  }
  if (group.isEmpty) {
    effects.push(becomeEmpty(group, nowMs))
  } else if (group.electLeader()) {
    beginGeneration(group, nowMs, effects)
  } else {
    effects.push(wake(group.groupId, JOIN_TIMER, nowMs + Math.max(0, group.rebalanceTimeoutMs)))
  }
}

function becomeEmpty(group: ClassicGroup, nowMs: number): Append<GroupRecord> {
  group.generationId++
  group.protocolName = null
  group.leader = null
  group.pendingSyncMembers.clear()
  group.computeSubscribedTopics()
  group.enter('Empty', nowMs)
  return storeEmpty(group)
}

/** Until that is stored a restart would bring back the last generation that was. */
function storeEmpty(group: ClassicGroup): Append<GroupRecord> {
  return {
    type: 'append',
    atomic: true,
    records: [group.toRecord(() => noBytes)],
    committed: () => [],
    failed: (_errorCode, nowMs) => [wake(group.groupId, STORE_TIMER, nowMs + STORE_RETRY_MS)],
  }
}

/** The store timer: what could not be written is tried again, if it is still so. */
export function storeAgain(group: ClassicGroup, effects: Effects): void {
  if (group.state === 'Empty') effects.push(storeEmpty(group))
}

function beginGeneration(group: ClassicGroup, nowMs: number, effects: Effects): void {
  group.generationId++
  const protocolName = selectProtocol([...group.members.values()])
  assert(protocolName !== undefined, 'members joined with a protocol that all support')
  group.protocolName = protocolName
  group.computeSubscribedTopics()
  group.enter('CompletingRebalance', nowMs)
  group.pendingSyncMembers.clear()
  for (const member of group.members.values()) {
    answerJoin(group, member, effects)
    member.isNew = false
    restartSession(group, member, nowMs, effects)
    group.pendingSyncMembers.add(member.memberId)
  }
  effects.push(wake(group.groupId, SYNC_TIMER, nowMs + Math.max(0, group.rebalanceTimeoutMs)))
}

function answerJoin(group: ClassicGroup, member: ClassicMember, effects: Effects): void {
  if (member.awaitingJoin === null) return
  effects.push(reply(member.awaitingJoin, joinAnswer(group, member.memberId)))
  member.awaitingJoin = null
}

/** What a member is told about the current generation; its leader also learns the members. */
export function joinAnswer(group: ClassicGroup, memberId: string) {
  return {
    errorCode: ErrorCode.NONE,
    generationId: group.generationId,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leader ?? '',
    memberId,
    members: group.leader === memberId ? group.memberList() : [],
  }
}

export function joinError(errorCode: ErrorCode, memberId: string) {
  return { errorCode, generationId: -1, protocolName: null, leader: '', memberId, members: [] }
}

export function syncError(errorCode: ErrorCode) {
  return { errorCode, assignment: noBytes }
}

export function syncAnswer(group: ClassicGroup, member: ClassicMember) {
  return {
    errorCode: ErrorCode.NONE,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    assignment: member.assignment,
  }
}

/** No assignment came of this generation: everyone who waits for one is told why. */
export function failSyncs(
  group: ClassicGroup,
  errorCode: ErrorCode,
  nowMs: number,
  effects: Effects,
): void {
  for (const member of group.members.values()) {
    member.assignment = noBytes
    if (member.awaitingSync === null) continue
    effects.push(reply(member.awaitingSync, syncError(errorCode)))
    member.awaitingSync = null
    restartSession(group, member, nowMs, effects)
  }
}

/** The assignment is stored: everyone who waits gets its part, and sessions begin anew. */
export function answerSyncs(group: ClassicGroup, nowMs: number, effects: Effects): void {
  for (const member of group.members.values()) {
    if (member.awaitingSync === null) continue
    effects.push(reply(member.awaitingSync, syncAnswer(group, member)))
    member.awaitingSync = null
    restartSession(group, member, nowMs, effects)
  }
}

/** Takes a member out; who waits under its id is told that it is not known any more. */
export function removeMember(
  group: ClassicGroup,
  member: ClassicMember,
  errorCode: ErrorCode,
  effects: Effects,
): void {
  if (member.awaitingJoin !== null) {
    effects.push(reply(member.awaitingJoin, joinError(errorCode, '')))
  }
  if (member.awaitingSync !== null) effects.push(reply(member.awaitingSync, syncError(errorCode)))
  group.remove(member.memberId)
  effects.push(forget(group.groupId, sessionTimer(member.memberId)))
}

/** The sync timer: members that did not ask for their assignment are dropped. */
export function syncTimeIsUp(
  group: ClassicGroup,
  settings: GroupSettings,
  nowMs: number,
  effects: Effects,
): void {
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return
  if (group.pendingSyncMembers.size === 0) return
  for (const memberId of [...group.pendingSyncMembers]) {
    const member = group.members.get(memberId)
    if (member) removeMember(group, member, ErrorCode.UNKNOWN_MEMBER_ID, effects)
  }
  prepareRebalance(group, settings, nowMs, effects)
}

export function sessionIsOver(
  group: ClassicGroup,
  memberId: string,
  settings: GroupSettings,
  nowMs: number,
  effects: Effects,
): void {
  if (group.pendingMembers.delete(memberId)) {
    completeJoinIfAllJoined(group, nowMs, effects)
    return
  }
  const member = group.members.get(memberId)
  if (!member) return
  // Who waits for an answer is alive, except in its first join, which it may have given up.
  if (!member.isNew && (member.awaitingJoin !== null || member.awaitingSync !== null)) return
  removeMember(group, member, ErrorCode.UNKNOWN_MEMBER_ID, effects)
  rebalance(group, settings, nowMs, effects)
}
