import { randomUuid, type Uuid } from '../base/uuid.ts'
import { type SecurityProtocol, securityProtocols } from '../settings/listeners.ts'
import type { MetadataImage, MetadataRecord, PartitionImage } from '../storage/metadata-store.ts'
import { supportedFeatures } from './features.ts'

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
}

/**
 * What a starting process commits first: its brokers register, unfenced; brokers of an earlier
 * start that it does not present are fenced; every partition without a live leader gets one.
 *
 * `newEpochs` begins a new leader epoch in all the others too. After a crash that may have lost the
 * last writes it lets consumers see that the log behind them has changed (KIP-320).
 */
export function startRecords(
  image: MetadataImage,
  brokers: readonly BrokerIdentity[],
  { newEpochs }: { readonly newEpochs: boolean },
): MetadataRecord[] {
  const live = new Set(brokers.map(({ brokerId }) => brokerId))
  const records = brokers.map((broker, index) => register(broker, image.offset + 1 + index))
  for (const { brokerId, brokerEpoch, fenced } of image.brokers.values()) {
    if (live.has(brokerId) || fenced) continue
    records.push({
      type: 'BrokerRegistrationChangeRecord',
      value: { brokerId, brokerEpoch, fenced: 1 },
    })
  }
  for (const { topicId, partitions } of image.topicsById.values()) {
    for (const partition of partitions) {
      const change = elect(partition, live, newEpochs)
      if (!change) continue
      const value = { partitionId: partition.partition, topicId, ...change }
      records.push({ type: 'PartitionChangeRecord', value })
    }
  }
  return records
}

function register(broker: BrokerIdentity, brokerEpoch: number): MetadataRecord {
  const { brokerId, endpoints, rack, logDirs } = broker
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
      fenced: false,
      logDirs,
    },
  }
}

/** Undefined when all can stay as it is, or when no replica lives. */
function elect(
  { leader, isr, replicas, eligibleLeaderReplicas, lastKnownElr }: PartitionImage,
  live: ReadonlySet<number>,
  newEpochs: boolean,
) {
  if (live.has(leader)) return newEpochs ? { leader } : undefined
  // All replicas of a process share one store: any of them has all there is.
  const alive = replicas.filter((replica) => live.has(replica))
  if (alive.length === 0) return undefined
  const isTold = eligibleLeaderReplicas.length > 0 || lastKnownElr.length > 0
  return {
    leader: isr.find((replica) => live.has(replica)) ?? alive[0]!,
    isr: alive,
    ...(isTold && { eligibleLeaderReplicas: [], lastKnownElr: [] }),
  }
}
