import { resolve } from 'node:path'
import type { Clock } from '../base/clock.ts'
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
import { LiveSettings } from '../broker/live-settings.ts'
import type { Logger } from '../broker/logger.ts'
import type { LoggerLevels } from '../broker/logger-levels.ts'
import { MetadataWriter } from '../broker/metadata-writer.ts'
import { ProducerIds } from '../broker/producer-ids.ts'
import { startRecords } from '../broker/registration.ts'
import { TopicAdmin } from '../broker/topics.ts'
import { TransactionService } from '../broker/transaction-service.ts'
import { type ListenerSetting, resolveListeners } from '../settings/listeners.ts'
import { ConfigError } from '../settings/parse-value.ts'
import type { Settings } from '../settings/settings.ts'
import { LocalEngine } from '../storage/local/local-engine.ts'
import type { Durability } from '../storage/local/log-environment.ts'
import { MemoryFiles } from '../storage/local/memory-files.ts'
import { MetadataLog } from '../storage/local/metadata-log.ts'
import { NodeFiles } from '../storage/local/node-files.ts'
import { defaultServerLimits, type ServerLimits } from './connection-host.ts'
import { type BoundListener, nodesFor, registeredEndpoint } from './endpoints.ts'
import { probeReceiveMode } from './receive.ts'
import { Server } from './server.ts'
import { createStartTopics } from './start-topics.ts'

export interface RunBrokerOptions {
  /** Checked already. */
  readonly settings: Settings
  readonly clock: Clock
  readonly log: Logger
  readonly loggers: LoggerLevels
  /** False: the process may exit although the broker runs. */
  readonly keepAlive: boolean
}

/** A broker that serves clients. */
export interface RunningBroker {
  readonly broker: Broker
  readonly listeners: readonly BoundListener[]
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
  const timers = new TimerQueue(options.clock)
  const server = await createServer(options, timers)
  try {
    const bound = await listen(server, listeners)
    const storage = await openStorage(options)
    const broker = createBroker(options, { timers, storage, listeners: bound })
    const stop = closeOnce(broker, server, storage)
    try {
      await register(broker, storage, bound)
      await createStartTopics(broker)
      await loadCoordinators(broker)
    } catch (error) {
      await stop()
      throw error
    }
    server.start(new RequestDispatcher(broker))
    return { broker, listeners: bound, stop }
  } catch (error) {
    await server.close(0)
    timers.close()
    throw error
  }
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

async function createServer(options: RunBrokerOptions, timers: TimerQueue): Promise<Server> {
  const { settings, clock, log, keepAlive } = options
  const limits = serverLimits(settings)
  const receiveMode = await probeReceiveMode()
  return new Server({ clock, timers, log, limits, receiveMode, keepAlive })
}

interface Parts {
  readonly timers: TimerQueue
  readonly storage: Storage
  readonly listeners: readonly BoundListener[]
}

function createBroker(options: RunBrokerOptions, { timers, storage, listeners }: Parts): Broker {
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
    fetchSessions: new FetchSessions(() => settings.maxIncrementalFetchSessionCacheSlots),
    fetches: new DelayedFetches(timers),
    producerIds,
    groups,
    transactions: new TransactionService({ ...coordinators, producerIds, groups }),
    nodes: (peer) =>
      nodesFor(peer, {
        brokerId,
        rack: settings.brokerRack,
        listeners,
        image: engine.metadata.image,
      }),
  }
}

function closeOnce(broker: Broker, server: Server, storage: Storage): () => Promise<void> {
  let closing: Promise<void> | undefined
  const close = async () => {
    server.stopAccepting()
    broker.fetches.stop()
    broker.transactions.close()
    broker.groups.close()
    await server.close(STOP_GRACE_MS)
    await storage.close()
    broker.timers.close()
  }
  return () => {
    closing ??= close()
    return closing
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

async function openStorage({ settings, clock, log }: RunBrokerOptions): Promise<Storage> {
  const brokerId = settings.nodeId
  let live: LiveSettings | undefined
  let directory: Pick<Storage, 'directoryId' | 'wasClean'> | undefined
  const engine = new LocalEngine(
    settings.memory ? new MemoryFiles(() => clock.nowMs()) : new NodeFiles(),
    {
      dataDir: dataDirectory(settings),
      durability: durability(settings),
      retentionCheckIntervalMs: settings.logRetentionCheckIntervalMs,
      initialTaskDelayMs: settings.logInitialTaskDelayMs,
      checkpointIntervalMs: settings.logFlushOffsetCheckpointIntervalMs,
      producerIdExpirationMs: settings.producerIdExpirationMs,
      producerIdExpirationCheckIntervalMs: settings.producerIdExpirationCheckIntervalMs,
      producerIdsMax: settings.producerIdsMax,
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

function dataDirectory(settings: Settings): string {
  if (settings.memory) return '/data'
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

function serverLimits(settings: Settings): ServerLimits {
  return {
    ...defaultServerLimits,
    maxConnections: settings.maxConnections,
    maxConnectionsPerAddress: settings.maxConnectionsPerIp,
    connectionsMaxIdleMs: settings.connectionsMaxIdleMs,
    maxRequestBytes: settings.socketRequestMaxBytes,
    requestMemoryBytes:
      settings.queuedMaxRequestBytes > 0
        ? settings.queuedMaxRequestBytes
        : defaultServerLimits.requestMemoryBytes,
  }
}
