import { DeleteRecords } from '../../protocol/apis/21-delete-records.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { DeleteRecordsResult } from '../../storage/engine.ts'
import type { TopicImage } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { ledPartition } from '../partitions.ts'
import { isInternalTopic } from '../topics/topic-name.ts'

type Request = RequestOf<typeof DeleteRecords>
type AskedPartition = Request['topics'][number]['partitions'][number]
type Deleted = ResponseOf<typeof DeleteRecords>['topics'][number]['partitions'][number]

/** Moves log starts up. Records of a topic that is compacted and never deleted stay. */
export const deleteRecords = handler(
  DeleteRecords,
  [0, 2],
  async (request, _context, broker) => {
    const topics = []
    for (const [name, partitions] of eachPartitionOnce(request)) {
      const topic = broker.engine.metadata.image.topicsByName.get(name)
      const deleted: Deleted[] = []
      for (const asked of partitions.values()) {
        deleted.push(await deleteBefore(asked, topic, broker))
      }
      topics.push({ name, partitions: deleted })
    }
    return { throttleTimeMs: 0, topics }
  },
  {
    errorResponse: (request, { errorCode }) => ({
      throttleTimeMs: 0,
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => refusal(partitionIndex, errorCode)),
      })),
    }),
  },
)

/** By topic and index: of a partition that is listed twice the last offset counts. */
function eachPartitionOnce({ topics }: Request): Map<string, Map<number, AskedPartition>> {
  const asked = new Map<string, Map<number, AskedPartition>>()
  for (const { name, partitions } of topics) {
    if (partitions.length === 0) continue
    const ofTopic = asked.get(name) ?? new Map<number, AskedPartition>()
    asked.set(name, ofTopic)
    for (const partition of partitions) ofTopic.set(partition.partitionIndex, partition)
  }
  return asked
}

function refusal(partitionIndex: number, errorCode: ErrorCode): Deleted {
  return { partitionIndex, errorCode, lowWatermark: -1 }
}

async function deleteBefore(
  { partitionIndex, offset }: AskedPartition,
  topic: TopicImage | undefined,
  broker: Broker,
): Promise<Deleted> {
  const led = ledPartition(broker, topic, partitionIndex)
  if (typeof led === 'number') return refusal(partitionIndex, led)
  if (isInternalTopic(topic!.name)) {
    return refusal(partitionIndex, ErrorCode.INVALID_TOPIC_EXCEPTION)
  }
  const { cleanupPolicy } = broker.topics.config(topic!)
  if (cleanupPolicy.length > 0 && !cleanupPolicy.includes('delete')) {
    return refusal(partitionIndex, ErrorCode.POLICY_VIOLATION)
  }
  if (offset < -1) return refusal(partitionIndex, ErrorCode.OFFSET_OUT_OF_RANGE)
  const where = { topicId: topic!.topicId, partition: partitionIndex }
  const result: DeleteRecordsResult = await broker.engine.log.deleteRecords(where, offset)
  const { errorCode, logStartOffset } = result
  if (errorCode !== ErrorCode.NONE) return refusal(partitionIndex, errorCode)
  return { partitionIndex, errorCode, lowWatermark: logStartOffset }
}
