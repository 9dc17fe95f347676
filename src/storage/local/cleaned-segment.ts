import { BatchView } from '../../protocol/records/batch.ts'
import { BatchFacts } from './batch-facts.ts'
import { CLEANED_SUFFIX } from './file-names.ts'
import type { Log } from './log.ts'
import { Segment } from './segment.ts'
import type { AbortedTransactionEntry } from './transaction-index.ts'

/** Synced piece by piece: one sync of a gigabyte would hold up the disk for all others. */
const SYNC_BYTES = 4 * 1024 * 1024

/**
 * What compaction writes: a segment whose files have the suffix `.cleaned` until it takes the place
 * of others. Nobody else knows it, so its writes may wait for the disk.
 */
export class CleanedSegment {
  readonly #log: Log
  readonly #segment: Segment
  readonly #buffer: Buffer
  #bufferedBytes = 0
  #unsyncedBytes = 0

  /** Makes the files. `writeBytes` are written at a time. */
  constructor(log: Log, baseOffset: number, writeBytes: number) {
    this.#log = log
    this.#segment = this.#makeSegment(baseOffset, 0, 0)
    this.#segment.create()
    this.#buffer = log.environment.buffers.acquire(writeBytes)
  }

  #makeSegment(baseOffset: number, sizeBytes: number, modifiedMs: number): Segment {
    const { openFiles, buffers, residentIndexes } = this.#log.environment
    const { directory, config } = this.#log
    return new Segment({
      openFiles,
      buffers,
      residentIndexes,
      directory,
      baseOffset,
      sizeBytes,
      modifiedMs,
      jitterMs: 0,
      indexIntervalBytes: config.indexIntervalBytes,
      nameSuffix: CLEANED_SUFFIX,
    })
  }

  get sizeBytes(): number {
    return this.#segment.sizeBytes
  }

  /** Copies one whole batch. When the buffer had to be written, a promise of the bytes that were. */
  append(bytes: Uint8Array): Promise<number> | undefined {
    const segment = this.#segment
    const batch = new BatchView(bytes)
    const facts = new BatchFacts(batch, batch.baseOffset, batch.partitionLeaderEpoch)
    const position = segment.sizeBytes
    segment.appended(facts, position, this.#log.config.indexIntervalBytes)
    if (this.#bufferedBytes + bytes.length <= this.#buffer.length) {
      this.#buffer.set(bytes, this.#bufferedBytes)
      this.#bufferedBytes += bytes.length
      return undefined
    }
    return this.#write(bytes, position)
  }

  /** What the buffer holds lies before `position` of the file. */
  async #write(bytes: Uint8Array, position: number): Promise<number> {
    const flushed = this.#bufferedBytes
    await this.#flush(position)
    if (bytes.length <= this.#buffer.length) {
      this.#buffer.set(bytes, 0)
      this.#bufferedBytes = bytes.length
      return flushed
    }
    await this.#segment.log.withPin((file) => file.write(bytes, position))
    this.#unsyncedBytes += bytes.length
    return flushed + bytes.length
  }

  async #flush(end: number): Promise<void> {
    const length = this.#bufferedBytes
    const bytes = this.#buffer.subarray(0, length)
    await this.#segment.log.withPin((file) => file.write(bytes, end - length))
    this.#bufferedBytes = 0
    this.#unsyncedBytes += length
    if (this.#unsyncedBytes >= SYNC_BYTES) await this.#sync()
  }

  async #sync(): Promise<void> {
    await this.#segment.log.withPin((file) => file.datasync())
    this.#unsyncedBytes = 0
  }

  /** For the transaction index. Entries come in the order of their markers. */
  addAborted(entry: AbortedTransactionEntry): void {
    this.#segment.indexes().transactions.append(entry)
    this.#segment.areIndexesUnwritten = true
  }

  /** The segment with all its files durable. `modifiedMs` is that of the newest source. */
  async finish(modifiedMs: number): Promise<Segment> {
    const segment = this.#segment
    const { files } = this.#log.environment
    await this.#flush(segment.sizeBytes)
    segment.closeTimeIndex()
    segment.writeIndexes()
    files.setModifiedMs(segment.log.path, modifiedMs)
    await this.#sync()
    await segment.syncIndexes()
    segment.close()
    await this.#log.syncNames()
    return this.#makeSegment(segment.baseOffset, segment.sizeBytes, modifiedMs)
  }

  /** To be called in the end, whatever happened. */
  release(): void {
    this.#segment.close()
    this.#log.environment.buffers.release(this.#buffer)
  }

  /** Its files go. */
  remove(): void {
    this.#segment.remove()
  }
}
