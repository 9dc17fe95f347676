import type { TimerQueue } from '../base/timer-queue.ts'
import type { Node } from '../broker/broker.ts'
import type { Logger } from '../broker/logger.ts'
import type { Peer } from '../broker/peer.ts'

/** How long a client that was told another address has to come there. */
const PATIENCE_MS = 10_000
/** Addresses that are remembered at a time. */
const MAX_ADDRESSES = 1_000

/**
 * Notices clients that were told an address which they cannot dial: they ask for the brokers and
 * never come back, and say only "timed out". One line per address of a client says what to change.
 */
export class ReturnWatch {
  readonly #timers: TimerQueue
  readonly #log: Logger
  /** When a client's address last opened a connection. */
  readonly #arrivals = new Map<string, number>()
  /** Clients that are watched, or were told of. */
  readonly #seen = new Set<string>()
  #count = 0

  constructor(timers: TimerQueue, log: Logger) {
    this.#timers = timers
    this.#log = log
  }

  arrived(address: string): void {
    if (this.#arrivals.size >= MAX_ADDRESSES) this.#arrivals.clear()
    this.#arrivals.set(address, ++this.#count)
  }

  /** `peer` was told where the brokers are. */
  told(peer: Peer, nodes: readonly Node[]): void {
    const { address } = peer
    if (this.#seen.has(address) || this.#seen.size >= MAX_ADDRESSES) return
    const [node] = nodes
    if (!node || (node.host === peer.localAddress && node.port === peer.localPort)) return
    this.#seen.add(address)
    const since = this.#count
    this.#timers.after(PATIENCE_MS, () => {
      if ((this.#arrivals.get(address) ?? 0) > since) {
        // It works from there; another client of that machine may be set up differently.
        this.#seen.delete(address)
        return
      }
      this.#hint(peer, node)
    })
  }

  #hint(peer: Peer, { host, port }: Node): void {
    const software = `${peer.softwareName} ${peer.softwareVersion}`.trim()
    this.#log.warn(
      {
        client: peer.address,
        ...(software && { software }),
        told: `${host}:${port}`,
        reached: `${peer.localAddress}:${peer.localPort}`,
        hint: 'if it cannot dial that address, set advertised.listeners to one that it can',
      },
      'a client asked for the brokers and did not come to the advertised address',
    )
  }
}
