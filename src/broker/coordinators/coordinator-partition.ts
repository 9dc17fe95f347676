import type { Clock } from '../../base/clock.ts'
import type { TimerQueue } from '../../base/timer-queue.ts'
import type { Append, Effect, RecordOrigin, ReplyTo } from '../../coordinator/effect.ts'
import { ProtocolError } from '../../protocol/bytes/protocol-error.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { CoordinatorRecord, CoordinatorStore, LoadedBatch } from '../../storage/engine.ts'
import type { Logger } from '../logger.ts'
import { CoordinatorWakes } from './coordinator-wakes.ts'

/** A pure state machine that owns one partition of an internal topic. */
export interface Coordinator<R, Asked = never> {
  replay(record: R, origin: RecordOrigin): void
  /** Only of coordinators whose partitions transactions write to. */
  replayMarker?(producerId: number, result: 'commit' | 'abort'): void
  /** After the last record of the log. */
  loaded(nowMs: number): Effect<R, Asked>[]
  /** The partition is given up: whoever waits is told. */
  unloaded(nowMs: number): Effect<R, Asked>[]
  wake(owner: string, timer: string, nowMs: number): Effect<R, Asked>[]
}

/** Brings the result of what was asked back as an input. */
export type Tell<R, Asked> = (decide: (nowMs: number) => Effect<R, Asked>[]) => void

export interface CoordinatorPartitionOptions<C extends Coordinator<R, Asked>, R, Asked = never> {
  readonly store: CoordinatorStore
  readonly clock: Clock
  readonly timers: TimerQueue
  readonly log: Logger
  create(partition: number): C
  encode(record: R): CoordinatorRecord
  /** Undefined: of a kind that this version does not know. */
  decode(record: CoordinatorRecord): R | undefined
  /** Most bytes of a batch: `max.message.bytes` of the topic. */
  batchBytesMax(): number
  /** False: too few replicas are in sync, so that nothing may be appended. */
  isWritable?(partition: number): boolean
  /**
   * Runs `callback` when the event loop has read what the sockets hold: a broker that stood still
   * longer than a session must hear who spoke before it expels anyone.
   */
  defer?(callback: () => void): void
  /** Begins what an `ask` wants. */
  answer?(what: Asked, tell: Tell<R, Asked>): void
  /**
   * Inputs go on while an append is on its way, for coordinators that lock what it is about
   * themselves. Otherwise the next input waits.
   */
  readonly pipelined?: boolean
}

/** Batch header and the lengths around each key and value; a little generous. */
const BATCH_OVERHEAD_BYTES = 61
const RECORD_OVERHEAD_BYTES = 32

/** An answer that may be there at once. */
class Answer<Response> implements ReplyTo<Response> {
  #state: 'open' | 'delivered' | 'failed' = 'open'
  #value: unknown
  #settle: { resolve(response: Response): void; reject(error: unknown): void } | undefined

  deliver(response: Response): void {
    if (this.#state !== 'open') return
    this.#state = 'delivered'
    this.#value = response
    this.#settle?.resolve(response)
  }

  fail(error: unknown): void {
    if (this.#state !== 'open') return
    this.#state = 'failed'
    this.#value = error
    this.#settle?.reject(error)
  }

  get(): Response | Promise<Response> {
    if (this.#state === 'failed') throw this.#value
    if (this.#state === 'delivered') return this.#value as Response
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }
}

/** Something to be done in turn; `fail` hears of a bug on the way. */
interface Task {
  run(nowMs: number): void | Promise<void>
  fail(error: unknown): void
}

/** One coordinator and its partition. */
export class CoordinatorPartition<C extends Coordinator<R, Asked>, R, Asked = never> {
  readonly coordinator: C
  state: 'loading' | 'active' | 'closed' = 'loading'
  loading: Promise<void> | undefined
  readonly #partition: number
  readonly #options: CoordinatorPartitionOptions<C, R, Asked>
  readonly #tasks: Task[] = []
  #busy = false
  readonly #wakes: CoordinatorWakes

  constructor(partition: number, options: CoordinatorPartitionOptions<C, R, Asked>) {
    this.#partition = partition
    this.#options = options
    this.coordinator = options.create(partition)
    this.#wakes = new CoordinatorWakes(options.timers, options.defer, (owner, timer) =>
      this.#wakeIsDue(owner, timer),
    )
  }

  load(): Promise<void> {
    this.loading = this.#load()
    return this.loading
  }

  async #load(): Promise<void> {
    const { store, log } = this.#options
    const partition = this.#partition
    try {
      for await (const batch of store.load(partition)) {
        if (this.state !== 'loading') return
        this.#replayBatch(batch)
      }
      if (this.state !== 'loading') return
      this.state = 'active'
      this.#enqueue({
        run: (nowMs) => this.#perform(this.coordinator.loaded(nowMs)),
        fail: () => {},
      })
    } catch (error) {
      this.state = 'closed'
      log.error({ topic: store.topicName, partition, err: error }, 'coordinator not loaded')
    }
  }

  #replayBatch(batch: LoadedBatch): void {
    if (batch.marker) {
      this.coordinator.replayMarker?.(batch.producerId, batch.marker)
      return
    }
    const { store, log } = this.#options
    const producerId = batch.transactional ? batch.producerId : -1
    for (const [index, bytes] of batch.records.entries()) {
      const offset = batch.baseOffset + index
      const record = this.#options.decode(bytes)
      if (record) this.coordinator.replay(record, { offset, producerId })
      else {
        const fields = { topic: store.topicName, partition: this.#partition, offset }
        log.warn(fields, 'record of an unknown kind skipped')
      }
    }
  }

  unload(): void {
    const wasActive = this.state === 'active'
    this.state = 'closed'
    this.#wakes.clear()
    const gone = new KafkaError('NOT_COORDINATOR')
    for (const task of this.#tasks.splice(0)) task.fail(gone)
    if (!wasActive) return
    for (const effect of this.coordinator.unloaded(this.#options.clock.nowMs())) {
      if (effect.type === 'reply') effect.to.deliver(effect.response)
    }
  }

  submit<Response>(
    decide: (coordinator: C, to: ReplyTo<Response>, nowMs: number) => Effect<R, Asked>[],
  ): Response | Promise<Response> {
    const answer = new Answer<Response>()
    this.#enqueue({
      run: (nowMs) => this.#perform(decide(this.coordinator, answer, nowMs)),
      fail: (error) => answer.fail(error),
    })
    return answer.get()
  }

  tell(decide: (coordinator: C, nowMs: number) => Effect<R, Asked>[]): void {
    this.#enqueue({
      run: (nowMs) => this.#perform(decide(this.coordinator, nowMs)),
      fail: () => {},
    })
  }

  endTransaction(
    producerId: number,
    result: 'commit' | 'abort',
    appendMarker: () => ErrorCode | Promise<ErrorCode>,
  ): ErrorCode | Promise<ErrorCode> {
    const answer = new Answer<ErrorCode>()
    const appended = (errorCode: ErrorCode) => {
      if (errorCode === ErrorCode.NONE) this.coordinator.replayMarker?.(producerId, result)
      answer.deliver(errorCode)
    }
    this.#enqueue({
      run: () => {
        const errorCode = appendMarker()
        return errorCode instanceof Promise ? errorCode.then(appended) : appended(errorCode)
      },
      fail: (error) => answer.fail(error),
    })
    return answer.get()
  }

  #enqueue(task: Task): void {
    this.#tasks.push(task)
    if (!this.#busy) this.#drain()
  }

  #drain(): void {
    this.#busy = true
    for (let task = this.#tasks.shift(); task; task = this.#tasks.shift()) {
      const { fail } = task
      try {
        const pending = task.run(this.#options.clock.nowMs())
        if (pending instanceof Promise) {
          const { pipelined } = this.#options
          const goOn = () => {
            if (!pipelined) this.#drain()
          }
          pending.then(goOn, (error: unknown) => {
            this.#failed(fail, error)
            goOn()
          })
          if (!pipelined) return
        }
      } catch (error) {
        this.#failed(fail, error)
      }
    }
    this.#busy = false
  }

  /** A bug of ours; what is in memory and on disk agrees, as records are replayed one by one. */
  #failed(fail: Task['fail'], error: unknown): void {
    const fields = { topic: this.#options.store.topicName, partition: this.#partition, err: error }
    this.#options.log.error(fields, 'coordinator input failed')
    fail(error)
  }

  #perform(effects: Effect<R, Asked>[]): void | Promise<void> {
    let append = this.#carryOut(effects)
    while (append) {
      const committed = this.#append(append)
      if (committed instanceof Promise) {
        const pending = append
        return committed.then((errorCode) => this.#perform(this.#after(pending, errorCode)))
      }
      append = this.#carryOut(this.#after(append, committed))
    }
  }

  #after(append: Append<R, Asked>, errorCode: ErrorCode): Effect<R, Asked>[] {
    const nowMs = this.#options.clock.nowMs()
    return errorCode === ErrorCode.NONE
      ? append.committed(nowMs)
      : append.failed(groupError(errorCode), nowMs)
  }

  #carryOut(effects: Effect<R, Asked>[]): Append<R, Asked> | undefined {
    for (const effect of effects) {
      // Whoever coordinates the partition by now wakes and asks for itself.
      const isMoot = effect.type === 'wake' || effect.type === 'ask'
      if (this.state === 'closed' && isMoot) continue
      switch (effect.type) {
        case 'reply':
          effect.to.deliver(effect.response)
          break
        case 'wake':
          this.#wakes.set(effect.owner, effect.timer, effect.atMs)
          break
        case 'forget':
          this.#wakes.delete(effect.owner, effect.timer)
          break
        case 'append':
          return effect
        case 'ask':
          this.#options.answer?.(effect.what, (decide) => this.tell((_, nowMs) => decide(nowMs)))
      }
    }
    return undefined
  }

  /** Appends and replays, in one batch or in as many as it takes. */
  #append(append: Append<R, Asked>): ErrorCode | Promise<ErrorCode> {
    const batches = this.#batches(append)
    if (!batches) return ErrorCode.MESSAGE_TOO_LARGE
    return this.#appendFrom(batches, 0, append)
  }

  #appendFrom(
    batches: readonly Batch<R>[],
    first: number,
    append: Append<R, Asked>,
  ): ErrorCode | Promise<ErrorCode> {
    const { store, clock, isWritable } = this.#options
    const options = { nowMs: clock.nowMs(), ...(append.producer && { producer: append.producer }) }
    const producerId = append.producer?.producerId ?? -1
    for (let index = first; index < batches.length; index++) {
      // Another broker coordinates the partition by now: what is decided here must not reach it.
      if (this.state === 'closed') return ErrorCode.NOT_LEADER_OR_FOLLOWER
      if (isWritable?.(this.#partition) === false) return ErrorCode.NOT_ENOUGH_REPLICAS
      const batch = batches[index]!
      const result = store.append(this.#partition, batch.bytes, options)
      if (result instanceof Promise) {
        return result.then(({ errorCode, baseOffset }) => {
          if (errorCode !== ErrorCode.NONE) return errorCode
          this.#replay(batch.records, baseOffset, producerId)
          return this.#appendFrom(batches, index + 1, append)
        })
      }
      if (result.errorCode !== ErrorCode.NONE) return result.errorCode
      this.#replay(batch.records, result.baseOffset, producerId)
    }
    return ErrorCode.NONE
  }

  #replay(records: readonly R[], baseOffset: number, producerId: number): void {
    for (const [index, record] of records.entries()) {
      this.coordinator.replay(record, { offset: baseOffset + index, producerId })
    }
  }

  /** Undefined: the records do not fit into a batch. */
  #batches(append: Append<R, Asked>): Batch<R>[] | undefined {
    const maxBytes = this.#options.batchBytesMax()
    const batches: Batch<R>[] = []
    let batch: Batch<R> = { records: [], bytes: [], size: BATCH_OVERHEAD_BYTES }
    for (const record of append.records) {
      const bytes = this.#encode(record)
      if (!bytes) return undefined
      const size = RECORD_OVERHEAD_BYTES + bytes.key.length + (bytes.value?.length ?? 0)
      if (batch.size + size > maxBytes) {
        if (append.atomic || batch.records.length === 0) return undefined
        batches.push(batch)
        batch = { records: [], bytes: [], size: BATCH_OVERHEAD_BYTES }
      }
      batch.records.push(record)
      batch.bytes.push(bytes)
      batch.size += size
    }
    return [...batches, batch]
  }

  /** Undefined: a string of the record is longer than the format allows. */
  #encode(record: R): CoordinatorRecord | undefined {
    try {
      return this.#options.encode(record)
    } catch (error) {
      if (error instanceof ProtocolError) return undefined
      throw error
    }
  }

  #wakeIsDue(owner: string, timer: string): void {
    if (this.state !== 'active') return
    this.#enqueue({
      run: (nowMs) => {
        if (!this.#wakes.take(owner, timer, nowMs)) return
        return this.#perform(this.coordinator.wake(owner, timer, nowMs))
      },
      fail: () => {},
    })
  }
}

interface Batch<R> {
  readonly records: R[]
  readonly bytes: CoordinatorRecord[]
  size: number
}

/** What a failed append means to a client of the coordinator (groups.md section 1). */
function groupError(errorCode: ErrorCode): ErrorCode {
  switch (errorCode) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.INVALID_FETCH_SIZE:
      return ErrorCode.UNKNOWN_SERVER_ERROR
    default:
      return errorCode
  }
}
