import { ConfigError } from './parse-value.ts'
import type { Settings } from './settings.ts'

/** The index of each is its code in Kafka's records. */
export const securityProtocols = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const
export type SecurityProtocol = (typeof securityProtocols)[number]

/** An address to listen on and what clients are told instead. */
export interface ListenerSetting {
  /** Upper case, as `listeners` and `listener.security.protocol.map` name it. */
  readonly name: string
  readonly securityProtocol: SecurityProtocol
  /** Empty means every interface, which only `dohle.insecure` allows. */
  readonly host: string
  readonly port: number
  /** Undefined when it is not advertised on its own: then host and port above are. */
  readonly advertised: { readonly host: string; readonly port: number } | undefined
}

interface Address {
  readonly name: string
  readonly host: string
  readonly port: number
}

/** What `listeners` and its companions say, without those of the controller. Throws `ConfigError`. */
export function resolveListeners(settings: Settings): ListenerSetting[] {
  const protocols = securityProtocolMap(settings)
  const controllers = new Set(settings.controllerListenerNames.map((name) => name.toUpperCase()))
  const listeners = parseAddresses('listeners', settings.listeners)
  assertDistinct(listeners, settings.listeners)
  const advertised = parseAddresses('advertised.listeners', settings.advertisedListeners ?? [])
  for (const { name, host } of advertised) {
    if (host === '0.0.0.0') {
      throw new ConfigError(
        'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. ' +
          'Use a routable IP address.',
      )
    }
    if (!listeners.some((listener) => listener.name === name)) {
      throw new ConfigError(
        `advertised.listeners names ${name}, which is not one of the listeners: ` +
          listeners.map((listener) => listener.name).join(', '),
      )
    }
  }
  const serving = listeners.filter(({ name }) => !controllers.has(name))
  if (serving.length === 0) {
    throw new ConfigError('listeners has no listener left for clients beside those of controllers')
  }
  return serving.map((asWritten) => {
    const listener = { ...asWritten, host: listenedHost(asWritten, settings) }
    const securityProtocol = protocols.get(listener.name)
    if (!securityProtocol) {
      throw new ConfigError(
        `No security protocol defined for listener ${listener.name} in ` +
          'listener.security.protocol.map',
      )
    }
    const told = advertised.find(({ name }) => name === listener.name)
    // Nobody can dial port 0: this says no more than the listener itself.
    const isSame = told?.port === 0 && told.host === asWritten.host
    const shown = told && !isSame ? { host: told.host, port: told.port } : undefined
    return { ...listener, securityProtocol, advertised: shown }
  })
}

/**
 * Kafka's own files name no host, which means every interface there. Here they start too, and whoever
 * wants other machines to come says so.
 */
function listenedHost({ host }: Address, settings: Settings): string {
  return host === '' && !settings.insecure ? 'localhost' : host
}

/** Listeners that are on loopback only because they name no host. Throws `ConfigError`. */
export function listenersWithoutHost(settings: Settings): string[] {
  if (settings.insecure) return []
  const controllers = new Set(settings.controllerListenerNames.map((name) => name.toUpperCase()))
  return parseAddresses('listeners', settings.listeners)
    .filter(({ name, host }) => host === '' && !controllers.has(name))
    .map(({ name }) => name)
}

function securityProtocolMap(settings: Settings): Map<string, SecurityProtocol> {
  const map = new Map<string, SecurityProtocol>()
  for (const entry of settings.listenerSecurityProtocolMap.split(',')) {
    if (entry.trim() === '') continue
    const [name = '', protocol = ''] = entry.split(':').map((part) => part.trim().toUpperCase())
    const known = securityProtocols.find((one) => one === protocol)
    if (!known) {
      throw new ConfigError(
        `Invalid value ${entry.trim()} for configuration listener.security.protocol.map: ` +
          `The protocol must be one of: ${securityProtocols.join(', ')}`,
      )
    }
    map.set(name, known)
  }
  return map
}

function parseAddresses(setting: string, texts: readonly string[]): Address[] {
  return texts.map((text) => {
    const match = /^(.*):\/\/\[?([0-9a-zA-Z\-%._:]*)\]?:(-?[0-9]+)$/.exec(text)
    if (!match) {
      throw new ConfigError(
        `Invalid value ${text} for configuration ${setting}: ` +
          'Unable to parse it to an endpoint, as in PLAINTEXT://localhost:9092',
      )
    }
    const [, name = '', host = '', port = ''] = match
    if (Number(port) > 65_535 || Number(port) < -1) {
      throw new ConfigError(`Invalid value ${text} for configuration ${setting}: No such port`)
    }
    return { name: name.toUpperCase(), host, port: Number(port) }
  })
}

function assertDistinct(listeners: readonly Address[], texts: readonly string[]): void {
  const names = new Set(listeners.map(({ name }) => name))
  if (names.size !== listeners.length) {
    throw new ConfigError(`Each listener must have a different name, listeners: ${texts.join(',')}`)
  }
  for (const [index, one] of listeners.entries()) {
    const twin = listeners.slice(index + 1).find(({ port }) => port !== 0 && port === one.port)
    if (twin && one.host.includes(':') === twin.host.includes(':')) {
      throw new ConfigError(
        `Each listener must have a different port unless you have one IPv4 and one IPv6 ` +
          `address, listeners: ${texts.join(',')}`,
      )
    }
  }
}
