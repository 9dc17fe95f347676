import { dataViewOf } from '../../protocol/records/batch.ts'
import { readInt64, writeInt64 } from '../../protocol/records/int64.ts'

const TRANSACTION_INDEX_ENTRY_BYTES = 34

/** An aborted transaction within one partition (reference: log-storage.md section 2). */
export interface AbortedTransactionEntry {
  readonly producerId: number
  readonly firstOffset: number
  /** Of the ABORT marker. */
  readonly lastOffset: number
  /** Start of the earliest other transaction open at the time, or lastOffset + 1. */
  readonly lastStableOffset: number
}

/** Aborted transactions whose marker lies in one segment, in the order of their markers. */
export class TransactionIndex {
  #entries: AbortedTransactionEntry[]

  constructor(entries: AbortedTransactionEntry[] = []) {
    this.#entries = entries
  }

  get entries(): readonly AbortedTransactionEntry[] {
    return this.#entries
  }

  append(entry: AbortedTransactionEntry): void {
    this.#entries.push(entry)
  }

  /** Drops entries whose marker is at or after `offset`. */
  truncateTo(offset: number): void {
    this.#entries = this.#entries.filter((entry) => entry.lastOffset < offset)
  }

  /**
   * Adds to `found` the transactions that a read of [fetchOffset, upperBoundOffset) meets. True
   * when no later segment can hold another one.
   */
  collect(
    fetchOffset: number,
    upperBoundOffset: number,
    found: AbortedTransactionEntry[],
  ): boolean {
    for (const entry of this.#entries) {
      if (entry.lastOffset >= fetchOffset && entry.firstOffset < upperBoundOffset) found.push(entry)
      if (entry.lastStableOffset >= upperBoundOffset) return true
    }
    return false
  }

  encode(): Uint8Array {
    const bytes = new Uint8Array(this.#entries.length * TRANSACTION_INDEX_ENTRY_BYTES)
    const view = dataViewOf(bytes)
    this.#entries.forEach((entry, index) => {
      const at = index * TRANSACTION_INDEX_ENTRY_BYTES
      view.setInt16(at, 0)
      writeInt64(view, at + 2, entry.producerId)
      writeInt64(view, at + 10, entry.firstOffset)
      writeInt64(view, at + 18, entry.lastOffset)
      writeInt64(view, at + 26, entry.lastStableOffset)
    })
    return bytes
  }

  /** Undefined when the content cannot be an index. */
  static decode(bytes: Uint8Array): TransactionIndex | undefined {
    if (bytes.length % TRANSACTION_INDEX_ENTRY_BYTES !== 0) return undefined
    const view = dataViewOf(bytes)
    const entries: AbortedTransactionEntry[] = []
    for (let at = 0; at < bytes.length; at += TRANSACTION_INDEX_ENTRY_BYTES) {
      const entry = {
        producerId: readInt64(view, at + 2),
        firstOffset: readInt64(view, at + 10),
        lastOffset: readInt64(view, at + 18),
        lastStableOffset: readInt64(view, at + 26),
      }
      if (view.getInt16(at) !== 0 || entry.firstOffset > entry.lastOffset) return undefined
      if (entries.length > 0 && entry.lastOffset <= entries.at(-1)!.lastOffset) return undefined
      entries.push(entry)
    }
    return new TransactionIndex(entries)
  }
}
