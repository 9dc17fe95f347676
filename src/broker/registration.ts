import { randomUuid, UNASSIGNED_DIRECTORY, type Uuid, ZERO_UUID } from '../base/uuid.ts'
import { type SecurityProtocol, securityProtocols } from '../settings/listeners.ts'
import type { TopicPartition } from '../storage/engine.ts'
import type {
  MetadataImage,
  MetadataRecord,
  PartitionImage,
  TopicImage,
} from '../storage/metadata-store.ts'
import { supportedFeatures } from './features.ts'
import { type Election, type PartitionTarget, partitionChange } from './topics/partition-change.ts'

/** Where clients reach a broker by one of its listeners. */
export interface AdvertisedEndpoint {
  readonly name: string
  readonly host: string
  readonly port: number
  readonly securityProtocol: SecurityProtocol
}

/** A broker that this process presents. */
export interface BrokerIdentity {
  readonly brokerId: number
  readonly endpoints: readonly AdvertisedEndpoint[]
  readonly rack: string | null
  /** Ids of its log directories. */
  readonly logDirs: readonly Uuid[]
  /** Those of them that take no new partitions. */
  readonly cordonedLogDirs: readonly Uuid[]
  /** It was taken down and stays so. */
  readonly fenced: boolean
}

/** How a topic decides on leaders. */
export type TopicRules = (topic: TopicImage) => {
  readonly minInsyncReplicas: number
  readonly uncleanLeaderElectionEnable: boolean
}

/**
 * What a starting process commits first: its brokers register; brokers of an earlier start that it
 * does not present are fenced; every partition gets a leader that lives, and all that live in sync.
 *
 * `newEpochs` begins a new leader epoch in all the others too. After a crash that may have lost the
 * last writes it lets consumers see that the log behind them has changed (KIP-320).
 *
 * `holdsLogOf` tells of which brokers this store has all there is: their partitions move to those
 * that live, when the process presents fewer brokers than it did.
 *
 * `directoryOf` tells where the replica of a single broker is; one that is nowhere cannot lead.
 */
export function startRecords(
  image: MetadataImage,
  brokers: readonly BrokerIdentity[],
  {
    newEpochs,
    holdsLogOf = () => false,
    directoryOf,
    rulesOf,
  }: {
    readonly newEpochs: boolean
    readonly holdsLogOf?: (brokerId: number) => boolean
    readonly directoryOf: (partition: TopicPartition) => Uuid | undefined
    readonly rulesOf: TopicRules
  },
): MetadataRecord[] {
  const presented = new Set(brokers.map(({ brokerId }) => brokerId))
  const live = brokers.filter(({ fenced }) => !fenced)
  const liveIds = new Set(live.map(({ brokerId }) => brokerId))
  const records = brokers.map((broker, index) => register(broker, image.offset + 1 + index))
  for (const { brokerId, brokerEpoch, fenced } of image.brokers.values()) {
    if (presented.has(brokerId) || fenced) continue
    records.push({
      type: 'BrokerRegistrationChangeRecord',
      value: { brokerId, brokerEpoch, fenced: 1 },
    })
  }
  const [only] = brokers.length === 1 ? live : []
  for (const topic of image.topicsById.values()) {
    const { topicId } = topic
    for (const partition of topic.partitions) {
      const { replicas } = partition
      const place = directoryOf({ topicId, partition: partition.partition })
      if (only && place === undefined && replicas.includes(only.brokerId)) {
        const record = withoutReplica(image, topic, partition, only.brokerId, rulesOf)
        if (record) records.push(record)
        continue
      }
      const isOrphan =
        !replicas.some((id) => presented.has(id)) && replicas.some((id) => holdsLogOf(id))
      const heir = isOrphan ? live[partition.partition % live.length] : undefined
      const moved = only && place ? movedTo(place, partition, only.brokerId) : undefined
      const inherits = heir && {
        ...inherited(heir),
        ...(only && place && { directories: [place] }),
      }
      const elected = inherits ?? elect(partition, liveIds, newEpochs)
      if (!elected && !moved) continue
      const change = { ...moved, ...elected }
      const value = { partitionId: partition.partition, topicId, ...change }
      records.push({ type: 'PartitionChangeRecord', value })
    }
  }
  return records
}

/** The directory of its replica cannot be used, so this broker leads it no more. */
function withoutReplica(
  image: MetadataImage,
  topic: TopicImage,
  partition: PartitionImage,
  brokerId: number,
  rulesOf: TopicRules,
): MetadataRecord | undefined {
  const { isr, leader } = partition
  if (leader !== brokerId && !isr.includes(brokerId)) return undefined
  const { minInsyncReplicas } = rulesOf(topic)
  const isLive = (id: number) => id !== brokerId && isUnfenced(image, id)
  const rules = { image, isLive, minInsyncReplicas, election: 'online' as const }
  return partitionChange(topic.topicId, partition, { isr: isr.filter((id) => id !== brokerId) }, rules) // biome-ignore format: one line
}

/** Its log was found elsewhere than the metadata has it, or nobody had said yet. */
function movedTo(place: Uuid, { replicas, directories }: PartitionImage, brokerId: number) {
  const index = replicas.indexOf(brokerId)
  if (index < 0 || directories[index] === place) return undefined
  return {
    directories: replicas.map((id, at) =>
      id === brokerId ? place : (directories[at] ?? UNASSIGNED_DIRECTORY),
    ),
  }
}

function inherited({ brokerId, logDirs }: BrokerIdentity) {
  return {
    replicas: [brokerId],
    isr: [brokerId],
    leader: brokerId,
    addingReplicas: [],
    removingReplicas: [],
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    directories: [logDirs[0] ?? ZERO_UUID],
  }
}

/**
 * One of the brokers is taken down, as by Kafka's controlled shutdown: it is fenced, leaves the
 * replicas in sync, and others lead where they can.
 */
export function brokerDownRecords(
  image: MetadataImage,
  brokerId: number,
  rulesOf: TopicRules,
): MetadataRecord[] {
  const brokerEpoch = image.brokers.get(brokerId)?.brokerEpoch ?? -1
  const isLive = (id: number) => id !== brokerId && isUnfenced(image, id)
  return [
    {
      type: 'BrokerRegistrationChangeRecord',
      value: { brokerId, brokerEpoch, fenced: 1, inControlledShutdown: 1 },
    },
    ...changesOf(image, rulesOf, isLive, ({ leader, isr }) =>
      leader === brokerId || isr.includes(brokerId)
        ? { isr: isr.filter((id) => id !== brokerId) }
        : undefined,
    ),
  ]
}

/**
 * One of the brokers comes back: it leads what has no leader and would take it, and is in sync at
 * once wherever somebody leads, since all replicas share one store.
 */
export function brokerUpRecords(
  image: MetadataImage,
  broker: BrokerIdentity,
  rulesOf: TopicRules,
): MetadataRecord[] {
  const { brokerId } = broker
  const isLive = (id: number) => id === brokerId || isUnfenced(image, id)
  return [
    register(broker, image.offset + 1),
    ...changesOf(image, rulesOf, isLive, ({ leader, isr, replicas }) => {
      if (!replicas.includes(brokerId)) return undefined
      if (leader === -1 || isr.includes(brokerId)) return {}
      return { isr: [...isr, brokerId].sort((one, other) => one - other) }
    }),
  ]
}

/** A directory is gone: partitions in it lose their leader, the registration loses the directory. */
export function directoryDownRecords(
  image: MetadataImage,
  brokers: readonly BrokerIdentity[],
  isGone: (partition: TopicPartition) => boolean,
  rulesOf: TopicRules,
): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const { brokerId, logDirs } of brokers) {
    for (const topic of image.topicsById.values()) {
      for (const partition of topic.partitions) {
        if (!isGone({ topicId: topic.topicId, partition: partition.partition })) continue
        const record = withoutReplica(image, topic, partition, brokerId, rulesOf)
        if (record) records.push(record)
      }
    }
    const brokerEpoch = image.brokers.get(brokerId)?.brokerEpoch ?? -1
    const value = { brokerId, brokerEpoch, logDirs }
    records.push({ type: 'BrokerRegistrationChangeRecord', value })
  }
  return records
}

/** What the registrations are to say of cordoned directories, where they do not yet. */
export function cordonRecords(
  image: MetadataImage,
  brokers: readonly BrokerIdentity[],
): MetadataRecord[] {
  return brokers.flatMap(({ brokerId, cordonedLogDirs }): MetadataRecord[] => {
    const registered = image.brokers.get(brokerId)
    if (!registered || registered.cordonedLogDirs?.join() === cordonedLogDirs.join()) return []
    const value = { brokerId, brokerEpoch: registered.brokerEpoch, cordonedLogDirs }
    return [{ type: 'BrokerRegistrationChangeRecord', value }]
  })
}

/** A log that many follow is written once: the replicas in sync change with one record each. */
function changesOf(
  image: MetadataImage,
  rulesOf: TopicRules,
  isLive: (brokerId: number) => boolean,
  targetOf: (partition: PartitionImage) => PartitionTarget | undefined,
): MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const topic of image.topicsById.values()) {
    const { minInsyncReplicas, uncleanLeaderElectionEnable } = rulesOf(topic)
    const election: Election = uncleanLeaderElectionEnable ? 'unclean' : 'online'
    for (const partition of topic.partitions) {
      const target = targetOf(partition)
      if (!target) continue
      const rules = { image, isLive, minInsyncReplicas, election }
      const record = partitionChange(topic.topicId, partition, target, rules)
      if (record) records.push(record)
    }
  }
  return records
}

export function isUnfenced(image: MetadataImage, brokerId: number): boolean {
  return image.brokers.get(brokerId)?.fenced === false
}

function register(broker: BrokerIdentity, brokerEpoch: number): MetadataRecord {
  const { brokerId, endpoints, rack, logDirs, cordonedLogDirs, fenced } = broker
  return {
    type: 'RegisterBrokerRecord',
    value: {
      brokerId,
      incarnationId: randomUuid(),
      brokerEpoch,
      endPoints: endpoints.map((endpoint) => ({
        ...endpoint,
        securityProtocol: securityProtocols.indexOf(endpoint.securityProtocol),
      })),
      features: supportedFeatures.map(({ name, minVersion, maxVersion }) => ({
        name,
        minSupportedVersion: minVersion,
        maxSupportedVersion: maxVersion,
      })),
      rack,
      fenced,
      logDirs,
      cordonedLogDirs,
    },
  }
}

/** Undefined when all can stay as it is, or when no replica lives. */
function elect(
  { leader, isr, replicas, eligibleLeaderReplicas, lastKnownElr }: PartitionImage,
  live: ReadonlySet<number>,
  newEpochs: boolean,
) {
  // All replicas of a process share one store: any of them has all there is.
  const alive = replicas.filter((replica) => live.has(replica))
  if (alive.length === 0) return undefined
  const stays = live.has(leader)
  const elected = stays ? leader : (isr.find((replica) => live.has(replica)) ?? alive[0]!)
  // To name the leader begins an epoch, also where it stays the same.
  const told = !stays || newEpochs ? { leader: elected } : undefined
  const inSync = isr.length === alive.length && alive.every((replica) => isr.includes(replica))
  if (stays && inSync) return told
  const isTold = eligibleLeaderReplicas.length > 0 || lastKnownElr.length > 0
  return {
    ...told,
    isr: alive,
    ...(isTold && { eligibleLeaderReplicas: [], lastKnownElr: [] }),
  }
}
