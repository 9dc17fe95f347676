import type { Uuid } from '../base/uuid.ts'

/**
 * Topics, configs, features, quotas, credentials: the state of `__cluster_metadata` as one image
 * in memory that changes only by replaying Kafka's own metadata records (reference:
 * admin-and-config.md; schemas: protocol/embedded/cluster-metadata.ts).
 */
export interface MetadataStore {
  /** The state now. Read it, keep no reference across an await: it changes in place. */
  readonly image: MetadataImage
  /**
   * Appends `records` as one atomic batch and replays them into `image`. Rejects with
   * KAFKA_STORAGE_ERROR when they cannot be made durable; then nothing has changed.
   */
  commit(records: readonly MetadataRecord[]): void | Promise<void>
  /** Calls `listener` after each commit with the records replayed. Returns what unsubscribes. */
  subscribe(listener: (records: readonly MetadataRecord[]) => void): () => void
}

/** A record by its schema name, e.g. `{ type: 'TopicRecord', value: { name, topicId } }`. */
export interface MetadataRecord {
  readonly type: string
  readonly value: Readonly<Record<string, unknown>>
}

export interface PartitionImage {
  readonly partition: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  /** -1 when no replica lives. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
}

export interface TopicImage {
  readonly name: string
  readonly topicId: Uuid
  /** Index is the partition number. */
  readonly partitions: readonly PartitionImage[]
}

export interface BrokerImage {
  readonly brokerId: number
  readonly endpoints: readonly { name: string; host: string; port: number }[]
  readonly rack: string | null
  readonly fenced: boolean
}

/** Kafka's ConfigResource types. */
export const ConfigResourceType = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const
export type ConfigResourceType = (typeof ConfigResourceType)[keyof typeof ConfigResourceType]

export interface MetadataImage {
  readonly topicsById: ReadonlyMap<Uuid, TopicImage>
  readonly topicsByName: ReadonlyMap<string, TopicImage>
  readonly brokers: ReadonlyMap<number, BrokerImage>
  /** Finalized feature levels by name. */
  readonly features: ReadonlyMap<string, number>
  /** Offset of the last replayed record; the finalized features' epoch. */
  readonly offset: number
  /** First producer id of the next block that was never handed out. */
  readonly nextProducerId: number
  /** Dynamic configs of one resource as stored; empty when none. The cluster default broker is ''. */
  configs(type: ConfigResourceType, name: string): ReadonlyMap<string, string>
  /** Names that have configs of this type. */
  configuredNames(type: ConfigResourceType): readonly string[]
}
