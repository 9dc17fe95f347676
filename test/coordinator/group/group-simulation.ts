import { createHash } from 'node:crypto'
import { VirtualClock } from '../../../src/base/clock.ts'
import { TimerQueue } from '../../../src/base/timer-queue.ts'
import { CoordinatorHost } from '../../../src/broker/coordinators/coordinator-host.ts'
import { silentLogger } from '../../../src/broker/logger.ts'
import type { Effect, ReplyTo } from '../../../src/coordinator/effect.ts'
import { ClassicGroup } from '../../../src/coordinator/group/classic-group.ts'
import { ConsumerGroup } from '../../../src/coordinator/group/consumer-group.ts'
import { GroupCoordinator } from '../../../src/coordinator/group/group-coordinator.ts'
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
} from '../../../src/coordinator/group/group-records.ts'
import { ErrorCode, KafkaError } from '../../../src/protocol/error-code.ts'
import type { CoordinatorStore } from '../../../src/storage/engine.ts'
import { MemoryCoordinatorStore } from '../memory-coordinator-store.ts'
import { Random } from '../random.ts'
import { scenarioSettings } from './group-scenario.ts'
import { TestTopics } from './test-topics.ts'

export type Decide<Response> = (
  coordinator: GroupCoordinator,
  to: ReplyTo<Response>,
  nowMs: number,
) => Effect<GroupRecord>[]

/**
 * A coordinator in a bad world, all from one seed: requests and answers take their time or get
 * lost, appends are slow or fail, and the broker dies at any point and comes back with what its log
 * holds. Whoever drives it looks for broken promises.
 */
export class GroupSimulation {
  readonly random: Random
  readonly topics = new TestTopics()
  readonly clock = new VirtualClock(0)
  readonly store = new MemoryCoordinatorStore()
  /** Trouble stops when this is set: then everything must come to rest. */
  calm = false
  #timers = new TimerQueue(this.clock)
  #host: CoordinatorHost<GroupCoordinator, GroupRecord>
  #ids = 0
  #life = 0
  readonly #underWay = new Set<() => void>()
  readonly #history = createHash('sha256')

  constructor(seed: number) {
    this.random = new Random(seed)
    this.#host = this.#newHost()
  }

  get coordinator(): GroupCoordinator {
    return this.#host.read(0)
  }

  /** What happened, in short: the same for the same seed. */
  get history(): string {
    return this.#history.copy().digest('hex')
  }

  note(what: string): void {
    this.#history.update(`${this.clock.nowMs()} ${what}\n`)
  }

  #newHost(): CoordinatorHost<GroupCoordinator, GroupRecord> {
    const settings = {
      ...scenarioSettings,
      groupInitialRebalanceDelayMs: this.random.below(2) * 500,
      consumerAssignmentIntervalMs: this.random.below(2) * 1_000,
      consumerSessionTimeoutMs: 8_000,
    }
    const randomId = () => String(++this.#ids)
    const { topics } = this
    const groupConfig = () => settings
    const context = { settings, topics, groupConfig, randomId, randomUuidText: randomId }
    return new CoordinatorHost({
      store: this.#storeOfThisLife(),
      clock: this.clock,
      timers: this.#timers,
      log: { ...silentLogger, error: (fields) => this.#bug(fields) },
      create: () => new GroupCoordinator(context),
      encode: encodeGroupRecord,
      decode: decodeGroupRecord,
      batchBytesMax: () => 1_048_588,
      defer: (callback) => callback(),
    })
  }

  /** A process that is dead writes nothing. */
  #storeOfThisLife(): CoordinatorStore {
    const life = this.#life
    return {
      topicName: this.store.topicName,
      load: () => this.store.load(),
      append: (...request) =>
        life === this.#life ? this.store.append(...request) : new Promise(() => {}),
    }
  }

  #bug(fields: object): void {
    throw new Error(
      `reported as a bug: ${JSON.stringify(fields)} ${(fields as { err?: Error }).err?.stack}`,
    )
  }

  async start(): Promise<void> {
    await this.#host.load(0)
  }

  /** The process is gone from one moment to the next; the log is what was appended. */
  async crash(): Promise<void> {
    this.note('crash')
    this.#life++
    this.#timers.close()
    this.#timers = new TimerQueue(this.clock)
    this.#host = this.#newHost()
    const broken = [...this.#underWay]
    this.#underWay.clear()
    for (const hangUp of broken) hangUp()
    await this.#host.load(0)
  }

  /**
   * Sends a request and hands its answer to `then`, once; undefined when nobody will ever know
   * what became of it.
   */
  request<Response>(
    decide: Decide<Response>,
    then: (response: Response | undefined, error?: ErrorCode) => void,
  ): void {
    const isLost = () => !this.calm && this.random.chance(0.02)
    let done = false
    const end = (response?: Response, error?: ErrorCode) => {
      if (done) return
      done = true
      this.#underWay.delete(hangUp)
      this.clock.schedule(this.random.below(40), () => then(response, error))
    }
    const hangUp = () => end()
    this.#underWay.add(hangUp)
    if (isLost()) this.clock.schedule(500, hangUp)
    else {
      this.clock.schedule(this.random.below(40), () => {
        if (!done) this.#deliver(decide, (...answer) => (isLost() ? hangUp() : end(...answer)))
      })
    }
  }

  #deliver<Response>(
    decide: Decide<Response>,
    answered: (response?: Response, error?: ErrorCode) => void,
  ): void {
    this.store.slow = !this.calm && this.random.chance(0.3)
    if (!this.calm && this.random.chance(0.02)) {
      this.store.failNext = ErrorCode.NOT_ENOUGH_REPLICAS
    }
    try {
      const pending = this.#host.submit(0, decide)
      if (pending instanceof Promise) {
        pending.then(answered, () => answered())
      } else answered(pending)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      answered(undefined, error.errorCode)
    }
  }

  /** Ends a transaction, if the broker is there to hear of it. */
  endTransaction(producerId: number, result: 'commit' | 'abort'): void {
    const append = () => this.store.appendMarker(producerId, result, this.clock.nowMs())
    try {
      void this.#host.endTransaction(0, producerId, result, append)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
    }
  }

  /** Runs on for `ms`, letting slow appends through bit by bit, and promises after each step. */
  async run(ms: number, stepMs = 20): Promise<void> {
    for (let left = ms; left > 0; left -= stepMs) {
      this.clock.advance(stepMs)
      if (this.calm || this.random.chance(0.5)) this.store.release()
      await microtasks()
    }
  }

  /** What a restart must bring back: groups at rest, and all offsets. */
  static durableState(coordinator: GroupCoordinator, atRest: ReadonlySet<string>): unknown {
    const groups = [...coordinator.groups.values()]
      .filter(({ groupId }) => atRest.has(groupId))
      .map((group) => {
        const { groupId, state, protocolType } = group
        if (group instanceof ConsumerGroup) return consumerState(group)
        if (!(group instanceof ClassicGroup)) return { groupId, state, protocolType }
        const { generationId, protocolName, leader, stateTimestampMs } = group
        const members = [...group.members.values()].map((member) => ({
          memberId: member.memberId,
          groupInstanceId: member.groupInstanceId,
          sessionTimeoutMs: member.sessionTimeoutMs,
          rebalanceTimeoutMs: member.rebalanceTimeoutMs,
          metadata: member.metadata(protocolName).toString('hex'),
          assignment: member.assignment.toString('hex'),
        }))
        const subscribed = [...(group.subscribedTopics ?? [])].sort()
        const facts = { generationId, protocolName, leader, stateTimestampMs, members, subscribed }
        return { groupId, state, protocolType, ...facts }
      })
      .sort((one, other) => (one.groupId < other.groupId ? -1 : 1))
    const offsets = [...coordinator.offsets.committed.entries()]
      .map(({ groupId, topic, partition, value }) => ({ groupId, topic, partition, ...value }))
      .sort((one, other) => key(one).localeCompare(key(other)))
    return { groups, offsets }
  }

  /** Groups that are wholly in the log: all but classic ones in the middle of a rebalance. */
  static atRest(coordinator: GroupCoordinator): Set<string> {
    const groups = [...coordinator.groups.values()]
    const isWhole = ({ type, state }: (typeof groups)[number]) =>
      type === 'consumer' || state === 'Stable' || state === 'Empty'
    return new Set(groups.filter(isWhole).map(({ groupId }) => groupId))
  }

  /** A coordinator that knows nothing but the log; time stands still for the one before. */
  async reload(): Promise<GroupCoordinator> {
    this.#timers.close()
    this.#timers = new TimerQueue(this.clock)
    const host = this.#newHost()
    await host.load(0)
    return host.read(0)
  }
}

function consumerState(group: ConsumerGroup): { readonly groupId: string } {
  const { groupId, state, protocolType, groupEpoch, assignmentEpoch, metadataHash } = group
  const members = [...group.members.values()].sort((one, other) =>
    one.memberId < other.memberId ? -1 : 1,
  )
  const targets = members.map(({ memberId }) => [memberId, group.target(memberId)])
  const regexes = [...group.regexes].sort()
  const facts = { groupEpoch, assignmentEpoch, metadataHash, members, targets, regexes }
  return { groupId, ...{ state, protocolType, ...facts } }
}

function key(offset: { groupId: string; topic: string; partition: number }): string {
  return `${offset.groupId}/${offset.topic}/${offset.partition}`
}

function microtasks(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
