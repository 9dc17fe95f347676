import { KafkaError } from '../../protocol/error-code.ts'
import type { BatchView } from '../../protocol/records/batch.ts'
import { controlRecord } from '../../protocol/records/iterate.ts'

/** What the engine keeps of a batch header while it works on the batch. Plain numbers, one shape. */
export class BatchFacts {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly sizeBytes: number
  readonly maxTimestampMs: number
  readonly leaderEpoch: number
  readonly producerId: number
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastSequence: number
  readonly isTransactional: boolean
  readonly marker: Marker | undefined

  /** `baseOffset` and `leaderEpoch` are those it gets, or has. */
  constructor(batch: BatchView, baseOffset: number, leaderEpoch: number) {
    this.baseOffset = baseOffset
    this.lastOffset = baseOffset + batch.lastOffsetDelta
    this.sizeBytes = batch.sizeInBytes
    this.maxTimestampMs = batch.maxTimestamp
    this.leaderEpoch = leaderEpoch
    this.producerId = batch.producerId
    this.producerEpoch = batch.producerEpoch
    this.baseSequence = batch.baseSequence
    this.lastSequence = batch.lastSequence
    this.isTransactional = batch.isTransactional
    this.marker = batch.isControl ? markerOf(batch) : undefined
  }
}

/** The end of a transaction in one partition, or a control record that ends none. */
export interface Marker {
  readonly type: 'commit' | 'abort' | 'other'
  readonly coordinatorEpoch: number
}

const OTHER: Marker = { type: 'other', coordinatorEpoch: -1 }

function markerOf(batch: BatchView): Marker {
  try {
    const control = controlRecord(batch)
    if (control?.type === 'COMMIT' || control?.type === 'ABORT') {
      const type = control.type === 'COMMIT' ? 'commit' : 'abort'
      return { type, coordinatorEpoch: control.coordinatorEpoch }
    }
  } catch (error) {
    // A control batch that says nothing we know ends no transaction.
    if (!(error instanceof KafkaError)) throw error
  }
  return OTHER
}
