import { batches } from '../../src/protocol/records/batch.ts'
import { buildBatch, buildMarkerBatch } from '../../src/protocol/records/builder.ts'
import { records } from '../../src/protocol/records/iterate.ts'

/** Batches for tests, and what is in those that come back. */
export interface BatchOptions {
  readonly values: readonly string[]
  readonly timestamp?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
}

export function batchOf(options: BatchOptions): Buffer {
  const { values, timestamp = 1_000, ...header } = options
  return buildBatch({
    ...header,
    records: values.map((value) => ({ key: null, value: Buffer.from(value), timestamp })),
  })
}

export function markerOf(
  type: 'COMMIT' | 'ABORT',
  producerId: number,
  producerEpoch: number,
  { coordinatorEpoch = 0, timestamp = 1_000 } = {},
): Buffer {
  return buildMarkerBatch(type, { producerId, producerEpoch, coordinatorEpoch, timestamp })
}

export interface ReadRecord {
  readonly offset: number
  readonly value: string
}

/** Data records of a fetched piece of log, control batches left out. */
export function valuesOf(bytes: Uint8Array): ReadRecord[] {
  const found: ReadRecord[] = []
  for (const batch of batches(bytes)) {
    if (batch.isControl) continue
    for (const { offset, value } of records(batch)) {
      found.push({ offset, value: Buffer.from(value ?? []).toString() })
    }
  }
  return found
}

/** The same, without the records of aborted transactions, as a read_committed consumer does it. */
export function visibleValuesOf(
  bytes: Uint8Array,
  aborted: readonly { readonly producerId: number; readonly firstOffset: number }[],
): ReadRecord[] {
  const found: ReadRecord[] = []
  const open = new Set<number>()
  const waiting = [...aborted].sort((one, other) => one.firstOffset - other.firstOffset)
  for (const batch of batches(bytes)) {
    while (waiting.length > 0 && waiting[0]!.firstOffset <= batch.lastOffset) {
      open.add(waiting.shift()!.producerId)
    }
    if (batch.isControl) open.delete(batch.producerId)
    else if (!batch.isTransactional || !open.has(batch.producerId)) {
      for (const { offset, value } of records(batch)) {
        found.push({ offset, value: Buffer.from(value ?? []).toString() })
      }
    }
  }
  return found
}
