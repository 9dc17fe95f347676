import { setImmediate } from '../base/event-loop.ts'
import type { TimerQueue } from '../base/timer-queue.ts'
import type { IsolationLevel, LogStore, Position } from '../storage/engine.ts'
import type { Peer } from './peer.ts'

/** Record bytes of all fetches that were read and are not with the kernel. */
const MAX_UNSENT_BYTES = 256 * 1024 * 1024
const MIN_FETCH_BYTES = 64 * 1024

export type WakeReason = 'data' | 'deadline' | 'disconnect' | 'stopping'

/**
 * Fetches under way: how much they hold, and those that wait for data. Each ends once: by an append, by its deadline, when its client
 * leaves, or when the broker stops.
 */
export class DelayedFetches {
  readonly #timers: TimerQueue
  #unsentBytes = 0
  readonly #waiting = new Set<(reason: WakeReason) => void>()
  #stopping = false

  constructor(timers: TimerQueue) {
    this.#timers = timers
  }

  get size(): number {
    return this.#waiting.size
  }

  /**
   * Most bytes that a fetch may read now. Clients that fetch and do not take what they asked for
   * hold read buffers: with those at their limit, fetches get small but go on.
   */
  get maxBytes(): number {
    return Math.max(MIN_FETCH_BYTES, MAX_UNSENT_BYTES - this.#unsentBytes)
  }

  /** `byteCount` bytes were read, and are on their way until the returned function is called. */
  hold(byteCount: number): () => void {
    this.#unsentBytes += byteCount
    return () => {
      this.#unsentBytes -= byteCount
    }
  }

  /** Waits until about `minBytes` are there at `positions`, which may be early but never late. */
  wait(
    log: LogStore,
    positions: readonly Position[],
    options: {
      readonly minBytes: number
      readonly isolation: IsolationLevel
      readonly deadlineMs: number
      readonly peer: Peer
    },
  ): Promise<WakeReason> {
    if (this.#stopping) return Promise.resolve('stopping')
    return new Promise((resolve) => {
      const end = (reason: WakeReason) => {
        if (!this.#waiting.delete(end)) return
        this.#timers.cancel(timer)
        stopWaiting()
        forgetPeer()
        resolve(reason)
      }
      this.#waiting.add(end)
      const timer = this.#timers.at(options.deadlineMs, () => end('deadline'))
      const forgetPeer = options.peer.onClose(() => end('disconnect'))
      const { minBytes, isolation } = options
      // After the callbacks of this turn: several appends of one read wake once, with all data.
      const wake = () => setImmediate(() => end('data'))
      const stopWaiting = log.waitForData(positions, minBytes, isolation, wake)
    })
  }

  /** Ends all waits, and those to come. */
  stop(): void {
    this.#stopping = true
    for (const end of this.#waiting) end('stopping')
  }
}
