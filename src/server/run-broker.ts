import { resolve } from 'node:path'
import { type Clock, systemClock } from '../base/clock.ts'
import { TimerQueue } from '../base/timer-queue.ts'
import type { Uuid } from '../base/uuid.ts'
import type { Broker } from '../broker/broker.ts'
import { ClientTelemetry } from '../broker/client-telemetry.ts'
import { ConfigAdmin } from '../broker/configs.ts'
import { DelayedFetches } from '../broker/delayed.ts'
import { RequestDispatcher } from '../broker/dispatch.ts'
import { FetchSessions } from '../broker/fetch-session.ts'
import { GroupService } from '../broker/group-service.ts'
import { handlers } from '../broker/handlers/index.ts'
import type { Interceptor } from '../broker/interceptor.ts'
import { LiveSettings } from '../broker/live-settings.ts'
import type { Logger } from '../broker/logger.ts'
import type { LoggerLevels } from '../broker/logger-levels.ts'
import { MetadataWriter } from '../broker/metadata-writer.ts'
import { Meters } from '../broker/meters.ts'
import { ProducerIds } from '../broker/producer-ids.ts'
import { Quotas } from '../broker/quotas/quotas.ts'
import { startRecords } from '../broker/registration.ts'
import { TopicAdmin } from '../broker/topics.ts'
import { TransactionService } from '../broker/transaction-service.ts'
import { parseHttpListener } from '../settings/http-listener.ts'
import { type ListenerSetting, resolveListeners } from '../settings/listeners.ts'
import { ConfigError } from '../settings/parse-value.ts'
import type { Settings } from '../settings/settings.ts'
import type { CleanerSettings } from '../storage/local/cleaner.ts'
import type { Files } from '../storage/local/files.ts'
import { LocalEngine } from '../storage/local/local-engine.ts'
import type { Durability } from '../storage/local/log-environment.ts'
import { MemoryFiles } from '../storage/local/memory-files.ts'
import { MetadataLog } from '../storage/local/metadata-log.ts'
import { NodeFiles } from '../storage/local/node-files.ts'
import { BrokerHealth } from './broker-health.ts'
import { type BoundListener, nodesFor, registeredEndpoint } from './endpoints.ts'
import { HoldingDispatcher } from './holding-dispatcher.ts'
import type { HttpEndpoint } from './http/http-endpoint.ts'
import { probeReceiveMode } from './receive.ts'
import type { ReturnWatch } from './return-watch.ts'
import { Server } from './server.ts'
import { LiveServerLimits } from './server-limits.ts'
import { createStartTopics } from './start-topics.ts'

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
}

/** A broker that serves clients. */
export interface RunningBroker {
  /** Another one after `reopen`. */
  readonly broker: Broker
  readonly listeners: readonly BoundListener[]
  /** Where health and metrics are served, if anywhere. */
  readonly http: { readonly host: string; readonly port: number } | undefined
  /** Of clients that are connected now. */
  readonly connectionCount: number
  /** Absolute path of the data directory, which is in memory when nothing is kept. */
  readonly dataDir: string
  /** Stands between clients and handlers; undefined, the default, costs nothing. */
  interceptor: Interceptor | undefined
  /**
   * Closes the data and opens what `prepare` has left of it, or put there, as a restart would, but
   * with the same addresses. Clients that stay connected wait meanwhile.
   */
  reopen(prepare: () => ReopenOptions | Promise<ReopenOptions>): Promise<void>
  /** Requests that have begun are answered, everything is flushed. Idempotent. */
  stop(): Promise<void>
}

/** How long the start waits for groups and transactions to load. */
const LOAD_PATIENCE_MS = 1_000

/** How long `stop` waits for clients. */
const STOP_GRACE_MS = 400

/**
 * Takes the addresses, then opens the data, then the doors: a start that cannot listen leaves no
 * trace on disk, and clients that come early wait. Rejects with `BindError`, `StorageError` or
 * `ConfigError`, whose messages are for the person who starts it; nothing is left open then.
 */
export async function runBroker(options: RunBrokerOptions): Promise<RunningBroker> {
  const listeners = plaintextListeners(options.settings)
  const server = await createServer(options)
  const health = new BrokerHealth(server)
  let http: HttpEndpoint | undefined
  try {
    http = await openHttp(options, health)
    const bound = await listen(server, listeners)
    const core = await openCore(options, bound, server.returns)
    server.start(core.dispatcher)
    health.serve(core)
    server.throttleAddress = (address, nowMs) =>
      health.broker?.quotas.active?.connected(address, nowMs) ?? 0
    return new ServingBroker(options, { server, listeners: bound, core, health, http })
  } catch (error) {
    await http?.close()
    await server.close(0)
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
  readonly server: Server
  readonly listeners: readonly BoundListener[]
  readonly core: Core
  readonly health: BrokerHealth
  readonly http: HttpEndpoint | undefined
}

export interface ReopenOptions {
  /** Of new data; that which is there keeps its own. */
  readonly clusterId?: string
  /** Ends every connection. */
  readonly cutConnections: boolean
  /** Before the first request. */
  opened?(broker: Broker): void | Promise<void>
}

/** A server and the broker behind it, which may be replaced. */
class ServingBroker implements RunningBroker {
  readonly listeners: readonly BoundListener[]
  readonly dataDir: string
  readonly #options: RunBrokerOptions
  readonly #server: Server
  readonly #health: BrokerHealth
  readonly #http: HttpEndpoint | undefined
  #core: Core
  #interceptor: Interceptor | undefined
  /** What is under way; one thing at a time. */
  #turn: Promise<void> = Promise.resolve()
  #stopping: Promise<void> | undefined

  constructor(options: RunBrokerOptions, parts: ServingParts) {
    this.#options = options
    this.#server = parts.server
    this.#health = parts.health
    this.#http = parts.http
    this.listeners = parts.listeners
    this.dataDir = dataDirectory(options.settings)
    this.#core = parts.core
  }

  get http(): RunningBroker['http'] {
    return this.#http?.address
  }

  get broker(): Broker {
    return this.#core.broker
  }

  get connectionCount(): number {
    return this.#server.connectionCount
  }

  get interceptor(): Interceptor | undefined {
    return this.#interceptor
  }

  set interceptor(interceptor: Interceptor | undefined) {
    this.#interceptor = interceptor
    this.#core.dispatcher.interceptor = interceptor
  }

  readonly stop = (): Promise<void> => {
    this.#health.phase = 'stopping'
    this.#stopping ??= this.#turn.then(() => this.#stop())
    return this.#stopping
  }

  async #stop(): Promise<void> {
    this.#server.stopAccepting()
    this.#core.quiesce()
    await this.#server.close(STOP_GRACE_MS)
    await this.#core.close()
    await this.#http?.close()
  }

  reopen(prepare: () => ReopenOptions | Promise<ReopenOptions>): Promise<void> {
    if (this.#stopping) return Promise.reject(new Error('the broker is stopped'))
    const done = this.#turn.then(() => this.#reopen(prepare))
    this.#turn = done.catch(() => {})
    return done
  }

  async #reopen(prepare: () => ReopenOptions | Promise<ReopenOptions>): Promise<void> {
    const held = new HoldingDispatcher()
    this.#server.dispatchTo(held)
    this.#health.core = undefined
    this.#core.quiesce()
    await this.#core.close()
    try {
      const { clusterId, cutConnections, opened } = await prepare()
      if (cutConnections) this.#server.cutConnections()
      const options = clusterId === undefined ? this.#options : { ...this.#options, clusterId }
      this.#core = await openCore(options, this.listeners, this.#server.returns)
      await opened?.(this.#core.broker)
    } catch (error) {
      // There is nothing to serve.
      await this.#server.close(0)
      throw error
    }
    this.#core.dispatcher.interceptor = this.#interceptor
    this.#health.core = this.#core
    this.#server.dispatchTo(this.#core.dispatcher)
    held.release(this.#core.dispatcher)
  }
}

/** Everything behind the sockets. */
interface Core {
  readonly broker: Broker
  readonly dispatcher: RequestDispatcher
  /** Why nothing can be written; undefined when it can. */
  writeProblem(): string | undefined
  /** Answers whoever waits. */
  quiesce(): void
  /** Flushes; after it a start is a clean one. */
  close(): Promise<void>
}

async function openCore(
  options: RunBrokerOptions,
  listeners: readonly BoundListener[],
  returns: ReturnWatch,
): Promise<Core> {
  const timers = new TimerQueue(options.clock)
  const storage = await openStorage(options)
  const broker = createBroker(options, { timers, storage, listeners, returns })
  const quiesce = () => {
    broker.fetches.stop()
    broker.transactions.close()
    broker.groups.close()
  }
  const close = async () => {
    await storage.close()
    timers.close()
  }
  try {
    await register(broker, storage, listeners)
    await createStartTopics(broker)
    await loadCoordinators(broker)
  } catch (error) {
    quiesce()
    await close()
    throw error
  }
  const dispatcher = new RequestDispatcher(broker)
  const writeProblem = () => storage.engine.writeProblem()
  return { broker, dispatcher, writeProblem, quiesce, close }
}

function plaintextListeners(settings: Settings): ListenerSetting[] {
  const listeners = resolveListeners(settings)
  const secure = listeners.find(({ securityProtocol }) => securityProtocol !== 'PLAINTEXT')
  if (secure) {
    throw new ConfigError(
      `listeners: ${secure.name} asks for ${secure.securityProtocol}, which this version does ` +
        'not have; use PLAINTEXT',
    )
  }
  return listeners
}

async function listen(
  server: Server,
  listeners: readonly ListenerSetting[],
): Promise<BoundListener[]> {
  const bound: BoundListener[] = []
  for (const listener of listeners) {
    const boundPort = await server.listen(listener.name, listener.host, listener.port)
    bound.push({ ...listener, boundPort })
  }
  return bound
}

/** All is there when the doors open, unless there is very much: that loads behind them. */
async function loadCoordinators({ groups, transactions, clock }: Broker): Promise<void> {
  const patience = new Promise<void>((resolve) => {
    clock.schedule(LOAD_PATIENCE_MS, resolve)
  })
  await Promise.race([Promise.all([groups.start(), transactions.start()]), patience])
}

async function register(
  { engine, brokerId, settings }: Broker,
  { directoryId, wasClean }: Storage,
  listeners: readonly BoundListener[],
): Promise<void> {
  const identity = {
    brokerId,
    endpoints: listeners.map(registeredEndpoint),
    rack: settings.brokerRack,
    logDirs: [directoryId],
  }
  const records = startRecords(engine.metadata.image, [identity], { newEpochs: !wasClean })
  await engine.metadata.commit(records)
}

async function createServer(options: RunBrokerOptions): Promise<Server> {
  const { settings, clock, log, keepAlive } = options
  const receiveMode = await probeReceiveMode()
  // Clients live in real time: a clock that a test moves on by a week makes no connection idle.
  const limits = new LiveServerLimits(settings, { mayBeIdle: clock !== systemClock })
  const timers = new TimerQueue(systemClock)
  return new Server({ clock, timers, log, limits, receiveMode, keepAlive })
}

interface Parts {
  readonly timers: TimerQueue
  readonly storage: Storage
  readonly listeners: readonly BoundListener[]
  readonly returns: ReturnWatch
}

function createBroker(options: RunBrokerOptions, parts: Parts): Broker {
  const { timers, storage, listeners, returns } = parts
  const { settings, clock, log, loggers } = options
  const { engine, live } = storage
  const brokerId = settings.nodeId
  const metadata = new MetadataWriter(engine.metadata)
  const topics = new TopicAdmin({ metadata, live })
  const producerIds = new ProducerIds(engine.metadata, brokerId)
  const coordinators = { brokerId, engine, settings, clock, timers, log, topics }
  const groups = new GroupService(coordinators)
  return {
    brokerId,
    clusterId: engine.clusterId,
    engine,
    metadata,
    settings,
    clock,
    timers,
    log,
    handlers,
    topics,
    configs: new ConfigAdmin({ metadata, settings, brokerId, loggers }),
    loggers,
    telemetry: new ClientTelemetry({
      image: () => engine.metadata.image,
      maxBytes: () => settings.telemetryMaxBytes,
    }),
    meters: new Meters(),
    quotas: new Quotas(engine.metadata, settings),
    fetchSessions: new FetchSessions(() => settings.maxIncrementalFetchSessionCacheSlots),
    fetches: new DelayedFetches(timers),
    producerIds,
    groups,
    transactions: new TransactionService({ ...coordinators, producerIds, groups }),
    nodes: (peer) => {
      const { image } = engine.metadata
      const nodes = nodesFor(peer, { brokerId, rack: settings.brokerRack, listeners, image })
      // Without one, clients are told the address that they have used.
      if (listeners.some(({ advertised }) => advertised)) returns.told(peer, nodes)
      return nodes
    },
  }
}

interface Storage {
  readonly engine: LocalEngine
  readonly live: LiveSettings
  /** Of the data directory. */
  readonly directoryId: Uuid
  /** Nothing can have been lost since the last start. */
  readonly wasClean: boolean
  close(): Promise<void>
}

async function openStorage(options: RunBrokerOptions): Promise<Storage> {
  const { settings, clock, log, clusterId } = options
  const brokerId = settings.nodeId
  let live: LiveSettings | undefined
  let directory: Pick<Storage, 'directoryId' | 'wasClean'> | undefined
  const engine = new LocalEngine(
    options.files ?? (settings.memory ? new MemoryFiles(() => clock.nowMs()) : new NodeFiles()),
    {
      dataDir: dataDirectory(settings),
      clusterId,
      durability: durability(settings),
      retentionCheckIntervalMs: settings.logRetentionCheckIntervalMs,
      initialTaskDelayMs: settings.logInitialTaskDelayMs,
      checkpointIntervalMs: settings.logFlushOffsetCheckpointIntervalMs,
      producerIdExpirationMs: settings.producerIdExpirationMs,
      producerIdExpirationCheckIntervalMs: settings.producerIdExpirationCheckIntervalMs,
      producerIdsMax: settings.producerIdsMax,
      cleanerEnabled: settings.logCleanerEnable,
      cleanerSettings: () => cleanerSettings(settings),
      async openMetadata(start) {
        const metadata = await MetadataLog.open(start, {
          snapshotBytes: settings.metadataLogMaxRecordBytesBetweenSnapshots,
          segmentBytes: settings.metadataLogSegmentBytes,
        })
        live = new LiveSettings({ settings, metadata, brokerId })
        directory = {
          directoryId: start.directoryId,
          wasClean: start.isClean || start.writesSurvived,
        }
        return metadata
      },
    },
    {
      brokerId,
      clock,
      topicConfig: (topicId) => live!.logConfig(topicId),
      report: (level, message, fields = {}) => log[level](fields, message),
    },
  )
  await engine.open()
  return {
    engine,
    live: live!,
    ...directory!,
    async close() {
      live!.close()
      await engine.close()
    },
  }
}

/** Where data in memory is, as far as paths go. */
export const MEMORY_DIRECTORY = '/data'

function cleanerSettings(settings: Settings): CleanerSettings {
  return {
    threads: settings.logCleanerThreads,
    dedupeBufferBytes: settings.logCleanerDedupeBufferSize,
    ioBufferBytes: settings.logCleanerIoBufferSize,
    ioBufferLoadFactor: settings.logCleanerIoBufferLoadFactor,
    ioBytesPerSecond: settings.logCleanerIoMaxBytesPerSecond,
    backoffMs: settings.logCleanerBackoffMs,
  }
}

function dataDirectory(settings: Settings): string {
  if (settings.memory) return MEMORY_DIRECTORY
  return resolve((settings.logDirs ?? settings.logDir)[0]!)
}

function durability(settings: Settings): Durability {
  switch (settings.durability) {
    case 'sync':
      return { mode: 'sync' }
    case 'interval':
      return { mode: 'interval', intervalMs: settings.durabilityIntervalMs }
    default:
      return { mode: 'os' }
  }
}
