import type { Clock } from '../base/clock.ts'
import type { Broker } from '../broker/broker.ts'
import type { LoggerLevels } from '../broker/configs/logger-levels.ts'
import type { Interceptor } from '../broker/interceptor.ts'
import type { Logger } from '../broker/logger.ts'
import { parseHttpListener } from '../settings/http-listener.ts'
import { ConfigError } from '../settings/parse-value.ts'
import type { Settings } from '../settings/settings.ts'
import { settingsOfBrokers } from '../settings/several-brokers.ts'
import type { Files } from '../storage/local/files.ts'
import { BrokerHealth } from './broker-health.ts'
import { Core } from './core.ts'
import type { BoundListener } from './endpoints.ts'
import { HoldingDispatcher } from './holding-dispatcher.ts'
import type { HttpEndpoint } from './http/http-endpoint.ts'
import { dataDirectories } from './open-storage.ts'
import { ServedBroker } from './served-broker.ts'

export interface RunBrokerOptions {
  /** Checked already. */
  readonly settings: Settings
  readonly clock: Clock
  readonly log: Logger
  readonly loggers: LoggerLevels
  /** False: the process may exit although the broker runs. */
  readonly keepAlive: boolean
  /** Where data is kept instead of the disk or a fresh memory. */
  readonly files?: Files
  /** Of new data; left out: a random one. */
  readonly clusterId?: string
  /** The broker cannot go on. */
  readonly onFailure?: (reason: string) => void
}

/** One of the brokers that a process presents. */
export interface PresentedBroker {
  readonly brokerId: number
  readonly listeners: readonly BoundListener[]
  /** False between `takeDown` and `bringUp`. */
  readonly isUp: boolean
}

/** A broker that serves clients, or several over one store. */
export interface RunningBroker {
  /** The first that is up; another one after `reopen`. */
  readonly broker: Broker
  /** All that the process presents, by id; others after `reopen`. */
  readonly brokers: readonly Broker[]
  /** Their addresses. */
  readonly presented: readonly PresentedBroker[]
  /** Of the first broker. */
  readonly listeners: readonly BoundListener[]
  /** Where health and metrics are served, if anywhere. */
  readonly http: { readonly host: string; readonly port: number } | undefined
  /** Of clients that are connected now. */
  readonly connectionCount: number
  /** Absolute path of the data directory, which is in memory when nothing is kept. */
  readonly dataDir: string
  /** Stands between clients and handlers; undefined, the default, costs nothing. */
  interceptor: Interceptor | undefined
  /** The broker that leads a partition, if one does that is up. */
  leaderOf(topicId: string, partition: number): Broker | undefined
  /**
   * Leaders and coordinators move to other brokers, then this one closes its connections and its
   * ports. Rejects with `ConfigError` when there is none with this id. Idempotent.
   */
  takeDown(brokerId: number): Promise<void>
  /** The same ports again, and in sync. Rejects with `BindError` or `ConfigError`. Idempotent. */
  bringUp(brokerId: number): Promise<void>
  /**
   * Closes the data and opens what `prepare` has left of it, or put there, as a restart would, but
   * with the same addresses. Clients that stay connected wait meanwhile.
   */
  reopen(prepare: () => ReopenOptions | Promise<ReopenOptions>): Promise<void>
  /** Requests that have begun are answered, everything is flushed. Idempotent. */
  stop(): Promise<void>
}

export interface ReopenOptions {
  /** Of new data; that which is there keeps its own. */
  readonly clusterId?: string
  /** Ends every connection. */
  readonly cutConnections: boolean
  /** Before the first request. */
  opened?(broker: Broker): void | Promise<void>
}

/**
 * Takes the addresses, then opens the data, then the doors: a start that cannot listen leaves no
 * trace on disk, and clients that come early wait. Rejects with `BindError`, `StorageError` or
 * `ConfigError`, whose messages are for the person who starts it; nothing is left open then.
 */
export async function runBroker(options: RunBrokerOptions): Promise<RunningBroker> {
  const served: ServedBroker[] = []
  const connectionIds = { next: 1 }
  for (const settings of settingsOfBrokers(options.settings)) {
    served.push(await ServedBroker.create({ ...options, settings, connectionIds }))
  }
  const health = new BrokerHealth(served)
  let http: HttpEndpoint | undefined
  try {
    http = await openHttp(options, health)
    for (const one of served) await one.listen()
    const core = await Core.open(options, served)
    const running = new ServingBroker(options, { served, core, health, http })
    for (const one of served) running.serve(one)
    health.serve(core)
    return running
  } catch (error) {
    await http?.close()
    await Promise.all(served.map((one) => one.close(0)))
    throw error
  }
}

/** Loaded only where it is asked for. */
async function openHttp(
  { settings, keepAlive }: RunBrokerOptions,
  health: BrokerHealth,
): Promise<HttpEndpoint | undefined> {
  if (settings.httpListener === null) return undefined
  const { HttpEndpoint } = await import('./http/http-endpoint.ts')
  return HttpEndpoint.open(parseHttpListener(settings.httpListener), health, { keepAlive })
}

interface ServingParts {
  readonly served: readonly ServedBroker[]
  readonly core: Core
  readonly health: BrokerHealth
  readonly http: HttpEndpoint | undefined
}

/** The ports and the core behind them, which may be replaced. */
class ServingBroker implements RunningBroker {
  readonly dataDir: string
  readonly #options: RunBrokerOptions
  readonly #served: readonly ServedBroker[]
  readonly #health: BrokerHealth
  readonly #http: HttpEndpoint | undefined
  #core: Core
  #interceptor: Interceptor | undefined
  /** What is under way; one thing at a time. */
  #turn: Promise<void> = Promise.resolve()
  #stopping: Promise<void> | undefined

  constructor(options: RunBrokerOptions, parts: ServingParts) {
    this.#options = options
    this.#served = parts.served
    this.#health = parts.health
    this.#http = parts.http
    this.dataDir = dataDirectories(options.settings)[0]!
    this.#core = parts.core
  }

  get http(): RunningBroker['http'] {
    return this.#http?.address
  }

  get broker(): Broker {
    return this.#core.broker
  }

  get brokers(): readonly Broker[] {
    return this.#core.brokers
  }

  get presented(): readonly PresentedBroker[] {
    return this.#served.map(({ brokerId, listeners, isDown }) => {
      return { brokerId, listeners, isUp: !isDown }
    })
  }

  get listeners(): readonly BoundListener[] {
    return this.#served[0]!.listeners
  }

  get connectionCount(): number {
    return this.#served.reduce((count, { server }) => count + server.connectionCount, 0)
  }

  get interceptor(): Interceptor | undefined {
    return this.#interceptor
  }

  set interceptor(interceptor: Interceptor | undefined) {
    this.#interceptor = interceptor
    for (const dispatcher of this.#core.dispatchers) dispatcher.interceptor = interceptor
  }

  leaderOf(topicId: string, partition: number): Broker | undefined {
    const { brokers, broker } = this.#core
    const { topicsById } = broker.engine.metadata.image
    const leader = topicsById.get(topicId)?.partitions[partition]?.leader
    return brokers.find(({ brokerId }) => brokerId === leader)
  }

  serve(served: ServedBroker): void {
    served.serve(this.#core.dispatcherOf(served.brokerId), (address, nowMs) => {
      const quotas = this.#health.core && this.#core.brokerOf(served.brokerId).quotas
      return quotas?.active?.connected(address, nowMs) ?? 0
    })
  }

  takeDown(brokerId: number): Promise<void> {
    return this.#inTurn(async () => {
      const served = this.#servedOf(brokerId)
      if (served.isDown) return
      await this.#core.takeDown(brokerId)
      served.isDown = true
      await served.close()
    })
  }

  bringUp(brokerId: number): Promise<void> {
    return this.#inTurn(async () => {
      const served = this.#servedOf(brokerId)
      if (!served.isDown) return
      await served.reopen()
      served.isDown = false
      // Clients that are early wait until there is something for it to lead.
      await this.#core.bringUp(brokerId)
      this.serve(served)
    })
  }

  #servedOf(brokerId: number): ServedBroker {
    const served = this.#served.find((one) => one.brokerId === brokerId)
    if (served) return served
    const ids = this.#served.map((one) => one.brokerId).join(', ')
    throw new ConfigError(`there is no broker ${brokerId}; there is ${ids}`)
  }

  readonly stop = (): Promise<void> => {
    this.#health.phase = 'stopping'
    this.#stopping ??= this.#turn.then(() => this.#stop())
    return this.#stopping
  }

  async #stop(): Promise<void> {
    for (const { server } of this.#served) server.stopAccepting()
    this.#core.quiesce()
    await Promise.all(this.#served.map((one) => one.close()))
    await this.#core.close()
    await this.#http?.close()
  }

  reopen(prepare: () => ReopenOptions | Promise<ReopenOptions>): Promise<void> {
    return this.#inTurn(() => this.#reopen(prepare))
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    if (this.#stopping) return Promise.reject(new Error('the broker is stopped'))
    const done = this.#turn.then(work)
    this.#turn = done.catch(() => {})
    return done
  }

  async #reopen(prepare: () => ReopenOptions | Promise<ReopenOptions>): Promise<void> {
    const up = this.#served.filter(({ isDown }) => !isDown)
    const held = up.map(() => new HoldingDispatcher())
    for (const [index, { server }] of up.entries()) server.dispatchTo(held[index]!)
    this.#health.core = undefined
    this.#core.quiesce()
    await this.#core.close()
    try {
      const { clusterId, cutConnections, opened } = await prepare()
      if (cutConnections) for (const { server } of up) server.cutConnections()
      const options = clusterId === undefined ? this.#options : { ...this.#options, clusterId }
      this.#core = await Core.open(options, this.#served)
      await opened?.(this.#core.broker)
    } catch (error) {
      // There is nothing to serve.
      await Promise.all(up.map((one) => one.close(0)))
      throw error
    }
    this.interceptor = this.#interceptor
    this.#health.core = this.#core
    for (const [index, { server, brokerId }] of up.entries()) {
      const dispatcher = this.#core.dispatcherOf(brokerId)
      server.dispatchTo(dispatcher)
      held[index]!.release(dispatcher)
    }
  }
}
