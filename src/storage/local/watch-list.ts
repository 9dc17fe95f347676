import type { IsolationLevel } from '../engine.ts'
import type { Log } from './log.ts'

/**
 * One wait for data over several partitions. May wake early, never late: bytes are counted from the
 * position to the end of the log, whole batches or not, stable or not.
 */
export class Watcher {
  readonly #watched: Watched[]
  readonly #minBytes: number
  readonly #isolation: IsolationLevel
  #wake: (() => void) | undefined

  constructor(watched: Watched[], minBytes: number, isolation: IsolationLevel, wake: () => void) {
    this.#watched = watched
    this.#minBytes = minBytes
    this.#isolation = isolation
    this.#wake = wake
  }

  isReady(): boolean {
    let bytes = 0
    for (const { log, offset, maxBytes, startBytes } of this.#watched) {
      if (log.isGone || log.damage !== undefined || offset < log.logStartOffset) return true
      const end = this.#isolation === 'read_committed' ? log.lastStableOffset : log.highWatermark
      if (offset < end) bytes += Math.min(maxBytes, appendedBytes(log) - startBytes)
    }
    return bytes >= this.#minBytes
  }

  /** Once; later calls do nothing. */
  wake(): void {
    const wake = this.#wake
    this.cancel()
    wake?.()
  }

  cancel(): void {
    this.#wake = undefined
    for (const { log } of this.#watched) log.watchers?.delete(this)
  }

  get isCancelled(): boolean {
    return this.#wake === undefined
  }
}

export interface Watched {
  readonly log: Log
  readonly offset: number
  readonly maxBytes: number
  /** `appendedBytes` of the log where the reader stands. */
  readonly startBytes: number
}

/** Grows by what is appended, whatever retention takes away at the other end. */
function appendedBytes(log: Log): number {
  return log.active.sizeBytes + log.rolledBytes
}

/** The same as of `offset`: exact at the end of the log, else at or before the batch of it. */
export function appendedBytesAt(log: Log, offset: number): number {
  if (offset >= log.logEndOffset) return appendedBytes(log)
  const hint = log.hints.find(offset)
  if (hint && hint.segment === log.active) return log.rolledBytes + hint.position
  if (offset < log.active.baseOffset) return Number.NEGATIVE_INFINITY
  return log.rolledBytes + log.active.indexes().offsets.positionBefore(offset)
}
