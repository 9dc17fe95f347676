import type { Uuid } from '../../base/uuid.ts'
import type { BatchView } from '../../protocol/records/batch.ts'
import type { LogConfig } from '../engine.ts'
import { BatchFacts } from './batch-facts.ts'
import { type Scan, scanBatches, scanBatchesInTurns } from './batch-scan.ts'
import { parseEpochCheckpoint } from './checkpoint-file.ts'
import { LEADER_EPOCH_FILE, LOG_SUFFIX, offsetName } from './file-names.ts'
import { LeaderEpochs } from './leader-epochs.ts'
import { Log } from './log.ts'
import type { LogEnvironment } from './log-environment.ts'
import { LogFiles } from './log-files.ts'
import { isOldMessage } from './old-message.ts'
import { loadProducers } from './producer-loader.ts'
import { ProducerState } from './producer-state.ts'
import { findLaterBatch, isFragment, isFragmentBeforeZeros, trailingZeros } from './resync.ts'
import { Segment } from './segment.ts'
import type { Turns } from './turns.ts'

/** How long a start keeps signals, timers and the application that it is part of waiting. */
export const RECOVERY_TURN_MS = 10
const SHORT_SEGMENT_BYTES = 64 * 1024

/** What is known of a log before its files are looked at. */
export interface LogSpec {
  readonly topic: string
  readonly topicId: Uuid
  readonly partition: number
  readonly directory: string
  readonly config: LogConfig
  readonly leaderEpoch: number
  /** From the checkpoint files; 0 when they have no line for it. */
  readonly recoveryPoint: number
  readonly logStartOffset: number
  /** Below it compaction may have left gaps between segments. */
  readonly cleanerOffset: number
  /** The last shutdown was a clean one: nothing is read but what tells where the log ends. */
  readonly isClean: boolean
  /** A crash, but the machine stayed up: nothing that was written can be missing. */
  readonly writesSurvived: boolean
  /**
   * Who crashed was dohle, which compacts nothing beyond the recovery point on the disk. Apache Kafka
   * may.
   */
  readonly ownerWasDohle: boolean
}

/** A partition nobody wrote to yet. Its directory comes with the first record. */
export function createLog(environment: LogEnvironment, spec: LogSpec): Log {
  const segment = newSegment(environment, spec, spec.logStartOffset)
  segment.resetIndexes()
  segment.areIndexesUnwritten = true
  return makeLog(environment, spec, {
    segments: [segment],
    logEndOffset: spec.logStartOffset,
    epochs: new LeaderEpochs(),
    producers: new ProducerState(environment.producerCount),
    isMaterialised: false,
    snapshotOffsets: [],
    logStartOffset: spec.logStartOffset,
    recoveryPoint: spec.logStartOffset,
  })
}

/**
 * Opens what is in the directory, which must be there (reference: log-storage.md section 7). At once
 * after a clean shutdown; else `turns` let others have the thread while records are checked.
 */
export function openLog(
  environment: LogEnvironment,
  spec: LogSpec,
  turns: Turns,
): Log | Promise<Log> {
  return new Recovery(environment, spec, turns).run()
}

class Recovery {
  readonly #environment: LogEnvironment
  readonly #spec: LogSpec
  readonly #turns: Turns
  readonly #files: LogFiles
  #segments: Segment[] = []
  #epochs = new LeaderEpochs()
  #producers: ProducerState
  #logEndOffset = 0
  #damage: string | undefined

  constructor(environment: LogEnvironment, spec: LogSpec, turns: Turns) {
    this.#environment = environment
    this.#spec = spec
    this.#turns = turns
    this.#files = new LogFiles(environment.files, spec.directory)
    this.#producers = new ProducerState(environment.producerCount)
  }

  run(): Log | Promise<Log> {
    const spec = this.#spec
    const environment = this.#environment
    this.#files.finishInterruptedWork()
    this.#segments = this.#files
      .segmentBases()
      .map((baseOffset) => newSegment(environment, spec, baseOffset))
    const loaded = this.#loadEpochs()
    if (loaded) return loaded.then(() => this.#recover())
    return this.#recover()
  }

  #recover(): Log | Promise<Log> {
    if (this.#segments.length === 0) return this.#finish()
    const found = this.#findEnd()
    return found ? found.then(() => this.#finish()) : this.#finish()
  }

  #finish(): Log {
    const spec = this.#spec
    const isEmpty = this.#segments.length === 0
    if (!isEmpty) this.#findMissing()
    if (this.#damage === undefined && (isEmpty || this.#logEndOffset < spec.logStartOffset)) {
      this.#startEmpty()
    }
    const logStartOffset = Math.max(this.#segments[0]!.baseOffset, spec.logStartOffset)
    this.#epochs.truncateFromStart(logStartOffset)
    this.#epochs.truncateFromEnd(this.#logEndOffset)
    const bases = this.#segments.map(({ baseOffset }) => baseOffset)
    this.#files.removeStraySnapshots(bases, this.#logEndOffset)
    const log = makeLog(this.#environment, spec, {
      segments: this.#segments,
      logStartOffset,
      logEndOffset: this.#logEndOffset,
      epochs: this.#epochs,
      producers: this.#producers,
      isMaterialised: true,
      snapshotOffsets: this.#files.snapshotOffsets(),
      recoveryPoint: spec.isClean
        ? this.#logEndOffset
        : Math.min(spec.recoveryPoint, this.#logEndOffset),
    })
    log.damage = this.#damage
    if (this.#damage === undefined) log.active.log.makeWritable()
    return log
  }

  /** Undefined when they are loaded already. */
  #loadEpochs(): Promise<void> | undefined {
    const text = this.#files.read(LEADER_EPOCH_FILE)?.toString('utf8')
    const entries = text === undefined ? undefined : parseEpochCheckpoint(text)
    this.#epochs = new LeaderEpochs(entries)
    return entries ? undefined : this.#readEpochs()
  }

  /** The batches know it, too. */
  async #readEpochs(): Promise<void> {
    for (const segment of this.#segments) {
      const scan: Scan = {
        file: segment.log.file,
        from: 0,
        to: segment.sizeBytes,
        buffers: this.#environment.buffers,
        detail: 'headers',
        visit: ({ partitionLeaderEpoch, baseOffset }) => {
          if (partitionLeaderEpoch >= 0) this.#epochs.assign(partitionLeaderEpoch, baseOffset)
          return true
        },
      }
      await scanBatchesInTurns(scan, this.#turns)
    }
  }

  /** Undefined when it is found already. */
  #findEnd(): Promise<void> | undefined {
    const { isClean, recoveryPoint } = this.#spec
    if (isClean && this.#readEnd()) return this.#loadProducers(this.#logEndOffset)
    const from = isClean
      ? this.#segments.length - 1
      : Math.max(
          0,
          // Not one that begins there: the files of the one before may have been written since.
          this.#segments.findLastIndex(({ baseOffset }) => baseOffset < recoveryPoint),
        )
    return this.#recoverFrom(from)
  }

  /** From the last index entry on, headers only. False when what is there does not add up. */
  #readEnd(): boolean {
    const segment = this.#segments.at(-1)!
    // A short segment is read as a whole: quicker than its indexes, which may never be asked for.
    const isShort = segment.sizeBytes <= SHORT_SEGMENT_BYTES
    const from = isShort ? 0 : segment.indexes().offsets.lastPosition
    let nextOffset = segment.baseOffset
    const { end } = scanBatches({
      file: segment.log.file,
      from,
      to: segment.sizeBytes,
      buffers: this.#environment.buffers,
      detail: 'headers',
      visit: (batch) => {
        if (batch.baseOffset < nextOffset || batch.lastOffsetDelta < 0) return false
        nextOffset = batch.nextOffset
        segment.observeTimestamp(factsOf(batch))
        return true
      },
    })
    this.#logEndOffset = nextOffset
    if (end === 'end') return true
    this.#report('warn', 'log does not end in a whole batch after a clean shutdown; checking it')
    return false
  }

  /** Producer state as of `offset`: from a snapshot and the batches between it and the offset. */
  #loadProducers(offset: number): Promise<void> | undefined {
    const { isClean } = this.#spec
    const loaded = loadProducers(this.#environment, {
      files: this.#files,
      segments: this.#segments,
      offset,
      // Kafka trusts that a clean shutdown would have left a snapshot had there been producers.
      replayWithoutSnapshot: !isClean,
      turns: this.#turns,
    })
    if (loaded instanceof Promise) return loaded.then((producers) => this.#setProducers(producers))
    this.#setProducers(loaded)
    return undefined
  }

  #setProducers(producers: ProducerState): void {
    this.#producers = producers
  }

  /** Reads every batch of the segments from index `from` on and builds all that derives from them. */
  async #recoverFrom(from: number): Promise<void> {
    const first = this.#segments[from]!
    this.#logEndOffset = first.baseOffset
    await this.#loadProducers(first.baseOffset)
    for (let index = from; index < this.#segments.length; index++) {
      const segment = this.#segments[index]!
      const isGap = index > from && this.#logEndOffset < segment.baseOffset
      if (isGap && !this.#mayHaveGaps()) {
        // The segment before ends in a whole batch, but not the one that was its last.
        const { sizeBytes } = this.#segments[index - 1]!
        await this.#judge(index - 1, sizeBytes, sizeBytes)
        return
      }
      const goodBytes = await this.#recoverSegment(segment)
      if (goodBytes === undefined) continue
      await this.#judge(index, goodBytes.position, goodBytes.sizeBytes)
      return
    }
  }

  /** Undefined when the whole segment is good. */
  async #recoverSegment(
    segment: Segment,
  ): Promise<{ position: number; sizeBytes: number } | undefined> {
    const { sizeBytes } = segment
    segment.resetIndexes()
    segment.isUnsynced = sizeBytes > 0
    const { position } = await this.#recoverBatches(segment, sizeBytes)
    segment.sizeBytes = sizeBytes
    if (position < sizeBytes) return { position, sizeBytes }
    segment.closeTimeIndex()
    if (segment !== this.#segments.at(-1)) {
      // Written at once, so that they need not all be kept in memory.
      segment.writeIndexes()
      segment.makeIndexesEvictable()
    }
    return undefined
  }

  async #recoverBatches(segment: Segment, to: number) {
    const { indexIntervalBytes } = this.#spec.config
    const scan: Scan = {
      file: segment.log.file,
      from: 0,
      to,
      buffers: this.#environment.buffers,
      detail: 'whole',
      visit: (batch, at) => {
        if (!this.#isGood(batch, segment)) return false
        const facts = factsOf(batch)
        segment.appended(facts, at, indexIntervalBytes)
        this.#take(facts, segment)
        return true
      },
    }
    return await scanBatchesInTurns(scan, this.#turns)
  }

  /** The CRC does not cover the offset; that it follows on the one before is all that is known. */
  #isGood(batch: BatchView, segment: Segment): boolean {
    const expected = Math.max(this.#logEndOffset, segment.baseOffset)
    const isNext = this.#mayHaveGaps()
      ? batch.baseOffset >= expected
      : batch.baseOffset === expected
    return isNext && batch.lastOffsetDelta >= 0 && batch.crc === batch.computeCrc()
  }

  /** Compaction takes batches away, also those at the end of a segment. */
  #mayHaveGaps(): boolean {
    const { cleanerOffset, recoveryPoint, config, ownerWasDohle } = this.#spec
    if (this.#logEndOffset < cleanerOffset) return true
    return config.cleanupCompact && (!ownerWasDohle || this.#logEndOffset < recoveryPoint)
  }

  #take(facts: BatchFacts, segment: Segment): void {
    this.#logEndOffset = facts.lastOffset + 1
    if (facts.leaderEpoch >= 0) this.#epochs.assign(facts.leaderEpoch, facts.baseOffset)
    if (facts.producerId < 0) return
    const aborted = this.#producers.append(facts, segment.modifiedMs)
    if (aborted) segment.indexes().transactions.append(aborted)
  }

  /** A torn tail is cut off. Damage in what was acknowledged takes the partition offline instead. */
  async #judge(index: number, position: number, sizeBytes: number): Promise<void> {
    const segment = this.#segments[index]!
    const segments = this.#segments.slice(index)
    const later = await findLaterBatch(this.#environment, segments, position, this.#turns)
    const fields = {
      file: segment.log.path,
      position,
      nextOffset: this.#logEndOffset,
      bytes: sizeBytes - position,
      ...(later === undefined ? {} : { laterOffset: later }),
    }
    if (isOldMessage(this.#environment, segment, position)) {
      const what = 'a message of a format before that of Kafka 0.11, which is not read'
      this.#takeOffline(`${what}, at byte ${position} of ${segment.log.path}`, fields)
      return
    }
    if (!(await this.#mayBeTorn(segment, position, later))) {
      this.#takeOffline(`damaged batch at byte ${position} of ${segment.log.path}`, fields)
      return
    }
    if (!(await this.#isUnused(segment, position))) {
      const text = 'end of log was cut off: it does not hold whole, valid batches'
      this.#report(later === undefined ? 'warn' : 'error', text, fields)
    }
    for (const removed of this.#segments.splice(index + 1)) removed.remove()
    segment.log.makeWritable()
    segment.log.file.truncateSync(position)
    segment.sizeBytes = position
    segment.closeTimeIndex()
  }

  /** Preallocated, and nothing was written there yet. */
  async #isUnused(segment: Segment, position: number): Promise<boolean> {
    if (!this.#spec.config.preallocate || segment !== this.#segments.at(-1)) return false
    return (await trailingZeros(this.#environment, segment, position, this.#turns)) === position
  }

  /** Whether the crash can have left the bytes from `position` on as they are. */
  async #mayBeTorn(
    segment: Segment,
    position: number,
    later: number | undefined,
  ): Promise<boolean> {
    const { isClean, recoveryPoint, writesSurvived } = this.#spec
    // What was synced, by a clean shutdown or before the checkpoint, was whole.
    if (isClean || this.#logEndOffset < recoveryPoint) return false
    if (!writesSurvived) return true
    // The end of the last write may be missing; all else is as the process wrote it.
    if (later !== undefined) return false
    if (await isFragment(this.#environment, segment, position, this.#turns)) return true
    if (!this.#spec.config.preallocate) return false
    return await isFragmentBeforeZeros(this.#environment, segment, position, this.#turns)
  }

  /** The log is whole, but ends before what is known to have been synced. */
  #findMissing(): void {
    const { recoveryPoint, logStartOffset } = this.#spec
    const end = this.#logEndOffset
    if (this.#damage !== undefined || end >= recoveryPoint || end < logStartOffset) return
    const file = this.#segments.at(-1)!.log.path
    this.#takeOffline(`${file} ends before offset ${recoveryPoint}, up to which it was synced`, {
      file,
      nextOffset: end,
      recoveryPoint,
    })
  }

  #takeOffline(damage: string, fields: object): void {
    this.#damage = damage
    const text = 'damage inside a log: partition is offline, nothing was removed'
    this.#report('error', text, fields)
  }

  #startEmpty(): void {
    for (const segment of this.#segments) segment.remove()
    const segment = newSegment(this.#environment, this.#spec, this.#spec.logStartOffset)
    segment.resetIndexes()
    this.#segments = [segment]
    this.#logEndOffset = segment.baseOffset
    this.#producers.clear()
  }

  #report(level: 'warn' | 'error', message: string, fields: object = {}): void {
    const { topic, partition } = this.#spec
    this.#environment.report(level, message, { topic, partition, ...fields })
  }
}

function factsOf(batch: BatchView): BatchFacts {
  return new BatchFacts(batch, batch.baseOffset, batch.partitionLeaderEpoch)
}

function newSegment(environment: LogEnvironment, spec: LogSpec, baseOffset: number): Segment {
  const { config } = spec
  const stat = environment.files.stat(`${spec.directory}/${offsetName(baseOffset)}${LOG_SUFFIX}`)
  return new Segment({
    openFiles: environment.openFiles,
    buffers: environment.buffers,
    residentIndexes: environment.residentIndexes,
    directory: spec.directory,
    baseOffset,
    sizeBytes: stat?.sizeBytes ?? 0,
    modifiedMs: stat?.modifiedMs ?? environment.clock.nowMs(),
    jitterMs: environment.random() * Math.min(config.segmentJitterMs, config.segmentMs),
    indexIntervalBytes: config.indexIntervalBytes,
  })
}

type Found = Pick<
  ConstructorParameters<typeof Log>[0],
  | 'segments'
  | 'logStartOffset'
  | 'logEndOffset'
  | 'recoveryPoint'
  | 'epochs'
  | 'producers'
  | 'isMaterialised'
  | 'snapshotOffsets'
>

function makeLog(environment: LogEnvironment, spec: LogSpec, found: Found): Log {
  const { topic, topicId, partition, directory, config, leaderEpoch, cleanerOffset } = spec
  const identity = { topic, topicId, partition, directory, config, leaderEpoch, cleanerOffset }
  const log = new Log({ environment, ...identity, ...found })
  log.beginEpoch(leaderEpoch)
  return log
}
