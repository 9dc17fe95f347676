import type { Uuid } from '../../base/uuid.ts'
import type { Effect, ReplyTo } from '../../coordinator/effect.ts'
import { partitionFor } from '../../coordinator/partition-for.ts'
import { type ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { ReplayedRecord } from '../../storage/metadata-record.ts'
import type { TopicImage } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import { isUnderMinIsr } from '../topics/min-isr.ts'
import { CoordinatorHost } from './coordinator-host.ts'
import type { Coordinator, CoordinatorPartitionOptions } from './coordinator-partition.ts'

/** What coordinators need of a broker. */
export type CoordinatorBroker = Pick<
  Broker,
  'brokerId' | 'engine' | 'settings' | 'clock' | 'timers' | 'log' | 'topics'
>

export interface DeletedTopic {
  readonly name: string
  readonly topicId: Uuid
}

export interface CoordinatorTopicOptions<C extends Coordinator<R, Asked>, R, Asked>
  extends Omit<
    CoordinatorPartitionOptions<C, R, Asked>,
    'clock' | 'timers' | 'log' | 'batchBytesMax' | 'isWritable'
  > {
  /** Decides what becomes of what is stored about topics that are gone. */
  topicsDeleted?(coordinator: C, topics: readonly DeletedTopic[]): Effect<R, Asked>[]
}

/**
 * The coordinators of this broker for one internal topic: those whose partition it leads. Follows
 * the topic in the metadata. It is made when somebody first looks for a coordinator.
 */
export class CoordinatorTopic<C extends Coordinator<R, Asked>, R, Asked = never> {
  readonly #broker: CoordinatorBroker
  readonly #options: CoordinatorTopicOptions<C, R, Asked>
  readonly #host: CoordinatorHost<C, R, Asked>
  /** Names by id, to know what a removed topic was called. */
  readonly #topicNames = new Map<Uuid, string>()
  #unsubscribe: (() => void) | undefined

  constructor(broker: CoordinatorBroker, options: CoordinatorTopicOptions<C, R, Asked>) {
    this.#broker = broker
    this.#options = options
    const { clock, timers, log } = broker
    const batchBytesMax = () => this.#batchBytesMax()
    const isWritable = (partition: number) => this.#isWritable(partition)
    this.#host = new CoordinatorHost({ ...options, clock, timers, log, batchBytesMax, isWritable })
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

  /** Whoever waits is told to look for another coordinator. */
  close(): void {
    this.#unsubscribe?.()
    this.#host.close()
  }

  get topicName(): string {
    return this.#options.store.topicName
  }

  get image(): TopicImage | undefined {
    return this.#broker.engine.metadata.image.topicsByName.get(this.topicName)
  }

  #batchBytesMax(): number {
    const { image } = this
    return image ? this.#broker.topics.config(image).maxMessageBytes : Number.POSITIVE_INFINITY
  }

  #isWritable(partition: number): boolean {
    const { image } = this
    const found = image?.partitions[partition]
    return !found || !isUnderMinIsr(found, this.#broker.topics.config(image!).minInsyncReplicas)
  }

  /** The partition that coordinates `id`. Throws NOT_COORDINATOR while there is no topic. */
  partitionOf(id: string): number {
    const { image } = this
    if (!image) throw new KafkaError('NOT_COORDINATOR')
    return partitionFor(id, image.partitions.length)
  }

  /** Resolves when this broker can answer for a partition that it leads. */
  async loaded(partition: number): Promise<void> {
    if (this.image?.partitions[partition]?.leader === this.#broker.brokerId) {
      await this.#host.load(partition)
    }
  }

  isLoading(id: string): boolean {
    return this.#host.isLoading(this.partitionOf(id))
  }

  /** One input for the coordinator of `id`. Throws what `CoordinatorHost.submit` throws. */
  submit<Response>(
    id: string,
    decide: (coordinator: C, to: ReplyTo<Response>, nowMs: number) => Effect<R, Asked>[],
  ): Response | Promise<Response> {
    return this.#host.submit(this.partitionOf(id), decide)
  }

  /** The coordinator of `id`, to read from. */
  read(id: string): C {
    return this.#host.read(this.partitionOf(id))
  }

  /** All coordinators of this broker. Throws COORDINATOR_LOAD_IN_PROGRESS when one is loading. */
  readAll(): C[] {
    const { partitions } = this.#host
    if (partitions.some((partition) => this.#host.isLoading(partition))) {
      throw new KafkaError('COORDINATOR_LOAD_IN_PROGRESS')
    }
    return partitions
      .filter((partition) => this.#host.isActive(partition))
      .map((partition) => this.#host.read(partition))
  }

  /** Ends a transaction on one partition (coordinator-host.ts). */
  endTransaction(
    partition: number,
    producerId: number,
    result: 'commit' | 'abort',
    appendMarker: () => ErrorCode | Promise<ErrorCode>,
  ): ErrorCode | Promise<ErrorCode> {
    return this.#host.endTransaction(partition, producerId, result, appendMarker)
  }

  #follow(records: readonly ReplayedRecord[]): void {
    const deleted: DeletedTopic[] = []
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

  #forgetTopics(topics: readonly DeletedTopic[]): void {
    const { topicsDeleted } = this.#options
    if (!topicsDeleted) return
    const forget = (partition: number) => {
      if (!this.#host.isActive(partition)) return
      this.#host.tell(partition, (coordinator) => topicsDeleted(coordinator, topics))
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
    for (const { partition, leader } of this.image?.partitions ?? []) {
      if (leader === this.#broker.brokerId) led.add(partition)
    }
    for (const partition of this.#host.partitions) {
      if (!led.has(partition)) this.#host.unload(partition)
    }
    await Promise.all(Array.from(led, (partition) => this.#host.load(partition)))
  }
}
