import { dataViewOf } from '../../protocol/records/batch.ts'
import { readInt64, writeInt64 } from '../../protocol/records/int64.ts'

export const TIME_INDEX_ENTRY_BYTES = 12

/**
 * (largest timestamp so far, last offset of the batch that holds it): every record up to an entry's
 * offset has a timestamp of at most the entry's (reference: log-storage.md section 2).
 */
export class TimeIndex {
  readonly baseOffset: number
  #timestamps: Float64Array
  #relativeOffsets: Int32Array
  #count: number

  constructor(
    baseOffset: number,
    timestamps = new Float64Array(0),
    relativeOffsets = new Int32Array(0),
  ) {
    this.baseOffset = baseOffset
    this.#timestamps = timestamps
    this.#relativeOffsets = relativeOffsets
    this.#count = timestamps.length
  }

  get count(): number {
    return this.#count
  }

  get sizeBytes(): number {
    return this.#count * TIME_INDEX_ENTRY_BYTES
  }

  /** -1 when there are no entries. */
  get lastTimestampMs(): number {
    return this.#count === 0 ? -1 : this.#timestamps[this.#count - 1]!
  }

  /** The base offset when there are no entries. */
  get lastOffset(): number {
    return this.#count === 0 ? this.baseOffset : this.offsetAt(this.#count - 1)
  }

  timestampAt(entry: number): number {
    return this.#timestamps[entry]!
  }

  offsetAt(entry: number): number {
    return this.baseOffset + this.#relativeOffsets[entry]!
  }

  /** Only when the timestamp grew; an entry that says nothing new is left out. */
  maybeAppend(timestampMs: number, offset: number): void {
    if (timestampMs <= this.lastTimestampMs) return
    if (this.#count === this.#timestamps.length) this.#grow()
    this.#timestamps[this.#count] = timestampMs
    this.#relativeOffsets[this.#count] = offset - this.baseOffset
    this.#count++
  }

  /** The greatest entry whose timestamp is at most `timestampMs`; -1 when there is none. */
  entryAtOrBefore(timestampMs: number): number {
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#timestamps[middle]! <= timestampMs) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** The offset to scan from for the first record at or after `timestampMs`. */
  offsetBefore(timestampMs: number): number {
    const entry = this.entryAtOrBefore(timestampMs)
    return entry < 0 ? this.baseOffset : this.offsetAt(entry)
  }

  /** Drops entries of offsets from `offset` on. */
  truncateTo(offset: number): void {
    while (this.#count > 0 && this.lastOffset >= offset) this.#count--
  }

  encode(): Uint8Array {
    const bytes = new Uint8Array(this.sizeBytes)
    const view = dataViewOf(bytes)
    for (let entry = 0; entry < this.#count; entry++) {
      writeInt64(view, entry * TIME_INDEX_ENTRY_BYTES, this.#timestamps[entry]!)
      view.setInt32(entry * TIME_INDEX_ENTRY_BYTES + 8, this.#relativeOffsets[entry]!)
    }
    return bytes
  }

  /** Undefined when the content cannot be an index. Zeros at the end are not entries. */
  static decode(bytes: Uint8Array, baseOffset: number): TimeIndex | undefined {
    if (bytes.length % TIME_INDEX_ENTRY_BYTES !== 0) return undefined
    const view = dataViewOf(bytes)
    let count = bytes.length / TIME_INDEX_ENTRY_BYTES
    while (count > 0 && isZero(view, (count - 1) * TIME_INDEX_ENTRY_BYTES)) count--
    const timestamps = new Float64Array(count)
    const relativeOffsets = new Int32Array(count)
    for (let entry = 0; entry < count; entry++) {
      const timestampMs = readInt64(view, entry * TIME_INDEX_ENTRY_BYTES)
      const relativeOffset = view.getInt32(entry * TIME_INDEX_ENTRY_BYTES + 8)
      const grows =
        entry === 0
          ? relativeOffset >= 0
          : timestampMs > timestamps[entry - 1]! && relativeOffset >= relativeOffsets[entry - 1]!
      if (!grows) return undefined
      timestamps[entry] = timestampMs
      relativeOffsets[entry] = relativeOffset
    }
    return new TimeIndex(baseOffset, timestamps, relativeOffsets)
  }

  #grow(): void {
    const length = Math.max(8, this.#count * 2)
    const timestamps = new Float64Array(length)
    const relativeOffsets = new Int32Array(length)
    timestamps.set(this.#timestamps)
    relativeOffsets.set(this.#relativeOffsets)
    this.#timestamps = timestamps
    this.#relativeOffsets = relativeOffsets
  }
}

function isZero(view: DataView, at: number): boolean {
  return view.getInt32(at) === 0 && view.getInt32(at + 4) === 0 && view.getInt32(at + 8) === 0
}
