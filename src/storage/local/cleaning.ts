import type { BatchView } from '../../protocol/records/batch.ts'
import { type FilteredBatch, openForFilter } from '../../protocol/records/filter-batch.ts'
import { recordsRemaining } from '../../protocol/records/record-cursor.ts'
import { CleanedSegment } from './cleaned-segment.ts'
import { CleanedTransactions } from './cleaned-transactions.ts'
import { type CleaningRange, groupSegments, segmentsBetween } from './cleaning-range.ts'
import { KeyOffsetMap } from './key-offset-map.ts'
import { abortedTransactionEntries } from './log-reader.ts'
import type { Segment } from './segment.ts'
import { SegmentBatches } from './segment-batches.ts'
import type { Turns } from './turns.ts'

/** Records between two looks at the time; some 20 us. */
const RECORDS_PER_STEP = 32

/** Something else came first: the topic is gone, the broker stops. Nothing is wrong. */
export class CleaningAborted extends Error {
  override name = 'CleaningAborted'
}

export interface CleaningOptions {
  readonly turns: Turns
  readonly nowMs: number
  /** log.cleaner.dedupe.buffer.size */
  readonly mapBytes: number
  /** log.cleaner.io.buffer.load.factor */
  readonly mapLoadFactor: number
  /** Read and written at a time. */
  readonly ioBytes: number
  /** Bytes were read or written: resolves when there may be more. */
  readonly throttle: (bytes: number) => Promise<void> | undefined
  /** Makes the recovery points of all logs durable in their file. */
  readonly writeRecoveryPoints: () => Promise<void>
  /** True when the work is to be given up. */
  readonly isStopped: () => boolean
}

export interface CleaningResult {
  /** All below was looked at: the new first dirty offset. */
  readonly endOffset: number
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/** Last data batch of a producer, or only its epoch when it wrote but markers. */
interface LastOfProducer {
  readonly lastDataOffset: number
  readonly producerEpoch: number
}

/**
 * One compaction of one log (reference: log-storage.md section 9): which keys come again later, then
 * group by group a new segment of what is left. Works in turns; what readers and writers do in
 * between is never in the way. Rejects with `CleaningAborted`, `DamagedSegment`, `KafkaError` for
 * records that do not read, or what the disk says.
 */
export class Cleaning {
  readonly #range: CleaningRange
  readonly #options: CleaningOptions
  readonly #map: KeyOffsetMap
  readonly #lastOfProducers = new Map<number, LastOfProducer>()
  /** What is left of a batch, until it is copied: a fresh half megabyte each time is a lot of garbage. */
  #scratch: Buffer | undefined
  #bytesBefore = 0
  #bytesAfter = 0
  /** Of the groups, in order; a transaction may go on from one to the next. */
  #target: CleanedSegment | undefined
  readonly #transactions = new CleanedTransactions((entry) => this.#target?.addAborted(entry))

  constructor(range: CleaningRange, options: CleaningOptions) {
    this.#range = range
    this.#options = options
    const { firstDirtyOffset, firstUncleanableOffset } = range
    this.#map = new KeyOffsetMap({
      memoryBytes: options.mapBytes,
      loadFactor: options.mapLoadFactor,
      keysMax: Math.max(0, firstUncleanableOffset - firstDirtyOffset),
    })
  }

  async run(): Promise<CleaningResult> {
    const { log, firstUncleanableOffset } = this.#range
    this.#options.turns.rested()
    await this.#mapDirty()
    const endOffset = this.#map.latestOffset + 1
    for (const { producerId, producerEpoch, batches } of log.producers.entries()) {
      const lastDataOffset = batches.at(-1)?.lastOffset ?? -1
      this.#lastOfProducers.set(producerId, { lastDataOffset, producerEpoch })
    }
    // A record may only go once the later one that replaces it is durable.
    if (log.recoveryStartOffset < endOffset) await log.syncUpTo(endOffset)
    // Beyond it a start after a crash takes what is missing for lost, not for compacted.
    await this.#options.writeRecoveryPoints()
    this.#check()
    const groups = groupSegments(segmentsBetween(log, 0, endOffset), {
      segmentBytes: log.config.segmentBytes,
      indexBytes: log.config.segmentIndexBytes,
      firstUncleanableOffset,
    })
    try {
      for (const group of groups) await this.#cleanGroup(group)
    } finally {
      this.#releaseScratch()
    }
    return { endOffset, bytesBefore: this.#bytesBefore, bytesAfter: this.#bytesAfter }
  }

  #check(): void {
    const { log } = this.#range
    const isWanted = !log.isGone && log.damage === undefined && log.config.cleanupCompact
    if (!isWanted || this.#options.isStopped()) throw new CleaningAborted()
  }

  async #pause(): Promise<void> {
    await this.#options.turns.next()
    this.#check()
  }

  /** Bytes went to or came from the disk, and were waited for. */
  async #spent(bytes: number): Promise<void> {
    const wait = this.#options.throttle(bytes)
    if (wait) await wait
    this.#options.turns.rested()
    this.#check()
  }

  // ---- the map -----------------------------------------------------------------------------------

  async #mapDirty(): Promise<void> {
    const { log, firstDirtyOffset, firstUncleanableOffset } = this.#range
    const segments = segmentsBetween(log, firstDirtyOffset, firstUncleanableOffset)
    const transactions = new CleanedTransactions()
    transactions.expect(abortedTransactionEntries(log, firstDirtyOffset, firstUncleanableOffset))
    for (const [index, segment] of segments.entries()) {
      if (!(await this.#mapSegment(segment, transactions))) return
      // There may be nothing at the end of a segment that was compacted before.
      const end = segments[index + 1]?.baseOffset ?? firstUncleanableOffset
      this.#map.raiseLatestOffset(end - 1)
    }
  }

  /** False when the map is full. */
  async #mapSegment(segment: Segment, transactions: CleanedTransactions): Promise<boolean> {
    const { firstDirtyOffset } = this.#range
    const from = segment.indexes().offsets.positionBefore(firstDirtyOffset)
    return await this.#forEachBatch(segment, from, async (batch) => {
      if (batch.isControl) transactions.onControl(batch)
      else if (!transactions.onData(batch) && !(await this.#mapBatch(batch))) return false
      if (batch.lastOffset >= firstDirtyOffset) this.#map.raiseLatestOffset(batch.lastOffset)
      return true
    })
  }

  async #mapBatch(batch: BatchView): Promise<boolean> {
    const { firstDirtyOffset } = this.#range
    const { turns } = this.#options
    const { baseOffset, recordCount } = batch
    const { cursor } = openForFilter(batch)
    for (let index = 0; index < recordCount; index++) {
      if (index % RECORDS_PER_STEP === 0 && turns.isOver()) await this.#pause()
      cursor.next()
      const offset = baseOffset + cursor.offsetDelta
      if (cursor.keyLength < 0 || offset < firstDirtyOffset) continue
      if (this.#map.isFull) return false
      this.#map.put(cursor.bytes, cursor.keyStart, cursor.keyStart + cursor.keyLength, offset)
    }
    return true
  }

  /** False when `visit` said so, which ends it. A batch is valid until its visit is over. */
  async #forEachBatch(
    segment: Segment,
    from: number,
    visit: (batch: BatchView) => boolean | Promise<boolean>,
  ): Promise<boolean> {
    const { turns, ioBytes } = this.#options
    const { buffers } = this.#range.log.environment
    const reader = new SegmentBatches({ segment, from, buffers, readBytes: ioBytes })
    try {
      while (await reader.fill()) {
        await this.#spent(reader.filledBytes)
        for (let batch = reader.next(); batch; batch = reader.next()) {
          if (turns.isOver()) await this.#pause()
          const goesOn = visit(batch)
          if (!(typeof goesOn === 'boolean' ? goesOn : await goesOn)) return false
        }
      }
      return true
    } finally {
      reader.close()
    }
  }

  // ---- what is left ------------------------------------------------------------------------------

  async #cleanGroup(group: readonly Segment[]): Promise<void> {
    const { log } = this.#range
    const target = new CleanedSegment(log, group[0]!.baseOffset, this.#options.ioBytes)
    this.#target = target
    try {
      for (const segment of group) await this.#cleanSegment(segment, target)
      const cleaned = await target.finish(group.at(-1)!.modifiedMs)
      this.#check()
      if (!log.replaceSegments(group, cleaned)) throw new CleaningAborted()
    } catch (error) {
      target.remove()
      throw error
    } finally {
      target.release()
    }
    for (const { sizeBytes } of group) this.#bytesBefore += sizeBytes
    this.#bytesAfter += target.sizeBytes
    await log.syncNames()
  }

  async #cleanSegment(segment: Segment, target: CleanedSegment): Promise<void> {
    const { log, firstUncleanableOffset } = this.#range
    const next = log.segments.find(({ baseOffset }) => baseOffset > segment.baseOffset)
    const end = next?.baseOffset ?? firstUncleanableOffset
    this.#transactions.expect(abortedTransactionEntries(log, segment.baseOffset, end))
    await this.#forEachBatch(segment, 0, async (batch) => {
      const left = await this.#cleanBatch(batch)
      if (!left) return true
      const written = target.append(left)
      if (written) await this.#spent(await written)
      return true
    })
  }

  /** What is left of a batch; null when nothing. */
  #cleanBatch(batch: BatchView): Uint8Array | null | Promise<Uint8Array | null> {
    const { nowMs } = this.#options
    const isObsolete = batch.isControl
      ? this.#transactions.onControl(batch)
      : this.#transactions.onData(batch)
    const horizonMs = batch.deleteHorizonMs
    const isDropped = batch.isControl
      ? isObsolete && horizonMs !== undefined && horizonMs <= nowMs
      : isObsolete
    const retainEmpty = this.#isNeeded(batch)
    if (isDropped && !retainEmpty) return null
    const filtered = openForFilter(batch)
    const filter = {
      deleteHorizonMs: nowMs + this.#range.log.config.deleteRetentionMs,
      isMarkerOfEmptyTransaction: batch.isControl && isObsolete,
      retainEmpty,
      room: (sizeBytes: number) => this.#room(sizeBytes),
    }
    if (isDropped) return filtered.batch(filter)
    if (!batch.isControl) return this.#filter(batch, filtered).then(() => filtered.batch(filter))
    keepAll(batch, filtered)
    return filtered.batch(filter)
  }

  #room(sizeBytes: number): Buffer {
    let scratch = this.#scratch
    if (!scratch || sizeBytes > scratch.length) {
      this.#releaseScratch()
      scratch = this.#range.log.environment.buffers.acquire(sizeBytes)
      this.#scratch = scratch
    }
    return scratch.subarray(0, sizeBytes)
  }

  #releaseScratch(): void {
    if (this.#scratch) this.#range.log.environment.buffers.release(this.#scratch)
    this.#scratch = undefined
  }

  /** What it says of its producer, or of where the compacted part ends, is nowhere else. */
  #isNeeded(batch: BatchView): boolean {
    if (batch.nextOffset === this.#range.firstUncleanableOffset) return true
    if (!batch.hasProducerId) return false
    const last = this.#lastOfProducers.get(batch.producerId)
    if (!last) return false
    return last.lastDataOffset >= 0
      ? batch.lastOffset === last.lastDataOffset
      : batch.isControl && batch.producerEpoch === last.producerEpoch
  }

  async #filter(batch: BatchView, filtered: FilteredBatch): Promise<void> {
    const { nowMs, turns } = this.#options
    const { baseOffset, recordCount } = batch
    const { cursor } = filtered
    const map = this.#map
    const horizonMs = batch.deleteHorizonMs
    const keepsTombstones = horizonMs === undefined || nowMs < horizonMs
    for (let index = 0; index < recordCount; index++) {
      if (index % RECORDS_PER_STEP === 0 && turns.isOver()) await this.#pause()
      cursor.next()
      const offset = baseOffset + cursor.offsetDelta
      const hasValue = cursor.valueLength >= 0
      const isLast =
        offset > map.latestOffset ||
        (cursor.keyLength >= 0 &&
          (hasValue || keepsTombstones) &&
          offset >= map.get(cursor.bytes, cursor.keyStart, cursor.keyStart + cursor.keyLength))
      if (isLast) filtered.keep(hasValue)
      else filtered.drop()
    }
    if (recordCount > 0 && !cursor.atEnd) throw recordsRemaining()
  }
}

function keepAll(batch: BatchView, filtered: FilteredBatch): void {
  for (let index = 0; index < batch.recordCount; index++) {
    filtered.cursor.next()
    filtered.keep(filtered.cursor.valueLength >= 0)
  }
}
