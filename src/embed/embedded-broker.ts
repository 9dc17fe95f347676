import { BindError } from '../server/bind.ts'
import type { RunningBroker } from '../server/run-broker.ts'
import { ConfigError } from '../settings/parse-value.ts'
import { BrokerState, type StateOptions } from './broker-state.ts'
import { ControlServer } from './control/control-server.ts'
import { EmbeddedNode } from './embedded-node.ts'
import type { Faults } from './faults/faults.ts'
import type { FullFiles } from './faults/full-files.ts'
import { Interception } from './interception.ts'
import { LocalCalls } from './local-calls.ts'
import {
  type GroupOptions,
  type GroupView,
  LocalGroups,
  type StoredOffset,
} from './local-groups.ts'
import {
  LocalRecords,
  type NewRecord,
  type ReadOptions,
  type RecordPlace,
  type StoredRecord,
  type WaitOptions,
} from './local-records.ts'
import { LocalTopics, type NewTopic, type TopicView } from './local-topics.ts'
import type { RequestJournal } from './requests/request-journal.ts'
import type { Snapshot } from './snapshot.ts'
import { VirtualClock } from './virtual-clock.ts'

/**
 * A broker in this process, with what a test wants to ask of it. The helpers work without a client
 * and without the network, and no fault touches them.
 */
export class EmbeddedBroker {
  readonly host: string
  readonly port: number
  /** `host:port`, what clients call bootstrap servers; of several brokers all, with commas. */
  readonly bootstrapServers: string
  /** All brokers that are presented, by id: one, unless more were asked for. */
  readonly brokers: readonly EmbeddedNode[]
  /** What goes wrong for clients. */
  readonly faults: Faults
  /** What clients asked and were answered; recorded once started. */
  readonly requests: RequestJournal
  readonly #running: RunningBroker
  readonly #topics: LocalTopics
  readonly #records: LocalRecords
  readonly #groups: LocalGroups
  readonly #state: BrokerState
  #control: ControlServer | undefined
  #controlSocket: ControlServer | undefined

  /** @internal */
  constructor(host: string, running: RunningBroker, disk: FullFiles) {
    this.host = host
    this.port = running.listeners[0]!.boundPort
    this.brokers = running.presented.map((one) => new EmbeddedNode(host, one, running))
    this.bootstrapServers = this.brokers.map((one) => one.bootstrapServers).join(',')
    this.#running = running
    const { faults, requests } = new Interception(running, disk)
    this.faults = faults
    this.requests = requests
    const calls = new LocalCalls(running)
    this.#topics = new LocalTopics(running, calls)
    this.#records = new LocalRecords(running, calls, this.#topics)
    this.#groups = new LocalGroups(running, calls)
    this.#state = new BrokerState(running, disk)
  }

  /** Of the control API (docs/EMBEDDING.md); undefined unless `controlPort` was given. */
  get controlUrl(): string | undefined {
    return this.#control?.url
  }

  /** Clients that are connected now. */
  get connectionCount(): number {
    return this.#running.connectionCount
  }

  get clusterId(): string {
    return this.#running.broker.clusterId
  }

  /**
   * Creates topics: `'orders:3'`, or `{ name: 'orders', partitions: 3, configs: { ... } }`. Rejects
   * with `KafkaError` for the first that cannot be created.
   */
  createTopics(topics: readonly (string | NewTopic)[]): Promise<void> {
    return this.#topics.create(topics)
  }

  /** Rejects with `KafkaError` UNKNOWN_TOPIC_OR_PARTITION for the first that is not there. */
  deleteTopics(names: readonly string[]): Promise<void> {
    return this.#topics.delete(names)
  }

  /** All topics but Kafka's internal ones, by name, with the offsets that they hold. */
  topics(): TopicView[] {
    return this.#topics.list()
  }

  /**
   * Writes records and tells where they went. The topic is created when it is not there, unless
   * `auto.create.topics.enable` is off. Records without a key go to one partition per call.
   */
  produce(topic: string, records: readonly NewRecord[]): Promise<RecordPlace[]> {
    return this.#records.produce(topic, records)
  }

  /**
   * What a consumer would find now, by time; within a partition in the order of its offsets. Empty
   * when there is no such topic.
   */
  records<Value = unknown>(topic: string, options?: ReadOptions): Promise<StoredRecord<Value>[]> {
    return this.#records.read<Value>(topic, options)
  }

  /**
   * The same, as soon as there are `count` records or more. Rejects with `WaitError`, which says
   * what was there instead, after `timeoutMs` (5 s when left out).
   */
  waitForRecords<Value = unknown>(
    topic: string,
    count: number,
    options?: WaitOptions,
  ): Promise<StoredRecord<Value>[]> {
    return this.#records.waitFor<Value>(topic, count, options)
  }

  /** What a group has committed; empty when it is not there. */
  committedOffsets(groupId: string): Promise<StoredOffset[]> {
    return this.#groups.committedOffsets(groupId)
  }

  /** All groups, by name, with their members. */
  groups(): Promise<GroupView[]> {
    return this.#groups.list()
  }

  /**
   * The group as soon as it is in the state and has as many members as wanted (Stable and any when
   * left out). Rejects with `WaitError` after `timeoutMs` (10 s when left out).
   */
  waitForGroup(groupId: string, options?: GroupOptions): Promise<GroupView> {
    return this.#groups.waitFor(groupId, options)
  }

  /** All that is kept now, at once. What comes later does not change it. */
  snapshot(): Snapshot {
    return this.#state.snapshot()
  }

  /**
   * Puts everything back to what it was at the snapshot, which may be another broker's. Clients stay
   * connected unless asked otherwise; members of groups that the snapshot does not know join again.
   */
  restore(snapshot: Snapshot, options?: StateOptions): Promise<void> {
    return this.#state.restore(snapshot, options)
  }

  /** Removes all topics, groups and configs; the topics of the start are there again, empty. */
  reset(options?: StateOptions): Promise<void> {
    return this.#state.reset(options)
  }

  /**
   * Writes everything to a new or empty directory in Kafka's own format: for Kafka's tools, for
   * Apache Kafka itself, or for `dataDir`. Rejects with `ConfigError` when it is not empty.
   */
  exportTo(directory: string): Promise<void> {
    return this.#state.exportTo(directory)
  }

  /**
   * Moves the broker's `VirtualClock` on, see there. Resolves with the time that it then is, in ms
   * since the epoch. Rejects with `ConfigError` when it was started without one.
   */
  async advanceClock(by: number | string): Promise<number> {
    const { clock } = this.#running.broker
    if (!(clock instanceof VirtualClock)) {
      throw new ConfigError("the time is the machine's: start with { clock: new VirtualClock() }")
    }
    await clock.advance(by)
    return clock.nowMs()
  }

  /** @internal Stops the broker and rejects with `BindError` when the port cannot be had. */
  async startControl(options: { readonly port: number; readonly keepAlive: boolean }) {
    try {
      this.#control = await ControlServer.start(this, options)
    } catch (error) {
      await this.stop()
      throw new BindError('127.0.0.1', options.port, error)
    }
  }

  /** @internal The same at a path in the file system. Rejects with the system's error. */
  async startControlSocket(path: string): Promise<void> {
    this.#controlSocket = await ControlServer.start(this, { path, keepAlive: true })
  }

  /** Answers what has begun and closes the data. Idempotent. */
  async stop(): Promise<void> {
    this.faults.close()
    await this.#control?.stop()
    await this.#controlSocket?.stop()
    await this.#running.stop()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
