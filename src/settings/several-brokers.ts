import { type ListenerSetting, resolveListeners } from './listeners.ts'
import { ConfigError } from './parse-value.ts'
import { createSettings, type Settings, settingSources } from './settings.ts'

/**
 * Settings of each broker that the process presents: the first has those that were given, the others
 * the next node ids and the next ports.
 */
export function settingsOfBrokers(settings: Settings): Settings[] {
  const { brokers } = settings
  return Array.from({ length: brokers }, (_, index) =>
    index === 0 ? settings : shifted(settings, index),
  )
}

function shifted(settings: Settings, by: number): Settings {
  const layers = Object.fromEntries(settingSources.map((one) => [one, settings.layer(one)]))
  const nodeId = String(settings.nodeId + by)
  const flag = new Map([
    ...settings.layer('flag'),
    ['node.id', nodeId] as const,
    ['broker.id', nodeId] as const,
    ['listeners', withPorts(settings.listeners, by)] as const,
  ])
  const { advertisedListeners } = settings
  if (advertisedListeners) flag.set('advertised.listeners', withPorts(advertisedListeners, by))
  return createSettings({ ...layers, flag })
}

/** Port 0 stays: it is any free one, for every broker another. */
function withPorts(texts: readonly string[], by: number): string {
  return texts
    .map((text) =>
      text.replace(/:(\d+)$/, (same, port) => (port === '0' ? same : `:${Number(port) + by}`)),
    )
    .join(',')
}

/** Brokers that go on from the ports of the first must not meet. Throws `ConfigError`. */
export function checkPortsOfBrokers(settings: Settings): void {
  const seen = new Map<number, ListenerSetting>()
  for (const [index, own] of settingsOfBrokers(settings).entries()) {
    for (const listener of resolveListeners(own)) {
      const { name, port } = listener
      const other = seen.get(port)
      if (port > 65_535 || (other && other.host.includes(':') === listener.host.includes(':'))) {
        throw new ConfigError(
          `dohle.brokers: broker ${own.nodeId} would have its listener ${name} on port ${port}, ` +
            (other ? `which is that of ${other.name} of another broker` : 'which is none') +
            `: each broker takes the ports of the first and ${index} more. Leave that many free.`,
        )
      }
      if (port !== 0) seen.set(port, listener)
    }
  }
}
