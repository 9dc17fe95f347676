import type { LogConfig } from '../engine.ts'
import type { Log } from './log.ts'
import type { Segment } from './segment.ts'

/**
 * One retention run over one log (reference: log-storage.md section 8). Returns how many segments
 * went. Throws what the disk throws.
 */
export function retain(log: Log, nowMs: number): number {
  if (log.damage !== undefined || log.isGone || !log.isMaterialised) return 0
  let removed = removeWhile(
    log,
    nowMs,
    (_, next) =>
    next !== undefined && next.baseOffset <= log.logStartOffset, // biome-ignore format: one line
  )
  const { config } = log
  if (!config.cleanupDelete) return removed
  removed += removeBySize(log, config, nowMs)
  if (config.retentionMs >= 0) {
    const { retentionMs } = config
    removed += removeWhile(
      log,
      nowMs,
      (segment) => nowMs - segment.retentionTimestampMs > retentionMs,
    )
  }
  return removed
}

function removeBySize(log: Log, config: LogConfig, nowMs: number): number {
  if (config.retentionBytes < 0) return 0
  let excessBytes = log.sizeBytes - config.retentionBytes
  return removeWhile(log, nowMs, (segment) => {
    if (excessBytes - segment.sizeBytes < 0) return false
    excessBytes -= segment.sizeBytes
    return true
  })
}

/** Takes segments from the oldest on while they qualify and lie below the high watermark. */
function removeWhile(
  log: Log,
  nowMs: number,
  qualifies: (segment: Segment, next: Segment | undefined) => boolean,
): number {
  const { segments } = log
  let count = 0
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1]
    const upperBound = next?.baseOffset ?? log.logEndOffset
    const isEmptyLast = next === undefined && segment.sizeBytes === 0
    if (isEmptyLast || log.highWatermark < upperBound || !qualifies(segment, next)) break
    count++
    if (segment !== log.active) segment.unloadIndexes()
  }
  if (count === 0) return 0
  // The log is never without an active segment, so one that goes makes room for an empty one.
  if (count === segments.length) log.roll(nowMs)
  log.removeSegments(count)
  return count
}
