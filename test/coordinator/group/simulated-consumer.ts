import type { Uuid } from '../../../src/base/uuid.ts'
import type {
  ConsumerHeartbeatRequest,
  ConsumerHeartbeatResponse,
} from '../../../src/coordinator/group/consumer-heartbeat.ts'
import { ErrorCode } from '../../../src/protocol/error-code.ts'
import type { GroupSimulation } from './group-simulation.ts'
import type { Witness } from './simulated-member.ts'
import { topicIdOf } from './test-topics.ts'

/**
 * A consumer of the consumer protocol (KIP-848) as clients are written: one heartbeat after the
 * other, gives up what it is not to have before it says so, takes what it is given.
 */
export class SimulatedConsumer {
  readonly name: string
  readonly groupId: string
  readonly instanceId: string | null
  running = true
  memberEpoch = 0
  /** What it works on; null before it was given anything. */
  owned: ReadonlyMap<Uuid, readonly number[]> = new Map()
  readonly #sim: GroupSimulation
  readonly #witness: Witness
  readonly #topics: readonly string[] | null
  readonly #regex: string | null
  /** Something of its own changed, or its last answer was lost: say everything. */
  #sayAll = true

  constructor(
    sim: GroupSimulation,
    witness: Witness,
    facts: {
      name: string
      groupId: string
      instanceId: string | null
      topics: readonly string[] | null
      regex: string | null
    },
  ) {
    this.#sim = sim
    this.#witness = witness
    this.name = facts.name
    this.groupId = facts.groupId
    this.instanceId = facts.instanceId
    this.#topics = facts.topics
    this.#regex = facts.regex
    this.#beat()
  }

  get partitions(): readonly number[] {
    return this.owned.get(topicIdOf('t')) ?? []
  }

  crash(): void {
    this.running = false
  }

  /** A static member usually means to be back. */
  leave(): void {
    this.running = false
    if (this.memberEpoch <= 0) return
    const isStatic = this.instanceId !== null && this.#sim.random.chance(0.7)
    this.#send({ memberEpoch: isStatic ? -2 : -1 }, () => {})
  }

  #send(
    facts: Partial<ConsumerHeartbeatRequest>,
    then: (response: ConsumerHeartbeatResponse | undefined) => void,
  ): void {
    const request = {
      groupId: this.groupId,
      memberId: this.name,
      memberEpoch: this.memberEpoch,
      instanceId: this.instanceId,
      rackId: null,
      rebalanceTimeoutMs: -1,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: null,
      ...facts,
    }
    const client = { apiVersion: 1, clientId: this.name, clientHost: '/h' }
    this.#sim.request<ConsumerHeartbeatResponse>(
      (coordinator, to, nowMs) => coordinator.consumerGroupHeartbeat(request, client, to, nowMs),
      then,
    )
  }

  #beat(): void {
    const joins = this.memberEpoch === 0
    const all = {
      rebalanceTimeoutMs: 8_000,
      subscribedTopicNames: this.#topics,
      subscribedTopicRegex: this.#regex,
    }
    const topicPartitions = Array.from(this.owned, ([topicId, partitions]) => ({
      topicId,
      partitions,
    }))
    const says = joins || this.#sayAll ? { ...all, topicPartitions } : {}
    this.#sayAll = false
    this.#send(says, (response) => {
      if (this.running) this.#heard(response)
    })
  }

  #heard(response: ConsumerHeartbeatResponse | undefined): void {
    this.#sim.note(`${this.name} ${response?.errorCode} ${response?.memberEpoch}`)
    let waitMs = 500
    if (!response) this.#sayAll = true
    else if (response.errorCode === ErrorCode.NONE) this.#follow(response)
    else if (response.errorCode === ErrorCode.FENCED_INSTANCE_ID) this.running = false
    else {
      this.#sayAll = true
      waitMs = 100
      if (mustRejoin(response.errorCode)) {
        this.memberEpoch = 0
        this.owned = new Map()
      }
    }
    this.#sim.clock.schedule(waitMs, () => {
      if (this.running) this.#beat()
    })
  }

  #follow(response: ConsumerHeartbeatResponse): void {
    this.memberEpoch = response.memberEpoch
    if (!response.assignment) return
    this.owned = new Map(
      response.assignment.topicPartitions.map(({ topicId, partitions }) => [topicId, partitions]),
    )
    // It says at once what it has now, so that others may get what it gave up.
    this.#sayAll = true
    this.#witness.owns(this)
  }
}

function mustRejoin(errorCode: number): boolean {
  return (
    errorCode === ErrorCode.FENCED_MEMBER_EPOCH ||
    errorCode === ErrorCode.UNKNOWN_MEMBER_ID ||
    errorCode === ErrorCode.GROUP_ID_NOT_FOUND ||
    errorCode === ErrorCode.UNRELEASED_INSTANCE_ID
  )
}
