import type { ServerLimits } from './connection-host.ts'

/** Addresses whose rate is remembered at a time. */
const MAX_RATED_ADDRESSES = 10_000

/** How many connections there are, from where, and whether one more is let in. */
export class ConnectionQuota {
  readonly #limits: ServerLimits
  readonly #openByAddress = new Map<string, number>()
  #openCount = 0
  /** New ones in the second that began at `#secondMs`. */
  readonly #newByAddress = new Map<string, number>()
  #newCount = 0
  #secondMs = 0

  constructor(limits: ServerLimits) {
    this.#limits = limits
  }

  /** Why a connection from `address` is not let in; undefined when it is. */
  refusal(address: string, nowMs: number): string | undefined {
    const { maxConnections, maxNewPerSecond, maxNewPerSecondAndAddress } = this.#limits
    if (this.#openCount >= maxConnections) return `max.connections is ${maxConnections}`
    const most = this.#mostOf(address)
    if ((this.#openByAddress.get(address) ?? 0) >= most) return `max.connections.per.ip is ${most}`
    if (nowMs - this.#secondMs >= 1000 || nowMs < this.#secondMs) this.#beginSecond(nowMs)
    if (this.#newCount >= maxNewPerSecond) {
      return `max.connection.creation.rate is ${maxNewPerSecond}`
    }
    if ((this.#newByAddress.get(address) ?? 0) >= maxNewPerSecondAndAddress) {
      return `dohle.connections.per.ip.rate.max is ${maxNewPerSecondAndAddress}`
    }
    return undefined
  }

  opened(address: string): void {
    this.#openCount++
    this.#openByAddress.set(address, (this.#openByAddress.get(address) ?? 0) + 1)
    this.#newCount++
    if (this.#newByAddress.size >= MAX_RATED_ADDRESSES) this.#newByAddress.clear()
    this.#newByAddress.set(address, (this.#newByAddress.get(address) ?? 0) + 1)
  }

  closed(address: string): void {
    this.#openCount--
    const count = this.#openByAddress.get(address)! - 1
    if (count > 0) this.#openByAddress.set(address, count)
    else this.#openByAddress.delete(address)
  }

  #mostOf(address: string): number {
    const { maxConnectionsPerAddress, maxConnectionsByAddress } = this.#limits
    return maxConnectionsByAddress.get(address) ?? maxConnectionsPerAddress
  }

  #beginSecond(nowMs: number): void {
    this.#secondMs = nowMs
    this.#newByAddress.clear()
    this.#newCount = 0
  }
}
