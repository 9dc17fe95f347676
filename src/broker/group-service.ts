import { randomUUID } from 'node:crypto'
import type { Uuid } from '../base/uuid.ts'
import type { Effect, ReplyTo } from '../coordinator/effect.ts'
import type { Client } from '../coordinator/group/group-context.ts'
import { GroupCoordinator } from '../coordinator/group/group-coordinator.ts'
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
} from '../coordinator/group/group-records.ts'
import { partitionFor } from '../coordinator/partition-for.ts'
import { type ErrorCode, KafkaError } from '../protocol/error-code.ts'
import type { ReplayedRecord } from '../storage/metadata-record.ts'
import type { TopicImage } from '../storage/metadata-store.ts'
import type { Broker } from './broker.ts'
import { CoordinatorHost } from './coordinator-host.ts'
import type { RequestContext } from './handler.ts'
import { hostText } from './host-text.ts'

/** What the service needs of a broker. */
export type GroupServiceBroker = Pick<
  Broker,
  'brokerId' | 'engine' | 'settings' | 'clock' | 'timers' | 'log' | 'topics'
>

export interface GroupServiceOptions {
  /** For tests. */
  readonly defer?: (callback: () => void) => void
  /** For tests: makes member ids. */
  readonly randomId?: () => string
}

/**
 * The groups that this broker coordinates: those whose partition of `__consumer_offsets` it leads.
 * The topic is made when somebody first looks for a coordinator.
 */
export class GroupService {
  readonly #broker: GroupServiceBroker
  readonly #host: CoordinatorHost<GroupCoordinator, GroupRecord>
  /** Names by id, to know what a removed topic was called. */
  readonly #topicNames = new Map<Uuid, string>()
  #unsubscribe: (() => void) | undefined

  constructor(broker: GroupServiceBroker, options: GroupServiceOptions = {}) {
    this.#broker = broker
    const context = { settings: broker.settings, randomId: options.randomId ?? randomUUID }
    this.#host = new CoordinatorHost({
      store: broker.engine.groups,
      clock: broker.clock,
      timers: broker.timers,
      log: broker.log,
      create: () => new GroupCoordinator(context),
      encode: encodeGroupRecord,
      decode: decodeGroupRecord,
      batchBytesMax: () => this.#batchBytesMax(),
      ...(options.defer && { defer: options.defer }),
    })
  }

  /** Follows the topic from now on. Resolves when the partitions there are have been loaded. */
  async start(): Promise<void> {
    const { metadata } = this.#broker.engine
    for (const topic of metadata.image.topicsById.values()) {
      this.#topicNames.set(topic.topicId, topic.name)
    }
    this.#unsubscribe = metadata.subscribe((records) => this.#follow(records))
    await this.#loadLed()
  }

  /** Members that wait are told to look for another coordinator. */
  close(): void {
    this.#unsubscribe?.()
    this.#host.close()
  }

  get topicName(): string {
    return this.#broker.engine.groups.topicName
  }

  get #topic(): TopicImage | undefined {
    return this.#broker.engine.metadata.image.topicsByName.get(this.topicName)
  }

  #batchBytesMax(): number {
    const topic = this.#topic
    return topic ? this.#broker.topics.config(topic).maxMessageBytes : Number.POSITIVE_INFINITY
  }

  /** The partition that coordinates a group. Throws NOT_COORDINATOR while there is no topic. */
  partitionOf(groupId: string): number {
    const topic = this.#topic
    if (!topic) throw new KafkaError('NOT_COORDINATOR')
    return partitionFor(groupId, topic.partitions.length)
  }

  /** Resolves when this broker can answer for a partition that it leads. */
  async loaded(partition: number): Promise<void> {
    if (this.#topic?.partitions[partition]?.leader === this.#broker.brokerId) {
      await this.#host.load(partition)
    }
  }

  isLoading(groupId: string): boolean {
    return this.#host.isLoading(this.partitionOf(groupId))
  }

  /** One input for a group's coordinator. Throws what `CoordinatorHost.submit` throws. */
  submit<Response>(
    groupId: string,
    decide: (
      coordinator: GroupCoordinator,
      to: ReplyTo<Response>,
      nowMs: number,
    ) => Effect<GroupRecord>[],
  ): Response | Promise<Response> {
    return this.#host.submit(this.partitionOf(groupId), decide)
  }

  /** A group's coordinator, to read from. */
  read(groupId: string): GroupCoordinator {
    return this.#host.read(this.partitionOf(groupId))
  }

  /** All coordinators of this broker. Throws COORDINATOR_LOAD_IN_PROGRESS when one is loading. */
  readAll(): GroupCoordinator[] {
    const { partitions } = this.#host
    if (partitions.some((partition) => this.#host.isLoading(partition))) {
      throw new KafkaError('COORDINATOR_LOAD_IN_PROGRESS')
    }
    return partitions
      .filter((partition) => this.#host.isActive(partition))
      .map((partition) => this.#host.read(partition))
  }

  /** Ends a transaction's offset commits on one partition (coordinator-host.ts). */
  endTransaction(
    partition: number,
    producerId: number,
    result: 'commit' | 'abort',
    appendMarker: () => ErrorCode | Promise<ErrorCode>,
  ): ErrorCode | Promise<ErrorCode> {
    return this.#host.endTransaction(partition, producerId, result, appendMarker)
  }

  #follow(records: readonly ReplayedRecord[]): void {
    const deleted: { name: string; topicId: Uuid }[] = []
    let ledMayDiffer = false
    for (const { type, value } of records) {
      if (type === 'TopicRecord') this.#topicNames.set(value.topicId, value.name)
      else if (type === 'RemoveTopicRecord') {
        const name = this.#topicNames.get(value.topicId)
        this.#topicNames.delete(value.topicId)
        if (name !== undefined) deleted.push({ name, topicId: value.topicId })
        ledMayDiffer ||= name === this.topicName
      } else if (type === 'PartitionRecord' || type === 'PartitionChangeRecord') {
        ledMayDiffer ||= this.#topicNames.get(value.topicId) === this.topicName
      }
    }
    if (ledMayDiffer) void this.#loadLed()
    if (deleted.length > 0) this.#forgetTopics(deleted)
  }

  #forgetTopics(topics: readonly { name: string; topicId: Uuid }[]): void {
    const forget = (partition: number) => {
      if (!this.#host.isActive(partition)) return
      this.#host.tell(partition, (coordinator) => coordinator.topicsDeleted(topics))
    }
    for (const partition of this.#host.partitions) {
      if (this.#host.isLoading(partition)) {
        void this.#host.load(partition).then(() => forget(partition))
      } else forget(partition)
    }
  }

  /** Loads what this broker leads and gives up what it does not. Never rejects: loads report. */
  async #loadLed(): Promise<void> {
    const led = new Set<number>()
    for (const { partition, leader } of this.#topic?.partitions ?? []) {
      if (leader === this.#broker.brokerId) led.add(partition)
    }
    for (const partition of this.#host.partitions) {
      if (!led.has(partition)) this.#host.unload(partition)
    }
    await Promise.all(Array.from(led, (partition) => this.#host.load(partition)))
  }
}

export function clientOf(context: RequestContext): Client {
  const { apiVersion, clientId, peer } = context
  return { apiVersion, clientId, clientHost: `/${hostText(peer.address)}` }
}
