import { type Clock, systemClock } from './base/clock.ts'
import { type Logger, silentLogger } from './broker/logger.ts'
import { rootLoggerLevels } from './broker/logger-levels.ts'
import { runBroker } from './server/run-broker.ts'
import { loadSettings } from './settings/load-settings.ts'
import { ConfigError } from './settings/parse-value.ts'

export type { Clock } from './base/clock.ts'
export { VirtualClock } from './base/clock.ts'
export type { Logger } from './broker/logger.ts'
export { BindError } from './server/bind.ts'
export { ConfigError } from './settings/parse-value.ts'
export { StorageError } from './storage/engine.ts'

export interface BrokerOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** Address to listen on; by default both loopback addresses. */
  readonly host?: string
  /** Where data is kept; by default nothing is kept. */
  readonly dataDir?: string
  /** `orders`, `orders:3` for three partitions, `users:1:compact`. */
  readonly topics?: readonly string[]
  /** By Kafka's names, as in server.properties: `{ 'message.max.bytes': 2097152 }`. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  readonly logger?: Logger
  readonly clock?: Clock
}

export interface RunningBroker {
  readonly host: string
  readonly port: number
  /** `host:port`, what clients call bootstrap servers. */
  readonly bootstrapServers: string
  readonly clusterId: string
  /** Answers what has begun and closes the data. Idempotent. */
  stop(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Starts a Kafka-compatible broker in this process. Any number may run side by side; one that is
 * forgotten does not keep the process alive.
 *
 * Rejects with `ConfigError` (wrong option or setting), `BindError` (the port is taken) or
 * `StorageError` (the directory cannot be used).
 */
export async function startBroker(options: BrokerOptions = {}): Promise<RunningBroker> {
  const { settings, errors } = loadSettings({ flags: flagsOf(options) })
  const [problem] = errors
  if (problem) throw new ConfigError(problem.message)
  const running = await runBroker({
    settings,
    clock: options.clock ?? systemClock,
    log: options.logger ?? silentLogger,
    loggers: rootLoggerLevels('INFO', () => {}),
    keepAlive: false,
  })
  const { boundPort: port } = running.listeners[0]!
  const host = options.host ?? 'localhost'
  return {
    host,
    port,
    bootstrapServers: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    clusterId: running.broker.clusterId,
    stop: running.stop,
    [Symbol.asyncDispose]: running.stop,
  }
}

function flagsOf(options: BrokerOptions): Map<string, string> {
  const { host = 'localhost', port = 0, dataDir, topics = [], settings = {} } = options
  const address = host.includes(':') ? `[${host}]` : host
  const flags = new Map([['listeners', `PLAINTEXT://${address}:${port}`]])
  if (dataDir === undefined) flags.set('dohle.memory', 'true')
  else flags.set('log.dirs', dataDir)
  if (topics.length > 0) flags.set('dohle.topics', topics.join(','))
  for (const [name, value] of Object.entries(settings)) flags.set(name, String(value))
  return flags
}
