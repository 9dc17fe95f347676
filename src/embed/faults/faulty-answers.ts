import { ZERO_UUID } from '../../base/uuid.ts'
import type { ErrorCode } from '../../protocol/error-code.ts'
import { corruptRecords } from './corrupt-records.ts'
import { type Covers, isMessage, type Message, type NameOf, overlay } from './request-topics.ts'

const NO_RECORDS = Buffer.alloc(0)

/** Of a fetch: what is told of the partitions in `wanted`, whatever was found. */
export function withFetchErrors(
  response: Message,
  wanted: readonly {
    readonly topic: string
    readonly topicId: string
    readonly partition: number
  }[],
  errorCode: ErrorCode,
): Message {
  const topics = new Map<string, { topic: string; topicId: string; partitions: unknown[] }>()
  for (const { topic, topicId, partition } of wanted) {
    const key = topic || topicId
    const entry = topics.get(key) ?? { topic, topicId: topicId || ZERO_UUID, partitions: [] }
    topics.set(key, entry)
    entry.partitions.push({
      partitionIndex: partition,
      errorCode,
      highWatermark: -1,
      abortedTransactions: null,
      records: NO_RECORDS,
    })
  }
  return overlay(response, { responses: [...topics.values()] })
}

/** Of a fetch: damages what was found. `count` tells how many partitions that were. */
export function withCorruptRecords(
  response: Message,
  how: 'bit' | 'magic' | 'cut',
  nameOf: NameOf,
  covers: Covers,
): { readonly response: Message; readonly damaged: readonly string[] } {
  const damaged: string[] = []
  const responses = eachPartition(response['responses'], nameOf, (topic, partition) => {
    const { records, partitionIndex } = partition
    const isWanted =
      records instanceof Uint8Array && records.length > 0 && covers(topic, Number(partitionIndex))
    if (!isWanted) return partition
    damaged.push(`${topic}-${partitionIndex}`)
    return { ...partition, records: corruptRecords(records, how) }
  })
  return { response: { ...response, responses }, damaged }
}

/** Of Metadata: topics, or partitions of them, in error; without an error of theirs, no leader. */
export function withMetadataErrors(
  response: Message,
  options: {
    readonly nameOf: NameOf
    readonly covers: Covers
    readonly errorCode: ErrorCode
    /** The error is that of partitions, whose leader is not known. */
    readonly ofPartitions: boolean
  },
): Message {
  const { nameOf, covers, errorCode, ofPartitions } = options
  if (ofPartitions) {
    const topics = eachPartition(response['topics'], nameOf, (topic, partition) =>
      covers(topic, Number(partition['partitionIndex']))
        ? { ...partition, errorCode, leaderId: -1 }
        : partition,
    )
    return { ...response, topics }
  }
  const topics = eachTopic(response['topics'], nameOf, (topic, node) =>
    covers(topic, undefined) ? { ...node, errorCode, partitions: [] } : node,
  )
  return { ...response, topics }
}

function eachTopic(
  list: unknown,
  nameOf: NameOf,
  change: (topic: string, node: Message) => Message,
): unknown[] {
  return (Array.isArray(list) ? list : []).map((node: unknown) => {
    if (!isMessage(node)) return node
    const { name, topic, topicId } = node
    const found = name || topic || (typeof topicId === 'string' ? nameOf(topicId) : undefined)
    return typeof found === 'string' ? change(found, node) : node
  })
}

function eachPartition(
  list: unknown,
  nameOf: NameOf,
  change: (topic: string, partition: Message) => Message,
): unknown[] {
  return eachTopic(list, nameOf, (topic, node) => {
    const { partitions } = node
    if (!Array.isArray(partitions)) return node
    const changed = partitions.map((one: unknown) => (isMessage(one) ? change(topic, one) : one))
    return { ...node, partitions: changed }
  })
}
