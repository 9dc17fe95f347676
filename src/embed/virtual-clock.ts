import { type Cancel, type Clock, VirtualClock as SteppingClock } from '../base/clock.ts'
import { setImmediate, wallNowMs } from '../base/event-loop.ts'
import { durationMs } from './duration.ts'

/**
 * What a timer begins is over after a few turns of the event loop: wakes of coordinators wait two
 * turns for the sockets, answers are sent at the end of one.
 */
const SETTLING_TURNS = 5

/**
 * A clock that stands still until a test moves it. Give it to `startBroker`: sessions, retention,
 * delays and transactions of that broker go by it. The clients' own time goes on as ever, and so
 * does that of idle connections.
 *
 * It begins at the time of the machine unless told otherwise: brokers refuse records that are more
 * than an hour ahead of them, and clients stamp records with their own time.
 */
export class VirtualClock implements Clock {
  readonly #clock: SteppingClock

  constructor(startMs: number = wallNowMs()) {
    this.#clock = new SteppingClock(startMs)
  }

  nowMs(): number {
    return this.#clock.nowMs()
  }

  schedule(delayMs: number, callback: () => void): Cancel {
    return this.#clock.schedule(delayMs, callback)
  }

  /**
   * Moves time on by milliseconds or by a duration such as `500ms`, `30s`, `10m`, `2h`, `7d`. What
   * falls due runs in the order of its time, each when the one before has had its effect; the
   * promise resolves when the last one has. Throws `ConfigError` for a duration that is none.
   */
  async advance(by: number | string): Promise<void> {
    const targetMs = this.nowMs() + durationMs(by)
    await settle()
    for (;;) {
      const { nextMs } = this.#clock
      if (nextMs === undefined || nextMs > targetMs) break
      this.#clock.advance(Math.max(0, nextMs - this.nowMs()))
      await settle()
    }
    this.#clock.advance(targetMs - this.nowMs())
    await settle()
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLING_TURNS; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}
