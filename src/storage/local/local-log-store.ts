import type { Uuid } from '../../base/uuid.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type {
  AppendItem,
  AppendOptions,
  AppendResult,
  Bounds,
  DeleteRecordsResult,
  EpochEndOffset,
  HeldAppend,
  IsolationLevel,
  LogStore,
  OffsetAndTimestamp,
  Position,
  ProducerStateView,
  ReadOptions,
  ReadRequest,
  ReadResult,
  TopicPartition,
} from '../engine.ts'
import { refused } from './append-result.ts'
import type { Log } from './log.ts'
import { abortedTransactions, type LogRead, readLog } from './log-reader.ts'
import { NO_OFFSET, offsetForTimestamp, offsetOfMaxTimestamp } from './log-timestamps.ts'
import { appendedBytesAt, type Watched, Watcher } from './watch-list.ts'

const NO_RECORDS = new Uint8Array(0)
const UNKNOWN_BOUNDS: Bounds = {
  errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  logStartOffset: -1,
  logEndOffset: -1,
  highWatermark: -1,
  lastStableOffset: -1,
  leaderEpoch: -1,
  sizeBytes: 0,
}

export interface LogStoreHooks {
  /** Syncs before the result: durability mode `sync`. */
  readonly syncsAppends: boolean
  /**
   * The start of the log was raised by a client; resolves or returns when that is as durable as an
   * append. Reports and throws what goes wrong.
   */
  logStartRaised(log: Log): void | Promise<void>
  /** The log has bytes that are not synced. */
  appended(log: Log): void
}

/** An append whose batches are decided on. */
interface StagedAppend {
  readonly items: readonly AppendItem[]
  readonly nowMs: number
  readonly touched: readonly Log[]
  /** Complete once the logs have written. */
  readonly results: AppendResult[]
}

/** Record data of all partitions of this broker. */
export class LocalLogStore implements LogStore {
  readonly #logs = new Map<Uuid, Log[]>()
  readonly #hooks: LogStoreHooks
  #woken: Watcher[] = []
  #held: StagedAppend[] = []

  constructor(hooks: LogStoreHooks) {
    this.#hooks = hooks
  }

  /** Every log, of all topics. */
  *all(): Generator<Log, void, undefined> {
    for (const logs of this.#logs.values()) yield* logs
  }

  topicIds(): Iterable<Uuid> {
    return this.#logs.keys()
  }

  logsOf(topicId: Uuid): readonly Log[] {
    return this.#logs.get(topicId) ?? []
  }

  /** Partitions of a topic come in order. */
  add(log: Log): void {
    const logs = this.#logs.get(log.topicId)
    if (logs) logs.push(log)
    else this.#logs.set(log.topicId, [log])
  }

  remove(topicId: Uuid): readonly Log[] {
    const logs = this.logsOf(topicId)
    this.#logs.delete(topicId)
    return logs
  }

  find(partition: TopicPartition): Log | undefined {
    return this.#logs.get(partition.topicId)?.[partition.partition]
  }

  append(
    items: readonly AppendItem[],
    options: AppendOptions,
  ): AppendResult[] | Promise<AppendResult[]> {
    if (this.#held.length > 0) this.writeHeld()
    const staged = this.#stage(items, options)
    this.#write(staged)
    return this.#resultsOf(staged)
  }

  hold(items: readonly AppendItem[], options: AppendOptions): HeldAppend {
    const staged = this.#stage(items, options)
    this.#held.push(staged)
    return () => this.#resultsOf(staged)
  }

  writeHeld(): void {
    const held = this.#held
    if (held.length === 0) return
    this.#held = []
    for (const staged of held) this.#write(staged)
  }

  #stage(items: readonly AppendItem[], { nowMs }: AppendOptions): StagedAppend {
    const results = new Array<AppendResult>(items.length)
    const touched: Log[] = []
    for (let index = 0; index < items.length; index++) {
      const item = items[index]!
      const log = this.find(item)
      if (!log) {
        results[index] = refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        continue
      }
      log.stage(item, index, nowMs, results)
      if (touched.at(-1) !== log) touched.push(log)
    }
    return { items, nowMs, touched, results }
  }

  /** All that is staged in its logs, of whichever append. */
  #write({ touched, nowMs }: StagedAppend): void {
    for (const log of touched) {
      log.writeStaged(nowMs)
      this.#hooks.appended(log)
    }
  }

  #resultsOf({ items, touched, results }: StagedAppend): AppendResult[] | Promise<AppendResult[]> {
    let mustWait = this.#hooks.syncsAppends
    for (const log of touched) mustWait ||= log.mustFlush
    return mustWait ? this.#synced(items, touched, results) : results
  }

  /** Results once everything they speak of is synced; appends that could not be are errors. */
  async #synced(
    items: readonly AppendItem[],
    touched: readonly Log[],
    results: AppendResult[],
  ): Promise<AppendResult[]> {
    const failed = new Set<Log>()
    const waits: Promise<void>[] = []
    for (const log of new Set(touched)) {
      let endOffset = 0
      items.forEach((item, index) => {
        if (this.find(item) === log) endOffset = Math.max(endOffset, results[index]!.lastOffset + 1)
      })
      if (endOffset <= log.recoveryPoint) continue
      if (!this.#hooks.syncsAppends && !log.mustFlush) continue
      waits.push(log.syncUpTo(endOffset).catch(() => void failed.add(log)))
    }
    await Promise.all(waits)
    return results.map((result, index) => {
      const log = this.find(items[index]!)
      if (!log || !failed.has(log) || result.lastOffset < log.recoveryPoint) return result
      return result.errorCode === ErrorCode.NONE ? refused(ErrorCode.KAFKA_STORAGE_ERROR) : result
    })
  }

  read(
    requests: readonly ReadRequest[],
    options: ReadOptions,
  ): ReadResult[] | Promise<ReadResult[]> {
    const reading = new Reading(options)
    for (let index = 0; index < requests.length; index++) {
      const result = this.#readOne(requests[index]!, reading)
      if (result instanceof Promise) return this.#readRest(requests, index, result, reading)
      reading.add(result)
    }
    return reading.results
  }

  async #readRest(
    requests: readonly ReadRequest[],
    index: number,
    pending: Promise<ReadResult>,
    reading: Reading,
  ): Promise<ReadResult[]> {
    reading.add(await pending)
    for (let next = index + 1; next < requests.length; next++) {
      reading.add(await this.#readOne(requests[next]!, reading))
    }
    return reading.results
  }

  #readOne(request: ReadRequest, reading: Reading): ReadResult | Promise<ReadResult> {
    const log = this.find(request)
    if (!log) return failedRead(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if (log.damage !== undefined) return failedRead(ErrorCode.KAFKA_STORAGE_ERROR)
    const { offset } = request
    if (offset < log.logStartOffset || offset > log.logEndOffset) {
      return failedRead(ErrorCode.OFFSET_OUT_OF_RANGE)
    }
    try {
      const read = readLog(log, {
        offset,
        maxBytes: Math.min(request.maxBytes, reading.bytesLeft),
        endOffset: endOffsetOf(log, reading.options.isolation),
        atLeastOneBatch: reading.mayExceed,
      })
      if (!(read instanceof Promise)) return new LocalRead(log, offset, read, reading.options)
      return read.then(
        (done) => new LocalRead(log, offset, done, reading.options),
        (error: unknown) => failedRead(codeOfReadError(error)),
      )
    } catch (error) {
      return failedRead(codeOfReadError(error))
    }
  }

  waitForData(
    positions: readonly Position[],
    minBytes: number,
    isolation: IsolationLevel,
    wake: () => void,
  ): () => void {
    const watched: Watched[] = []
    let isGone = false
    for (const position of positions) {
      const log = this.find(position)
      if (!log) {
        isGone = true
        continue
      }
      const { offset, maxBytes } = position
      watched.push({ log, offset, maxBytes, startBytes: appendedBytesAt(log, offset) })
    }
    const watcher = new Watcher(watched, minBytes, isolation, wake)
    if (isGone || watcher.isReady()) {
      this.#wakeSoon(watcher)
    } else {
      for (const { log } of watched) {
        log.watchers ??= new Set()
        log.watchers.add(watcher)
      }
    }
    return () => watcher.cancel()
  }

  /** Wakes those whose wait is over once the caller is through, so that they see all it appended. */
  changed(log: Log): void {
    if (log.watchers === undefined) return
    for (const watcher of log.watchers) if (watcher.isReady()) this.#wakeSoon(watcher)
    if (log.watchers.size === 0 || log.isGone) log.watchers = undefined
  }

  /** Whoever waits at a leader that is none any more is to hear of it. */
  leaderChanged(log: Log): void {
    for (const watcher of log.watchers ?? []) this.#wakeSoon(watcher)
  }

  #wakeSoon(watcher: Watcher): void {
    if (this.#woken.length === 0) queueMicrotask(() => this.#wakeAll())
    this.#woken.push(watcher)
  }

  #wakeAll(): void {
    const woken = this.#woken
    this.#woken = []
    for (const watcher of woken) watcher.wake()
  }

  bounds(partition: TopicPartition): Bounds {
    return this.find(partition)?.bounds() ?? UNKNOWN_BOUNDS
  }

  offsetForTimestamp(
    partition: TopicPartition,
    timestampMs: number,
    isolation: IsolationLevel,
  ): OffsetAndTimestamp {
    return this.#lookUp(partition, (log) =>
      offsetForTimestamp(log, timestampMs, endOffsetOf(log, isolation)),
    )
  }

  offsetOfMaxTimestamp(partition: TopicPartition, isolation: IsolationLevel): OffsetAndTimestamp {
    return this.#lookUp(partition, (log) => offsetOfMaxTimestamp(log, endOffsetOf(log, isolation)))
  }

  #lookUp(partition: TopicPartition, find: (log: Log) => OffsetAndTimestamp): OffsetAndTimestamp {
    const log = this.find(partition)
    if (!log) return { ...NO_OFFSET, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }
    if (log.damage !== undefined) return { ...NO_OFFSET, errorCode: ErrorCode.KAFKA_STORAGE_ERROR }
    try {
      return find(log)
    } catch (error) {
      return { ...NO_OFFSET, errorCode: codeOfReadError(error) }
    }
  }

  earliestEpoch(partition: TopicPartition): number {
    const log = this.find(partition)
    const earliest = log?.epochs.earliest
    return log && earliest && earliest.startOffset <= log.logStartOffset ? earliest.epoch : -1
  }

  epochEndOffset(partition: TopicPartition, leaderEpoch: number): EpochEndOffset {
    const log = this.find(partition)
    if (!log || log.damage !== undefined) {
      const errorCode = log ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      return { errorCode, leaderEpoch: -1, endOffset: -1 }
    }
    const { epoch, endOffset } = log.epochs.endOffset(leaderEpoch, log.logEndOffset)
    return { errorCode: ErrorCode.NONE, leaderEpoch: epoch, endOffset }
  }

  segmentOffsets(partition: TopicPartition): { offset: number; timestampMs: number }[] {
    const log = this.find(partition)
    if (!log) return []
    return log.segments
      .map(({ baseOffset, modifiedMs }) => ({
        offset: Math.max(baseOffset, log.logStartOffset),
        timestampMs: modifiedMs,
      }))
      .reverse()
  }

  deleteRecords(
    partition: TopicPartition,
    beforeOffset: number,
  ): DeleteRecordsResult | Promise<DeleteRecordsResult> {
    const log = this.find(partition)
    if (!log) return { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, logStartOffset: -1 }
    if (log.damage !== undefined) {
      return { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logStartOffset: -1 }
    }
    const offset = beforeOffset === -1 ? log.highWatermark : beforeOffset
    if (offset < 0 || offset > log.highWatermark) {
      return { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE, logStartOffset: -1 }
    }
    const before = log.logStartOffset
    log.raiseLogStart(offset)
    const result = { errorCode: ErrorCode.NONE, logStartOffset: log.logStartOffset }
    if (log.logStartOffset === before) return result
    const failed = { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, logStartOffset: -1 }
    try {
      const done = this.#hooks.logStartRaised(log)
      return done
        ? done.then(
            () => result,
            () => failed,
          )
        : result
    } catch {
      return failed
    }
  }

  producers(partition: TopicPartition): readonly ProducerStateView[] {
    return this.find(partition)?.producers.views() ?? []
  }
}

/** Spends the byte limit of one call in the order of its requests. */
class Reading {
  readonly options: ReadOptions
  readonly results: ReadResult[] = []
  bytesLeft: number
  /** Nothing was found yet, so the first batch may be over the limits. */
  mayExceed: boolean

  constructor(options: ReadOptions) {
    this.options = options
    this.bytesLeft = options.maxBytes
    this.mayExceed = options.atLeastOneBatch
  }

  add(result: ReadResult): void {
    this.results.push(result)
    if (result.records.length === 0) return
    this.bytesLeft = Math.max(0, this.bytesLeft - result.records.length)
    this.mayExceed = false
  }
}

class LocalRead implements ReadResult {
  readonly errorCode = ErrorCode.NONE
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
  readonly abortedTransactions: ReadResult['abortedTransactions']
  readonly #read: LogRead

  constructor(log: Log, offset: number, read: LogRead, options: ReadOptions) {
    this.highWatermark = log.highWatermark
    this.lastStableOffset = log.lastStableOffset
    this.logStartOffset = log.logStartOffset
    this.#read = read
    this.abortedTransactions =
      options.isolation === 'read_committed' ? abortedIn(log, offset, read) : null
  }

  get records(): Uint8Array {
    return this.#read.records
  }

  release(): void {
    this.#read.release()
  }
}

function abortedIn(log: Log, offset: number, read: LogRead) {
  return read.records.length === 0 ? [] : abortedTransactions(log, offset, read.nextOffset)
}

function failedRead(errorCode: ErrorCode): ReadResult {
  return {
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    logStartOffset: -1,
    records: NO_RECORDS,
    abortedTransactions: null,
    release: () => undefined,
  }
}

function endOffsetOf(log: Log, isolation: IsolationLevel): number {
  return isolation === 'read_committed' ? log.lastStableOffset : log.highWatermark
}

/** What the protocol has a code for keeps it; the rest is the disk. A bug of ours stays a bug. */
function codeOfReadError(error: unknown): ErrorCode {
  if (error instanceof KafkaError) return error.errorCode
  if (error instanceof Error && 'code' in error) return ErrorCode.KAFKA_STORAGE_ERROR
  throw error
}
