import type { InterceptedCall } from '../../broker/interceptor.ts'
import type { RunningBroker } from '../../server/run-broker.ts'
import { groupBroker } from '../led-by.ts'
import { type Answer, applyFault, type FaultTools } from './apply-fault.ts'
import { Fault } from './fault.ts'
import { checkFault, type FaultSpec } from './fault-spec.ts'
import type { FullFiles } from './full-files.ts'
import { expireMember, forceRebalance, type MemberMatch } from './group-faults.ts'
import { ownedCopy } from './owned-copy.ts'
import { fenceProducer, fenceTransactionalId, type ProducerMatch } from './producer-faults.ts'

/** Something that a fault did. */
export interface FaultEvent {
  /** On the broker's clock. */
  readonly atMs: number
  /** What was asked: the fault, or the call of `rebalance`, `expireMember` or `fenceProducer`. */
  readonly asked: FaultSpec | { readonly [name: string]: unknown }
  /** The fault's id; undefined for a call. */
  readonly fault?: number
  readonly api?: string
  readonly apiVersion?: number
  readonly clientId?: string
  /** Number of the connection. */
  readonly connection?: number
  /** What was done, in words. */
  readonly done: string
}

/** Older events go when there are more. */
const EVENTS_MAX = 10_000

/** What a test makes go wrong for the clients of a broker. */
export class Faults {
  /** What faults have done so far, oldest first; bounded. */
  readonly log: FaultEvent[] = []
  readonly #running: RunningBroker
  readonly #disk: FullFiles
  readonly #changed: () => void
  readonly #tools: FaultTools
  readonly #faults = new Set<Fault>()
  /** By connection, when it may go on. */
  readonly #mutedUntilMs = new Map<number, number>()
  /** Those who wait; called to be let go. */
  readonly #waiting = new Set<() => void>()
  #nextId = 1

  /** @internal */
  constructor(running: RunningBroker, disk: FullFiles, changed: () => void) {
    this.#running = running
    this.#disk = disk
    this.#changed = changed
    const nameOf = (topicId: string) =>
      running.broker.engine.metadata.image.topicsById.get(topicId)?.name
    this.#tools = {
      nameOf,
      wanted: (call) => this.#wanted(call),
      delay: (call, ms) => this.#delay(call, ms),
      mute: (call, ms) => this.#mute(call, ms),
      done: (fault, call, what) => this.#done(fault, call, what),
    }
  }

  /**
   * Adds a fault, which takes effect at once and after those that are there. Throws `ConfigError`
   * for one that makes no sense.
   */
  add(spec: FaultSpec): Fault {
    const fault = new Fault(this.#nextId++, checkFault(spec), (removed) => this.#remove(removed))
    this.#faults.add(fault)
    this.#refresh()
    return fault
  }

  /** Those that were added and not removed. */
  get list(): readonly Fault[] {
    return [...this.#faults]
  }

  /** Removes all faults and empties the log; answers that are withheld stay so. */
  clear(): void {
    for (const fault of this.#faults) fault.remove()
    this.log.length = 0
  }

  /**
   * Makes a group rebalance as when a member joins. Rejects with `KafkaError` GROUP_ID_NOT_FOUND,
   * or REBALANCE_IN_PROGRESS when it does already.
   */
  async rebalance(groupId: string): Promise<void> {
    await forceRebalance(groupBroker(this.#running, groupId), groupId)
    this.#note({ rebalance: groupId }, `group ${groupId} rebalances`)
  }

  /**
   * Ends the session of a group's member (the first one that fits; any when left out) as when it
   * was not heard of in time. Resolves with its id. Rejects with `KafkaError` GROUP_ID_NOT_FOUND or
   * UNKNOWN_MEMBER_ID.
   */
  async expireMember(groupId: string, match: MemberMatch = {}): Promise<string> {
    const memberId = await expireMember(groupBroker(this.#running, groupId), groupId, match)
    this.#note({ expireMember: groupId, ...match }, `member ${memberId} of ${groupId} expired`)
    return memberId
  }

  /**
   * Fences a producer as a newer one of its kind does: that of a transactional id by beginning anew
   * with the id, an idempotent one by a newer epoch in a partition (there it costs one offset, for
   * the marker that says so). Rejects with `KafkaError` when there is no such producer.
   */
  async fenceProducer(
    match: { readonly transactionalId: string } | ProducerMatch,
  ): Promise<{ readonly producerId: number; readonly producerEpoch: number }> {
    const fenced =
      'transactionalId' in match
        ? await fenceTransactionalId(this.#running, match.transactionalId)
        : await fenceProducer(this.#running.broker, match)
    const { producerId, producerEpoch } = fenced
    this.#note({ fenceProducer: match }, `producer ${producerId} is at epoch ${producerEpoch}`)
    return fenced
  }

  /** @internal */
  get isActive(): boolean {
    return this.#faults.size > 0 || this.#mutedUntilMs.size > 0
  }

  /** @internal Answers a request with the faults that are for it. */
  answer(call: InterceptedCall): Answer | Promise<Answer> {
    const untilMs = this.#mutedUntilMs.get(call.peer.connectionId)
    if (untilMs === undefined) return this.#through(call)
    const restMs = untilMs - this.#running.broker.clock.nowMs()
    if (restMs <= 0) {
      this.#mutedUntilMs.delete(call.peer.connectionId)
      this.#refresh()
      return this.#through(call)
    }
    return this.#afterwards(call, restMs)
  }

  async #afterwards(call: InterceptedCall, restMs: number): Promise<Answer> {
    const kept = ownedCopy(call.request)
    if (!(await this.#delay(call, restMs))) return call.close('a throttled request was given up')
    return await this.#through(call, kept)
  }

  #through(call: InterceptedCall, first = call.request): Answer | Promise<Answer> {
    const sources = {
      nameOf: this.#tools.nameOf,
      fetched: (one: InterceptedCall) =>
        this.#wanted(one).flatMap(({ topic, topicId, partition }) => {
          const name = topic || this.#tools.nameOf(topicId)
          return name === undefined ? [] : [{ topic: name, partition }]
        }),
    }
    const hitting = [...this.#faults].filter(
      (fault) => !fault.spec.outOfSpace && fault.matches(call, sources),
    )
    const from = (index: number, request: typeof first): Answer | Promise<Answer> => {
      const fault = hitting[index]
      if (!fault) return call.handle(request)
      const next = (later: typeof first) => from(index + 1, later)
      return applyFault(fault, { call, request, next }, this.#tools)
    }
    return from(0, first)
  }

  /** @internal Lets everyone go who waits; their connections are closed. */
  close(): void {
    for (const letGo of [...this.#waiting]) letGo()
  }

  #remove(fault: Fault): void {
    this.#faults.delete(fault)
    this.#refresh()
  }

  #refresh(): void {
    const isFull = [...this.#faults].some(({ spec }) => spec.outOfSpace)
    this.#disk.isFull = isFull ? (path) => this.#isFull(path) : undefined
    this.#changed()
  }

  #isFull(path: string): boolean {
    const [file = '', directory = ''] = path.split('/').reverse()
    if (!file.endsWith('.log')) return false
    const dash = directory.lastIndexOf('-')
    const topic = directory.slice(0, dash)
    const partition = Number(directory.slice(dash + 1))
    for (const fault of this.#faults) {
      if (!fault.spec.outOfSpace || !fault.covers(topic, partition) || !fault.take()) continue
      const { spec: asked, id } = fault
      this.#note(asked, `no space for a write to ${directory}`, { fault: id })
      return true
    }
    return false
  }

  #wanted({ api, request }: InterceptedCall) {
    if (api.name !== 'Fetch') return []
    const wanted: { topic: string; topicId: string; partition: number }[] = []
    const { sessionId, topics } = request
    for (const { topic, topicId, partitions } of topics as FetchTopics) {
      for (const { partition } of partitions) wanted.push({ topic, topicId, partition })
    }
    const remembered = this.#running.brokers.flatMap(({ fetchSessions }) => [
      ...fetchSessions.partitionsOf(Number(sessionId)),
    ])
    for (const { topic, topicId, partition } of remembered) {
      const isListed = wanted.some(
        (one) => one.partition === partition && one.topic === topic && one.topicId === topicId,
      )
      if (!isListed) wanted.push({ topic, topicId, partition })
    }
    return wanted
  }

  #delay({ peer }: InterceptedCall, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isOver: boolean) => {
        this.#waiting.delete(letGo)
        cancel()
        forgetPeer()
        resolve(isOver)
      }
      const letGo = () => end(false)
      const { clock } = this.#running.broker
      const cancel = Number.isFinite(ms) ? clock.schedule(ms, () => end(true)) : () => {}
      const forgetPeer = peer.onClose(letGo)
      this.#waiting.add(letGo)
    })
  }

  #mute({ peer }: InterceptedCall, ms: number): void {
    const { connectionId } = peer
    this.#mutedUntilMs.set(connectionId, this.#running.broker.clock.nowMs() + ms)
    peer.onClose(() => this.#mutedUntilMs.delete(connectionId))
  }

  #done(fault: Fault, call: InterceptedCall, done: string): void {
    this.#note(fault.spec, done, {
      fault: fault.id,
      api: call.api.name,
      apiVersion: call.apiVersion,
      clientId: call.clientId,
      connection: call.peer.connectionId,
    })
    if (fault.isOver) this.#remove(fault)
  }

  #note(asked: FaultEvent['asked'], done: string, more: Partial<FaultEvent> = {}): void {
    if (this.log.length === EVENTS_MAX) this.log.shift()
    this.log.push({ atMs: this.#running.broker.clock.nowMs(), asked, ...more, done })
  }
}

type FetchTopics = readonly {
  readonly topic: string
  readonly topicId: string
  readonly partitions: readonly { readonly partition: number }[]
}[]
