import { ZERO_UUID } from '../base/uuid.ts'
import type { MetadataRecordName, RecordValue, ReplayedRecord } from './metadata-record.ts'
import {
  type AclImage,
  type BrokerImage,
  ConfigResourceType,
  type DelegationTokenImage,
  type MetadataImage,
  type PartitionImage,
  type QuorumImage,
  type QuotaEntity,
  type ScramCredentialImage,
  type TopicImage,
} from './metadata-store.ts'

/** Leader of a PartitionChangeRecord that leaves the leader as it is. */
const LEADER_UNCHANGED = -2

const NO_CONFIGS: ReadonlyMap<string, string> = new Map()

interface TopicState extends TopicImage {
  readonly partitions: PartitionImage[]
}

interface QuotaState {
  readonly entity: QuotaEntity
  readonly values: Map<string, number>
}

/**
 * A record that does not fit the state before it: a log of someone else's making. What was replayed
 * so far stays.
 */
export class MetadataReplayError extends Error {
  override name = 'MetadataReplayError'
}

/**
 * The state of `__cluster_metadata`: changes only by `replay`, live and at load, and tells all it
 * knows as records by `snapshotRecords`.
 */
export class MetadataState implements MetadataImage {
  readonly topicsById = new Map<string, TopicState>()
  readonly topicsByName = new Map<string, TopicState>()
  readonly brokers = new Map<number, BrokerImage>()
  readonly controllers = new Map<number, RecordValue<'RegisterControllerRecord'>>()
  readonly features = new Map<string, number>()
  readonly clientQuotas = new Map<string, QuotaState>()
  readonly scramCredentials = new Map<number, Map<string, ScramCredentialImage>>()
  readonly acls = new Map<string, AclImage>()
  readonly delegationTokens = new Map<string, DelegationTokenImage>()
  readonly #configs = new Map<number, Map<string, ReadonlyMap<string, string>>>()
  offset = -1
  /** Told by control records, so set by who reads them. */
  quorum: QuorumImage = { leaderId: -1, leaderEpoch: 0, voters: [] }
  nextProducerId = 0
  partitionCount = 0
  /** Undefined unless the log has one, from Kafka's time with ZooKeeper. */
  zkMigrationState: number | undefined
  /** Records since BeginTransactionRecord (KIP-868). */
  #pending: ReplayedRecord[] | undefined

  configs(type: ConfigResourceType, name: string): ReadonlyMap<string, string> {
    return this.#configs.get(type)?.get(name) ?? NO_CONFIGS
  }

  configuredNames(type: ConfigResourceType): readonly string[] {
    return [...(this.#configs.get(type)?.keys() ?? [])]
  }

  /** Whether a transaction is open: what it holds so far is not in the image. */
  get inTransaction(): boolean {
    return this.#pending !== undefined
  }

  /** Applies one record. Records between Begin- and EndTransactionRecord take effect at the end. */
  replay(record: ReplayedRecord, offset: number): void {
    this.offset = offset
    switch (record.type) {
      case 'BeginTransactionRecord':
        if (this.#pending) throw new MetadataReplayError('a transaction begins inside another')
        this.#pending = []
        return
      case 'AbortTransactionRecord':
        this.#takePending('aborts')
        return
      case 'EndTransactionRecord':
        for (const pending of this.#takePending('ends')) this.#apply(pending)
        return
      default:
        if (this.#pending) this.#pending.push(record)
        else this.#apply(record)
    }
  }

  /** An open transaction is void when the leader that began it is gone. */
  dropTransaction(): void {
    this.#pending = undefined
  }

  /** Everything as records, in the order of Kafka's snapshots. */
  *snapshotRecords(): Iterable<ReplayedRecord> {
    yield* this.#featureRecords()
    for (const broker of this.brokers.values()) yield registerBroker(broker)
    for (const value of this.controllers.values()) yield { type: 'RegisterControllerRecord', value }
    for (const topic of this.topicsById.values()) yield* topicRecords(topic)
    yield* this.#configRecords()
    yield* this.#quotaRecords()
    if (this.nextProducerId > 0) {
      // As in Kafka's snapshots: who asked for the last block does not matter any more.
      const value = { brokerId: -1, brokerEpoch: -1, nextProducerId: this.nextProducerId }
      yield { type: 'ProducerIdsRecord', value }
    }
    for (const value of this.acls.values()) yield { type: 'AccessControlEntryRecord', value }
    for (const users of this.scramCredentials.values()) {
      for (const value of users.values()) yield { type: 'UserScramCredentialRecord', value }
    }
    for (const value of this.delegationTokens.values()) {
      yield { type: 'DelegationTokenRecord', value }
    }
    if (this.zkMigrationState !== undefined) {
      const value = { zkMigrationState: this.zkMigrationState }
      yield { type: 'ZkMigrationStateRecord', value }
    }
  }

  #takePending(verb: string): ReplayedRecord[] {
    const pending = this.#pending
    if (!pending) throw new MetadataReplayError(`a transaction ${verb} that never began`)
    this.#pending = undefined
    return pending
  }

  /** What each kind of record does to the state. */
  readonly #appliers: Appliers = {
    FeatureLevelRecord: (value) => this.#setFeature(value),
    RegisterBrokerRecord: (value) => this.#registerBroker(value),
    UnregisterBrokerRecord: ({ brokerId }) => this.brokers.delete(brokerId),
    FenceBrokerRecord: ({ id }) => this.#changeBroker(id, { fenced: true }),
    UnfenceBrokerRecord: ({ id }) => this.#changeBroker(id, { fenced: false }),
    BrokerRegistrationChangeRecord: (value) => this.#changeRegistration(value),
    RegisterControllerRecord: (value) => this.controllers.set(value.controllerId, value),
    TopicRecord: (value) => this.#addTopic(value),
    RemoveTopicRecord: ({ topicId }) => this.#removeTopic(topicId),
    PartitionRecord: (value) => this.#setPartition(value),
    PartitionChangeRecord: (value) => this.#changePartition(value),
    ClearElrRecord: ({ topicName }) => this.#clearElr(topicName),
    ConfigRecord: (value) => this.#setConfig(value),
    ClientQuotaRecord: (value) => this.#setQuota(value),
    ProducerIdsRecord: ({ nextProducerId }) => {
      this.nextProducerId = nextProducerId
    },
    AccessControlEntryRecord: (value) => this.acls.set(value.id, value),
    RemoveAccessControlEntryRecord: ({ id }) => this.acls.delete(id),
    UserScramCredentialRecord: (value) => this.#setScramCredential(value),
    RemoveUserScramCredentialRecord: ({ mechanism, name }) =>
      this.scramCredentials.get(mechanism)?.delete(name),
    DelegationTokenRecord: (value) => this.delegationTokens.set(value.tokenId, value),
    RemoveDelegationTokenRecord: ({ tokenId }) => this.delegationTokens.delete(tokenId),
    ZkMigrationStateRecord: ({ zkMigrationState }) => {
      this.zkMigrationState = zkMigrationState
    },
    NoOpRecord: () => {},
    BeginTransactionRecord: () => {},
    EndTransactionRecord: () => {},
    AbortTransactionRecord: () => {},
  }

  #apply(record: ReplayedRecord): void {
    applyWith(this.#appliers, record)
  }

  #setFeature({ name, featureLevel }: RecordValue<'FeatureLevelRecord'>): void {
    if (featureLevel === 0) this.features.delete(name)
    else this.features.set(name, featureLevel)
  }

  #registerBroker(value: RecordValue<'RegisterBrokerRecord'>): void {
    this.brokers.set(value.brokerId, {
      brokerId: value.brokerId,
      endpoints: value.endPoints,
      rack: value.rack,
      fenced: value.fenced,
      inControlledShutdown: value.inControlledShutdown,
      incarnationId: value.incarnationId,
      brokerEpoch: value.brokerEpoch,
      features: value.features,
      logDirs: value.logDirs,
      cordonedLogDirs: value.cordonedLogDirs,
    })
  }

  #changeBroker(brokerId: number, change: Partial<BrokerImage>): void {
    const broker = this.brokers.get(brokerId)
    if (!broker) throw new MetadataReplayError(`broker ${brokerId} changes before it registered`)
    this.brokers.set(brokerId, { ...broker, ...change })
  }

  #changeRegistration(value: RecordValue<'BrokerRegistrationChangeRecord'>): void {
    this.#changeBroker(value.brokerId, {
      ...(value.fenced !== 0 && { fenced: value.fenced > 0 }),
      ...(value.inControlledShutdown !== 0 && {
        inControlledShutdown: value.inControlledShutdown > 0,
      }),
      ...(value.logDirs.length > 0 && { logDirs: value.logDirs }),
      ...(value.cordonedLogDirs !== null && { cordonedLogDirs: value.cordonedLogDirs }),
    })
  }

  #addTopic({ name, topicId }: RecordValue<'TopicRecord'>): void {
    const topic: TopicState = { name, topicId, partitions: [] }
    this.topicsById.set(topicId, topic)
    this.topicsByName.set(name, topic)
  }

  #removeTopic(topicId: string): void {
    const topic = this.#topic(topicId)
    this.topicsById.delete(topicId)
    if (this.topicsByName.get(topic.name) === topic) this.topicsByName.delete(topic.name)
    this.partitionCount -= topic.partitions.length
    this.#configs.get(ConfigResourceType.TOPIC)?.delete(topic.name)
  }

  #topic(topicId: string): TopicState {
    const topic = this.topicsById.get(topicId)
    if (!topic) throw new MetadataReplayError('a record of a topic that was never created')
    return topic
  }

  #setPartition(value: RecordValue<'PartitionRecord'>): void {
    const { partitions } = this.#topic(value.topicId)
    // Kafka's snapshots and creations hold partitions in order; the image relies on it.
    if (value.partitionId < 0 || value.partitionId > partitions.length) {
      throw new MetadataReplayError(`partition ${value.partitionId} comes before the one below it`)
    }
    if (value.partitionId === partitions.length) this.partitionCount++
    partitions[value.partitionId] = {
      partition: value.partitionId,
      replicas: value.replicas,
      isr: value.isr,
      leader: value.leader,
      leaderEpoch: value.leaderEpoch,
      partitionEpoch: value.partitionEpoch,
      removingReplicas: value.removingReplicas,
      addingReplicas: value.addingReplicas,
      eligibleLeaderReplicas: value.eligibleLeaderReplicas ?? [],
      lastKnownElr: value.lastKnownElr ?? [],
      directories: value.directories,
      leaderRecoveryState: value.leaderRecoveryState,
    }
  }

  #changePartition(value: RecordValue<'PartitionChangeRecord'>): void {
    const { partitions } = this.#topic(value.topicId)
    const old = partitions[value.partitionId]
    if (!old) throw new MetadataReplayError(`partition ${value.partitionId} changes but is unknown`)
    const replicas = value.replicas ?? old.replicas
    const leaderChanges = value.leader !== LEADER_UNCHANGED
    partitions[value.partitionId] = {
      partition: old.partition,
      replicas,
      isr: value.isr ?? old.isr,
      leader: leaderChanges ? value.leader : old.leader,
      leaderEpoch: leaderChanges ? old.leaderEpoch + 1 : old.leaderEpoch,
      partitionEpoch: old.partitionEpoch + 1,
      removingReplicas: value.removingReplicas ?? old.removingReplicas,
      addingReplicas: value.addingReplicas ?? old.addingReplicas,
      eligibleLeaderReplicas: value.eligibleLeaderReplicas ?? old.eligibleLeaderReplicas,
      lastKnownElr: value.lastKnownElr ?? old.lastKnownElr,
      directories: value.directories ?? directoriesOf(replicas, old),
      leaderRecoveryState:
        value.leaderRecoveryState === -1 ? old.leaderRecoveryState : value.leaderRecoveryState,
    }
  }

  #clearElr(topicName: string): void {
    for (const topic of this.topicsById.values()) {
      if (topicName !== '' && topic.name !== topicName) continue
      for (const [index, partition] of topic.partitions.entries()) {
        topic.partitions[index] = { ...partition, eligibleLeaderReplicas: [], lastKnownElr: [] }
      }
    }
  }

  #setConfig({ resourceType, resourceName, name, value }: RecordValue<'ConfigRecord'>): void {
    const resources = entryOf(this.#configs, resourceType, () => new Map())
    // A new map for every change: whoever derived something from the old one sees that it is old.
    const configs = new Map<string, string>(resources.get(resourceName))
    if (value === null) configs.delete(name)
    else configs.set(name, value)
    if (configs.size === 0) resources.delete(resourceName)
    else resources.set(resourceName, configs)
  }

  #setQuota({ entity, key, value, remove }: RecordValue<'ClientQuotaRecord'>): void {
    const names = new Map(entity.map(({ entityType, entityName }) => [entityType, entityName]))
    const id = quotaEntityId(names)
    const quota = entryOf(this.clientQuotas, id, () => ({ entity: names, values: new Map() }))
    if (remove) quota.values.delete(key)
    else quota.values.set(key, value)
    if (quota.values.size === 0) this.clientQuotas.delete(id)
  }

  #setScramCredential(value: ScramCredentialImage): void {
    const users = entryOf<number, Map<string, ScramCredentialImage>>(
      this.scramCredentials,
      value.mechanism,
      () => new Map(),
    )
    users.set(value.name, value)
  }

  *#featureRecords(): Iterable<ReplayedRecord> {
    // Kafka reads metadata.version first: it decides how the rest is read.
    const names = [...this.features.keys()].filter((name) => name !== KRAFT_VERSION)
    names.sort((a, b) => Number(b === METADATA_VERSION) - Number(a === METADATA_VERSION))
    for (const name of names) {
      yield { type: 'FeatureLevelRecord', value: { name, featureLevel: this.features.get(name)! } }
    }
  }

  *#configRecords(): Iterable<ReplayedRecord> {
    for (const [resourceType, resources] of this.#configs) {
      for (const [resourceName, configs] of resources) {
        for (const [name, value] of configs) {
          yield { type: 'ConfigRecord', value: { resourceType, resourceName, name, value } }
        }
      }
    }
  }

  *#quotaRecords(): Iterable<ReplayedRecord> {
    for (const quota of this.clientQuotas.values()) {
      const entity = [...quota.entity].map(([entityType, entityName]) => ({
        entityType,
        entityName,
      }))
      for (const [key, value] of quota.values) {
        yield { type: 'ClientQuotaRecord', value: { entity, key, value, remove: false } }
      }
    }
  }
}

const METADATA_VERSION = 'metadata.version'
/** Lives in control records of the log, not in FeatureLevelRecords. */
export const KRAFT_VERSION = 'kraft.version'

type Appliers = { readonly [Name in MetadataRecordName]: (value: RecordValue<Name>) => void }

/** Lets the compiler see that applier and value are of one kind. */
function applyWith<Name extends MetadataRecordName>(
  appliers: Pick<Appliers, Name>,
  record: { readonly type: Name; readonly value: RecordValue<Name> },
): void {
  appliers[record.type](record.value)
}

/** One text for an entity whatever the order of its types. */
export function quotaEntityId(entity: QuotaEntity): string {
  return JSON.stringify([...entity].sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** The directory of each replica that was one before; new ones have not told theirs yet. */
function directoriesOf(replicas: readonly number[], old: PartitionImage): readonly string[] {
  if (replicas === old.replicas || old.directories.length === 0) return old.directories
  return replicas.map((replica) => old.directories[old.replicas.indexOf(replica)] ?? ZERO_UUID)
}

function entryOf<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  let value = map.get(key)
  if (value === undefined) {
    value = create()
    map.set(key, value)
  }
  return value
}

function registerBroker(broker: BrokerImage): ReplayedRecord {
  const { endpoints, ...rest } = broker
  const value = { ...rest, endPoints: endpoints, isMigratingZkBroker: false }
  return { type: 'RegisterBrokerRecord', value }
}

function* topicRecords(topic: TopicImage): Iterable<ReplayedRecord> {
  const { name, topicId } = topic
  yield { type: 'TopicRecord', value: { name, topicId } }
  for (const { partition: partitionId, ...rest } of topic.partitions) {
    const value = {
      ...rest,
      partitionId,
      topicId,
      eligibleLeaderReplicas: nullIfEmpty(rest.eligibleLeaderReplicas),
      lastKnownElr: nullIfEmpty(rest.lastKnownElr),
    }
    yield { type: 'PartitionRecord', value }
  }
}

function nullIfEmpty(ids: readonly number[]): readonly number[] | null {
  return ids.length === 0 ? null : ids
}
