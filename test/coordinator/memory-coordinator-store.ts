import { ErrorCode } from '../../src/protocol/error-code.ts'
import type {
  AppendResult,
  CoordinatorRecord,
  CoordinatorStore,
  LoadedBatch,
} from '../../src/storage/engine.ts'

/** A coordinator partition in memory, which can refuse appends and take its time over them. */
export class MemoryCoordinatorStore implements CoordinatorStore {
  readonly topicName = '__consumer_offsets'
  readonly batches: LoadedBatch[] = []
  /** Code of the next append, which then writes nothing. */
  failNext: ErrorCode = ErrorCode.NONE
  /** Set: appends wait until `release` is called. */
  slow = false
  readonly #waiting: (() => void)[] = []
  #endOffset = 0

  async *load(): AsyncIterable<LoadedBatch> {
    yield* this.batches
  }

  append(
    _partition: number,
    records: readonly CoordinatorRecord[],
    { nowMs, producer }: Parameters<CoordinatorStore['append']>[2],
  ): AppendResult | Promise<AppendResult> {
    const result = this.#append(records, {
      timestampMs: nowMs,
      producerId: producer?.producerId ?? -1,
      producerEpoch: producer?.producerEpoch ?? -1,
      transactional: producer !== undefined,
      marker: null,
    })
    if (!this.slow) return result
    return new Promise((resolve) => this.#waiting.push(() => resolve(result)))
  }

  appendMarker(producerId: number, marker: 'commit' | 'abort', nowMs: number): ErrorCode {
    const facts = { timestampMs: nowMs, producerId, producerEpoch: 0, transactional: true, marker }
    return this.#append([], facts).errorCode
  }

  /** No append waits for its answer. */
  get idle(): boolean {
    return this.#waiting.length === 0
  }

  /** Lets the oldest waiting append answer. False: none waits. */
  release(): boolean {
    const resolve = this.#waiting.shift()
    resolve?.()
    return resolve !== undefined
  }

  #append(
    records: readonly CoordinatorRecord[],
    facts: Omit<LoadedBatch, 'baseOffset' | 'records'>,
  ): AppendResult {
    const errorCode = this.failNext
    this.failNext = ErrorCode.NONE
    const baseOffset = errorCode === ErrorCode.NONE ? this.#endOffset : -1
    if (errorCode === ErrorCode.NONE) {
      this.batches.push({ ...facts, baseOffset, records: records.map(copy) })
      this.#endOffset += Math.max(1, records.length)
    }
    return {
      errorCode,
      errorMessage: null,
      baseOffset,
      lastOffset: baseOffset + records.length - 1,
      logStartOffset: 0,
      duplicate: false,
      duplicateTimestampMs: -1,
    }
  }
}

function copy({ key, value }: CoordinatorRecord): CoordinatorRecord {
  return { key: Buffer.from(key), value: value && Buffer.from(value) }
}
