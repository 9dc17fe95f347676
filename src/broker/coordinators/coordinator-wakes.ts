import { setImmediate } from '../../base/event-loop.ts'
import type { Timer, TimerQueue } from '../../base/timer-queue.ts'

/** A wake that a coordinator asked for. A later time only moves `atMs`: the timer finds out. */
interface Scheduled {
  atMs: number
  timer: Timer
}

/** Timers run before sockets are read; what was read is answered in the turn after. */
const afterReading = (callback: () => void) => {
  setImmediate(() => setImmediate(callback))
}

/**
 * The wakes of one coordinator. Most are put off again and again before they fire (each heartbeat
 * does), so only an earlier time moves a timer; one that fires too early is armed once more.
 */
export class CoordinatorWakes {
  readonly #timers: TimerQueue
  readonly #defer: (callback: () => void) => void
  readonly #due: (owner: string, timer: string) => void
  readonly #owners = new Map<string, Map<string, Scheduled>>()

  /** `due` may be called before the time that `set` last named: `take` tells. */
  constructor(
    timers: TimerQueue,
    defer: ((callback: () => void) => void) | undefined,
    due: (owner: string, timer: string) => void,
  ) {
    this.#timers = timers
    this.#defer = defer ?? afterReading
    this.#due = due
  }

  set(owner: string, timer: string, atMs: number): void {
    let ofOwner = this.#owners.get(owner)
    if (!ofOwner) {
      ofOwner = new Map()
      this.#owners.set(owner, ofOwner)
    }
    const scheduled = ofOwner.get(timer)
    if (scheduled?.timer.callback && scheduled.timer.atMs <= atMs) {
      scheduled.atMs = atMs
      return
    }
    if (scheduled) this.#timers.cancel(scheduled.timer)
    ofOwner.set(timer, { atMs, timer: this.#arm(owner, timer, atMs) })
  }

  delete(owner: string, timer: string): void {
    const ofOwner = this.#owners.get(owner)
    const scheduled = ofOwner?.get(timer)
    if (!ofOwner || !scheduled) return
    this.#timers.cancel(scheduled.timer)
    ofOwner.delete(timer)
    if (ofOwner.size === 0) this.#owners.delete(owner)
  }

  clear(): void {
    for (const ofOwner of this.#owners.values()) {
      for (const scheduled of ofOwner.values()) this.#timers.cancel(scheduled.timer)
    }
    this.#owners.clear()
  }

  /** Whether the wake is due now; it is then over. One that was put off meanwhile waits on. */
  take(owner: string, timer: string, nowMs: number): boolean {
    const scheduled = this.#owners.get(owner)?.get(timer)
    if (!scheduled || scheduled.timer.callback) return false
    if (scheduled.atMs > nowMs) {
      scheduled.timer = this.#arm(owner, timer, scheduled.atMs)
      return false
    }
    this.delete(owner, timer)
    return true
  }

  #arm(owner: string, timer: string, atMs: number): Timer {
    return this.#timers.at(atMs, () => this.#defer(() => this.#due(owner, timer)))
  }
}
