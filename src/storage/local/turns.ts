import { setImmediate, steadyNowMs } from '../../base/event-loop.ts'
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
