import type { Clock } from '../base/clock.ts'

/** Real time. Unlike the broker's clock it keeps the process alive: what is awaited must come. */
export const clientClock: Clock = {
  nowMs: () => Date.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs)
    return () => clearTimeout(timer)
  },
}

export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => clock.schedule(delayMs, resolve))
}
