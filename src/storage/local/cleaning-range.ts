import type { Log } from './log.ts'
import type { Segment } from './segment.ts'

/** What one log has for the cleaner; offsets between segments. */
export interface CleaningRange {
  readonly log: Log
  /** From here on nothing was compacted yet. */
  readonly firstDirtyOffset: number
  /** Base of the first segment that may not be compacted now. */
  readonly firstUncleanableOffset: number
  readonly cleanableBytes: number
  /** Share of bytes that are dirty, of those that can be cleaned or are clean. */
  readonly cleanableRatio: number
  /** max.compaction.lag.ms is over for something that is dirty. */
  readonly isOverdue: boolean
}

/** Segments from the one that holds `from` to the one before `to`. */
export function segmentsBetween(log: Log, from: number, to: number): readonly Segment[] {
  const { segments } = log
  const holding = segments.findLastIndex(({ baseOffset }) => baseOffset <= from)
  const first = Math.max(0, holding)
  const end = segments.findIndex(({ baseOffset }) => baseOffset >= to)
  return segments.slice(first, end < 0 ? segments.length : end)
}

/** Reference: log-storage.md section 9. */
export function cleaningRange(log: Log, nowMs: number): CleaningRange {
  const firstDirtyOffset = firstDirty(log)
  const uncleanable = Math.max(firstDirtyOffset, firstUncleanable(log, firstDirtyOffset, nowMs))
  // Segments are cleaned as a whole or not at all.
  const [holding] = segmentsBetween(log, uncleanable, log.active.baseOffset)
  const firstUncleanableOffset =
    uncleanable > log.active.baseOffset ? log.active.baseOffset : (holding ?? log.active).baseOffset
  const dirtyFrom = Math.min(firstDirtyOffset, firstUncleanableOffset)
  const cleanableBytes = bytesOf(segmentsBetween(log, dirtyFrom, firstUncleanableOffset))
  const cleanBytes = bytesOf(segmentsBetween(log, -1, firstDirtyOffset))
  const totalBytes = cleanBytes + cleanableBytes
  return {
    log,
    firstDirtyOffset,
    firstUncleanableOffset,
    cleanableBytes,
    cleanableRatio: totalBytes === 0 ? 0 : cleanableBytes / totalBytes,
    isOverdue: cleanableBytes > 0 && isOverdue(log, firstDirtyOffset, nowMs),
  }
}

export function isWorthCleaning(range: CleaningRange): boolean {
  return range.isOverdue || range.cleanableRatio > range.log.config.minCleanableDirtyRatio
}

function firstDirty(log: Log): number {
  const { firstDirtyOffset, logStartOffset, logEndOffset } = log
  const isWithin = firstDirtyOffset >= logStartOffset && firstDirtyOffset <= logEndOffset
  return isWithin ? firstDirtyOffset : logStartOffset
}

function firstUncleanable(log: Log, firstDirtyOffset: number, nowMs: number): number {
  const { lastStableOffset, active, config } = log
  const bound = Math.min(lastStableOffset, active.baseOffset)
  const { minCompactionLagMs } = config
  if (minCompactionLagMs <= 0 || firstDirtyOffset > active.baseOffset) return bound
  const tooYoung = segmentsBetween(log, firstDirtyOffset, active.baseOffset).find(
    ({ maxTimestampMs }) => maxTimestampMs > nowMs - minCompactionLagMs,
  )
  return Math.min(bound, tooYoung?.baseOffset ?? bound)
}

/** Goes by the first batch of each dirty segment. */
function isOverdue(log: Log, firstDirtyOffset: number, nowMs: number): boolean {
  const untilMs = nowMs - log.config.maxCompactionLagMs
  if (untilMs <= 0) return false
  return segmentsBetween(log, firstDirtyOffset, log.active.baseOffset).some(
    ({ firstTimestampMs }) => firstTimestampMs > 0 && firstTimestampMs < untilMs,
  )
}

function bytesOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
}

export interface GroupLimits {
  readonly segmentBytes: number
  readonly indexBytes: number
  readonly firstUncleanableOffset: number
}

/** More files than these would take too long to rename in one go. */
const GROUP_SEGMENTS_MAX = 100
const RELATIVE_OFFSET_MAX = 2147483647

/** Neighbours whose bytes fit into one segment before compaction, so after it they surely do. */
export function groupSegments(segments: readonly Segment[], limits: GroupLimits): Segment[][] {
  const groups: Segment[][] = []
  let sums: Sizes | undefined
  for (const [index, segment] of segments.entries()) {
    const sizes = sizesOf(segment)
    const group = groups.at(-1)
    const next = segments[index + 1]?.baseOffset ?? limits.firstUncleanableOffset
    const fits =
      group !== undefined &&
      sums !== undefined &&
      group.length < GROUP_SEGMENTS_MAX &&
      sums.log + sizes.log <= limits.segmentBytes &&
      sums.offsets + sizes.offsets <= limits.indexBytes &&
      sums.times + sizes.times <= limits.indexBytes &&
      (sizes.log === 0 || next - 1 - group[0]!.baseOffset <= RELATIVE_OFFSET_MAX)
    if (fits) {
      group.push(segment)
      sums = {
        log: sums!.log + sizes.log,
        offsets: sums!.offsets + sizes.offsets,
        times: sums!.times + sizes.times,
      }
    } else {
      groups.push([segment])
      sums = sizes
    }
  }
  return groups
}

interface Sizes {
  readonly log: number
  readonly offsets: number
  readonly times: number
}

function sizesOf(segment: Segment): Sizes {
  const { offsetBytes, timeBytes } = segment.indexFileBytes()
  return { log: segment.sizeBytes, offsets: offsetBytes, times: timeBytes }
}
