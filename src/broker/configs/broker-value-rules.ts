import { checkCordoned } from '../../settings/log-folders.ts'
import { ConfigError, splitList, withoutEmptyEnd } from '../../settings/parse-value.ts'
import type { Settings } from '../../settings/settings.ts'
import { baseOfListenerSetting } from './broker-synonyms.ts'

type Configs = ReadonlyMap<string, string>

/**
 * What a value of a running broker's setting must be besides its type and range, in the words of
 * Kafka. Throws `ConfigError`. Values were parsed before.
 */
export function checkBrokerValues(next: Configs, settings: Settings): void {
  const require = (holds: boolean, message: string) => {
    if (!holds) throw new ConfigError(`requirement failed: ${message}`)
  }
  const number = (name: string) => (next.has(name) ? Number(next.get(name)) : undefined)
  require((number('log.roll.ms') ?? 1) >= 1, 'log.roll.ms must be greater than or equal to 1')
  require((number('log.roll.jitter.ms') ?? 0) >=
    0, 'log.roll.jitter.ms must be greater than or equal to 0')
  require(number('log.retention.ms') !==
    0, 'log.retention.ms must be unlimited (-1) or, greater than or equal to 1')
  checkCordoned(splitList(next.get('cordoned.log.dirs') ?? ''), settings)
  const cleaners = number('log.cleaner.threads') ?? settings.logCleanerThreads
  if (cleaners === 0) throw new ConfigError('/ by zero')
  const buffer = number('log.cleaner.dedupe.buffer.size') ?? settings.logCleanerDedupeBufferSize
  require(Math.trunc(buffer / cleaners) >
    1024 * 1024, 'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.')
  const overrides =
    next.get('max.connections.per.ip.overrides') ?? settings.maxConnectionsPerIpOverrides
  checkOverrides(overrides)
  require(number('max.connections.per.ip') !== 0 ||
    overrides !==
      '', 'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides ' +
    'property is set.')
  checkIntervals(next, settings)
  checkPlugins(next)
  checkConnectionLimits(next)
}

/** Items are `host:count`; empty ones at the end do not count. */
function checkOverrides(overrides: string): void {
  for (const item of withoutEmptyEnd(splitList(overrides))) {
    const colon = item.lastIndexOf(':')
    if (colon < 0) {
      throw new ConfigError(
        "Error parsing configuration property 'max.connections.per.ip.overrides': " +
          `begin 0, end -1, length ${item.length}`,
      )
    }
    const count = item.slice(colon + 1).trim()
    if (!/^[+-]?\d+$/.test(count)) throw new ConfigError(`For input string: "${count}"`)
  }
}

function checkIntervals(next: Configs, settings: Settings): void {
  for (const kind of ['consumer', 'share', 'streams'] as const) {
    const name = `group.${kind}.assignment.interval.ms` as const
    if (!next.has(name)) continue
    const value = Number(next.get(name))
    const largest = `group.${kind}.max.assignment.interval.ms` as const
    const smallest = `group.${kind}.min.assignment.interval.ms` as const
    if (value > settings.get(largest)) {
      throw new ConfigError(`${name} must be less than or equal to ${largest}`)
    }
    if (value < settings.get(smallest)) {
      throw new ConfigError(`${name} must be greater than or equal to ${smallest}`)
    }
  }
}

/** The one class that is there without plugins. */
const REPORTER = 'org.apache.kafka.common.metrics.JmxReporter'

function checkPlugins(next: Configs): void {
  if (splitList(next.get('metric.reporters') ?? '').every((name) => name === REPORTER)) return
  throw wrapped(
    'Validation of dynamic config update of Set(metric.reporters) failed with class class ' +
      'kafka.server.DynamicMetricsReporters',
  )
}

function checkConnectionLimits(next: Configs): void {
  for (const [name, value] of next) {
    const base = baseOfListenerSetting(name) ?? name
    if (base !== 'max.connections' && base !== 'max.connection.creation.rate') continue
    if (Number(value) <= 0) throw wrapped(`Invalid ${base} ${value}`)
  }
}

/** Kafka hands on such an error inside another one. */
export function wrapped(message: string): ConfigError {
  return new ConfigError(
    `Invalid value org.apache.kafka.common.config.ConfigException: ${message} for configuration ` +
      'Invalid dynamic configuration',
  )
}
