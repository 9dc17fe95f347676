import { KafkaError } from '../../protocol/error-code.ts'
import type { MetadataRecord, PartitionImage, TopicImage } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import { isUnfenced } from '../registration.ts'
import { type Election, partitionChange } from './partition-change.ts'

/** Partitions that one round elects leaders for, as in Kafka. */
const MAX_ELECTED = 1_000

/**
 * The record that elects a leader as ElectLeaders asks for it. Throws ELECTION_NOT_NEEDED,
 * PREFERRED_LEADER_NOT_AVAILABLE or ELIGIBLE_LEADERS_NOT_AVAILABLE (reference: admin-and-config.md
 * section 2).
 */
export function electionRecord(
  { metadata, topics }: Pick<Broker, 'metadata' | 'topics'>,
  topic: TopicImage,
  partition: PartitionImage,
  election: Exclude<Election, 'online'>,
): MetadataRecord {
  const { leader, replicas } = partition
  const isThere = election === 'preferred' ? leader === replicas[0] : leader !== -1
  if (isThere) throw new KafkaError('ELECTION_NOT_NEEDED')
  const { image } = metadata
  const { minInsyncReplicas } = topics.config(topic)
  const rules = {
    image,
    isLive: (id: number) => isUnfenced(image, id),
    minInsyncReplicas,
    election,
  }
  const record = partitionChange(topic.topicId, partition, {}, rules)
  if (record) return record
  throw new KafkaError(
    election === 'preferred' ? 'PREFERRED_LEADER_NOT_AVAILABLE' : 'ELIGIBLE_LEADERS_NOT_AVAILABLE',
  )
}

type Electorate = Pick<Broker, 'metadata' | 'topics'>

/** Back to the first replicas, where these are in sync. */
export function electPreferredLeaders(broker: Electorate): readonly MetadataRecord[] {
  return elections(broker, 'preferred', () => true)
}

/** Where nobody leads and a replica that is not in sync may. */
export function electUncleanLeaders(broker: Electorate): readonly MetadataRecord[] {
  const mayBe = (topic: TopicImage) => broker.topics.config(topic).uncleanLeaderElectionEnable
  return elections(broker, 'unclean', mayBe)
}

function elections(
  broker: Electorate,
  election: 'preferred' | 'unclean',
  isWanted: (topic: TopicImage) => boolean,
): readonly MetadataRecord[] {
  const records: MetadataRecord[] = []
  for (const topic of broker.metadata.image.topicsById.values()) {
    if (!isWanted(topic)) continue
    for (const partition of topic.partitions) {
      if (records.length === MAX_ELECTED) return records
      try {
        records.push(electionRecord(broker, topic, partition, election))
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
      }
    }
  }
  return records
}
