import type { TopicPartitions } from '../../coordinator/transaction/partition-set.ts'
import type {
  MarkerResult,
  TransactionMarker,
} from '../../coordinator/transaction/transaction-effect.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import { buildMarkerBatch } from '../../protocol/records/builder.ts'
import type { AppendItem, AppendResult, StorageEngine } from '../../storage/engine.ts'
import type { Broker } from '../broker.ts'
import { isUnderMinIsr } from '../topics/min-isr.ts'
import type { TopicAdmin } from '../topics/topics.ts'

/** Where offsets of groups wait for the end of their transaction. */
export interface OffsetTransactions {
  readonly topicName: string
  endTransaction(
    partition: number,
    producerId: number,
    result: 'commit' | 'abort',
    appendMarker: () => ErrorCode | Promise<ErrorCode>,
  ): ErrorCode | Promise<ErrorCode>
}

/**
 * Appends the markers that end a transaction (reference: transactions.md section 8): one call of
 * the store for all partitions. Those of offsets go through the coordinator of their groups.
 */
export class TransactionMarkers {
  readonly #engine: StorageEngine
  readonly #offsets: OffsetTransactions
  readonly #topics: Pick<TopicAdmin, 'config'>

  constructor({ engine, topics }: Pick<Broker, 'engine' | 'topics'>, offsets: OffsetTransactions) {
    this.#engine = engine
    this.#topics = topics
    this.#offsets = offsets
  }

  /** One result for each partition, in no certain order. */
  write(
    marker: TransactionMarker,
    topics: readonly TopicPartitions[],
    nowMs: number,
  ): MarkerResult[] | Promise<MarkerResult[]> {
    const { producerId, producerEpoch, coordinatorEpoch, committed } = marker
    const batch = buildMarkerBatch(committed ? 'COMMIT' : 'ABORT', {
      producerId,
      producerEpoch,
      coordinatorEpoch,
      timestamp: nowMs,
    })
    const results: MarkerResult[] = []
    const places: Place[] = []
    const pending: Promise<MarkerResult>[] = []
    for (const { topic, partitionIds } of topics) {
      const image = this.#engine.metadata.image.topicsByName.get(topic)
      for (const partition of partitionIds) {
        const found = image?.partitions[partition]
        if (!found) results.push({ topic, partition, outcome: 'gone' })
        else if (found.leader < 0) {
          results.push({ topic, partition, outcome: ErrorCode.NOT_LEADER_OR_FOLLOWER })
        } else if (isUnderMinIsr(found, this.#topics.config(image!).minInsyncReplicas)) {
          results.push({ topic, partition, outcome: ErrorCode.NOT_ENOUGH_REPLICAS })
        } else {
          const place = { topic, topicId: image!.topicId, partition }
          if (topic !== this.#offsets.topicName) places.push(place)
          else {
            const result = this.#endOffsets(place, marker, batch, nowMs)
            if (result instanceof Promise) pending.push(result)
            else results.push(result)
          }
        }
      }
    }
    const appended = places.length > 0 ? this.#append(places, marker, batch, nowMs) : []
    if (pending.length === 0 && !(appended instanceof Promise)) return [...results, ...appended]
    return Promise.all([appended, Promise.all(pending)]).then(([ofData, ofOffsets]) => [
      ...results,
      ...ofData,
      ...ofOffsets,
    ])
  }

  #append(
    places: readonly Place[],
    marker: TransactionMarker,
    batch: Buffer,
    nowMs: number,
  ): MarkerResult[] | Promise<MarkerResult[]> {
    const items = places.map((place) => markerItem(place, marker, batch))
    const resultsOf = (appended: readonly AppendResult[]) =>
      appended.map(({ errorCode }, index) => {
        const { topic, partition } = places[index]!
        return { topic, partition, outcome: errorCode }
      })
    const appended = this.#engine.log.append(items, { nowMs })
    return appended instanceof Promise ? appended.then(resultsOf) : resultsOf(appended)
  }

  #endOffsets(
    place: Place,
    marker: TransactionMarker,
    batch: Buffer,
    nowMs: number,
  ): MarkerResult | Promise<MarkerResult> {
    const { topic, partition } = place
    const append = () => {
      const appended = this.#engine.log.append([markerItem(place, marker, batch)], { nowMs })
      return appended instanceof Promise
        ? appended.then(([result]) => result!.errorCode)
        : appended[0]!.errorCode
    }
    const resultOf = (errorCode: ErrorCode) => ({ topic, partition, outcome: asLeader(errorCode) })
    try {
      const ended = this.#offsets.endTransaction(
        partition,
        marker.producerId,
        marker.committed ? 'commit' : 'abort',
        append,
      )
      if (!(ended instanceof Promise)) return resultOf(ended)
      return ended.then(resultOf, (error: unknown) => resultOf(codeOf(error)))
    } catch (error) {
      return resultOf(codeOf(error))
    }
  }
}

interface Place {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

/** The store stamps each batch where it lies, so every partition gets its own bytes. */
function markerItem(place: Place, marker: TransactionMarker, batch: Buffer): AppendItem {
  const { topicId, partition } = place
  const { transactionVersion } = marker
  return {
    topicId,
    partition,
    batch: Buffer.from(batch),
    origin: 'coordinator',
    transactionVersion,
  }
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof KafkaError) return error.errorCode
  throw error
}

/** What a marker's sender understands: that it is to look for the leader and to try again. */
function asLeader(errorCode: ErrorCode): ErrorCode {
  switch (errorCode) {
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.NOT_COORDINATOR:
      return ErrorCode.NOT_LEADER_OR_FOLLOWER
    default:
      return errorCode
  }
}
