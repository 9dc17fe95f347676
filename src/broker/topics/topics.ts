import { randomUuid } from '../../base/uuid.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { Settings } from '../../settings/settings.ts'
import type { TopicConfig } from '../../settings/topic-settings.ts'
import type { NewPlacement } from '../../storage/engine.ts'
import type { MetadataImage, MetadataRecord, TopicImage } from '../../storage/metadata-store.ts'
import type { LiveSettings } from '../configs/live-settings.ts'
import type { Decision, MetadataWriter } from '../metadata-writer.ts'
import { settled } from '../settled.ts'
import { type DeletedTopic, decideDelete, type TopicToDelete } from './delete-topics.ts'
import { internalTopicSpec } from './internal-topics.ts'
import { partitionRecord } from './partition-record.ts'
import { type CreatedTopic, type NewTopic, planTopic, TopicTwins } from './plan-topic.ts'
import { checkAssignment, checkSomeLive, placeReplicas } from './replica-assignment.ts'
import { CLUSTER_METADATA_TOPIC } from './topic-name.ts'

/** Kafka's limit of new partitions in one request. */
const MAX_NEW_PARTITIONS = 10_000

/** Names of deleted topics that are remembered. */
const MAX_DELETED_NAMES = 1000

/** What became of one topic of a request. */
export type Outcome<T> = { readonly name: string } & (
  | { readonly error: KafkaError }
  | { readonly error?: undefined; readonly value: T }
)

export interface NewPartitions {
  readonly name: string
  /** Partitions that the topic is to have. */
  readonly count: number
  readonly assignments: readonly { readonly brokerIds: readonly number[] }[] | null
}

/** How topics are changed. */
export interface ChangeOptions {
  readonly validateOnly: boolean
  /** Told of each topic's partitions before they change. Throws when they may not (a quota). */
  readonly charge?: ((partitions: number) => void) | undefined
}

/** Creates, grows and deletes topics: Kafka's rules, order of checks and words. */
export class TopicAdmin {
  readonly #metadata: MetadataWriter
  readonly #live: LiveSettings
  readonly #placement: (() => NewPlacement) | undefined
  /** Names that clients have deleted and nobody has asked for since, oldest first. */
  readonly #deletedNames = new Set<string>()
  /** Where the leaders of the next topic begin among the brokers. */
  #nextBroker = 0

  constructor(options: {
    metadata: MetadataWriter
    live: LiveSettings
    /** Where new partitions are to be. */
    placement?: () => NewPlacement
  }) {
    this.#metadata = options.metadata
    this.#live = options.live
    this.#placement = options.placement
  }

  /** Effective configs, kept until something changes: cheap enough for every request. */
  config(topic: TopicImage): TopicConfig {
    return this.#live.topicConfig(topic)
  }

  /**
   * Rules: admin-and-config.md section 2. Outcomes in the order of `topics`, with those last that
   * the request itself rules out. Rejects when nothing could be stored.
   */
  create(
    topics: readonly NewTopic[],
    options: ChangeOptions,
  ): Outcome<CreatedTopic>[] | Promise<Outcome<CreatedTopic>[]> {
    return this.#metadata.update((image) => this.#decideCreate(image, topics, options))
  }

  /**
   * Creates a topic that somebody asked for, with the broker's default counts (internal topics:
   * their own). Answers the existing topic when someone else was faster.
   */
  autoCreate(name: string): TopicImage | ErrorCode | Promise<TopicImage | ErrorCode> {
    const existing = this.#metadata.image.topicsByName.get(name)
    if (existing) return existing
    const created = this.create([internalTopicSpec(name, this.#settings) ?? defaultSpec(name)], {
      validateOnly: false,
    })
    return created instanceof Promise
      ? created.then((outcomes) => this.#autoCreated(name, outcomes))
      : this.#autoCreated(name, created)
  }

  /** Outcomes in the order of `topics`, without repetitions. */
  delete(
    topics: readonly TopicToDelete[],
    { charge }: Pick<ChangeOptions, 'charge'> = {},
  ): DeletedTopic[] | Promise<DeletedTopic[]> {
    const done = this.#metadata.update((image) => decideDelete(image, topics, charge))
    return settled(done, (deleted) => {
      for (const { name, error } of deleted) if (name !== null && !error) this.#deletedName(name)
      return deleted
    })
  }

  /**
   * Whether this is the first question about a topic since it was deleted. Who asks then most
   * likely looks whether it is gone.
   */
  wasDeleted(name: string): boolean {
    return this.#deletedNames.delete(name)
  }

  createPartitions(
    topics: readonly NewPartitions[],
    options: ChangeOptions,
  ): Outcome<undefined>[] | Promise<Outcome<undefined>[]> {
    return this.#metadata.update((image) => this.#decideGrow(image, topics, options))
  }

  #deletedName(name: string): void {
    this.#deletedNames.add(name)
    if (this.#deletedNames.size <= MAX_DELETED_NAMES) return
    for (const oldest of this.#deletedNames) {
      this.#deletedNames.delete(oldest)
      return
    }
  }

  get #settings(): Settings {
    return this.#live.settings
  }

  #autoCreated(name: string, [outcome]: Outcome<CreatedTopic>[]): TopicImage | ErrorCode {
    const topic = this.#metadata.image.topicsByName.get(name)
    return topic ?? outcome?.error?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR
  }

  #decideCreate(
    image: MetadataImage,
    topics: readonly NewTopic[],
    { validateOnly, charge }: ChangeOptions,
  ): Decision<Outcome<CreatedTopic>[]> {
    const { once, refused } = sortOut(topics, [CLUSTER_METADATA_TOPIC])
    const excess = tooMany(askedFor(once, this.#settings.numPartitions))
    const twins = new TopicTwins(image.topicsByName.keys())
    const records: MetadataRecord[] = []
    const added = { topics: 0, partitions: 0 }
    const place = this.#placement?.()
    const outcomes = once.map((spec) =>
      attempt(spec.name, () => {
        if (excess) throw excess
        const topicId = randomUuid()
        const start = this.#nextBroker + added.partitions
        const parts = { image, settings: this.#settings, twins, topicId, start, place }
        const plan = planTopic(spec, parts)
        const { numPartitions } = plan.topic
        this.#checkRoom(image, added.topics + 1, added.partitions + numPartitions)
        charge?.(numPartitions)
        added.topics++
        added.partitions += numPartitions
        records.push(...plan.records)
        return plan.topic
      }),
    )
    if (validateOnly) return { records: [], result: [...outcomes, ...refused] }
    this.#nextBroker += added.partitions
    return { records, result: [...outcomes, ...refused] }
  }

  /** dohle's own limits on what one broker holds (promises.md section 4). */
  #checkRoom(image: MetadataImage, moreTopics: number, morePartitions: number): void {
    const { topicsMax, partitionsMax } = this.#settings
    if (image.topicsById.size + moreTopics > topicsMax) {
      throw new KafkaError('POLICY_VIOLATION', `dohle.topics.max allows ${topicsMax} topics.`)
    }
    if (image.partitionCount + morePartitions > partitionsMax) {
      const message = `dohle.partitions.max allows ${partitionsMax} partitions.`
      throw new KafkaError('POLICY_VIOLATION', message)
    }
  }

  #decideGrow(
    image: MetadataImage,
    topics: readonly NewPartitions[],
    { validateOnly, charge }: ChangeOptions,
  ): Decision<Outcome<undefined>[]> {
    const { once, refused } = sortOut(topics, [])
    const records: MetadataRecord[] = []
    let added = 0
    const place = this.#placement?.()
    const outcomes = once.map((topic) =>
      attempt(topic.name, () => {
        const growth = this.#growth(image, topic, place)
        const excess = tooMany(added + growth.length)
        if (excess) throw excess
        this.#checkRoom(image, 0, added + growth.length)
        charge?.(growth.length)
        added += growth.length
        records.push(...growth)
        return undefined
      }),
    )
    return { records: validateOnly ? [] : records, result: [...refused, ...outcomes] }
  }

  /** The records of the partitions that a topic is to get. */
  #growth(
    image: MetadataImage,
    { name, count, assignments }: NewPartitions,
    place: NewPlacement | undefined,
  ): MetadataRecord[] {
    const topic = image.topicsByName.get(name)
    if (!topic) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
    const current = topic.partitions.length
    const added = count - current
    checkGrowth(topic, count)
    if (assignments && assignments.length !== added) {
      throw new KafkaError(
        'INVALID_REPLICA_ASSIGNMENT',
        `Attempted to add ${added} additional partition(s), but only ${assignments.length} ` +
          'assignment(s) were specified.',
      )
    }
    const replicationFactor = topic.partitions[0]!.replicas.length
    const placed = assignments
      ? assignments.map(({ brokerIds }) => {
          checkAssignment(image.brokers, brokerIds, replicationFactor)
          checkSomeLive(image.brokers, brokerIds)
          return brokerIds
        })
      : placeReplicas(image.brokers, { count: added, replicationFactor, start: current })
    return placed.map((replicas, index) =>
      partitionRecord(image, {
        topicId: topic.topicId,
        partition: current + index,
        replicas,
        place,
      }),
    )
  }
}

function defaultSpec(name: string): NewTopic {
  return { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }
}

function checkGrowth({ name, partitions }: TopicImage, count: number): void {
  const current = partitions.length
  if (count === current) {
    throw new KafkaError('INVALID_PARTITIONS', `Topic already has ${current} partition(s).`)
  }
  if (count < current) {
    throw new KafkaError(
      'INVALID_PARTITIONS',
      `The topic ${name} currently has ${current} partition(s); ` +
        `${count} would not be an increase.`,
    )
  }
  // A larger count would make an array of that length before anything else is looked at.
  const excess = tooMany(count - current)
  if (excess) throw excess
}

function tooMany(count: number): KafkaError | undefined {
  if (count <= MAX_NEW_PARTITIONS) return undefined
  const message = 'Excessively large number of partitions per request.'
  return new KafkaError('POLICY_VIOLATION', message)
}

/** Partitions that a request asks for, as far as it names numbers that could be. */
function askedFor(specs: readonly NewTopic[], defaultCount: number): number {
  let count = 0
  for (const { numPartitions, assignments } of specs) {
    if (assignments.length > 0) count += assignments.length
    else count += numPartitions === -1 ? defaultCount : Math.max(0, numPartitions)
  }
  return count
}

/** Topics named once and not reserved; the others have their error already. */
function sortOut<T extends { readonly name: string }>(
  topics: readonly T[],
  reserved: readonly string[],
): { once: T[]; refused: { name: string; error: KafkaError }[] } {
  const counts = new Map<string, number>()
  for (const { name } of topics) counts.set(name, (counts.get(name) ?? 0) + 1)
  const refused: { name: string; error: KafkaError }[] = []
  const refuse = (name: string, why: string) =>
    refused.push({ name, error: new KafkaError('INVALID_REQUEST', why) })
  for (const [name, count] of counts) {
    if (count > 1) refuse(name, 'Duplicate topic name.')
    else if (reserved.includes(name)) {
      refuse(name, `Creation of internal topic ${name} is prohibited.`)
    }
  }
  const refusedNames = new Set(refused.map(({ name }) => name))
  return { once: topics.filter(({ name }) => !refusedNames.has(name)), refused }
}

function attempt<T>(name: string, work: () => T): Outcome<T> {
  try {
    return { name, value: work() }
  } catch (error) {
    if (error instanceof KafkaError) return { name, error }
    throw error
  }
}
