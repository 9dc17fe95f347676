import { type Clock, systemClock } from '../base/clock.ts'
import { rootLoggerLevels } from '../broker/configs/logger-levels.ts'
import { type Logger, silentLogger } from '../broker/logger.ts'
import type { RunBrokerOptions } from '../server/run-broker.ts'
import { loadSettings } from '../settings/load-settings.ts'
import { ConfigError } from '../settings/parse-value.ts'
import type { Snapshot } from './snapshot.ts'

/** What `startBroker` takes; everything may be left out. */
export interface BrokerOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Address to listen on; by default `localhost`, which is both loopback addresses. */
  readonly host?: string
  /**
   * Where data is kept, in Kafka's own format; made when it is not there. By default everything is
   * in memory and gone with `stop()`.
   */
  readonly dataDir?: string
  /** What is there at start, in memory: another broker's `snapshot()`. */
  readonly snapshot?: Snapshot
  /**
   * Topics to have at start: `orders`, `orders:3` for three partitions, `orders:3:2` with two
   * replicas of each, `users:1:compact`. In a
   * directory, those that are there already stay as they are.
   */
  readonly topics?: readonly string[]
  /**
   * By Kafka's names, as in server.properties: `{ 'message.max.bytes': 2097152 }`. They win over
   * the options above.
   */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /**
   * Brokers that are presented to clients, with the ids from `node.id` on, over one store. With
   * `port` they listen on that port and those after it. 1 when left out.
   */
  readonly brokers?: number
  /** Time as the broker sees it: the machine's, or a `VirtualClock` that the test moves. */
  readonly clock?: Clock
  /** Keeps what clients ask from the start on, for `requests.filter`. */
  readonly recordRequests?: boolean
  /**
   * Opens the control API on this port of 127.0.0.1 (0 takes a free one), so that tests in other
   * languages and processes can script the broker. Off when left out.
   */
  readonly controlPort?: number
  /** Any pino logger fits. By default nothing is logged. */
  readonly logger?: Logger
}

const optionNames: ReadonlySet<string> = new Set<keyof BrokerOptions>([
  'port',
  'host',
  'dataDir',
  'snapshot',
  'topics',
  'settings',
  'brokers',
  'clock',
  'recordRequests',
  'controlPort',
  'logger',
])

/** Checks `options`. Throws `ConfigError` for the first that is wrong. */
export function runOptions(options: BrokerOptions): RunBrokerOptions {
  checkOptions(options)
  const { settings, errors, warnings } = loadSettings({ flags: flagsOf(options) })
  const [problem] = errors
  if (problem) throw new ConfigError(problem.message)
  const log = options.logger ?? silentLogger
  for (const { name, message } of warnings) log.warn({ setting: name }, message)
  return {
    settings,
    clock: options.clock ?? systemClock,
    log,
    loggers: rootLoggerLevels('INFO', () => {}),
    keepAlive: false,
  }
}

/** The compiler checks callers in TypeScript; others learn here. */
function checkOptions(options: BrokerOptions): void {
  for (const name of Object.keys(options)) {
    if (!optionNames.has(name)) {
      const known = [...optionNames].join(', ')
      throw new ConfigError(`startBroker has no option '${name}'. It has: ${known}`)
    }
  }
  const { port = 0, controlPort = 0, topics = [] } = options
  for (const [name, value] of Object.entries({ port, controlPort })) {
    if (!Number.isInteger(value) || value < 0 || value > 65_535) {
      throw new ConfigError(`${name}: ${value} should be a number from 0 to 65535`)
    }
  }
  if (!Array.isArray(topics)) {
    throw new ConfigError("topics: should be a list, such as ['orders:3', 'users:1:compact']")
  }
  if (options.snapshot && options.dataDir !== undefined) {
    throw new ConfigError('snapshot: only in memory; give it without dataDir')
  }
}

function flagsOf(options: BrokerOptions): Map<string, string> {
  const { host = 'localhost', port = 0, dataDir, topics = [], settings = {} } = options
  const flags = new Map([['listeners', `PLAINTEXT://${bracketed(host)}:${port}`]])
  if (dataDir === undefined) flags.set('dohle.memory', 'true')
  else flags.set('log.dirs', dataDir)
  if (options.brokers !== undefined) flags.set('dohle.brokers', String(options.brokers))
  if (topics.length > 0) flags.set('dohle.topics', topics.join(','))
  for (const [name, value] of Object.entries(settings)) flags.set(name, String(value))
  return flags
}

/** As an address stands in front of a port. */
export function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}
