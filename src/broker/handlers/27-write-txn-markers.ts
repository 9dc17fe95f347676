import type { TopicPartitions } from '../../coordinator/transaction/partition-set.ts'
import type { MarkerResult } from '../../coordinator/transaction/transaction-effect.ts'
import { WriteTxnMarkers } from '../../protocol/apis/27-write-txn-markers.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { ledPartition } from '../partitions.ts'

type Marker = RequestOf<typeof WriteTxnMarkers>['markers'][number]

/**
 * Appends markers to partitions, from brokers and from tools that end a transaction which no
 * coordinator knows (reference: transactions.md section 8).
 */
export const writeTxnMarkers = handler(
  WriteTxnMarkers,
  [1, 2],
  async (request, { nowMs }, broker) => {
    const markers = []
    for (const asked of request.markers) {
      const { producerId, topics } = asked
      const marker = { ...asked, committed: asked.transactionResult }
      const partitions = topics.map(({ name, partitionIndexes }) => ({
        topic: name,
        partitionIds: partitionIndexes,
      }))
      const { led, others } = ledHere(partitions, broker)
      const results = await broker.transactions.markers.write(marker, led, nowMs)
      markers.push({ producerId, topics: topicsOf([...results, ...others]) })
    }
    return { markers }
  },
  {
    errorResponse: (request, { errorCode }) => ({
      markers: request.markers.map((marker) => ({
        producerId: marker.producerId,
        topics: inError(marker, errorCode),
      })),
    }),
  },
)

/** Whoever asks is to ask the leader, also when another broker of the process is that. */
function ledHere(topics: readonly TopicPartitions[], broker: Broker) {
  const { topicsByName } = broker.engine.metadata.image
  const isElsewhere = (topic: string, partition: number) =>
    ledPartition(broker, topicsByName.get(topic), partition) === ErrorCode.NOT_LEADER_OR_FOLLOWER
  const led = topics.map(({ topic, partitionIds }) => ({
    topic,
    partitionIds: partitionIds.filter((partition) => !isElsewhere(topic, partition)),
  }))
  const others = topics.flatMap(({ topic, partitionIds }) =>
    partitionIds
      .filter((partition) => isElsewhere(topic, partition))
      .map((partition) => ({ topic, partition, outcome: ErrorCode.NOT_LEADER_OR_FOLLOWER })),
  )
  return { led, others }
}

interface PartitionAnswer {
  readonly partitionIndex: number
  readonly errorCode: ErrorCode
}

function topicsOf(results: readonly MarkerResult[]) {
  const topics = new Map<string, PartitionAnswer[]>()
  for (const { topic, partition, outcome } of results) {
    const errorCode = outcome === 'gone' ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : outcome
    const answer = { partitionIndex: partition, errorCode }
    const partitions = topics.get(topic)
    if (partitions) partitions.push(answer)
    else topics.set(topic, [answer])
  }
  return Array.from(topics, ([name, partitions]) => ({ name, partitions }))
}

function inError(marker: Marker, errorCode: ErrorCode) {
  return marker.topics.map(({ name, partitionIndexes }) => ({
    name,
    partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, errorCode })),
  }))
}
