import type { Heartbeat } from '../../protocol/apis/12-heartbeat.ts'
import type { LeaveGroup } from '../../protocol/apis/13-leave-group.ts'
import type { SyncGroup } from '../../protocol/apis/14-sync-group.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { answerAfter, forget, type ReplyTo, reply } from '../effect.ts'
import type { ClassicGroup } from './classic-group.ts'
import { noBytes, type SyncResponse } from './classic-member.ts'
import {
  answerSyncs,
  completeJoinIfAllJoined,
  type Effects,
  failSyncs,
  prepareRebalance,
  rebalance,
  removeMember,
  restartSession,
  SYNC_TIMER,
  sessionTimer,
  syncAnswer,
  syncError,
} from './classic-rebalance.ts'
import type { GroupSettings } from './group-settings.ts'

export type SyncRequest = RequestOf<typeof SyncGroup>
export type HeartbeatRequest = RequestOf<typeof Heartbeat>
export type HeartbeatResponse = ResponseOf<typeof Heartbeat>
export type LeaveRequest = RequestOf<typeof LeaveGroup>
export type LeaveResponse = ResponseOf<typeof LeaveGroup>
type LeaveMember = LeaveRequest['members'][number]

export function syncClassicGroup(
  group: ClassicGroup,
  request: SyncRequest,
  to: ReplyTo<SyncResponse>,
  settings: GroupSettings,
  nowMs: number,
): Effects {
  const errorCode = checkSync(group, request)
  if (errorCode !== ErrorCode.NONE) return [reply(to, syncError(errorCode))]
  const member = group.members.get(request.memberId)!
  const effects: Effects = []
  group.pendingSyncMembers.delete(request.memberId)
  if (group.pendingSyncMembers.size === 0) effects.push(forget(group.groupId, SYNC_TIMER))
  if (group.state === 'Stable') {
    restartSession(group, member, nowMs, effects)
    effects.push(reply(to, syncAnswer(group, member)))
    return effects
  }
  if (member.awaitingSync !== null) {
    effects.push(reply(member.awaitingSync, syncError(ErrorCode.REBALANCE_IN_PROGRESS)))
  }
  member.awaitingSync = to
  if (group.leader === request.memberId) distribute(group, request, settings, effects)
  return effects
}

function checkSync(group: ClassicGroup, request: SyncRequest): ErrorCode {
  if (group.isEmpty) return ErrorCode.UNKNOWN_MEMBER_ID
  const errorCode = group.checkMember(request.memberId, request.groupInstanceId)
  if (errorCode !== ErrorCode.NONE) return errorCode
  if (request.generationId !== group.generationId) return ErrorCode.ILLEGAL_GENERATION
  if (
    differ(request.protocolType, group.protocolType) ||
    differ(request.protocolName, group.protocolName)
  ) {
    return ErrorCode.INCONSISTENT_GROUP_PROTOCOL
  }
  return group.state === 'PreparingRebalance' ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE
}

function differ(given: string | null, known: string | null): boolean {
  return given !== null && known !== null && given !== known
}

/** The leader brought the assignment: store it, then everyone who waits gets its part. */
function distribute(
  group: ClassicGroup,
  request: SyncRequest,
  settings: GroupSettings,
  effects: Effects,
): void {
  const assignments = new Map(request.assignments.map((one) => [one.memberId, one.assignment]))
  effects.push({
    type: 'append',
    atomic: true,
    records: [group.toRecord((member) => assignments.get(member.memberId) ?? noBytes)],
    committed: (nowMs) => {
      const then: Effects = []
      answerSyncs(group, nowMs, then)
      return then
    },
    failed: (errorCode, nowMs) => {
      const then: Effects = []
      failSyncs(group, errorCode, nowMs, then)
      prepareRebalance(group, settings, nowMs, then)
      return then
    },
  })
}

export function heartbeatClassicGroup(
  group: ClassicGroup,
  request: HeartbeatRequest,
  to: ReplyTo<HeartbeatResponse>,
  nowMs: number,
): Effects {
  const errorCode = checkHeartbeat(group, request)
  if (errorCode !== ErrorCode.NONE) return [reply(to, { errorCode })]
  const effects: Effects = []
  restartSession(group, group.members.get(request.memberId)!, nowMs, effects)
  const preparing = group.state === 'PreparingRebalance'
  effects.push(
    reply(to, { errorCode: preparing ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE }),
  )
  return effects
}

function checkHeartbeat(group: ClassicGroup, request: HeartbeatRequest): ErrorCode {
  const errorCode = group.checkMember(request.memberId, request.groupInstanceId)
  if (errorCode !== ErrorCode.NONE) return errorCode
  return request.generationId === group.generationId ? ErrorCode.NONE : ErrorCode.ILLEGAL_GENERATION
}

export function leaveClassicGroup(
  group: ClassicGroup,
  members: readonly LeaveMember[],
  to: ReplyTo<LeaveResponse>,
  settings: GroupSettings,
  nowMs: number,
): Effects {
  const effects: Effects = []
  const answers = members.map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    errorCode: leave(group, member, effects),
  }))
  if (answers.some((answer) => answer.errorCode === ErrorCode.NONE)) {
    if (group.state === 'PreparingRebalance') completeJoinIfAllJoined(group, nowMs, effects)
    else if (group.state !== 'Empty') rebalance(group, settings, nowMs, effects)
  }
  return answerAfter(
    effects,
    reply(to, { errorCode: ErrorCode.NONE, members: answers }),
    (errorCode) => reply(to, { errorCode, members: [] }),
  )
}

/** One member; administrators name a static one by its instance id alone (KIP-345). */
function leave(group: ClassicGroup, leaving: LeaveMember, effects: Effects): ErrorCode {
  const { groupInstanceId } = leaving
  let { memberId } = leaving
  if (memberId === '') {
    const current = groupInstanceId === null ? undefined : group.staticMembers.get(groupInstanceId)
    if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
    memberId = current
  } else if (group.pendingMembers.delete(memberId)) {
    effects.push(forget(group.groupId, sessionTimer(memberId)))
    return ErrorCode.NONE
  } else {
    const errorCode = group.checkMember(memberId, groupInstanceId)
    if (errorCode !== ErrorCode.NONE) return errorCode
  }
  removeMember(group, group.members.get(memberId)!, ErrorCode.UNKNOWN_MEMBER_ID, effects)
  return ErrorCode.NONE
}
