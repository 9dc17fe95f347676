import type { Uuid } from '../base/uuid.ts'
import type { MetadataRecord, RecordValue, ReplayedRecord } from './metadata-record.ts'

export type { MetadataRecord, ReplayedRecord } from './metadata-record.ts'

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
  subscribe(listener: (records: readonly ReplayedRecord[]) => void): () => void
}

export interface PartitionImage {
  readonly partition: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  /** -1 when no replica lives. */
  readonly leader: number
  readonly leaderEpoch: number
  readonly partitionEpoch: number
  readonly removingReplicas: readonly number[]
  readonly addingReplicas: readonly number[]
  readonly eligibleLeaderReplicas: readonly number[]
  readonly lastKnownElr: readonly number[]
  /** Of each replica, the id of the log directory it lives in; empty when never told. */
  readonly directories: readonly Uuid[]
  /** 1 after an unclean election until the leader has recovered, else 0. */
  readonly leaderRecoveryState: number
}

export interface TopicImage {
  readonly name: string
  readonly topicId: Uuid
  /** Index is the partition number. */
  readonly partitions: readonly PartitionImage[]
}

export interface BrokerImage {
  readonly brokerId: number
  readonly endpoints: readonly {
    readonly name: string
    readonly host: string
    readonly port: number
    /** 0 PLAINTEXT, 1 SSL, 2 SASL_PLAINTEXT, 3 SASL_SSL. */
    readonly securityProtocol: number
  }[]
  readonly rack: string | null
  readonly fenced: boolean
  readonly inControlledShutdown: boolean
  /** Random for every start of the broker. */
  readonly incarnationId: Uuid
  /** Offset of its registration. */
  readonly brokerEpoch: number
  readonly features: RecordValue<'RegisterBrokerRecord'>['features']
  readonly logDirs: readonly Uuid[]
  readonly cordonedLogDirs: readonly Uuid[] | null
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

/** Who a client quota is for: names by entity type, null is the default entity. */
export type QuotaEntity = ReadonlyMap<string, string | null>

export interface ClientQuotaImage {
  readonly entity: QuotaEntity
  /** By quota key, such as `producer_byte_rate`. */
  readonly values: ReadonlyMap<string, number>
}

export type ScramCredentialImage = RecordValue<'UserScramCredentialRecord'>
export type AclImage = RecordValue<'AccessControlEntryRecord'>
export type DelegationTokenImage = RecordValue<'DelegationTokenRecord'>

/** The nodes that agree on metadata; one that a store does not have is all empty. */
export interface QuorumImage {
  /** -1 when unknown. */
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly voters: readonly {
    readonly voterId: number
    /** Zero when voters are configured, not recorded. */
    readonly directoryId: Uuid
    readonly listeners: readonly {
      readonly name: string
      readonly host: string
      readonly port: number
    }[]
  }[]
}

export interface MetadataImage {
  readonly topicsById: ReadonlyMap<Uuid, TopicImage>
  readonly topicsByName: ReadonlyMap<string, TopicImage>
  readonly brokers: ReadonlyMap<number, BrokerImage>
  /** Finalized feature levels by name. */
  readonly features: ReadonlyMap<string, number>
  /** Offset of the last replayed record; the finalized features' epoch. -1 before the first. */
  readonly offset: number
  readonly quorum: QuorumImage
  /** First producer id of the next block that was never handed out. */
  readonly nextProducerId: number
  /** Of all topics together. */
  readonly partitionCount: number
  readonly clientQuotas: ReadonlyMap<string, ClientQuotaImage>
  /** By mechanism (1 SCRAM-SHA-256, 2 SCRAM-SHA-512), then by user. */
  readonly scramCredentials: ReadonlyMap<number, ReadonlyMap<string, ScramCredentialImage>>
  readonly acls: ReadonlyMap<Uuid, AclImage>
  /** By token id. */
  readonly delegationTokens: ReadonlyMap<string, DelegationTokenImage>
  /**
   * Dynamic configs of one resource as stored; empty when none. The cluster default broker is ''.
   * The map does not change: after a change there is another one.
   */
  configs(type: ConfigResourceType, name: string): ReadonlyMap<string, string>
  /** Names that have configs of this type. */
  configuredNames(type: ConfigResourceType): readonly string[]
}
