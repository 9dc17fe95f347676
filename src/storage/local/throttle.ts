import type { Clock } from '../../base/clock.ts'

/** Longer rests are taken in pieces, so that who rests can be told to stop. */
const REST_MS_MAX = 100
/** What was not used up to this long ago may be used now. */
const BURST_MS = 300

/** Holds work to so many bytes per second. */
export class Throttle {
  readonly #clock: Clock
  readonly #bytesPerSecond: () => number
  readonly #isStopped: () => boolean
  /** When all bytes so far are paid for. */
  #paidMs = 0

  constructor(clock: Clock, bytesPerSecond: () => number, isStopped: () => boolean) {
    this.#clock = clock
    this.#bytesPerSecond = bytesPerSecond
    this.#isStopped = isStopped
  }

  /** `bytes` were spent. Resolves when more may be; undefined when that is now. */
  spend(bytes: number): Promise<void> | undefined {
    const rate = this.#bytesPerSecond()
    if (!(rate > 0 && rate < Number.MAX_SAFE_INTEGER)) return undefined
    const nowMs = this.#clock.nowMs()
    this.#paidMs = Math.max(this.#paidMs, nowMs - BURST_MS) + (bytes / rate) * 1_000
    return this.#paidMs > nowMs ? this.#rest() : undefined
  }

  async #rest(): Promise<void> {
    while (!this.#isStopped()) {
      const restMs = Math.ceil(this.#paidMs - this.#clock.nowMs())
      if (restMs <= 0) return
      await new Promise<void>((resolve) => {
        this.#clock.schedule(Math.min(restMs, REST_MS_MAX), resolve)
      })
    }
  }
}
