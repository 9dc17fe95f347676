import { ErrorCode, errorName } from '../../protocol/error-code.ts'
import { type BatchView, batches } from '../../protocol/records/batch.ts'
import { buildBatch } from '../../protocol/records/builder.ts'
import { records } from '../../protocol/records/iterate.ts'
import {
  type AppendOptions,
  type AppendResult,
  type CoordinatorProducer,
  type CoordinatorRecord,
  type CoordinatorStore,
  type LoadedBatch,
  type Position,
  StorageError,
} from '../engine.ts'
import type { MetadataImage } from '../metadata-store.ts'
import { refused } from './append-result.ts'
import { BatchFacts } from './batch-facts.ts'
import type { LocalLogStore } from './local-log-store.ts'

const LOAD_BYTES = 1024 * 1024
const NO_KEY = new Uint8Array(0)

/** Records of one internal topic, in the log of that topic like any other's. */
export class LocalCoordinatorStore implements CoordinatorStore {
  readonly topicName: string
  readonly #image: () => MetadataImage
  readonly #log: LocalLogStore

  constructor(topicName: string, image: () => MetadataImage, log: LocalLogStore) {
    this.topicName = topicName
    this.#image = image
    this.#log = log
  }

  /** Rejects with `StorageError` when the log is damaged or the disk fails. */
  async *load(partition: number): AsyncIterable<LoadedBatch> {
    const topicPartition = this.#topicPartition(partition)
    if (!topicPartition) return
    const bounds = this.#log.bounds(topicPartition)
    if (bounds.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return
    for (let offset = bounds.logStartOffset; ; ) {
      const [result] = await this.#log.read([{ ...topicPartition, offset, maxBytes: LOAD_BYTES }], {
        isolation: 'read_uncommitted',
        maxBytes: LOAD_BYTES,
        atLeastOneBatch: true,
      })
      if (result?.errorCode !== ErrorCode.NONE) {
        const text = `${this.topicName}-${partition} cannot be read`
        throw new StorageError('unreadable', `${text}: ${errorName(result?.errorCode ?? -1)}`)
      }
      try {
        if (result.records.length === 0) {
          const { highWatermark, logEndOffset } = this.#log.bounds(topicPartition)
          if (highWatermark >= logEndOffset) return
          // What the broker before us has written is on its way to disk: it counts.
          await this.#appended({ ...topicPartition, offset, maxBytes: LOAD_BYTES })
        }
        for (const batch of batches(result.records)) {
          offset = batch.nextOffset
          yield loadedBatch(batch)
        }
      } finally {
        result.release()
      }
    }
  }

  append(
    partition: number,
    entries: readonly CoordinatorRecord[],
    options: AppendOptions & { readonly producer?: CoordinatorProducer },
  ): AppendResult | Promise<AppendResult> {
    const topicPartition = this.#topicPartition(partition)
    if (!topicPartition) return refused(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    const { producer, nowMs } = options
    const batch = buildBatch({
      records: entries.map(({ key, value }) => ({ key, value, timestamp: nowMs })),
      // As Kafka writes them, one like the other: only a coordinator's epochs are checked.
      ...(producer && { ...producer, transactional: true, baseSequence: 0 }),
    })
    const results = this.#log.append([{ ...topicPartition, batch, origin: 'coordinator' }], options)
    return results instanceof Promise ? results.then(([result]) => result!) : results[0]!
  }

  #appended(position: Position): Promise<void> {
    return new Promise((resolve) => {
      this.#log.waitForData([position], 1, 'read_uncommitted', resolve)
    })
  }

  #topicPartition(partition: number) {
    const topic = this.#image().topicsByName.get(this.topicName)
    return topic && { topicId: topic.topicId, partition }
  }
}

function loadedBatch(batch: BatchView): LoadedBatch {
  const facts = new BatchFacts(batch, batch.baseOffset, batch.partitionLeaderEpoch)
  const type = facts.marker?.type
  return {
    baseOffset: facts.baseOffset,
    timestampMs: facts.maxTimestampMs,
    producerId: facts.producerId,
    producerEpoch: facts.producerEpoch,
    transactional: facts.isTransactional,
    marker: type === 'commit' || type === 'abort' ? type : null,
    records: facts.marker
      ? []
      : [...records(batch)].map(({ key, value }) => ({ key: key ?? NO_KEY, value })),
  }
}
