import { AlterPartitionReassignments } from '../../protocol/apis/45-alter-partition-reassignments.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import type { MetadataRecord, PartitionImage, TopicImage } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import type { Decision } from '../metadata-writer.ts'
import { isUnfenced } from '../registration.ts'
import { settled } from '../settled.ts'
import { partitionChange } from '../topics/partition-change.ts'
import { checkAssignment, checkSomeLive } from '../topics/replica-assignment.ts'

type Response = ResponseOf<typeof AlterPartitionReassignments>

interface PartitionToMove {
  readonly partitionIndex: number
  readonly replicas: readonly number[] | null
}

/**
 * All replicas of a process share one store: a reassignment to brokers that are up is complete as
 * soon as it is written down. Others are in progress until these come back. Rules:
 * admin-and-config.md section 2.
 */
export const alterPartitionReassignments = handler(
  AlterPartitionReassignments,
  [0, 1],
  ({ topics, allowReplicationFactorChange }, _context, broker) => {
    const answer = { throttleTimeMs: 0, errorCode: ErrorCode.NONE }
    // As Kafka, which answers this without looking at the rest of the request.
    if (topics.length === 0) return { ...answer, errorMessage: '', responses: [] }
    return settled(
      broker.metadata.update(() => decide(broker, topics, allowReplicationFactorChange)),
      (responses) => ({ ...answer, allowReplicationFactorChange, errorMessage: null, responses }),
    )
  },
  { errorResponse: (_, error) => ({ throttleTimeMs: 0, ...error, responses: [] }) },
)

function decide(
  broker: Broker,
  topics: readonly { readonly name: string; readonly partitions: readonly PartitionToMove[] }[],
  mayChangeCount: boolean,
): Decision<Response['responses']> {
  const { image } = broker.metadata
  const records: MetadataRecord[] = []
  const result = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((asked) => {
      const { partitionIndex } = asked
      try {
        const topic = image.topicsByName.get(name)
        const place = found(name, topic, partitionIndex)
        const record = move(broker, place, asked, mayChangeCount)
        if (record) records.push(record)
        return { partitionIndex, errorCode: ErrorCode.NONE, errorMessage: null }
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error
        return {
          partitionIndex,
          errorCode: error.errorCode,
          errorMessage: error.detail ?? null,
        }
      }
    }),
  }))
  return { records, result }
}

interface Found {
  readonly topic: TopicImage
  readonly partition: PartitionImage
}

function found(name: string, topic: TopicImage | undefined, partitionIndex: number): Found {
  if (!topic) {
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `Unable to find a topic named ${name}.`)
  }
  const partition = topic.partitions[partitionIndex]
  if (partition) return { topic, partition }
  const message = `Unable to find partition ${name}:${partitionIndex}.`
  throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', message)
}

function move(
  broker: Broker,
  { topic, partition }: Found,
  { replicas: wanted }: PartitionToMove,
  mayChangeCount: boolean,
): MetadataRecord | undefined {
  const { image } = broker.metadata
  const { replicas, addingReplicas, removingReplicas } = partition
  const isMoving = addingReplicas.length > 0 || removingReplicas.length > 0
  const { minInsyncReplicas } = broker.topics.config(topic)
  const isLive = (id: number) => isUnfenced(image, id)
  const rules = { image, isLive, minInsyncReplicas, election: 'online' } as const
  const before = replicas.filter((id) => !addingReplicas.includes(id))
  if (wanted === null) {
    if (!isMoving) throw new KafkaError('NO_REASSIGNMENT_IN_PROGRESS')
    const isr = partition.isr.filter((id) => before.includes(id))
    const target = { replicas: before, isr, addingReplicas: [], removingReplicas: [] }
    return partitionChange(topic.topicId, partition, target, rules)
  }
  checkAssignment(image.brokers, wanted, undefined)
  checkSomeLive(image.brokers, wanted)
  if (!mayChangeCount && wanted.length !== before.length) {
    throw new KafkaError(
      'INVALID_REPLICATION_FACTOR',
      `The replication factor is changed from ${before.length} to ${wanted.length}`,
    )
  }
  if (!isMoving && wanted.join() === replicas.join()) return undefined
  const leaving = before.filter((id) => !wanted.includes(id))
  const target = {
    replicas: [...wanted, ...leaving],
    isr: inSync(partition, wanted, isLive),
    addingReplicas: wanted.filter((id) => !before.includes(id)),
    removingReplicas: leaving,
  }
  return partitionChange(topic.topicId, partition, target, rules)
}

/** As Kafka lists them: those that come are sorted in. */
function inSync(
  { isr, leader }: PartitionImage,
  wanted: readonly number[],
  isLive: (brokerId: number) => boolean,
): readonly number[] {
  const coming = wanted.filter((id) => !isr.includes(id) && isLive(id))
  if (leader < 0 || coming.length === 0) return isr
  return [...isr, ...coming].sort((one, other) => one - other)
}
