import type { Cancel, Clock } from '../../base/clock.ts'

/** Work that comes back every so often, on the engine's clock. Stops when told. */
export class Maintenance {
  readonly #clock: Clock
  readonly #cancels = new Map<string, Cancel>()
  #isStopped = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `work` runs `firstMs` from now, and `intervalMs` after each end. */
  every(name: string, firstMs: number, intervalMs: number, work: () => void | Promise<void>): void {
    if (this.#isStopped) return
    this.#cancels.set(
      name,
      this.#clock.schedule(firstMs, () => void this.#run(name, intervalMs, work)),
    )
  }

  async #run(name: string, intervalMs: number, work: () => void | Promise<void>): Promise<void> {
    const done = work()
    if (done) await done
    this.every(name, intervalMs, intervalMs, work)
  }

  /** `work` runs once, `delayMs` from now. */
  after(name: string, delayMs: number, work: () => void | Promise<void>): void {
    if (this.#isStopped) return
    this.#cancels.set(
      name,
      this.#clock.schedule(delayMs, () => void work()),
    )
  }

  stop(): void {
    this.#isStopped = true
    for (const cancel of this.#cancels.values()) cancel()
    this.#cancels.clear()
  }
}
