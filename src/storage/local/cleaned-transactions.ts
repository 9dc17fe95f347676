import type { BatchView } from '../../protocol/records/batch.ts'
import { controlRecord } from '../../protocol/records/iterate.ts'
import type { AbortedTransactionEntry } from './transaction-index.ts'

interface OngoingAbort {
  readonly entry: AbortedTransactionEntry
  /** Data of it was met. */
  wasSeen: boolean
}

/**
 * Follows transactions while a log is read in order, as the cleaner of Kafka does: which data is of
 * an aborted one, and of which transactions nothing is left but the marker.
 */
export class CleanedTransactions {
  /** Producers whose data was met that no ABORT ends. */
  readonly #committing = new Set<number>()
  readonly #aborting = new Map<number, OngoingAbort>()
  /** In the order of their first offsets; those before `#next` have begun. */
  #upcoming: AbortedTransactionEntry[] = []
  #next = 0
  readonly #keepAborted: (entry: AbortedTransactionEntry) => void

  /** `keepAborted` is told what the transaction index of the cleaned segment has to know. */
  constructor(keepAborted: (entry: AbortedTransactionEntry) => void = () => undefined) {
    this.#keepAborted = keepAborted
  }

  /** Aborted transactions that what is read next may be of; some may be known already. */
  expect(entries: readonly AbortedTransactionEntry[]): void {
    if (entries.length === 0) return
    this.#upcoming = [...this.#upcoming.slice(this.#next), ...entries].sort(
      (one, other) => one.firstOffset - other.firstOffset,
    )
    this.#next = 0
  }

  /** True when the batch holds data of an aborted transaction, which nobody needs. */
  onData(batch: BatchView): boolean {
    this.#begin(batch.lastOffset)
    if (!batch.isTransactional) return false
    const { producerId } = batch
    const aborting = this.#aborting.get(producerId)
    if (aborting) {
      aborting.wasSeen = true
      return true
    }
    this.#committing.add(producerId)
    return false
  }

  /** True when nothing is left of the transaction that this marker ends. */
  onControl(batch: BatchView): boolean {
    this.#begin(batch.lastOffset)
    const control = controlRecord(batch)
    // An empty one was cleaned before.
    if (!control) return true
    const { producerId } = batch
    switch (control.type) {
      case 'ABORT': {
        const aborting = this.#aborting.get(producerId)
        this.#aborting.delete(producerId)
        if (!aborting?.wasSeen) return true
        this.#keepAborted(aborting.entry)
        return false
      }
      case 'COMMIT':
        return !this.#committing.delete(producerId)
      default:
        return false
    }
  }

  #begin(lastOffset: number): void {
    for (; this.#next < this.#upcoming.length; this.#next++) {
      const entry = this.#upcoming[this.#next]!
      if (entry.firstOffset > lastOffset) return
      if (this.#aborting.has(entry.producerId)) continue
      this.#aborting.set(entry.producerId, { entry, wasSeen: false })
    }
  }
}
