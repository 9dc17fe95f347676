import type { FoundLimit } from './quota-limits.ts'
import type { QuotaWindows } from './sampled-rate.ts'

interface Sensor {
  isIdle(nowMs: number, windows: QuotaWindows): boolean
}

/** So many are kept before idle ones are looked for: client ids are whatever clients choose. */
const SWEEP_FROM = 1_000

/** What was measured, by those for whom a limit counts together. */
export class Sensors<S extends Sensor> {
  readonly #create: () => S
  readonly #windows: QuotaWindows
  readonly #byUser = new Map<string | undefined, Map<string | undefined, S>>()
  #count = 0
  #sweepAt = SWEEP_FROM

  constructor(create: () => S, windows: QuotaWindows) {
    this.#create = create
    this.#windows = windows
  }

  of({ user, clientId }: Pick<FoundLimit, 'user' | 'clientId'>, nowMs: number): S {
    const known = this.#byUser.get(user)?.get(clientId)
    if (known) return known
    if (this.#count >= this.#sweepAt) this.#sweep(nowMs)
    const sensor = this.#create()
    const clients = this.#byUser.get(user) ?? new Map<string | undefined, S>()
    this.#byUser.set(user, clients.set(clientId, sensor))
    this.#count++
    return sensor
  }

  get size(): number {
    return this.#count
  }

  /** An idle one is as good as a new one. */
  #sweep(nowMs: number): void {
    for (const [user, clients] of this.#byUser) {
      for (const [clientId, sensor] of clients) {
        if (!sensor.isIdle(nowMs, this.#windows)) continue
        clients.delete(clientId)
        this.#count--
      }
      if (clients.size === 0) this.#byUser.delete(user)
    }
    this.#sweepAt = Math.max(SWEEP_FROM, 2 * this.#count)
  }
}
