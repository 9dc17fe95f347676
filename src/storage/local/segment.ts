import type { LogConfig } from '../engine.ts'
import { BatchFacts } from './batch-facts.ts'
import { scanBatches } from './batch-scan.ts'
import type { BufferPool } from './buffer-pool.ts'
import {
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetName,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from './file-names.ts'
import { replaceFile, syncFile } from './files.ts'
import { OFFSET_INDEX_ENTRY_BYTES, OffsetIndex } from './offset-index.ts'
import { FileSlot, type OpenFiles } from './open-files.ts'
import { CheckedRanges } from './read-check.ts'
import type { ResidentIndexes } from './resident-indexes.ts'
import { TIME_INDEX_ENTRY_BYTES, TimeIndex } from './time-index.ts'
import { TransactionIndex } from './transaction-index.ts'

const RELATIVE_OFFSET_MAX = 2147483647
const SUFFIXES = [LOG_SUFFIX, OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX]

export interface SegmentIndexes {
  readonly offsets: OffsetIndex
  readonly times: TimeIndex
  readonly transactions: TransactionIndex
}

export interface SegmentOptions {
  readonly openFiles: OpenFiles
  readonly buffers: BufferPool
  readonly residentIndexes: ResidentIndexes
  readonly directory: string
  readonly baseOffset: number
  readonly sizeBytes: number
  readonly modifiedMs: number
  /** Subtracted from segment.ms, so that segments of one age do not all roll at once. */
  readonly jitterMs: number
  /** For indexes that have to be built again. */
  readonly indexIntervalBytes: number
  /** Of its files while they are not part of a log: `.cleaned`. */
  readonly nameSuffix?: string
}

/**
 * One file of record batches with its three indexes. The indexes are held in memory while the
 * segment is active; those of older segments are read when first asked for, and can be let go.
 */
export class Segment {
  readonly baseOffset: number
  readonly log: FileSlot
  readonly #openFiles: OpenFiles
  readonly #buffers: BufferPool
  readonly #residentIndexes: ResidentIndexes
  #directory: string
  readonly #jitterMs: number
  readonly #createdMs: number
  readonly #indexIntervalBytes: number
  #nameSuffix: string
  sizeBytes: number
  modifiedMs: number
  /** Bytes of the log file that no completed sync covers. */
  isUnsynced = false
  /** The indexes in memory are ahead of their files. */
  areIndexesUnwritten = false
  /** From here on everything was appended by this process. */
  readonly appendedFrom: number
  /** What was read from the file and found good. */
  readonly checked = new CheckedRanges()
  /** It takes no more batches, and no completed sync covers its index files. */
  hasUnsyncedIndexes = false
  /** It gave way to a compacted one; only readers that had begun still use it. */
  wasReplaced = false
  /** A read had to wait for the disk, so this many next ones go to the thread pool. */
  coldReadsLeft = 0
  #indexes: SegmentIndexes | undefined
  /** The largest timestamp, and the last offset of the batch that has it; read with the indexes. */
  #maxTimestampMs = -1
  #maxTimestampOffset: number
  #firstTimestampMs: number | undefined
  #bytesSinceIndexEntry = 0
  /** Of files that this process made: nothing is in them yet, and there is no transaction index. */
  #areFilesFresh = false
  /** Its file is longer than what is in it. */
  #isPreallocated = false

  constructor(options: SegmentOptions) {
    this.baseOffset = options.baseOffset
    this.#openFiles = options.openFiles
    this.#buffers = options.buffers
    this.#residentIndexes = options.residentIndexes
    this.#directory = options.directory
    this.#jitterMs = options.jitterMs
    this.sizeBytes = options.sizeBytes
    this.appendedFrom = options.sizeBytes
    this.modifiedMs = options.modifiedMs
    this.#createdMs = options.modifiedMs
    this.#indexIntervalBytes = options.indexIntervalBytes
    this.#maxTimestampOffset = options.baseOffset
    this.#nameSuffix = options.nameSuffix ?? ''
    this.log = new FileSlot(options.openFiles, this.#path(LOG_SUFFIX))
  }

  get maxTimestampMs(): number {
    this.indexes()
    return this.#maxTimestampMs
  }

  /** What retention compares with: the file's time where the records have none. */
  get retentionTimestampMs(): number {
    const { maxTimestampMs } = this
    return maxTimestampMs >= 0 ? maxTimestampMs : this.modifiedMs
  }

  /** Since it was opened: something was appended, cut off or built again. */
  get hasChanged(): boolean {
    return this.areIndexesUnwritten || this.sizeBytes !== this.appendedFrom
  }

  get hasLoadedIndexes(): boolean {
    return this.#indexes !== undefined
  }

  /** log-storage.md section 5; `batch` is the one to append. */
  mustRoll(batch: BatchFacts, config: LogConfig, nowMs: number): boolean {
    if (this.sizeBytes > config.segmentBytes - batch.sizeBytes) return true
    if (batch.lastOffset - this.baseOffset > RELATIVE_OFFSET_MAX) return true
    const { offsets, times } = this.indexes()
    const indexBytes = config.segmentIndexBytes
    if (offsets.count >= Math.floor(indexBytes / OFFSET_INDEX_ENTRY_BYTES)) return true
    if (times.count >= Math.floor(indexBytes / TIME_INDEX_ENTRY_BYTES) - 1) return true
    if (this.sizeBytes === 0) return false
    const segmentMs = config.cleanupCompact
      ? Math.min(config.segmentMs, config.maxCompactionLagMs)
      : config.segmentMs
    return this.#ageMs(batch.maxTimestampMs, nowMs) > segmentMs - this.#jitterMs
  }

  /** Largest timestamp of the first batch; -1 without one. */
  get firstTimestampMs(): number {
    this.#firstTimestampMs ??= this.#readFirstTimestamp()
    return this.#firstTimestampMs
  }

  #ageMs(timestampMs: number, nowMs: number): number {
    const { firstTimestampMs } = this
    return firstTimestampMs >= 0 ? timestampMs - firstTimestampMs : nowMs - this.#createdMs
  }

  /** Sizes of two of its indexes, without reading them. */
  indexFileBytes(): { readonly offsetBytes: number; readonly timeBytes: number } {
    const { files } = this.#openFiles
    return {
      offsetBytes: files.stat(this.#path(OFFSET_INDEX_SUFFIX))?.sizeBytes ?? 0,
      timeBytes: files.stat(this.#path(TIME_INDEX_SUFFIX))?.sizeBytes ?? 0,
    }
  }

  /** Takes note of a batch that was written at `position`. */
  appended(batch: BatchFacts, position: number, indexIntervalBytes: number): void {
    const { offsets, times } = this.indexes()
    if (position === 0) this.#firstTimestampMs = batch.maxTimestampMs
    this.observeTimestamp(batch)
    if (this.#bytesSinceIndexEntry > indexIntervalBytes) {
      offsets.append(batch.lastOffset, position)
      times.maybeAppend(this.#maxTimestampMs, this.#maxTimestampOffset)
      this.#bytesSinceIndexEntry = 0
      this.areIndexesUnwritten = true
    }
    this.#bytesSinceIndexEntry += batch.sizeBytes
    this.sizeBytes = position + batch.sizeBytes
  }

  /** Of a batch that may be newer than what the time index says. */
  observeTimestamp(batch: BatchFacts): void {
    if (batch.maxTimestampMs <= this.#maxTimestampMs) return
    this.#maxTimestampMs = batch.maxTimestampMs
    this.#maxTimestampOffset = batch.lastOffset
  }

  /** From memory, else from their files, else built from the batches. */
  indexes(): SegmentIndexes {
    if (this.#indexes) return this.#indexes
    const indexes = this.#loadIndexes()
    this.#indexes = indexes
    this.makeIndexesEvictable()
    return indexes
  }

  /** From now on the indexes may leave memory when others need the room. */
  makeIndexesEvictable(): void {
    if (!this.#indexes) return
    const { offsets, times, transactions } = this.#indexes
    const bytes = offsets.sizeBytes + times.sizeBytes + transactions.entries.length * 64
    this.#residentIndexes.add(this, bytes)
  }

  /** Lets indexes that are in their files go from memory. */
  unloadIndexes(): void {
    if (!this.areIndexesUnwritten) this.#indexes = undefined
  }

  /** Begins empty indexes, to be filled by `appended` while the batches are read. */
  resetIndexes(): void {
    this.#indexes = {
      offsets: new OffsetIndex(this.baseOffset),
      times: new TimeIndex(this.baseOffset),
      transactions: new TransactionIndex(),
    }
    this.#maxTimestampMs = -1
    this.#maxTimestampOffset = this.baseOffset
    this.#firstTimestampMs = undefined
    this.#bytesSinceIndexEntry = 0
    this.areIndexesUnwritten = true
  }

  /** The last entry of the time index stands for the whole segment once it takes no more batches. */
  closeTimeIndex(): void {
    const { times } = this.indexes()
    const before = times.count
    times.maybeAppend(this.#maxTimestampMs, this.#maxTimestampOffset)
    if (times.count !== before) this.areIndexesUnwritten = true
  }

  /** Bytes in a file of its name, if there is one. */
  storedBytes(): number {
    return this.#openFiles.files.stat(this.#path(LOG_SUFFIX))?.sizeBytes ?? 0
  }

  /**
   * Makes its files, empty. What is left of an earlier try is gone. `preallocatedBytes`: what the
   * file is long until `trim`, zeros that take no room on the disk, as Kafka's preallocate has it.
   */
  create(preallocatedBytes = 0): void {
    const { files } = this.#openFiles
    files.writeFile(this.#path(LOG_SUFFIX), '')
    files.writeFile(this.#path(OFFSET_INDEX_SUFFIX), '')
    files.writeFile(this.#path(TIME_INDEX_SUFFIX), '')
    this.resetIndexes()
    this.areIndexesUnwritten = false
    this.#areFilesFresh = true
    this.log.makeWritable()
    if (preallocatedBytes === 0) return
    this.log.file.truncateSync(preallocatedBytes)
    this.#isPreallocated = true
  }

  /** Gives back what was preallocated and not used. */
  trim(): void {
    if (!this.#isPreallocated) return
    this.log.file.truncateSync(this.sizeBytes)
    this.#isPreallocated = false
    this.isUnsynced = true
  }

  writeIndexes(): void {
    if (!this.areIndexesUnwritten) return
    const { offsets, times, transactions } = this.indexes()
    const isFresh = this.#areFilesFresh
    this.#areFilesFresh = false
    if (!isFresh || offsets.count > 0) this.#writeIndex(OFFSET_INDEX_SUFFIX, offsets.encode())
    if (!isFresh || times.count > 0) this.#writeIndex(TIME_INDEX_SUFFIX, times.encode())
    if (transactions.entries.length > 0) {
      this.#writeIndex(TRANSACTION_INDEX_SUFFIX, transactions.encode())
    } else if (!isFresh) {
      this.#openFiles.files.removeFile(this.#path(TRANSACTION_INDEX_SUFFIX))
    }
    this.areIndexesUnwritten = false
  }

  /**
   * In place where batches were appended: until the files are synced, a start after a crash builds
   * the indexes of such a segment again.
   */
  #writeIndex(suffix: string, content: Uint8Array): void {
    const { files } = this.#openFiles
    if (this.sizeBytes > this.appendedFrom) files.writeFile(this.#path(suffix), content)
    else replaceFile(files, this.#path(suffix), content)
  }

  async syncIndexes(): Promise<void> {
    const { files } = this.#openFiles
    for (const suffix of [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX]) {
      const path = this.#path(suffix)
      if (files.stat(path)) await syncFile(files, path)
    }
  }

  /** Cuts the file; the indexes follow. */
  truncateTo(position: number, endOffset: number): void {
    this.log.file.truncateSync(position)
    this.checked.clear()
    const { offsets, times, transactions } = this.indexes()
    offsets.truncateTo(endOffset)
    times.truncateTo(endOffset)
    transactions.truncateTo(endOffset)
    this.#maxTimestampMs = times.lastTimestampMs
    this.#maxTimestampOffset = times.lastOffset
    this.#bytesSinceIndexEntry = 0
    this.sizeBytes = position
    this.areIndexesUnwritten = true
    this.isUnsynced = true
  }

  /** Names of its files that are there, without their directory. */
  fileNames(): string[] {
    const { files } = this.#openFiles
    return SUFFIXES.filter((suffix) => files.stat(this.#path(suffix)) !== undefined).map(
      (suffix) => offsetName(this.baseOffset) + suffix + this.#nameSuffix,
    )
  }

  /** Its files have another suffix from now on. When that cannot be, they keep the one they have. */
  rename(nameSuffix: string): void {
    const { files } = this.#openFiles
    const names = this.fileNames().map((name) => {
      const from = `${this.#directory}/${name}`
      return [from, from.slice(0, from.length - this.#nameSuffix.length) + nameSuffix] as const
    })
    let count = 0
    try {
      for (; count < names.length; count++) files.rename(...names[count]!)
    } catch (error) {
      for (const [from, to] of names.slice(0, count)) files.rename(to, from)
      throw error
    }
    this.#nameSuffix = nameSuffix
    this.log.path = this.#path(LOG_SUFFIX)
  }

  close(): void {
    this.log.close()
    this.#residentIndexes.remove(this)
  }

  /** Its files are gone at once. */
  remove(): void {
    this.close()
    const { files } = this.#openFiles
    for (const name of this.fileNames()) files.removeFile(`${this.#directory}/${name}`)
  }

  /** Its directory was renamed, or its files are in another one. */
  moveTo(directory: string): void {
    this.#directory = directory
    this.log.moveTo(this.#path(LOG_SUFFIX))
  }

  get directory(): string {
    return this.#directory
  }

  #path(suffix: string): string {
    return `${this.#directory}/${offsetName(this.baseOffset)}${suffix}${this.#nameSuffix}`
  }

  #readFirstTimestamp(): number {
    let timestampMs = -1
    this.#scan(0, (batch) => {
      timestampMs = batch.maxTimestamp
      return false
    })
    return timestampMs
  }

  #scan(from: number, visit: Parameters<typeof scanBatches>[0]['visit']) {
    const range = { file: this.log.file, from, to: this.sizeBytes, buffers: this.#buffers }
    return scanBatches({ ...range, detail: 'headers', visit })
  }

  #loadIndexes(): SegmentIndexes {
    const { files } = this.#openFiles
    const offsetBytes = files.readFile(this.#path(OFFSET_INDEX_SUFFIX))
    const timeBytes = files.readFile(this.#path(TIME_INDEX_SUFFIX))
    const transactionBytes = files.readFile(this.#path(TRANSACTION_INDEX_SUFFIX))
    const offsets = offsetBytes && OffsetIndex.decode(offsetBytes, this.baseOffset, this.sizeBytes)
    const times = timeBytes && TimeIndex.decode(timeBytes, this.baseOffset)
    const transactions = TransactionIndex.decode(transactionBytes ?? new Uint8Array(0))
    const isGood = offsets && times && transactions && this.#areComplete(offsets, times)
    if (!isGood) return this.#rebuildIndexes(transactions ?? new TransactionIndex())
    // The last batches may have been looked at before.
    if (times.lastTimestampMs > this.#maxTimestampMs) {
      this.#maxTimestampMs = times.lastTimestampMs
      this.#maxTimestampOffset = times.lastOffset
    }
    return { offsets, times, transactions }
  }

  /** A file that lost its end is a valid index all the same; the batches tell. */
  #areComplete(offsets: OffsetIndex, times: TimeIndex): boolean {
    if (this.sizeBytes === 0) return true
    if (times.count === 0 && this.#readFirstTimestamp() >= 0) return false
    const from = offsets.lastPosition
    let isComplete = true
    this.#scan(from, (batch, position) => {
      // Reopening a segment begins a new interval, so up to two of them are nothing strange.
      isComplete =
        position - from <= 2 * this.#indexIntervalBytes &&
        (position !== from || offsets.count === 0 || batch.lastOffset === offsets.lastOffset)
      return isComplete
    })
    return isComplete
  }

  /** The transaction index cannot be had from one segment alone: recovery builds that one. */
  #rebuildIndexes(transactions: TransactionIndex): SegmentIndexes {
    const { sizeBytes } = this
    this.resetIndexes()
    let nextOffset = this.baseOffset
    this.#scan(0, (batch, position) => {
      const { baseOffset, lastOffset } = batch
      const isInOrder = baseOffset >= nextOffset && lastOffset >= baseOffset
      // Damaged; a read of it will say so.
      if (!isInOrder || lastOffset - this.baseOffset > RELATIVE_OFFSET_MAX) return true
      nextOffset = lastOffset + 1
      const facts = new BatchFacts(batch, batch.baseOffset, batch.partitionLeaderEpoch)
      this.appended(facts, position, this.#indexIntervalBytes)
      return true
    })
    this.sizeBytes = sizeBytes
    const { offsets, times } = this.indexes()
    times.maybeAppend(this.#maxTimestampMs, this.#maxTimestampOffset)
    return { offsets, times, transactions }
  }
}
