import { type BatchView, batches } from '../protocol/records/batch.ts'
import { controlRecord, type RecordView } from '../protocol/records/iterate.ts'
import { recordsOf } from '../protocol/records/legacy.ts'

/** A record with what its batch says of it. */
export interface FetchedRecord {
  readonly record: RecordView
  readonly batch: BatchView
}

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

export interface Decoded {
  readonly records: readonly FetchedRecord[]
  /** Where to go on. */
  readonly nextOffset: number
}

/**
 * What a consumer sees of the bytes that a fetch from `position` brought: no records below it, no
 * control records, none of transactions that were aborted. Throws `KafkaError` and
 * `CompressionError` for bytes that are no records.
 */
export function decodeFetched(
  bytes: Uint8Array,
  position: number,
  aborted: readonly AbortedTransaction[],
): Decoded {
  const filter = new AbortFilter(aborted)
  const found: FetchedRecord[] = []
  let nextOffset = position
  for (const batch of batches(bytes)) {
    if (batch.magic === 2) {
      batch.ensureValid()
      if (filter.hides(batch)) {
        nextOffset = Math.max(nextOffset, batch.nextOffset)
        continue
      }
    }
    for (const record of recordsOf(batch)) {
      if (record.offset >= position) found.push({ record, batch })
      nextOffset = Math.max(nextOffset, record.offset + 1)
    }
    // Compaction may have taken the last records of a batch.
    if (batch.magic === 2) nextOffset = Math.max(nextOffset, batch.nextOffset)
  }
  return { records: found, nextOffset }
}

/** Which batches of a fetch belong to aborted transactions: those up to the producer's marker. */
class AbortFilter {
  readonly #pending: AbortedTransaction[]
  readonly #open = new Set<number>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#pending = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)
  }

  hides(batch: BatchView): boolean {
    while (this.#pending.length > 0 && this.#pending[0]!.firstOffset <= batch.lastOffset) {
      this.#open.add(this.#pending.shift()!.producerId)
    }
    if (batch.isControl) {
      if (controlRecord(batch)?.type === 'ABORT') this.#open.delete(batch.producerId)
      return true
    }
    return batch.isTransactional && this.#open.has(batch.producerId)
  }
}
