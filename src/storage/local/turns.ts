import { loopActiveMs, setImmediate, setTimeout, steadyNowMs } from '../../base/event-loop.ts'

/**
 * How long work shares the thread: between small steps it asks whether its turn is over, and if so
 * waits for the next one, so that requests never wait for more than one turn.
 */
export interface Turns {
  isOver(): boolean
  /** Resolves when a new turn begins. */
  next(): Promise<void>
  /** The work itself waited for something, so a new turn has begun. */
  rested(): void
}

/** Turns of `turnMs` of real time, one for each round of the event loop. */
export class LoopTurns implements Turns {
  readonly #turnMs: number
  #endMs = 0

  constructor(turnMs: number) {
    this.#turnMs = turnMs
  }

  isOver(): boolean {
    return steadyNowMs() >= this.#endMs
  }

  async next(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    this.rested()
  }

  rested(): void {
    this.#endMs = steadyNowMs() + this.#turnMs
  }
}

/** Others who had the loop count as busy for so long: requests come at intervals. */
const BUSY_MS = 1_000
/** A round of the loop in which nobody else does anything takes less. */
const IDLE_ROUND_MS = 0.05
/** Timers are no finer. */
const SHORTEST_REST_MS = 1

/** What `YieldingTurns` knows of the event loop. */
export interface LoopTime {
  nowMs(): number
  /** How long the loop was at work so far. */
  activeMs(): number
  /** Resolves in the next round. */
  round(): Promise<void>
  /** May resolve too early. */
  sleep(ms: number): Promise<void>
}

const realLoop: LoopTime = {
  nowMs: steadyNowMs,
  activeMs: loopActiveMs,
  round: () => new Promise((resolve) => setImmediate(resolve)),
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}

/**
 * Turns of work that can wait: one after the other while nobody else needs the thread, else with
 * rests between them that are so many times as long. For a request that arrives at any time it is
 * then unlikely to meet a turn, and there are threads of the pool and a processor for its answer.
 */
export class YieldingTurns implements Turns {
  readonly #turnMs: number
  readonly #restFactor: number
  readonly #loop: LoopTime
  #startMs = 0
  #endMs = 0
  /** Rest that is due; below 0 when the last one was longer than it had to be. */
  #owedMs = 0
  #busyUntilMs = 0

  constructor(turnMs: number, restFactor: number, loop: LoopTime = realLoop) {
    this.#turnMs = turnMs
    this.#restFactor = restFactor
    this.#loop = loop
  }

  isOver(): boolean {
    return this.#loop.nowMs() >= this.#endMs
  }

  async next(): Promise<void> {
    const fromMs = this.#worked()
    const activeBefore = this.#loop.activeMs()
    if (this.#owedMs >= SHORTEST_REST_MS) await this.#restUntil(fromMs + this.#owedMs)
    else await this.#loop.round()
    const nowMs = this.#loop.nowMs()
    if (this.#loop.activeMs() - activeBefore > IDLE_ROUND_MS) this.#busyUntilMs = nowMs + BUSY_MS
    this.#owedMs = Math.max(this.#owedMs - (nowMs - fromMs), -this.#turnMs * this.#restFactor)
    this.#begin(nowMs)
  }

  rested(): void {
    const nowMs = this.#worked()
    this.#begin(nowMs)
    // What waits for a disk that is quick never comes to the end of a turn.
    if (this.#owedMs >= SHORTEST_REST_MS) this.#endMs = nowMs
  }

  #begin(nowMs: number): void {
    this.#startMs = nowMs
    this.#endMs = nowMs + this.#turnMs
  }

  /** Counts what was worked since the turn began; how long of it was waiting is not known. */
  #worked(): number {
    const nowMs = this.#loop.nowMs()
    if (nowMs >= this.#busyUntilMs) this.#owedMs = 0
    else this.#owedMs += Math.min(nowMs - this.#startMs, this.#turnMs) * this.#restFactor
    return nowMs
  }

  /** An event makes timers of the same millisecond fire early, just when its like may follow. */
  async #restUntil(untilMs: number): Promise<void> {
    for (;;) {
      const leftMs = untilMs - this.#loop.nowMs()
      if (leftMs <= 0) return
      await this.#loop.sleep(Math.ceil(leftMs))
    }
  }
}
