import {
  ATTRIBUTES_AT,
  BATCH_HEADER_BYTES,
  BatchView,
  dataViewOf,
} from '../../protocol/records/batch.ts'
import { extendCrc32c } from '../../protocol/records/crc32c.ts'
import { batchSizeAt } from './batch-scan.ts'
import type { LogEnvironment } from './log-environment.ts'
import type { Segment } from './segment.ts'
import type { Turns } from './turns.ts'

/** A millisecond to read. */
const CHUNK_BYTES = 1024 * 1024
/** Of the page cache. */
const PAGE_BYTES = 4096
/** Looked at between two questions whether the turn is over. */
const STEP_BYTES = 4096
/** Offsets this far beyond what is expected are noise that looks like a header. */
const OFFSET_DISTANCE_MAX = 2147483647

/**
 * Whether valid batches follow after damage at `position` of the first of `segments`, or in later
 * ones: the offset of the first such batch, or undefined.
 *
 * Every byte may be the beginning of a header. A candidate counts when its CRC fits and the batches
 * after it lead to the end of the file: bytes of a batch that a client put inside a record of its
 * own do not, unless the file happens to be torn exactly behind them.
 */
export async function findLaterBatch(
  environment: LogEnvironment,
  segments: readonly Segment[],
  position: number,
  turns: Turns,
): Promise<number | undefined> {
  for (const [index, segment] of segments.entries()) {
    const search = new Search(environment, segment, turns)
    const found = await search.from(index === 0 ? position + 1 : 0)
    if (found !== undefined) return found
  }
  return undefined
}

/**
 * Whether what lies from `position` to the end is a batch whose end was never written, or zeros. A
 * whole batch that was damaged later is neither, even when its length says that more should follow.
 */
export async function isFragment(
  { buffers }: LogEnvironment,
  { log, sizeBytes }: Segment,
  position: number,
  turns: Turns,
): Promise<boolean> {
  const length = sizeBytes - position
  if (length < BATCH_HEADER_BYTES) return true
  const header = Buffer.alloc(BATCH_HEADER_BYTES)
  log.file.readSync(header, position)
  const isBatch = batchSizeAt(dataViewOf(header), 0) > length
  const buffer = buffers.acquire(CHUNK_BYTES)
  try {
    let crc = 0
    let isZero = true
    for (let at = position; at < sizeBytes; at += CHUNK_BYTES) {
      if (turns.isOver()) await turns.next()
      const bytes = buffer.subarray(0, Math.min(CHUNK_BYTES, sizeBytes - at))
      log.file.readSync(bytes, at)
      isZero &&= isAllZero(bytes)
      if (!isZero && !isBatch) return false
      crc = extendCrc32c(crc, at === position ? bytes.subarray(ATTRIBUTES_AT) : bytes)
    }
    return isZero || crc !== new BatchView(header).crc
  } finally {
    buffers.release(buffer)
  }
}

/**
 * The same for a file that was preallocated, so that zeros stand for what was never written: a write
 * that a kill cuts short ends with a page.
 */
export async function isFragmentBeforeZeros(
  environment: LogEnvironment,
  segment: Segment,
  position: number,
  turns: Turns,
): Promise<boolean> {
  const zerosFrom = await trailingZeros(environment, segment, position, turns)
  const writtenEnd = Math.ceil(zerosFrom / PAGE_BYTES) * PAGE_BYTES
  if (writtenEnd >= segment.sizeBytes) return false
  if (position + BATCH_HEADER_BYTES > writtenEnd) return true
  const header = Buffer.alloc(BATCH_HEADER_BYTES)
  segment.log.file.readSync(header, position)
  return position + batchSizeAt(dataViewOf(header), 0) > writtenEnd
}

/** Where the zeros begin that the file ends with; at `position` at the earliest. */
export async function trailingZeros(
  { buffers }: LogEnvironment,
  { log, sizeBytes }: Segment,
  position: number,
  turns: Turns,
): Promise<number> {
  const buffer = buffers.acquire(CHUNK_BYTES)
  let zerosFrom = position
  try {
    for (let at = position; at < sizeBytes; at += CHUNK_BYTES) {
      if (turns.isOver()) await turns.next()
      const bytes = buffer.subarray(0, Math.min(CHUNK_BYTES, sizeBytes - at))
      log.file.readSync(bytes, at)
      if (isAllZero(bytes)) continue
      zerosFrom = at + bytes.findLastIndex((byte) => byte !== 0) + 1
    }
    return zerosFrom
  } finally {
    buffers.release(buffer)
  }
}

function isAllZero(bytes: Buffer): boolean {
  return bytes[0] === 0 && bytes.compare(bytes, 1, bytes.length, 0, bytes.length - 1) === 0
}

/** Through one segment, in turns. */
class Search {
  readonly #environment: LogEnvironment
  readonly #segment: Segment
  readonly #turns: Turns

  constructor(environment: LogEnvironment, segment: Segment, turns: Turns) {
    this.#environment = environment
    this.#segment = segment
    this.#turns = turns
  }

  async from(position: number): Promise<number | undefined> {
    const { sizeBytes, log } = this.#segment
    const { buffers } = this.#environment
    const buffer = buffers.acquire(CHUNK_BYTES)
    try {
      for (let start = position; start + BATCH_HEADER_BYTES <= sizeBytes; ) {
        if (this.#turns.isOver()) await this.#turns.next()
        const target = buffer.subarray(0, Math.min(CHUNK_BYTES, sizeBytes - start))
        const count = log.file.readSync(target, start)
        // There may be a gigabyte that was preallocated and never used.
        const found = isAllZero(target) ? undefined : await this.#searchBytes(buffer, count, start)
        if (found !== undefined) return found
        if (count < CHUNK_BYTES) break
        start += count - BATCH_HEADER_BYTES + 1
      }
    } finally {
      buffers.release(buffer)
    }
    return undefined
  }

  /** `buffer` holds `count` bytes from `start` of the file on. */
  async #searchBytes(buffer: Buffer, count: number, start: number): Promise<number | undefined> {
    const { sizeBytes, baseOffset: segmentBase } = this.#segment
    const view = dataViewOf(buffer)
    for (let at = 0; at + BATCH_HEADER_BYTES <= count; at++) {
      if (at % STEP_BYTES === 0 && this.#turns.isOver()) await this.#turns.next()
      if (!mayBeBatch(view, at, sizeBytes - start - at)) continue
      const { baseOffset } = new BatchView(buffer, at, view)
      const distance = baseOffset - segmentBase
      if (distance < 0 || distance > OFFSET_DISTANCE_MAX) continue
      if (await this.#leadsToEnd(start + at)) return baseOffset
    }
    return undefined
  }

  async #leadsToEnd(from: number): Promise<boolean> {
    const { sizeBytes, log } = this.#segment
    const { buffers } = this.#environment
    let at = from
    let count = 0
    while (at < sizeBytes) {
      if (this.#turns.isOver()) await this.#turns.next()
      const head = Buffer.alloc(BATCH_HEADER_BYTES)
      if (log.file.readSync(head, at) < BATCH_HEADER_BYTES) break
      const size = batchSizeAt(dataViewOf(head), 0)
      if (size < 0) return false
      // The last batch may be torn; then at least one whole one has to be there.
      if (at + size > sizeBytes) break
      const buffer = buffers.acquire(size)
      const bytes = buffer.subarray(0, size)
      log.file.readSync(bytes, at)
      const batch = new BatchView(bytes)
      const isValid = batch.crc === batch.computeCrc()
      buffers.release(buffer)
      if (!isValid) return false
      count++
      at += size
    }
    return count > 0
  }
}

function mayBeBatch(view: DataView, at: number, left: number): boolean {
  if (view.getUint8(at + 16) !== 2) return false
  const size = batchSizeAt(view, at)
  return size > 0 && size <= left
}
