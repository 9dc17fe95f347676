import { AlterPartitionReassignments } from '../../protocol/apis/45-alter-partition-reassignments.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import type {
  MetadataImage,
  MetadataRecord,
  PartitionImage,
  TopicImage,
} from '../../storage/metadata-store.ts'
import { handler } from '../handler.ts'
import type { Decision } from '../metadata-writer.ts'
import { checkAssignment, checkSomeLive } from '../replica-assignment.ts'
import { settled } from '../settled.ts'

type Response = ResponseOf<typeof AlterPartitionReassignments>

interface PartitionToMove {
  readonly partitionIndex: number
  readonly replicas: readonly number[] | null
}

/**
 * All replicas of a process share one store: a reassignment to any of its brokers is complete as
 * soon as it is written down, so none is ever in progress. Rules: admin-and-config.md section 2.
 */
export const alterPartitionReassignments = handler(
  AlterPartitionReassignments,
  [0, 1],
  ({ topics, allowReplicationFactorChange }, _context, { metadata }) => {
    const answer = { throttleTimeMs: 0, errorCode: ErrorCode.NONE }
    // As Kafka, which answers this without looking at the rest of the request.
    if (topics.length === 0) return { ...answer, errorMessage: '', responses: [] }
    return settled(
      metadata.update((image) => decide(image, topics, allowReplicationFactorChange)),
      (responses) => ({ ...answer, allowReplicationFactorChange, errorMessage: null, responses }),
    )
  },
  { errorResponse: (_, error) => ({ throttleTimeMs: 0, ...error, responses: [] }) },
)

function decide(
  image: MetadataImage,
  topics: readonly { readonly name: string; readonly partitions: readonly PartitionToMove[] }[],
  mayChangeCount: boolean,
): Decision<Response['responses']> {
  const records: MetadataRecord[] = []
  const result = topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map((asked) => {
      const { partitionIndex } = asked
      try {
        const topic = image.topicsByName.get(name)
        records.push(...move(image, found(name, topic, partitionIndex), asked, mayChangeCount))
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
  image: MetadataImage,
  { topic, partition }: Found,
  { replicas }: PartitionToMove,
  mayChangeCount: boolean,
): MetadataRecord[] {
  if (replicas === null) throw new KafkaError('NO_REASSIGNMENT_IN_PROGRESS')
  checkAssignment(image.brokers, replicas, undefined)
  checkSomeLive(image.brokers, replicas)
  if (!mayChangeCount && replicas.length !== partition.replicas.length) {
    throw new KafkaError(
      'INVALID_REPLICATION_FACTOR',
      `The replication factor is changed from ${partition.replicas.length} to ${replicas.length}`,
    )
  }
  if (replicas.join() === partition.replicas.join()) return []
  const isr = replicas.filter((replica) => image.brokers.get(replica)?.fenced === false)
  const value = {
    partitionId: partition.partition,
    topicId: topic.topicId,
    replicas,
    isr,
    ...(!isr.includes(partition.leader) && { leader: isr[0]! }),
  }
  return [{ type: 'PartitionChangeRecord', value }]
}
