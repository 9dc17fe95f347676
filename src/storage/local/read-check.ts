import { BatchView, dataViewOf } from '../../protocol/records/batch.ts'
import { batchSizeAt } from './batch-scan.ts'
import type { Log } from './log.ts'
import type { Segment } from './segment.ts'

const RANGES_MAX = 16

/**
 * Parts of a segment file whose checksums were found right since the start. Consumers read in
 * order, so a few ranges are enough; a forgotten one costs a second check.
 */
export class CheckedRanges {
  #ranges: { from: number; to: number }[] = []

  has(from: number, to: number): boolean {
    return this.#ranges.some((range) => range.from <= from && to <= range.to)
  }

  add(from: number, to: number): void {
    const joined = { from, to }
    const apart = this.#ranges.filter((range) => {
      if (range.to < from || range.from > to) return true
      joined.from = Math.min(joined.from, range.from)
      joined.to = Math.max(joined.to, range.to)
      return false
    })
    if (apart.length === RANGES_MAX) apart.shift()
    apart.push(joined)
    this.#ranges = apart
  }

  clear(): void {
    this.#ranges = []
  }
}

/** Whole batches that were read from `position` of a segment file on. */
export interface StoredBatches {
  readonly segment: Segment
  readonly position: number
  readonly bytes: Uint8Array
  /** The wanted one, which the first batch has to hold. */
  readonly offset: number
  /** The read had to wait for the disk. */
  readonly isCold: boolean
}

/**
 * Bit rot is never served as valid (promises.md section 1): what comes from a file is checked when
 * it is first read after the start, and whenever it comes from the disk instead of the page cache.
 * Only what this process appended to the active segment is taken as it was written.
 *
 * The CRC does not cover the offset of a batch; that one has to follow on the one before.
 *
 * Returns where in `bytes` the first damaged batch begins, or -1.
 */
export function findDamage(log: Log, stored: StoredBatches): number {
  const { segment, position, bytes, isCold } = stored
  if (segment === log.active && position >= segment.appendedFrom) return -1
  const end = position + bytes.length
  if (!isCold && segment.checked.has(position, end)) return -1
  const view = dataViewOf(bytes)
  let expected = stored.offset
  for (let at = 0; at < bytes.length; ) {
    const batch = new BatchView(bytes, at, view)
    const isInOrder =
      at === 0
        ? batch.baseOffset <= expected || log.mayHaveGapsAt(expected)
        : batch.baseOffset === expected ||
          (batch.baseOffset > expected && log.mayHaveGapsAt(expected))
    const isGood =
      isInOrder && batch.baseOffset >= segment.baseOffset && batch.crc === batch.computeCrc()
    if (!isGood) return at
    expected = batch.nextOffset
    at += batchSizeAt(view, at)
  }
  segment.checked.add(position, end)
  return -1
}
