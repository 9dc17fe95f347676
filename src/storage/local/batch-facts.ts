import type { BatchView } from '../../protocol/records/batch.ts'

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

/** Control batches are not compressed and hold one record with short fields, all varints one byte. */
function markerOf(batch: BatchView): Marker {
  const { view } = batch
  const { end } = batch
  // length, attributes, timestampDelta, offsetDelta, keyLength: all but the timestamp one byte.
  let at = batch.position + 61
  at = afterVarint(view, at, end) + 1
  at = afterVarint(view, at, end)
  at = afterVarint(view, at, end)
  if (batch.recordCount < 1 || at + 1 + 4 > end) return OTHER
  const keyLength = view.getUint8(at) >> 1
  const type = view.getInt16(at + 3)
  at += 1 + keyLength + 1
  // Value: version int16, coordinatorEpoch int32.
  if (keyLength < 4 || type > 1 || type < 0 || at + 6 > end) return OTHER
  return { type: type === 1 ? 'commit' : 'abort', coordinatorEpoch: view.getInt32(at + 2) }
}

function afterVarint(view: DataView, from: number, end: number): number {
  let at = from
  while (at < end && view.getUint8(at) & 0x80) at++
  return at + 1
}
