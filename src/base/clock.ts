import { clearTimeout, setTimeout, wallNowMs } from './event-loop.ts'

/** Cancels what was scheduled; calling it twice, or after the callback ran, does nothing. */
export type Cancel = () => void

/** The only source of time. Tests hand in a `VirtualClock` and move it. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  nowMs(): number
  /** Runs `callback` once, `delayMs` from now or later. Does not keep the process alive. */
  schedule(delayMs: number, callback: () => void): Cancel
}

/** Node fires timers beyond this many milliseconds at once, so longer waits are taken in steps. */
const TIMER_DELAY_MS_MAX = 2 ** 31 - 1

export const systemClock: Clock = {
  nowMs: wallNowMs,
  schedule(delayMs, callback) {
    let timer: NodeJS.Timeout
    const step = (remainingMs: number) => {
      const waitMs = Math.min(remainingMs, TIMER_DELAY_MS_MAX)
      const next = remainingMs - waitMs
      timer = setTimeout(() => (next > 0 ? step(next) : callback()), waitMs)
      timer.unref()
    }
    step(Math.max(0, delayMs))
    return () => clearTimeout(timer)
  },
}

interface Scheduled {
  readonly atMs: number
  readonly sequence: number
  readonly callback: () => void
}

/** A clock that stands still until `advance` moves it; callbacks run in the order of their times. */
export class VirtualClock implements Clock {
  #nowMs: number
  #sequence = 0
  readonly #scheduled = new Set<Scheduled>()

  constructor(nowMs = 1_700_000_000_000) {
    this.#nowMs = nowMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  schedule(delayMs: number, callback: () => void): Cancel {
    const scheduled = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      sequence: this.#sequence++,
      callback,
    }
    this.#scheduled.add(scheduled)
    return () => {
      this.#scheduled.delete(scheduled)
    }
  }

  /** When the next callback is due; undefined when there is none. */
  get nextMs(): number | undefined {
    return this.#earliest()?.atMs
  }

  /** Moves time on by `ms`, running everything that falls due, also what those callbacks schedule. */
  advance(ms: number): void {
    const targetMs = this.#nowMs + ms
    for (;;) {
      const next = this.#earliest()
      if (!next || next.atMs > targetMs) break
      this.#scheduled.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.callback()
    }
    this.#nowMs = targetMs
  }

  #earliest(): Scheduled | undefined {
    let earliest: Scheduled | undefined
    for (const one of this.#scheduled) {
      if (
        !earliest ||
        one.atMs < earliest.atMs ||
        (one.atMs === earliest.atMs && one.sequence < earliest.sequence)
      ) {
        earliest = one
      }
    }
    return earliest
  }
}
