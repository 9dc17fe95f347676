import { assert } from '../../base/assert.ts'
import type { Uuid } from '../../base/uuid.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { BatchView, incrementSequence, stampBatch } from '../../protocol/records/batch.ts'
import type { AppendItem, AppendResult, Bounds, LogConfig } from '../engine.ts'
import { appended, duplicateOf, refused } from './append-result.ts'
import { BatchFacts } from './batch-facts.ts'
import { formatEpochCheckpoint } from './checkpoint-file.ts'
import {
  DELETED_SUFFIX,
  LEADER_EPOCH_FILE,
  offsetName,
  offsetOfName,
  PARTITION_METADATA_FILE,
  SNAPSHOT_SUFFIX,
} from './file-names.ts'
import { replaceFile, syncFile, systemErrorCode } from './files.ts'
import { GroupSync } from './group-sync.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogEnvironment } from './log-environment.ts'
import { LogTail } from './log-tail.ts'
import { formatPartitionMetadata } from './meta-properties.ts'
import { PositionHints } from './position-hints.ts'
import { encodeProducerSnapshot } from './producer-snapshot.ts'
import type { ProducerState } from './producer-state.ts'
import { Segment } from './segment.ts'
import type { Watcher } from './watch-list.ts'

/** What makes a `Log`; recovery.ts finds it out. */
export interface LogOptions {
  readonly environment: LogEnvironment
  readonly topic: string
  readonly topicId: Uuid
  readonly partition: number
  readonly directory: string
  readonly config: LogConfig
  readonly leaderEpoch: number
  /** In order; at least one. The last one is active. */
  readonly segments: Segment[]
  readonly logStartOffset: number
  readonly logEndOffset: number
  readonly recoveryPoint: number
  readonly epochs: LeaderEpochs
  readonly producers: ProducerState
  /** The directory is there. */
  readonly isMaterialised: boolean
}

interface Staged {
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
  directory: string
  config: LogConfig
  leaderEpoch: number
  /** Oldest first; never empty. */
  readonly segments: Segment[]
  readonly epochs: LeaderEpochs
  readonly producers: ProducerState
  readonly tail: LogTail
  readonly hints = new PositionHints()
  logStartOffset: number
  logEndOffset: number
  highWatermark: number
  /** All below is durable. */
  recoveryPoint: number
  /** Why nothing works here until a restart: damage that was found. */
  damage: string | undefined
  /** Bytes of the segments that were rolled since the log was opened. */
  rolledBytes = 0
  /** Who waits for data here; undefined while nobody does, so that an append pays nothing. */
  watchers: Set<Watcher> | undefined
  #isMaterialised: boolean
  #inactiveBytes = 0
  #areNamesUnsynced = false
  #directoryChange = 0
  #areEpochsUnwritten = false
  #isRefusingWrites = false
  /** Why it cannot be said of this log that all of it is on the disk. */
  #failure: Error | undefined
  #isWriteFailing = false
  #isGone = false
  #lastSnapshotOffset = -1
  #staged: Staged[] = []
  readonly #sync = new GroupSync(() => this.#syncFiles())

  constructor(options: LogOptions) {
    this.environment = options.environment
    this.topic = options.topic
    this.topicId = options.topicId
    this.partition = options.partition
    this.directory = options.directory
    this.config = options.config
    this.leaderEpoch = options.leaderEpoch
    this.segments = options.segments
    this.epochs = options.epochs
    this.producers = options.producers
    this.tail = new LogTail(options.environment.tails)
    this.logStartOffset = options.logStartOffset
    this.logEndOffset = options.logEndOffset
    this.highWatermark = options.logEndOffset
    this.producers.advanceHighWatermark(this.highWatermark)
    this.recoveryPoint = options.recoveryPoint
    this.#isMaterialised = options.isMaterialised
    this.#countInactiveBytes()
  }

  get active(): Segment {
    return this.segments.at(-1)!
  }

  get sizeBytes(): number {
    return this.#inactiveBytes + this.active.sizeBytes
  }

  /** A log may have thousands of segments, and its size is asked for with every fetch. */
  #countInactiveBytes(): void {
    this.#inactiveBytes = this.segments
      .slice(0, -1)
      .reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  get isGone(): boolean {
    return this.#isGone
  }

  get isMaterialised(): boolean {
    return this.#isMaterialised
  }

  get hasUnsynced(): boolean {
    return this.segments.some((segment) => segment.isUnsynced)
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
    if (this.epochs.assign(leaderEpoch, this.logEndOffset)) this.#areEpochsUnwritten = true
  }

  // ---- append ----------------------------------------------------------------------------------

  /**
   * Decides on one batch and stamps it. Its result is set now when it is refused or a duplicate,
   * else by the next `writeStaged`.
   */
  stage(item: AppendItem, index: number, nowMs: number, results: AppendResult[]): void {
    if (this.damage !== undefined || this.#isRefusingWrites || this.#isGone) {
      const gone = this.#isGone && this.damage === undefined
      results[index] = refused(
        gone ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.KAFKA_STORAGE_ERROR,
      )
      return
    }
    const batch = new BatchView(item.batch)
    const baseOffset = this.#staged.at(-1)?.facts.lastOffset ?? this.logEndOffset - 1
    let facts = new BatchFacts(batch, baseOffset + 1, this.leaderEpoch)
    if (facts.sizeBytes > this.config.segmentBytes) {
      results[index] = refused(ErrorCode.RECORD_LIST_TOO_LARGE, this.logStartOffset)
      return
    }
    if (facts.producerId >= 0 && !this.#followsStaged(facts, item.origin)) {
      if (this.#staged.some((one) => one.facts.producerId === facts.producerId)) {
        this.writeStaged(nowMs, results)
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
    this.#staged.push({ index, facts, bytes: item.batch })
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
    const stagedBytes = this.#staged.reduce((sum, { bytes }) => sum + bytes.length, 0)
    const isFull = this.active.sizeBytes + stagedBytes > this.config.segmentBytes - facts.sizeBytes
    if (!isFull && !this.active.mustRoll(facts, this.config, nowMs)) return true
    this.writeStaged(nowMs, results)
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
  writeStaged(nowMs: number, results: AppendResult[]): void {
    const staged = this.#staged
    if (staged.length === 0) return
    this.#staged = []
    const { active } = this
    const position = active.sizeBytes
    try {
      if (!this.#isMaterialised) this.#materialise()
      const { file } = active.log
      if (staged.length === 1) file.writeSync(staged[0]!.bytes, position)
      else file.writevSync(staged.map(({ bytes }) => bytes), position) // biome-ignore format: one line
    } catch (error) {
      this.#undoWrite(position, error)
      for (const { index } of staged) results[index] = refused(ErrorCode.KAFKA_STORAGE_ERROR)
      return
    }
    if (this.#isWriteFailing) this.#writeRecovered()
    active.isUnsynced = true
    active.modifiedMs = nowMs
    for (const { index, facts, bytes } of staged) {
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
    if (this.epochs.assign(facts.leaderEpoch, facts.baseOffset)) this.#areEpochsUnwritten = true
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
    if (!this.#isMaterialised) return
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

  // ---- segments and files ----------------------------------------------------------------------

  /** The directory is made with the first record: 1,000 topics are created without a system call. */
  #materialise(): void {
    const { files } = this.environment
    const holdsData = this.active.storedBytes() > 0
    // Only when someone put it there since the start, which found none.
    if (holdsData) throw new Error(`${this.directory} is that of a new partition, but holds data`)
    files.makeDirectory(this.directory)
    // Before any data, so that no data can ever be taken for that of another topic.
    const metadataPath = `${this.directory}/${PARTITION_METADATA_FILE}`
    files.writeFile(metadataPath, formatPartitionMetadata(this.topicId))
    this.#writeEpochs()
    this.active.create()
    this.#isMaterialised = true
    this.#areNamesUnsynced = true
    this.#directoryChange = this.environment.dataDirectoryNames.changed()
  }

  #writeEpochs(): void {
    const path = `${this.directory}/${LEADER_EPOCH_FILE}`
    replaceFile(this.environment.files, path, formatEpochCheckpoint(this.epochs.entries))
    this.#areEpochsUnwritten = false
  }

  /** Begins a new active segment at the end of the log. Throws when its files cannot be made. */
  roll(nowMs: number): void {
    const { environment, active } = this
    if (active.sizeBytes === 0 && active.baseOffset === this.logEndOffset) return
    if (!this.#isMaterialised) this.#materialise()
    const { config } = this
    const segment = new Segment({
      openFiles: environment.openFiles,
      buffers: environment.buffers,
      residentIndexes: environment.residentIndexes,
      directory: this.directory,
      baseOffset: this.logEndOffset,
      sizeBytes: 0,
      modifiedMs: nowMs,
      jitterMs: environment.random() * Math.min(config.segmentJitterMs, config.segmentMs),
      indexIntervalBytes: config.indexIntervalBytes,
    })
    try {
      segment.create()
      this.writeProducerSnapshot()
      active.closeTimeIndex()
      active.writeIndexes()
      if (this.#areEpochsUnwritten) this.#writeEpochs()
    } catch (error) {
      // A smaller batch may still go into the old segment; an empty one must not begin before it.
      segment.remove()
      throw error
    }
    this.rolledBytes += active.sizeBytes
    active.makeIndexesEvictable()
    this.segments.push(segment)
    this.#countInactiveBytes()
    this.tail.clear()
    this.#areNamesUnsynced = true
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

  /** State of producers at the end of the log, so that a start need not read what is below. */
  writeProducerSnapshot(): void {
    const offset = this.logEndOffset
    if (offset === this.#lastSnapshotOffset) return
    const path = `${this.directory}/${offsetName(offset)}${SNAPSHOT_SUFFIX}`
    replaceFile(this.environment.files, path, encodeProducerSnapshot(this.producers.entries()))
    this.#lastSnapshotOffset = offset
  }

  /** Resolves when all that is in the log now is durable. Rejects when it cannot be made so. */
  async flush(): Promise<void> {
    if (this.#failure) throw this.#failure
    if (!this.hasUnsynced && !this.#areNamesUnsynced) return
    await this.#sync.upTo(this.logEndOffset)
  }

  /** Like `flush`, for records up to `offset`. */
  syncUpTo(offset: number): Promise<void> {
    return this.#sync.upTo(offset)
  }

  async #syncFiles(): Promise<number> {
    const endOffset = this.logEndOffset
    try {
      for (const segment of this.segments.filter(({ isUnsynced }) => isUnsynced)) {
        if (!this.segments.includes(segment)) continue
        // Cleared first: what is appended during the sync may not be covered by it.
        segment.isUnsynced = false
        await segment.log.withPin((file) => file.datasync())
        if (segment !== this.active) await segment.syncIndexes()
      }
      if (this.#areNamesUnsynced) {
        this.#areNamesUnsynced = false
        await this.environment.files.syncDirectory(this.directory)
        await this.environment.dataDirectoryNames.upTo(this.#directoryChange)
      }
    } catch (error) {
      if (this.#isGone) return endOffset
      this.refuseWrites('sync failed', error)
      throw error
    }
    this.recoveryPoint = Math.max(this.recoveryPoint, endOffset)
    this.#advanceHighWatermark(endOffset)
    return endOffset
  }

  /** Raises the log start. Segments that lie below it as a whole go with the next retention run. */
  raiseLogStart(offset: number): void {
    if (offset <= this.logStartOffset) return
    assert(offset <= this.highWatermark, 'a log start within the log')
    this.logStartOffset = offset
    if (this.epochs.truncateFromStart(offset)) this.#areEpochsUnwritten = true
    if (this.watchers !== undefined) this.environment.changed(this)
  }

  /** Takes the oldest `count` segments away: renamed now, removed after file.delete.delay.ms. */
  removeSegments(count: number): void {
    assert(count < this.segments.length, 'an active segment to stay')
    const removed = this.segments.splice(0, count)
    this.#countInactiveBytes()
    for (const segment of removed) this.#setAside(segment)
    this.hints.clear()
    this.raiseLogStart(this.segments[0]!.baseOffset)
  }

  #setAside(segment: Segment): void {
    const { files, clock } = this.environment
    segment.close()
    const snapshot = offsetName(segment.baseOffset) + SNAPSHOT_SUFFIX
    const names = [...segment.fileNames(), ...(this.#exists(snapshot) ? [snapshot] : [])]
    for (const name of names) {
      const path = `${this.directory}/${name}`
      files.rename(path, path + DELETED_SUFFIX)
    }
    clock.schedule(this.config.fileDeleteDelayMs, () => {
      for (const name of names) files.removeFile(`${this.directory}/${name}${DELETED_SUFFIX}`)
    })
  }

  #exists(name: string): boolean {
    return this.environment.files.stat(`${this.directory}/${name}`) !== undefined
  }

  /**
   * Flushed and closed, so that the next start reads no record. Rejects when that cannot be said:
   * then the next start has to look at all of it.
   */
  async close(): Promise<void> {
    if (this.#isGone) return
    try {
      if (this.damage !== undefined) throw new Error(this.damage)
      if (this.#isMaterialised) await this.#flushForGood()
    } finally {
      this.#isRefusingWrites = true
      for (const segment of this.segments) segment.close()
      this.tail.clear()
    }
  }

  async #flushForGood(): Promise<void> {
    if (this.#areEpochsUnwritten) this.#writeEpochs()
    this.active.closeTimeIndex()
    for (const segment of this.segments) segment.writeIndexes()
    if (this.logEndOffset > 0) await this.#writeLastSnapshot()
    await this.flush()
  }

  async #writeLastSnapshot(): Promise<void> {
    const name = offsetName(this.logEndOffset) + SNAPSHOT_SUFFIX
    if (!this.#exists(name)) {
      this.writeProducerSnapshot()
      if (this.producers.size > 0) {
        await syncFile(this.environment.files, `${this.directory}/${name}`)
        this.#areNamesUnsynced = true
      }
    }
    this.#removeOldSnapshots()
  }

  /** Only those at the base of a segment, and the newest one, are of use. */
  #removeOldSnapshots(): void {
    const { files } = this.environment
    const bases = new Set(this.segments.map(({ baseOffset }) => baseOffset))
    for (const { name } of files.list(this.directory)) {
      const offset = offsetOfName(name, SNAPSHOT_SUFFIX)
      if (offset === undefined || offset === this.logEndOffset || bases.has(offset)) continue
      files.removeFile(`${this.directory}/${name}`)
    }
  }

  /** The topic is deleted: `directory` is where the files are until they are removed, if any. */
  leave(directory: string): void {
    this.#isGone = true
    this.hints.clear()
    this.producers.clear()
    this.tail.clear()
    for (const segment of this.segments) segment.close()
    this.directory = directory
    for (const segment of this.segments) segment.moveTo(directory)
    if (this.watchers !== undefined) this.environment.changed(this)
  }
}
