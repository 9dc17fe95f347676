import type { Settings } from '../settings/settings.ts'
import { defaultServerLimits, type ServerLimits } from './connection-host.ts'

/** Limits as the settings say now: most of them may change while the broker runs. */
export class LiveServerLimits implements ServerLimits {
  readonly maxInFlightRequests = defaultServerLimits.maxInFlightRequests
  readonly maxUnsentBytes = defaultServerLimits.maxUnsentBytes
  readonly stalledRequestMs = defaultServerLimits.stalledRequestMs
  readonly #settings: Settings
  readonly #mayBeIdle: boolean
  #overridesText = ''
  #overrides: ReadonlyMap<string, number> = new Map()

  constructor(settings: Settings, { mayBeIdle }: { readonly mayBeIdle: boolean }) {
    this.#settings = settings
    this.#mayBeIdle = mayBeIdle
  }

  get maxConnections(): number {
    return this.#settings.maxConnections
  }

  get maxConnectionsPerAddress(): number {
    return this.#settings.maxConnectionsPerIp
  }

  get maxConnectionsByAddress(): ReadonlyMap<string, number> {
    const text = this.#settings.maxConnectionsPerIpOverrides
    if (text !== this.#overridesText) {
      this.#overrides = parseOverrides(text)
      this.#overridesText = text
    }
    return this.#overrides
  }

  get maxNewPerSecond(): number {
    return this.#settings.maxConnectionCreationRate
  }

  get maxNewPerSecondAndAddress(): number {
    return this.#settings.connectionsPerIpRateMax
  }

  get connectionsMaxIdleMs(): number {
    return this.#mayBeIdle ? -1 : this.#settings.connectionsMaxIdleMs
  }

  get maxRequestBytes(): number {
    return this.#settings.socketRequestMaxBytes
  }

  get requestMemoryBytes(): number {
    const { queuedMaxRequestBytes } = this.#settings
    return queuedMaxRequestBytes > 0
      ? queuedMaxRequestBytes
      : defaultServerLimits.requestMemoryBytes
  }
}

/** `address:count` entries; an IPv6 address has colons of its own. */
function parseOverrides(text: string): Map<string, number> {
  const overrides = new Map<string, number>()
  for (const entry of text.split(',')) {
    const colon = entry.lastIndexOf(':')
    const count = Number.parseInt(entry.slice(colon + 1), 10)
    if (colon > 0 && count >= 0) overrides.set(entry.slice(0, colon).trim(), count)
  }
  return overrides
}
