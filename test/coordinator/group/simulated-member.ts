import type { JoinResponse, SyncResponse } from '../../../src/coordinator/group/classic-member.ts'
import {
  readAssignment,
  writeAssignment,
} from '../../../src/coordinator/group/consumer-protocol.ts'
import { ErrorCode } from '../../../src/protocol/error-code.ts'
import { subscription } from './group-scenario.ts'
import type { Decide, GroupSimulation } from './group-simulation.ts'
import type { SimulatedConsumer } from './simulated-consumer.ts'

export const PARTITIONS = 6

/** What members see, for whoever checks it. */
export interface Witness {
  /** `owner` is the instance of a static member, else the member id. */
  assigned(
    groupId: string,
    generationId: number,
    owner: string,
    partitions: readonly number[],
  ): void
  acked(groupId: string, partition: number, offset: number): void
  owns(consumer: SimulatedConsumer): void
}

/** A consumer of the classic protocol as clients are written: joins, syncs, beats, commits. */
export class SimulatedMember {
  readonly name: string
  readonly groupId: string
  readonly instanceId: string | null
  running = true
  memberId = ''
  generationId = -1
  /** Null while it is not in a generation. */
  partitions: readonly number[] | null = null
  readonly #sim: GroupSimulation
  readonly #witness: Witness
  readonly #sessionTimeoutMs: number
  /** What it divided as the leader; 0 when another leads. */
  #divided = 0

  constructor(
    sim: GroupSimulation,
    witness: Witness,
    facts: { name: string; groupId: string; instanceId: string | null },
  ) {
    this.#sim = sim
    this.#witness = witness
    this.name = facts.name
    this.groupId = facts.groupId
    this.instanceId = facts.instanceId
    this.#sessionTimeoutMs = 6_000 + sim.random.below(4_000)
    this.#join()
  }

  /** It is gone and nobody is told. */
  crash(): void {
    this.running = false
  }

  leave(): void {
    this.running = false
    const members = [{ memberId: this.memberId, groupInstanceId: this.instanceId, reason: null }]
    const request = { groupId: this.groupId, memberId: '', members }
    this.#sim.request(
      (coordinator, to, nowMs) => coordinator.leaveGroup(request, to, nowMs),
      () => {},
    )
  }

  #send<Response extends { errorCode: number }>(
    what: string,
    decide: Decide<Response>,
    then: (response: Response) => void,
  ): void {
    this.#sim.request<Response>(decide, (response) => {
      if (!this.running) return
      this.#sim.note(`${this.name} ${what} ${response?.errorCode}`)
      if (!response) this.#later(100, () => this.#join())
      else if (response.errorCode === ErrorCode.NONE) then(response)
      else this.#recover(response.errorCode)
    })
  }

  #later(ms: number, then: () => void): void {
    this.#sim.clock.schedule(ms, () => {
      if (this.running) then()
    })
  }

  #recover(errorCode: number): void {
    this.partitions = null
    if (errorCode === ErrorCode.FENCED_INSTANCE_ID) {
      this.running = false
      return
    }
    if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID) this.memberId = ''
    this.#later(errorCode === ErrorCode.REBALANCE_IN_PROGRESS ? 10 : 100, () => this.#join())
  }

  #join(): void {
    this.partitions = null
    const request = {
      groupId: this.groupId,
      sessionTimeoutMs: this.#sessionTimeoutMs,
      rebalanceTimeoutMs: 8_000,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription(['t', this.name]) }],
      reason: null,
    }
    const client = { apiVersion: 9, clientId: this.name, clientHost: '/h' }
    this.#sim.request<JoinResponse>(
      (coordinator, to, nowMs) => coordinator.joinGroup(request, client, to, nowMs),
      (response) => this.#joined(response),
    )
  }

  #joined(response: JoinResponse | undefined): void {
    if (!this.running) return
    this.#sim.note(`${this.name} joined ${response?.errorCode} ${response?.generationId}`)
    if (!response) {
      this.#later(100, () => this.#join())
      return
    }
    if (response.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.memberId = response.memberId
      this.#join()
      return
    }
    if (response.errorCode !== ErrorCode.NONE) {
      this.#recover(response.errorCode)
      return
    }
    this.memberId = response.memberId
    this.generationId = response.generationId ?? -1
    const leads = response.leader === this.memberId
    this.#divided = leads ? this.#partitionCount : 0
    const memberIds = response.members.map(({ memberId }) => memberId)
    this.#sync(leads && !response.skipAssignment ? assign(memberIds, this.#divided) : [])
  }

  get #partitionCount(): number {
    return this.#sim.topics.byName('t')!.partitionCount
  }

  #sync(assignments: { memberId: string; assignment: Buffer }[]): void {
    const request = {
      groupId: this.groupId,
      generationId: this.generationId,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      protocolType: 'consumer',
      protocolName: 'range',
      assignments,
    }
    this.#send<SyncResponse>(
      'synced',
      (coordinator, to, nowMs) => coordinator.syncGroup(request, to, nowMs),
      ({ assignment }) => {
        this.partitions = partitionsOf(Buffer.from(assignment))
        const owner = this.instanceId ?? this.memberId
        this.#witness.assigned(this.groupId, this.generationId, owner, this.partitions)
        this.#later(500, () => this.#beat())
      },
    )
  }

  #beat(): void {
    const { groupId, generationId, memberId, instanceId: groupInstanceId } = this
    const request = { groupId, generationId, memberId, groupInstanceId }
    this.#send<{ errorCode: number }>(
      'beat',
      (coordinator, to, nowMs) => coordinator.heartbeat(request, to, nowMs),
      () => {
        if (this.#sim.random.chance(0.5)) this.#commit()
        // A leader sees that there is more to divide.
        const grown = this.#divided > 0 && this.#divided !== this.#partitionCount
        this.#later(grown ? 0 : 1_000, () => (grown ? this.#join() : this.#beat()))
      },
    )
  }

  #commit(): void {
    const { groupId, memberId, generationId, partitions } = this
    if (!partitions || partitions.length === 0) return
    // Later commits are larger: what a partition holds tells how late it is.
    const committedOffset = this.#sim.clock.nowMs() * 100 + this.#sim.random.below(100)
    const request = {
      groupId,
      memberId,
      generationIdOrMemberEpoch: generationId,
      groupInstanceId: this.instanceId,
      retentionTimeMs: -1,
      topics: [
        {
          name: 't',
          topicId: 't'.padEnd(16, '.'),
          partitions: partitions.map((partitionIndex) => ({
            partitionIndex,
            committedOffset,
            committedLeaderEpoch: -1,
            commitTimestamp: -1,
            committedMetadata: '',
          })),
        },
      ],
    }
    const client = { apiVersion: 9, clientId: this.name, clientHost: '/h' }
    this.#sim.request<{
      topics: readonly { partitions: readonly { partitionIndex: number; errorCode: number }[] }[]
    }>(
      (coordinator, to, nowMs) => coordinator.offsetCommit(request, client, to, nowMs),
      (response) => {
        for (const { partitionIndex, errorCode } of response?.topics[0]?.partitions ?? []) {
          if (errorCode === ErrorCode.NONE) {
            this.#witness.acked(groupId, partitionIndex, committedOffset)
          }
        }
      },
    )
  }
}

/** The leader's part: partitions in turn. */
function assign(
  memberIds: readonly string[],
  partitionCount: number,
): { memberId: string; assignment: Buffer }[] {
  return memberIds.map((memberId, index) => {
    const partitions = []
    for (let partition = index; partition < partitionCount; partition += memberIds.length) {
      partitions.push(partition)
    }
    return { memberId, assignment: writeAssignment(version1, [{ topic: 't', partitions }]) }
  })
}

/** What metadata of version 1 begin with. */
const version1 = Buffer.from([0, 1])

function partitionsOf(assignment: Buffer): readonly number[] {
  const assigned = readAssignment(assignment)?.assignedPartitions ?? []
  return assigned.flatMap(({ partitions }) => partitions)
}
