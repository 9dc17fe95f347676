import { ElectLeaders } from '../../protocol/apis/43-elect-leaders.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import { errorMessage as messageOf } from '../../protocol/error-message.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { MetadataImage, MetadataRecord } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import type { Decision } from '../metadata-writer.ts'
import { settled } from '../settled.ts'
import { electionRecord } from '../topics/leader-election.ts'

type Request = RequestOf<typeof ElectLeaders>
type Response = ResponseOf<typeof ElectLeaders>
type PartitionResult = Response['replicaElectionResults'][number]['partitionResult'][number]

const PREFERRED = 0
const UNCLEAN = 1

/** Of all partitions, only those are answered that an election was of use to. Rules: admin-and-config.md section 2. */
export const electLeaders = handler(
  ElectLeaders,
  [0, 2],
  (request, _context, broker) => {
    const { electionType, topicPartitions } = request
    // As Kafka, which then looks at nothing else.
    if (topicPartitions?.length === 0) return inError(request, ErrorCode.NONE, null)
    if (electionType !== PREFERRED && electionType !== UNCLEAN) {
      const errorMessage = `Unknown election type ${electionType}`
      return inError(request, ErrorCode.INVALID_REQUEST, errorMessage)
    }
    const elected = broker.metadata.update((image) => decide(request, image, broker))
    return settled(elected, (replicaElectionResults) => ({
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      replicaElectionResults,
    }))
  },
  {
    errorResponse: (request, { errorCode, errorMessage }) =>
      inError(request, errorCode, errorMessage),
  },
)

function inError(
  { topicPartitions }: Request,
  errorCode: ErrorCode,
  errorMessage: string | null,
): Response {
  return {
    throttleTimeMs: 0,
    errorCode,
    replicaElectionResults: (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode, errorMessage })),
    })),
  }
}

function decide(
  { electionType, topicPartitions }: Request,
  image: MetadataImage,
  broker: Broker,
): Decision<Response['replicaElectionResults']> {
  const records: MetadataRecord[] = []
  const election = electionType === PREFERRED ? 'preferred' : 'unclean'
  const elect = (name: string, partitionId: number): PartitionResult => {
    try {
      const { topic, partition } = found(image, name, partitionId)
      records.push(electionRecord(broker, topic, partition, election))
      return { partitionId, errorCode: ErrorCode.NONE, errorMessage: null }
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      const { errorCode, detail } = error
      return { partitionId, errorCode, errorMessage: detail || messageOf(errorCode) }
    }
  }
  if (topicPartitions !== null) {
    const result = topicPartitions.map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => elect(topic, partitionId)),
    }))
    return { records, result }
  }
  const result = Array.from(image.topicsByName.values(), ({ name, partitions }) => ({
    topic: name,
    partitionResult: partitions
      .map(({ partition }) => elect(name, partition))
      .filter(({ errorCode }) => errorCode !== ErrorCode.ELECTION_NOT_NEEDED),
  }))
  return { records, result }
}

function found(image: MetadataImage, name: string, partitionId: number) {
  const topic = image.topicsByName.get(name)
  const unknown = (message: string) => new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', message)
  if (!topic) throw unknown(`No such topic as ${name}`)
  const partition = topic.partitions[partitionId]
  if (!partition) throw unknown(`No such partition as ${name}-${partitionId}`)
  return { topic, partition }
}
