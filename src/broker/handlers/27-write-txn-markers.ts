import type { MarkerResult } from '../../coordinator/transaction/transaction-effect.ts'
import { WriteTxnMarkers } from '../../protocol/apis/27-write-txn-markers.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { handler } from '../handler.ts'

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
      const results = await broker.transactions.markers.write(marker, partitions, nowMs)
      markers.push({ producerId, topics: topicsOf(results) })
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
