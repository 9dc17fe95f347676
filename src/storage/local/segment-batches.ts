import {
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_AT,
  BatchView,
  dataViewOf,
  LOG_OVERHEAD_BYTES,
} from '../../protocol/records/batch.ts'
import { batchSizeAt } from './batch-scan.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Segment } from './segment.ts'

/** Bytes of a segment that are no valid batch. */
export class DamagedSegment extends Error {
  override name = 'DamagedSegment'

  constructor(segment: Segment, position: number) {
    super(`damaged batch at byte ${position} of ${segment.log.path}`)
  }
}

export interface SegmentBatchesOptions {
  readonly segment: Segment
  /** Where a batch begins. */
  readonly from: number
  readonly buffers: BufferPool
  /** Read at a time; more for a batch that is larger. */
  readonly readBytes: number
}

/**
 * The batches of a segment, read on the thread pool piece by piece: `fill` a piece, then take all
 * batches in it with `next`. Each was checked against its CRC, as what is written again under a new
 * one could never be found damaged. Throws `DamagedSegment`.
 */
export class SegmentBatches {
  readonly #options: SegmentBatchesOptions
  readonly #end: number
  #buffer: Buffer
  #view: DataView
  /** The buffer holds [start, start + length) of the file. */
  #start: number
  #length = 0
  /** Of the next batch. */
  #position: number

  constructor(options: SegmentBatchesOptions) {
    this.#options = options
    this.#end = options.segment.sizeBytes
    this.#start = options.from
    this.#position = options.from
    this.#buffer = options.buffers.acquire(options.readBytes)
    this.#view = dataViewOf(this.#buffer)
  }

  /** Bytes that the last `fill` read. */
  get filledBytes(): number {
    return this.#length
  }

  /** False when there are no more batches. Batches taken before are no longer valid. */
  async fill(): Promise<boolean> {
    const { segment, buffers } = this.#options
    const left = this.#end - this.#position
    if (left <= 0) return false
    const wantedBytes = this.#sizeOfNext(left)
    if (wantedBytes > this.#buffer.length) {
      buffers.release(this.#buffer)
      this.#buffer = buffers.acquire(wantedBytes)
      this.#view = dataViewOf(this.#buffer)
    }
    const target = this.#buffer.subarray(0, Math.min(this.#buffer.length, left))
    this.#start = this.#position
    this.#length = await segment.log.withPin((file) => file.read(target, this.#position))
    if (this.#length < wantedBytes) {
      throw new DamagedSegment(segment, this.#position)
    }
    return true
  }

  /** As far as its header is in the buffer; at least that of a header. */
  #sizeOfNext(left: number): number {
    const at = this.#position - this.#start
    const size =
      at + BATCH_HEADER_BYTES > this.#length
        ? BATCH_HEADER_BYTES
        : this.#view.getInt32(at + BATCH_LENGTH_AT) + LOG_OVERHEAD_BYTES
    if (size > left) throw new DamagedSegment(this.#options.segment, this.#position)
    return size
  }

  /** Undefined when `fill` is to be called. */
  next(): BatchView | undefined {
    const at = this.#position - this.#start
    if (at + BATCH_HEADER_BYTES > this.#length) return undefined
    const size = batchSizeAt(this.#view, at)
    const { segment } = this.#options
    if (size < 0 || size > this.#end - this.#position) {
      throw new DamagedSegment(segment, this.#position)
    }
    if (at + size > this.#length) return undefined
    const batch = new BatchView(this.#buffer, at, this.#view)
    if (batch.crc !== batch.computeCrc()) throw new DamagedSegment(segment, this.#position)
    this.#position += size
    return batch
  }

  /** No more is read; batches are no longer valid. */
  close(): void {
    this.#options.buffers.release(this.#buffer)
  }
}
