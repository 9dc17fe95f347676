import { type Timer, TimerQueue } from '../base/timer-queue.ts'
import type { Uuid } from '../base/uuid.ts'
import type { Broker } from '../broker/broker.ts'
import { ClientTelemetry } from '../broker/client-telemetry.ts'
import { ConfigAdmin } from '../broker/configs/configs.ts'
import { LiveSettings } from '../broker/configs/live-settings.ts'
import { GroupService } from '../broker/coordinators/group-service.ts'
import { ProducerIds } from '../broker/coordinators/producer-ids.ts'
import { TransactionService } from '../broker/coordinators/transaction-service.ts'
import { DelayedFetches } from '../broker/delayed.ts'
import { RequestDispatcher } from '../broker/dispatch.ts'
import { FetchSessions } from '../broker/fetch/fetch-session.ts'
import { handlers } from '../broker/handlers/index.ts'
import { MetadataWriter } from '../broker/metadata-writer.ts'
import { Meters } from '../broker/meters.ts'
import { Quotas } from '../broker/quotas/quotas.ts'
import {
  type BrokerIdentity,
  brokerDownRecords,
  brokerUpRecords,
  cordonRecords,
  directoryDownRecords,
  startRecords,
} from '../broker/registration.ts'
import { electPreferredLeaders, electUncleanLeaders } from '../broker/topics/leader-election.ts'
import { TopicAdmin } from '../broker/topics/topics.ts'
import { isCordoned } from '../settings/log-folders.ts'
import type { TopicPartition } from '../storage/engine.ts'
import type { MetadataRecord, ReplayedRecord, TopicImage } from '../storage/metadata-store.ts'
import { nodesFor, registeredEndpoint } from './endpoints.ts'
import { openStorage, type Storage } from './open-storage.ts'
import type { RunBrokerOptions } from './run-broker.ts'
import type { ServedBroker } from './served-broker.ts'
import { createStartTopics } from './start-topics.ts'

/** How long the start waits for groups and transactions to load. */
const LOAD_PATIENCE_MS = 1_000

interface Presented {
  readonly served: ServedBroker
  readonly broker: Broker
  readonly dispatcher: RequestDispatcher
  readonly live: LiveSettings
}

/**
 * Everything behind the sockets: one store, and the brokers that the process presents over it. Each
 * of them is a view by its id; who leads what stands in the metadata and nowhere else.
 */
export class Core {
  readonly timers: TimerQueue
  readonly #storage: Storage
  readonly #presented: Presented[] = []
  readonly #groups = new Map<number, GroupService>()
  readonly #transactions = new Map<number, TransactionService>()
  readonly #elections = new Set<Timer>()
  #unsubscribe: () => void = () => undefined
  readonly #onFailure: RunBrokerOptions['onFailure']

  private constructor(options: RunBrokerOptions, storage: Storage) {
    this.#onFailure = options.onFailure
    this.timers = new TimerQueue(options.clock)
    this.#storage = storage
  }

  /** Rejects with `StorageError` or `ConfigError`; nothing is left open then. */
  static async open(options: RunBrokerOptions, served: readonly ServedBroker[]): Promise<Core> {
    let opened: Core | undefined
    const storage = await openStorage(options, (failed) => opened?.directoryFailed(failed))
    const core = new Core(options, storage)
    opened = core
    try {
      core.#present(options, served)
      await core.#register()
      await createStartTopics(core.broker)
      await core.#load()
      core.#electLater()
    } catch (error) {
      core.quiesce()
      await core.close()
      throw error
    }
    return core
  }

  /** The first that is up, else the first. */
  get broker(): Broker {
    const up = this.#presented.find(({ served }) => !served.isDown)
    return (up ?? this.#presented[0]!).broker
  }

  get brokers(): readonly Broker[] {
    return this.#presented.map(({ broker }) => broker)
  }

  get dispatchers(): readonly RequestDispatcher[] {
    return this.#presented.map(({ dispatcher }) => dispatcher)
  }

  brokerOf(brokerId: number): Broker {
    return this.#of(brokerId).broker
  }

  dispatcherOf(brokerId: number): RequestDispatcher {
    return this.#of(brokerId).dispatcher
  }

  /** Why nothing can be written; undefined when it can. */
  writeProblem(): string | undefined {
    return this.#storage.engine.writeProblem()
  }

  /** Leaders and coordinators move away from a broker. */
  async takeDown(brokerId: number): Promise<void> {
    await this.#decide((broker) =>
      brokerDownRecords(broker.metadata.image, brokerId, (topic) => broker.topics.config(topic)),
    )
  }

  /** It is in sync again; it leads what nobody else could. */
  async bringUp(brokerId: number): Promise<void> {
    const identity = { ...this.#identityOf(this.#of(brokerId).served), fenced: false }
    await this.#decide((broker) =>
      brokerUpRecords(broker.metadata.image, identity, (topic) => broker.topics.config(topic)),
    )
  }

  /** Answers whoever waits. */
  quiesce(): void {
    for (const { broker } of this.#presented) {
      broker.fetches.stop()
      broker.transactions.close()
      broker.groups.close()
    }
  }

  /** Flushes; after it a start is a clean one. */
  async close(): Promise<void> {
    this.#unsubscribe()
    for (const { live } of this.#presented.slice(1)) live.close()
    await this.#storage.close()
    for (const timer of this.#elections) this.timers.cancel(timer)
    this.timers.close()
  }

  #of(brokerId: number): Presented {
    return this.#presented.find(({ served }) => served.brokerId === brokerId)!
  }

  async #decide(recordsOf: (broker: Broker) => readonly MetadataRecord[]): Promise<void> {
    const { broker } = this
    await broker.metadata.update(() => ({ records: recordsOf(broker), result: undefined }))
  }

  #present(options: RunBrokerOptions, served: readonly ServedBroker[]): void {
    const { clock, log, loggers } = options
    const { timers } = this
    const { engine, live } = this.#storage
    const metadata = new MetadataWriter(engine.metadata)
    const { settings } = live
    // One log, one list of each of these.
    const shared = {
      clusterId: engine.clusterId,
      ...{ engine, metadata, clock, timers, log, loggers, handlers },
      presentedIds: served.map(({ brokerId }) => brokerId),
      topics: new TopicAdmin({ metadata, live, placement: () => engine.placement() }),
      telemetry: new ClientTelemetry({
        image: () => engine.metadata.image,
        maxBytes: () => settings.telemetryMaxBytes,
      }),
      meters: new Meters(),
      fetches: new DelayedFetches(timers),
      producerIds: new ProducerIds(engine.metadata, settings.nodeId),
    }
    for (const one of served) {
      const { brokerId } = one
      const own = { ...shared, brokerId, settings: one.settings }
      const groups = new GroupService(own)
      this.#groups.set(brokerId, groups)
      const peers =
        served.length > 1 ? { groups: this.#groups, transactions: this.#transactions } : undefined
      const transactions = new TransactionService({ ...own, groups }, { peers })
      this.#transactions.set(brokerId, transactions)
      const broker = {
        ...own,
        ...{ groups, transactions },
        configs: new ConfigAdmin({ metadata, settings: one.settings, brokerId, loggers }),
        quotas: new Quotas(engine.metadata, one.settings),
        fetchSessions: new FetchSessions(() => one.settings.maxIncrementalFetchSessionCacheSlots),
        nodes: nodesOf(one, served, engine.metadata),
      }
      const isFirst = one === served[0]
      const ownLive = isFirst
        ? live
        : new LiveSettings({ settings: one.settings, metadata: engine.metadata, brokerId })
      const dispatcher = new RequestDispatcher(broker)
      this.#presented.push({ served: one, broker, dispatcher, live: ownLive })
    }
  }

  #identityOf({ brokerId, listeners, settings, isDown }: ServedBroker): BrokerIdentity {
    const directories = this.#storage.engine.directories().filter(({ isOffline }) => !isOffline)
    const firstId = this.#presented[0]!.served.brokerId
    const cordoned = directories.filter(({ path }) => isCordoned(settings, path))
    return {
      brokerId,
      endpoints: listeners.map(registeredEndpoint),
      rack: settings.brokerRack,
      logDirs: directories.map(({ id }) => directoryOf(id, brokerId - firstId)),
      cordonedLogDirs: cordoned.map(({ id }) => directoryOf(id, brokerId - firstId)),
      fenced: isDown,
    }
  }

  async #register(): Promise<void> {
    const { engine } = this.#storage
    const { image } = engine.metadata
    const identities = this.#identities()
    const firstId = identities[0]!.brokerId
    const records = startRecords(image, identities, {
      newEpochs: !engine.lostNothing,
      holdsLogOf: (brokerId) =>
        engine.directories().some(({ id }) => {
          const own = directoryOf(id, brokerId - firstId)
          return image.brokers.get(brokerId)?.logDirs.includes(own)
        }),
      directoryOf: (partition) => engine.placeOf(partition)?.directoryId,
      rulesOf: (topic) => this.broker.topics.config(topic),
    })
    await engine.metadata.commit(records)
    this.#unsubscribe = engine.metadata.subscribe((replayed) => this.#followCordons(replayed))
  }

  /** Its partitions lose their leader, and the registration the directory. */
  directoryFailed({ path, isLast }: { readonly path: string; readonly isLast: boolean }): void {
    if (isLast) {
      this.#onFailure?.(
        `no data directory is left that the broker could go on with: ${path} failed`,
      )
      return
    }
    // After what the disk had to say to whoever is writing.
    queueMicrotask(() => {
      this.#decide((broker) => {
        const { image } = broker.metadata
        const isGone = (partition: TopicPartition) => broker.engine.placeOf(partition) === undefined
        const rulesOf = (topic: TopicImage) => broker.topics.config(topic)
        return directoryDownRecords(image, this.#identities(), isGone, rulesOf)
      }).catch((error: unknown) => this.broker.log.error({ err: error }, 'leaders not changed'))
    })
  }

  /** The registration tells which directories are cordoned, as the setting does. */
  #followCordons(replayed: readonly ReplayedRecord[]): void {
    const mayHaveChanged = ({ type, value }: ReplayedRecord) =>
      type === 'ConfigRecord' ? value.name === 'cordoned.log.dirs' : type === 'EndTransactionRecord'
    if (!replayed.some(mayHaveChanged)) return
    queueMicrotask(() => {
      this.#decide(({ metadata }) => cordonRecords(metadata.image, this.#identities())).catch(
        (error: unknown) => this.broker.log.warn({ err: error }, 'cordoned folders not registered'),
      )
    })
  }

  #identities(): BrokerIdentity[] {
    return this.#presented.map(({ served }) => this.#identityOf(served))
  }

  /** All is there when the doors open, unless there is very much: that loads behind them. */
  async #load(): Promise<void> {
    const { clock } = this.broker
    const patience = new Promise<void>((resolve) => {
      clock.schedule(LOAD_PATIENCE_MS, resolve)
    })
    const loads = this.brokers.flatMap(({ groups, transactions }) => [
      groups.start(),
      transactions.start(),
    ])
    await Promise.race([Promise.all(loads), patience])
  }

  /** As Kafka's controller does every few minutes: leaders go back to the first replicas. */
  #electLater(): void {
    if (this.#presented.length === 1) return
    const { settings } = this.broker
    if (settings.autoLeaderRebalanceEnable) {
      this.#repeat(settings.leaderImbalanceCheckIntervalSeconds * 1_000, electPreferredLeaders)
    }
    this.#repeat(settings.uncleanLeaderElectionIntervalMs, electUncleanLeaders)
  }

  #repeat(intervalMs: number, elect: (broker: Broker) => readonly MetadataRecord[]): void {
    const timer = this.timers.after(intervalMs, () => {
      const { log } = this.broker
      this.#elections.delete(timer)
      this.#decide(elect)
        .catch((error: unknown) => log.warn({ err: error }, 'no leaders elected'))
        .finally(() => this.#repeat(intervalMs, elect))
    })
    this.#elections.add(timer)
  }
}

/**
 * The id of the directory of a broker's replicas: each broker tells one of its own, as on Kafka, though
 * all of them are in one. The first has that of meta.properties.
 */
function directoryOf(directoryId: Uuid, index: number): Uuid {
  if (index === 0) return directoryId
  const last = directoryId.length - 1
  return directoryId.slice(0, last) + String.fromCharCode(directoryId.charCodeAt(last) ^ index)
}

function nodesOf(
  own: ServedBroker,
  served: readonly ServedBroker[],
  { image }: Storage['engine']['metadata'],
): Broker['nodes'] {
  return (peer) => {
    const nodes = nodesFor(peer, own, { served, image })
    // Without one, clients are told the address that they have used.
    if (own.listeners.some(({ advertised }) => advertised)) own.server.returns.told(peer, nodes)
    return nodes
  }
}
