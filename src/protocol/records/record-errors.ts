import { KafkaError } from '../error-code.ts'
import { type BatchView, NO_TIMESTAMP } from './batch.ts'
import { addTimestamp } from './iterate.ts'
import type { RecordCursor } from './record-cursor.ts'
import { type ProduceContext, type RecordSettings, within } from './record-settings.ts'
import { describeRecord, exactTimestamp, int64Setting } from './record-text.ts'

export interface RecordError {
  readonly batchIndex: number
  readonly message: string
}

/** Single records are to blame: the whole batch is refused, with a list of them. */
export class RecordsRejected extends KafkaError {
  override name = 'RecordsRejected'
  readonly recordErrors: readonly RecordError[]

  constructor(error: 'INVALID_RECORD' | 'INVALID_TIMESTAMP', detail: string, list: RecordError[]) {
    super(error, detail)
    this.recordErrors = list
  }
}

/**
 * Kafka lists every bad record. A batch of a megabyte can unfold into millions of them, and an answer
 * that names so many helps nobody.
 */
const MAX_LISTED = 10_000

/** Finds and collects what is wrong with single records. */
export class RecordErrors {
  readonly #batch: BatchView
  readonly #skipping: boolean
  readonly #settings: RecordSettings
  readonly #context: ProduceContext
  readonly #list: RecordError[] = []
  #total = 0
  #badTimestamp = false

  constructor(
    batch: BatchView,
    skipping: boolean,
    settings: RecordSettings,
    context: ProduceContext,
  ) {
    this.#batch = batch
    this.#skipping = skipping
    this.#settings = settings
    this.#context = context
  }

  /** Returns the record's timestamp. */
  check(cursor: RecordCursor, batchIndex: number): number {
    const { compacted, timestampType } = this.#settings
    const batch = this.#batch
    const appendTime = batch.timestampType === 'LogAppendTime'
    const timestamp = appendTime
      ? batch.maxTimestamp
      : addTimestamp(batch.baseTimestamp, cursor.timestampDelta)
    if (compacted && cursor.keyLength < 0) {
      const { topic, partition } = this.#context
      this.#add(
        batchIndex,
        () =>
          `Compacted topic cannot accept message without key in topic partition ${topic}-${partition}`,
      )
    } else if (timestampType === 'CreateTime' && timestamp !== NO_TIMESTAMP) {
      this.#checkRange(cursor, batchIndex, timestamp)
    } else if (appendTime) {
      this.#badTimestamp = true
      const record = () => describeRecord(batch, cursor, this.#skipping)
      this.#add(
        batchIndex,
        () =>
          `Invalid timestamp type in message ${record()}. Producer should not set timestamp type to LogAppendTime.`,
      )
    }
    return timestamp
  }

  #checkRange(cursor: RecordCursor, batchIndex: number, timestamp: number): void {
    const { timestampBeforeMaxMs, timestampAfterMaxMs } = this.#settings
    const { nowMs } = this.#context
    const age = nowMs - timestamp
    if (within(age, timestampBeforeMaxMs) && within(-age, timestampAfterMaxMs)) return
    this.#badTimestamp = true
    this.#add(batchIndex, () => {
      const from = BigInt.asIntN(64, BigInt(nowMs) - int64Setting(timestampBeforeMaxMs))
      const to = BigInt.asIntN(64, BigInt(nowMs) + int64Setting(timestampAfterMaxMs))
      return `Timestamp ${exactTimestamp(this.#batch, cursor)} of message with offset ${cursor.offsetDelta} is out of range. The timestamp should be within [${from}, ${to}]`
    })
  }

  #add(batchIndex: number, message: () => string): void {
    this.#total++
    if (this.#list.length < MAX_LISTED) this.#list.push({ batchIndex, message: message() })
  }

  throwIfAny(): void {
    const list = this.#list
    if (list.length === 0) return
    if (this.#badTimestamp) {
      throw new RecordsRejected(
        'INVALID_TIMESTAMP',
        'One or more records have been rejected due to invalid timestamp',
        list,
      )
    }
    const shown = list
      .slice(0, 3)
      .map(
        ({ batchIndex, message }) => `RecordError(batchIndex=${batchIndex}, message='${message}')`,
      )
    throw new RecordsRejected(
      'INVALID_RECORD',
      `One or more records have been rejected due to ${this.#total} record errors in total, and only showing the first three errors at most: [${shown.join(', ')}]`,
      list,
    )
  }
}
