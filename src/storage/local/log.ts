import { assert } from '../../base/assert.ts'
import type { Uuid } from '../../base/uuid.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { BatchView, incrementSequence, stampBatch } from '../../protocol/records/batch.ts'
import type { AppendItem, AppendResult, Bounds, LogConfig } from '../engine.ts'
import { appended, duplicateOf, refused } from './append-result.ts'
import { BatchFacts } from './batch-facts.ts'
import { systemErrorCode } from './files.ts'
import { GroupSync } from './group-sync.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogEnvironment } from './log-environment.ts'
import { LogSegments, type LogSegmentsOptions } from './log-segments.ts'
import { LogTail } from './log-tail.ts'
import { PositionHints } from './position-hints.ts'
import type { ProducerState } from './producer-state.ts'
import type { Segment } from './segment.ts'
import type { Watcher } from './watch-list.ts'

/** What makes a `Log`; recovery.ts finds it out. */
export interface LogOptions extends LogSegmentsOptions {
  readonly topic: string
  readonly partition: number
  readonly config: LogConfig
  readonly leaderEpoch: number
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly recoveryPoint: number
  /** First offset that was never compacted; below it there may be gaps. 0 when nothing was. */
  readonly cleanerOffset: number
  readonly producers: ProducerState
}

interface Staged {
  /** Where its result belongs. */
  readonly results: AppendResult[]
  readonly index: number
  readonly facts: BatchFacts
  readonly bytes: Uint8Array
}

/**
 * The log of one partition: ordered segments, the last of which grows. Offsets, producer state and
 * watermarks move only after the bytes are in the file (storage-engine.md guarantees 3 to 7).
 */
export class Log {
  readonly environment: LogEnvironment
  readonly topic: string
  readonly topicId: Uuid
  readonly partition: number
  leaderEpoch: number
  readonly epochs: LeaderEpochs
  readonly producers: ProducerState
  readonly tail: LogTail
  readonly hints = new PositionHints()
  logStartOffset: number
  logEndOffset: number
  highWatermark: number
  /** All below is durable. */
  recoveryPoint: number
  /** Compaction has looked at all below. */
  firstDirtyOffset: number
  /** Why nothing works here until a restart: damage that was found. */
  damage: string | undefined
  /** Who waits for data here; undefined while nobody does, so that an append pays nothing. */
  watchers: Set<Watcher> | undefined
  #config: LogConfig
  #wasCompacted = false
  readonly #segments: LogSegments
  #isRefusingWrites = false
  /** Why it cannot be said of this log that all of it is on the disk. */
  #failure: Error | undefined
  #isWriteFailing = false
  /** All of the log from here on is in a directory that it has moved to, and may not be durable. */
  #unsettledFrom = Number.POSITIVE_INFINITY
  #settling: Promise<void> | undefined
  #isGone = false
  #staged: Staged[] = []
  #stagedBytes = 0
  readonly #sync = new GroupSync(() => this.#syncFiles())

  constructor(options: LogOptions) {
    this.environment = options.environment
    this.topic = options.topic
    this.topicId = options.topicId
    this.partition = options.partition
    this.#config = options.config
    this.leaderEpoch = options.leaderEpoch
    this.epochs = options.epochs
    this.producers = options.producers
    this.tail = new LogTail(options.environment.tails)
    this.logStartOffset = options.logStartOffset
    this.logEndOffset = options.logEndOffset
    this.highWatermark = options.logEndOffset
    this.producers.advanceHighWatermark(this.highWatermark)
    this.recoveryPoint = options.recoveryPoint
    this.firstDirtyOffset = options.cleanerOffset
    this.#segments = new LogSegments(options)
  }

  get config(): LogConfig {
    return this.#config
  }

  set config(config: LogConfig) {
    this.#wasCompacted ||= this.#config.cleanupCompact
    this.#config = config
  }

  /** Batches may be missing from `offset` on: only compaction does that. */
  mayHaveGapsAt(offset: number): boolean {
    return this.#config.cleanupCompact || this.#wasCompacted || offset < this.firstDirtyOffset
  }

  get directory(): string {
    return this.#segments.directory
  }

  /** Oldest first; never empty. The last one is active. */
  get segments(): readonly Segment[] {
    return this.#segments.list
  }

  get active(): Segment {
    return this.#segments.active
  }

  get sizeBytes(): number {
    return this.#segments.sizeBytes
  }

  /** Bytes of the segments that were rolled since the log was opened. */
  get rolledBytes(): number {
    return this.#segments.rolledBytes
  }

  get isGone(): boolean {
    return this.#isGone
  }

  /** Appends are refused until the next start. */
  get isReadOnly(): boolean {
    return this.#isRefusingWrites
  }

  get isMaterialised(): boolean {
    return this.#segments.isMaterialised
  }

  get hasUnsynced(): boolean {
    return this.#segments.hasUnsynced
  }

  /** A start after a crash has to look at all from here on. */
  get recoveryStartOffset(): number {
    return Math.min(this.recoveryPoint, this.#segments.firstUnsyncedBase, this.#unsettledFrom)
  }

  get snapshotOffsets(): Iterable<number> {
    return this.#segments.snapshotOffsets
  }

  /** flush.messages says that what was appended is to be synced before it counts. */
  get mustFlush(): boolean {
    return this.logEndOffset - this.recoveryPoint >= this.config.flushMessages
  }

  /** What a read_committed reader may not pass. */
  get lastStableOffset(): number {
    const unstable = Math.min(this.producers.firstUnstableOffset, this.highWatermark)
    return Math.max(unstable, this.logStartOffset)
  }

  bounds(): Bounds {
    return {
      errorCode: this.damage === undefined ? ErrorCode.NONE : ErrorCode.KAFKA_STORAGE_ERROR,
      logStartOffset: this.logStartOffset,
      logEndOffset: this.logEndOffset,
      highWatermark: this.highWatermark,
      lastStableOffset: this.lastStableOffset,
      leaderEpoch: this.leaderEpoch,
      sizeBytes: this.sizeBytes,
    }
  }

  /** A new leader epoch begins at the end of the log. */
  beginEpoch(leaderEpoch: number): void {
    this.leaderEpoch = leaderEpoch
    if (this.epochs.assign(leaderEpoch, this.logEndOffset)) this.#segments.epochsChanged()
  }

  // ---- append ----------------------------------------------------------------------------------

  /**
   * Decides on one batch and stamps it. `results[index]` is set now when it is refused or a
   * duplicate, else by the next `writeStaged`.
   */
  stage(item: AppendItem, index: number, nowMs: number, results: AppendResult[]): void {
    if (this.damage !== undefined || this.#isRefusingWrites || this.#isGone) {
      const gone = this.#isGone && this.damage === undefined
      results[index] = refused(
        gone ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.KAFKA_STORAGE_ERROR,
      )
      return
    }
    const batch = item.view ?? new BatchView(item.batch)
    const baseOffset = this.#staged.at(-1)?.facts.lastOffset ?? this.logEndOffset - 1
    let facts = new BatchFacts(batch, baseOffset + 1, this.leaderEpoch)
    if (facts.sizeBytes > this.config.segmentBytes) {
      results[index] = refused(ErrorCode.RECORD_LIST_TOO_LARGE, this.logStartOffset)
      return
    }
    if (facts.producerId >= 0 && !this.#followsStaged(facts, item.origin)) {
      if (this.#staged.some((one) => one.facts.producerId === facts.producerId)) {
        this.writeStaged(nowMs)
        facts = new BatchFacts(batch, this.logEndOffset, this.leaderEpoch)
      }
      const verdict = this.producers.check(facts, {
        origin: item.origin,
        verified: item.transactionVerified === true,
        transactionVersion: item.transactionVersion ?? 0,
      })
      if (verdict !== ErrorCode.NONE) {
        results[index] =
          typeof verdict === 'number'
            ? refused(verdict, this.logStartOffset)
            : duplicateOf(verdict, this.logStartOffset)
        return
      }
    }
    if (!this.#makeRoom(facts, index, nowMs, results)) return
    stampBatch(batch, facts.baseOffset, this.leaderEpoch)
    this.#staged.push({ results, index, facts, bytes: item.batch })
    this.#stagedBytes += item.batch.length
  }

  /** The usual pipelined batch: the next sequences of a producer whose last batch is still staged. */
  #followsStaged(facts: BatchFacts, origin: AppendItem['origin']): boolean {
    if (this.#staged.length === 0 || origin !== 'client' || facts.marker) return false
    const before = this.#staged.findLast((one) => one.facts.producerId === facts.producerId)?.facts
    return (
      before !== undefined &&
      !before.marker &&
      before.baseSequence >= 0 &&
      before.producerEpoch === facts.producerEpoch &&
      before.isTransactional === facts.isTransactional &&
      facts.baseSequence === incrementSequence(before.lastSequence, 1)
    )
  }

  /** Rolls when the batch belongs into a new segment. False when that failed. */
  #makeRoom(facts: BatchFacts, index: number, nowMs: number, results: AppendResult[]): boolean {
    const sizeBytes = this.active.sizeBytes + this.#stagedBytes
    const isFull = sizeBytes > this.config.segmentBytes - facts.sizeBytes
    if (!isFull && !this.active.mustRoll(facts, this.config, nowMs)) return true
    this.writeStaged(nowMs)
    if (this.logEndOffset !== facts.baseOffset) {
      // What was staged before could not be written, so this offset is not the next one.
      results[index] = refused(ErrorCode.KAFKA_STORAGE_ERROR)
      return false
    }
    if (!this.active.mustRoll(facts, this.config, nowMs)) return true
    try {
      this.roll(nowMs)
      return true
    } catch (error) {
      this.#writeFailed(error)
      results[index] = refused(ErrorCode.KAFKA_STORAGE_ERROR)
      return false
    }
  }

  /** One system call for all that is staged; then it is in the log, or none of it is. */
  writeStaged(nowMs: number): void {
    const staged = this.#staged
    if (staged.length === 0) return
    this.#staged = []
    this.#stagedBytes = 0
    const { active } = this
    const position = active.sizeBytes
    try {
      this.#segments.materialise(this.config)
      const { file } = active.log
      if (staged.length === 1) file.writeSync(staged[0]!.bytes, position)
      else file.writevSync(staged.map(({ bytes }) => bytes), position) // biome-ignore format: one line
    } catch (error) {
      this.#undoWrite(position, error)
      for (const { results, index } of staged) {
        results[index] = refused(ErrorCode.KAFKA_STORAGE_ERROR)
      }
      return
    }
    if (this.#isWriteFailing) this.#writeRecovered()
    active.isUnsynced = true
    active.modifiedMs = nowMs
    for (const { results, index, facts, bytes } of staged) {
      this.#take(facts, bytes, nowMs)
      results[index] = appended(facts, this.logStartOffset)
    }
    if (this.environment.durability.mode !== 'sync') this.#advanceHighWatermark(this.logEndOffset)
  }

  /** The batch is in the file: everything that follows from that. */
  #take(facts: BatchFacts, bytes: Uint8Array, nowMs: number): void {
    assert(facts.baseOffset === this.logEndOffset, 'an append to leave no gap')
    const { active } = this
    const position = active.sizeBytes
    active.appended(facts, position, this.config.indexIntervalBytes)
    if (this.epochs.assign(facts.leaderEpoch, facts.baseOffset)) this.#segments.epochsChanged()
    if (facts.producerId >= 0) {
      const aborted = this.producers.append(facts, nowMs)
      if (aborted) {
        active.indexes().transactions.append(aborted)
        active.areIndexesUnwritten = true
      }
    }
    this.logEndOffset = facts.lastOffset + 1
    this.tail.append(bytes, position)
  }

  #advanceHighWatermark(highWatermark: number): void {
    if (highWatermark <= this.highWatermark) return
    this.highWatermark = highWatermark
    this.producers.advanceHighWatermark(highWatermark)
    if (this.watchers !== undefined) this.environment.changed(this)
  }

  #undoWrite(position: number, error: unknown): void {
    this.#writeFailed(error)
    if (!this.isMaterialised) return
    try {
      // A part of the batch may be in the file; the next append goes to the same position, but a
      // crash before it must not leave half a batch behind, or bytes behind a shorter one.
      const { file } = this.active.log
      if (file.sizeBytes() > position) file.truncateSync(position)
    } catch (truncateError) {
      this.refuseWrites('a failed write could not be undone', truncateError)
    }
  }

  #writeFailed(error: unknown): void {
    if (this.#isWriteFailing) return
    this.#isWriteFailing = true
    this.#report('error', 'append failed, the client gets KAFKA_STORAGE_ERROR', {
      code: systemErrorCode(error),
      reason: String(error),
    })
    this.environment.diskFailed(this, error)
  }

  #writeRecovered(): void {
    this.#isWriteFailing = false
    this.#report('info', 'appends work again')
  }

  /** From now on until a restart: reads go on, appends are refused. */
  refuseWrites(reason: string, error: unknown): void {
    if (this.#isRefusingWrites) return
    this.#isRefusingWrites = true
    this.#failure = new Error(`${this.directory}: ${reason}`, { cause: error })
    this.#report('error', 'log is read-only until the next start', { reason, error: String(error) })
  }

  #report(level: 'info' | 'warn' | 'error', message: string, fields: object = {}): void {
    const { topic, partition } = this
    this.environment.report(level, message, { topic, partition, ...fields })
  }

  // ---- segments and durability -----------------------------------------------------------------

  /** Begins a new active segment at the end of the log. Throws when its files cannot be made. */
  roll(nowMs: number): void {
    const { active } = this
    if (active.sizeBytes === 0 && active.baseOffset === this.logEndOffset) return
    this.#segments.roll(this.logEndOffset, this.producers, this.config, nowMs)
    this.tail.clear()
    // As in Kafka, data is synced in the background once its segment is full.
    void this.#syncRolled()
  }

  async #syncRolled(): Promise<void> {
    try {
      await this.#sync.upTo(this.active.baseOffset)
    } catch {
      // Reported where it happened; the log refuses writes since.
    }
  }

  /** Resolves when all that is in the log now is durable. Rejects when it cannot be made so. */
  async flush(): Promise<void> {
    if (this.#failure) throw this.#failure
    if (this.hasUnsynced) await this.#sync.upTo(this.logEndOffset)
  }

  /** Like `flush`, for records up to `offset`. */
  syncUpTo(offset: number): Promise<void> {
    return this.#sync.upTo(offset)
  }

  async #syncFiles(): Promise<number> {
    if (this.#settling) await this.#settling
    const endOffset = this.logEndOffset
    try {
      await this.#segments.sync()
    } catch (error) {
      if (this.#isGone) return endOffset
      this.refuseWrites('sync failed', error)
      this.environment.diskFailed(this, error)
      throw error
    }
    this.recoveryPoint = Math.max(this.recoveryPoint, endOffset)
    this.#advanceHighWatermark(endOffset)
    return endOffset
  }

  /** Its files are in another directory from now on, byte for byte. Call `settle` at once. */
  moveTo(directory: string): void {
    this.#segments.relocate(directory)
    if (this.isMaterialised) this.#unsettledFrom = this.active.baseOffset
  }

  /** Resolves when all that came along into a new directory is durable there. */
  async settle(): Promise<void> {
    this.#settling = this.#segments.sync()
    try {
      await this.#settling
      this.#unsettledFrom = Number.POSITIVE_INFINITY
    } catch (error) {
      if (this.#isGone) return
      this.refuseWrites('sync failed', error)
      throw error
    } finally {
      this.#settling = undefined
    }
  }

  /** Raises the log start. Segments that lie below it as a whole go with the next retention run. */
  raiseLogStart(offset: number): void {
    if (offset <= this.logStartOffset) return
    assert(offset <= this.highWatermark, 'a log start within the log')
    this.logStartOffset = offset
    if (this.epochs.truncateFromStart(offset)) this.#segments.epochsChanged()
    if (this.watchers !== undefined) this.environment.changed(this)
  }

  /** Takes the oldest `count` segments away: renamed now, removed after file.delete.delay.ms. */
  removeSegments(count: number): void {
    // The start first: whatever fails, nobody looks for what may be gone.
    this.raiseLogStart(this.segments[count]!.baseOffset)
    this.hints.clear()
    this.#segments.removeOldest(count, this.config.fileDeleteDelayMs)
  }

  /**
   * Puts a compacted segment in the place of `sources`, which readers do not notice. False, and
   * nothing was done, when they are not all there any more.
   */
  replaceSegments(sources: readonly Segment[], compacted: Segment): boolean {
    const first = this.segments.indexOf(sources[0]!)
    const areThere =
      first >= 0 && sources.every((source, index) => this.segments[first + index] === source)
    const hasMoved = compacted.directory !== this.directory
    if (!areThere || hasMoved || this.#isGone || this.damage !== undefined) return false
    assert(sources.at(-1) !== this.active, 'an active segment to stay')
    this.hints.clear()
    try {
      this.#segments.replace(sources, compacted, this.config.fileDeleteDelayMs)
    } catch (error) {
      // Old and new files lie side by side. The next start sorts them out.
      if (this.segments.includes(compacted)) {
        this.damage = `${this.directory}: a compacted segment could not take its place`
        this.refuseWrites(this.damage, error)
      }
      throw error
    }
    return true
  }

  /** Names in its directory become durable. */
  syncNames(): Promise<void> {
    return this.#segments.syncNames()
  }

  /** Its directory failed: nothing is served from it until the next start. */
  goOffline(reason: string): void {
    this.damage ??= reason
    this.#isRefusingWrites = true
    this.tail.clear()
    this.#segments.close()
    if (this.watchers !== undefined) this.environment.changed(this)
  }

  /**
   * Flushed and closed, so that the next start reads no record. Rejects when that cannot be said:
   * then the next start has to look at all of it.
   */
  async close(): Promise<void> {
    if (this.#isGone) return
    this.#isRefusingWrites = true
    try {
      if (this.isMaterialised) {
        if (this.damage !== undefined) throw new Error(this.damage)
        await this.#segments.writeForCleanStart(this.logEndOffset, this.producers)
        await this.flush()
      }
    } finally {
      this.#segments.close()
      this.tail.clear()
    }
  }

  /** The topic is deleted: `directory` is where the files are until they are removed, if any. */
  leave(directory: string): void {
    this.#isGone = true
    this.hints.clear()
    this.producers.clear()
    this.tail.clear()
    this.#segments.moveTo(directory)
    if (this.watchers !== undefined) this.environment.changed(this)
  }
}
