import { ErrorCode } from '../../protocol/error-code.ts'
import { ClassicMember, type ClassicProtocols } from './classic-member.ts'
import { subscribedTopics } from './consumer-protocol.ts'
import type { Committer, Group } from './group.ts'
import type { CommittedOffset } from './group-offsets.ts'
import type { GroupMetadataMember, GroupMetadataValue, GroupRecord } from './group-records.ts'

/**
 * The state of a classic group and the way between states (groups.md section 2):
 *
 *     Empty ---join--> PreparingRebalance ---all joined, or time is up--> CompletingRebalance
 *       ^                ^   |  (nobody)                                    |  leader's SyncGroup
 *       |                |   +--> Empty                                     v
 *       +-- last left ---+<------- join, leave, expiry -------------------- Stable
 *
 * Stable and Empty are what GroupMetadata records tell; a rebalance under way is not durable: a
 * broker that restarts in the middle of it is back at the last record.
 */
export type ClassicState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

/** Members, generation and protocol of one group. What requests do with them: classic-*.ts. */
export class ClassicGroup implements Group {
  readonly type = 'classic'
  readonly groupId: string
  state: ClassicState = 'Empty'
  previousState: ClassicState = 'Empty'
  /** When `state` was entered; -1 unknown (records before v2). */
  stateTimestampMs: number
  generationId = 0
  /** The generation in the log: that of the last rebalance, or of the next one after a downgrade. */
  storedGeneration = 0
  /** Null for a group that only stores offsets. */
  protocolType: string | null = null
  protocolName: string | null = null
  leader: string | null = null
  readonly members = new Map<string, ClassicMember>()
  /** Group instance id to member id. */
  readonly staticMembers = new Map<string, string>()
  /** Ids handed out with MEMBER_ID_REQUIRED that have not come back yet. */
  readonly pendingMembers = new Set<string>()
  /** Members of this generation that have not sent SyncGroup. */
  readonly pendingSyncMembers = new Set<string>()
  /** Someone joined during the initial delay: wait once more. */
  newMemberAdded = false
  /** The initial delay being waited for, and what may still be waited after it. */
  initialDelay: { readonly delayMs: number; readonly remainingMs: number } | null = null
  /** Topics that the members subscribe to; null when that is not known. */
  subscribedTopics: ReadonlySet<string> | null = null

  constructor(groupId: string, nowMs: number) {
    this.groupId = groupId
    this.stateTimestampMs = nowMs
  }

  get isEmpty(): boolean {
    return this.members.size === 0
  }

  enter(state: ClassicState, nowMs: number): void {
    this.previousState = this.state
    this.state = state
    this.stateTimestampMs = nowMs
  }

  /** The member check of groups.md section 3. */
  checkMember(memberId: string, groupInstanceId: string | null): ErrorCode {
    if (groupInstanceId !== null) {
      const current = this.staticMembers.get(groupInstanceId)
      if (current === undefined) return ErrorCode.UNKNOWN_MEMBER_ID
      if (current !== memberId) return ErrorCode.FENCED_INSTANCE_ID
    }
    return this.members.has(memberId) ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID
  }

  /** Whether someone with these protocols fits in. */
  supportsProtocols(protocolType: string, protocols: ClassicProtocols): boolean {
    if (this.state === 'Empty') return protocolType !== '' && protocols.size > 0
    if (protocolType !== this.protocolType) return false
    for (const name of protocols.keys()) if (allSupport(this.members.values(), name)) return true
    return false
  }

  add(member: ClassicMember, protocolType: string): void {
    if (member.groupInstanceId !== null) {
      this.staticMembers.set(member.groupInstanceId, member.memberId)
    }
    if (this.members.size === 0) this.protocolType = protocolType
    this.leader ??= member.memberId
    this.members.set(member.memberId, member)
    this.pendingMembers.delete(member.memberId)
  }

  remove(memberId: string): void {
    const instanceId = this.members.get(memberId)?.groupInstanceId ?? null
    this.members.delete(memberId)
    if (instanceId !== null && this.staticMembers.get(instanceId) === memberId) {
      this.staticMembers.delete(instanceId)
    }
    if (this.leader === memberId) this.leader = this.members.keys().next().value ?? null
    this.pendingMembers.delete(memberId)
    this.pendingSyncMembers.delete(memberId)
  }

  /** The members, with `member` in the place of `former`. */
  membersWith(former: ClassicMember, member: ClassicMember): ClassicMember[] {
    return [...this.members.values()].map((one) => (one === former ? member : one))
  }

  /** `member` takes the place of `former`, also as the leader. */
  replace(former: ClassicMember, member: ClassicMember): void {
    const members = this.membersWith(former, member)
    this.members.clear()
    for (const one of members) this.members.set(one.memberId, one)
    if (member.groupInstanceId !== null) {
      this.staticMembers.set(member.groupInstanceId, member.memberId)
    }
    if (this.leader === former.memberId) this.leader = member.memberId
    this.pendingSyncMembers.delete(former.memberId)
  }

  get allJoined(): boolean {
    if (this.pendingMembers.size > 0) return false
    for (const member of this.members.values()) if (member.awaitingJoin === null) return false
    return true
  }

  get awaitingJoinCount(): number {
    let count = 0
    for (const member of this.members.values()) if (member.awaitingJoin !== null) count++
    return count
  }

  /** The longest that a member asks to be waited for. */
  get rebalanceTimeoutMs(): number {
    let maxMs = 0
    for (const member of this.members.values()) maxMs = Math.max(maxMs, member.rebalanceTimeoutMs)
    return maxMs
  }

  /** The leader stays when it rejoined, else the first who did leads. False: nobody rejoined. */
  electLeader(): boolean {
    const leader = this.members.get(this.leader ?? '')
    if (leader && leader.awaitingJoin !== null) return true
    for (const member of this.members.values()) {
      if (member.awaitingJoin === null) continue
      this.leader = member.memberId
      return true
    }
    return false
  }

  /** What the leader is told about the members. */
  memberList(): { memberId: string; groupInstanceId: string | null; metadata: Buffer }[] {
    return [...this.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      metadata: member.metadata(this.protocolName),
    }))
  }

  computeSubscribedTopics(): void {
    this.subscribedTopics = this.#subscribedTopics()
  }

  #subscribedTopics(): ReadonlySet<string> | null {
    if (this.protocolType !== 'consumer') return null
    const topics = new Set<string>()
    for (const member of this.members.values()) {
      const names = subscribedTopics(member.metadata(this.protocolName))
      if (!names) return null
      for (const name of names) topics.add(name)
    }
    return topics
  }

  /** A group that does not know its subscription may be subscribed to anything. */
  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics?.has(topic) ?? this.protocolType === 'consumer'
  }

  /** groups.md section 4, "OffsetCommit". */
  checkOffsetCommit(committer: Committer): ErrorCode {
    const { memberId, groupInstanceId, generationIdOrMemberEpoch, transactional } = committer
    if (generationIdOrMemberEpoch < 0 && this.state === 'Empty') return ErrorCode.NONE
    if (generationIdOrMemberEpoch >= 0 || memberId !== '' || groupInstanceId !== null) {
      const errorCode = this.checkMember(memberId, groupInstanceId)
      if (errorCode !== ErrorCode.NONE) return errorCode
      if (generationIdOrMemberEpoch !== this.generationId) return ErrorCode.ILLEGAL_GENERATION
    } else if (!transactional) {
      // Old versions of the transactional commit say nothing about membership.
      return ErrorCode.UNKNOWN_MEMBER_ID
    }
    return !transactional && this.state === 'CompletingRebalance'
      ? ErrorCode.REBALANCE_IN_PROGRESS
      : ErrorCode.NONE
  }

  checkOffsetFetch(): ErrorCode {
    return ErrorCode.NONE
  }

  checkOffsetDelete(): ErrorCode {
    return this.state === 'Empty' || this.protocolType === 'consumer'
      ? ErrorCode.NONE
      : ErrorCode.NON_EMPTY_GROUP
  }

  /** groups.md section 4, "Expiry" (KIP-211). */
  retentionBaseMs(offset: CommittedOffset): number | null {
    if (this.protocolType === null) return offset.commitTimestampMs
    if (this.state === 'Empty') {
      return this.stateTimestampMs === -1 ? offset.commitTimestampMs : this.stateTimestampMs
    }
    const subscriptionKnown = this.protocolType === 'consumer' && this.subscribedTopics !== null
    return subscriptionKnown && this.state === 'Stable' ? offset.commitTimestampMs : null
  }

  tombstones(): GroupRecord[] {
    return [{ type: 'GroupMetadata', key: { group: this.groupId }, value: null }]
  }

  /** The record of this generation with the assignment that `assignmentOf` gives each member. */
  toRecord(
    assignmentOf: (member: ClassicMember) => Buffer,
    members: Iterable<ClassicMember> = this.members.values(),
    leader: string | null = this.leader,
  ): GroupRecord {
    return groupMetadata(this.groupId, {
      protocolType: this.protocolType ?? '',
      generation: this.generationId,
      protocol: this.protocolName,
      leader,
      currentStateTimestamp: this.stateTimestampMs,
      members: [...members].map((member) => ({
        memberId: member.memberId,
        groupInstanceId: member.groupInstanceId,
        clientId: member.clientId,
        clientHost: member.clientHost,
        rebalanceTimeout: member.rebalanceTimeoutMs,
        sessionTimeout: member.sessionTimeoutMs,
        subscription: member.metadata(this.protocolName),
        assignment: assignmentOf(member),
      })),
    })
  }

  /** Makes the group what the record says; who waits for an answer goes on waiting. */
  replay(value: GroupMetadataValue): void {
    this.protocolType = value.protocolType === '' ? null : value.protocolType
    this.generationId = value.generation
    this.storedGeneration = value.generation
    this.protocolName = value.protocol
    this.leader = value.leader
    const former = new Map(this.members)
    this.members.clear()
    this.staticMembers.clear()
    for (const record of value.members) {
      const member = former.get(record.memberId) ?? memberOf(record)
      member.replay(record, value.protocol)
      this.members.set(member.memberId, member)
      if (member.groupInstanceId !== null) {
        this.staticMembers.set(member.groupInstanceId, member.memberId)
      }
    }
    for (const memberId of this.pendingSyncMembers) {
      if (!this.members.has(memberId)) this.pendingSyncMembers.delete(memberId)
    }
    const state = this.members.size === 0 ? 'Empty' : 'Stable'
    if (state !== this.state) this.enter(state, value.currentStateTimestamp)
    this.stateTimestampMs = value.currentStateTimestamp
    this.computeSubscribedTopics()
  }
}

function memberOf(record: GroupMetadataMember): ClassicMember {
  return new ClassicMember({
    memberId: record.memberId,
    groupInstanceId: record.groupInstanceId,
    clientId: record.clientId,
    clientHost: record.clientHost,
    rebalanceTimeoutMs: record.rebalanceTimeout,
    sessionTimeoutMs: record.sessionTimeout,
    protocols: new Map(),
  })
}

/** Protocols by name, the favourite first. */
interface Voter {
  readonly protocols: ReadonlyMap<string, unknown>
}

function allSupport(members: Iterable<Voter>, protocolName: string): boolean {
  for (const member of members) if (!member.protocols.has(protocolName)) return false
  return true
}

/** The protocol most members prefer among those that all support; the earliest named at a tie. */
export function selectProtocol(members: readonly Voter[]): string | undefined {
  const names = [...(members[0]?.protocols.keys() ?? [])]
  const candidates = new Set(names.filter((name) => allSupport(members, name)))
  const votes = new Map([...candidates].map((name) => [name, 0]))
  for (const { protocols } of members) {
    for (const name of protocols.keys()) {
      if (!candidates.has(name)) continue
      votes.set(name, votes.get(name)! + 1)
      break
    }
  }
  let best: string | undefined
  for (const [name, count] of votes) if (count > (votes.get(best ?? '') ?? 0)) best = name
  return best
}

export function groupMetadata(groupId: string, value: GroupMetadataValue): GroupRecord {
  return { type: 'GroupMetadata', key: { group: groupId }, value }
}

/** What a group begins with: it exists, and nobody is in it. */
export function emptyGroupRecord(groupId: string, nowMs: number): GroupRecord {
  return groupMetadata(groupId, {
    protocolType: '',
    generation: 0,
    protocol: null,
    leader: null,
    currentStateTimestamp: nowMs,
    members: [],
  })
}
