import { assert } from '../../base/assert.ts'
import { dataViewOf } from '../../protocol/records/batch.ts'

export const OFFSET_INDEX_ENTRY_BYTES = 8

/**
 * (last offset of a batch, file position of its start), sparse and strictly increasing
 * (reference: log-storage.md section 2). Held in memory; the file is written in one piece when its
 * segment is flushed, as it can be built again from the segment.
 */
export class OffsetIndex {
  readonly baseOffset: number
  #relativeOffsets: Int32Array
  #positions: Int32Array
  #count: number

  constructor(
    baseOffset: number,
    relativeOffsets = new Int32Array(0),
    positions = new Int32Array(0),
  ) {
    this.baseOffset = baseOffset
    this.#relativeOffsets = relativeOffsets
    this.#positions = positions
    this.#count = relativeOffsets.length
  }

  get count(): number {
    return this.#count
  }

  get sizeBytes(): number {
    return this.#count * OFFSET_INDEX_ENTRY_BYTES
  }

  /** The base offset when there are no entries. */
  get lastOffset(): number {
    return this.#count === 0 ? this.baseOffset : this.offsetAt(this.#count - 1)
  }

  get lastPosition(): number {
    return this.#count === 0 ? 0 : this.positionAt(this.#count - 1)
  }

  offsetAt(entry: number): number {
    return this.baseOffset + this.#relativeOffsets[entry]!
  }

  positionAt(entry: number): number {
    return this.#positions[entry]!
  }

  append(offset: number, position: number): void {
    assert(this.#count === 0 || offset > this.lastOffset, 'index entries to grow')
    if (this.#count === this.#relativeOffsets.length) this.#grow()
    this.#relativeOffsets[this.#count] = offset - this.baseOffset
    this.#positions[this.#count] = position
    this.#count++
  }

  /** The greatest entry whose offset is at most `offset`; -1 when there is none. */
  entryAtOrBefore(offset: number): number {
    const relative = offset - this.baseOffset
    let low = 0
    let high = this.#count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#relativeOffsets[middle]! <= relative) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** Where to begin looking for the batch that holds `offset`. */
  positionBefore(offset: number): number {
    const entry = this.entryAtOrBefore(offset)
    return entry < 0 ? 0 : this.#positions[entry]!
  }

  /** Drops entries of offsets from `offset` on. */
  truncateTo(offset: number): void {
    this.#count = this.entryAtOrBefore(offset - 1) + 1
  }

  encode(): Uint8Array {
    const bytes = new Uint8Array(this.sizeBytes)
    const view = dataViewOf(bytes)
    for (let entry = 0; entry < this.#count; entry++) {
      view.setInt32(entry * OFFSET_INDEX_ENTRY_BYTES, this.#relativeOffsets[entry]!)
      view.setInt32(entry * OFFSET_INDEX_ENTRY_BYTES + 4, this.#positions[entry]!)
    }
    return bytes
  }

  /**
   * Undefined when the content cannot be an index of a segment of `segmentBytes`. Zeros at the
   * end, of a file that Apache Kafka preallocated, are not entries.
   */
  static decode(bytes: Uint8Array, baseOffset: number, segmentBytes: number) {
    if (bytes.length % OFFSET_INDEX_ENTRY_BYTES !== 0) return undefined
    const view = dataViewOf(bytes)
    let count = bytes.length / OFFSET_INDEX_ENTRY_BYTES
    while (count > 0 && isZero(view, (count - 1) * OFFSET_INDEX_ENTRY_BYTES)) count--
    const relativeOffsets = new Int32Array(count)
    const positions = new Int32Array(count)
    for (let entry = 0; entry < count; entry++) {
      const relativeOffset = view.getInt32(entry * OFFSET_INDEX_ENTRY_BYTES)
      const position = view.getInt32(entry * OFFSET_INDEX_ENTRY_BYTES + 4)
      const grows =
        entry === 0
          ? relativeOffset >= 0 && position >= 0
          : relativeOffset > relativeOffsets[entry - 1]! && position > positions[entry - 1]!
      if (!grows || position >= segmentBytes) return undefined
      relativeOffsets[entry] = relativeOffset
      positions[entry] = position
    }
    return new OffsetIndex(baseOffset, relativeOffsets, positions)
  }

  #grow(): void {
    const length = Math.max(8, this.#count * 2)
    this.#relativeOffsets = grown(this.#relativeOffsets, length)
    this.#positions = grown(this.#positions, length)
  }
}

function isZero(view: DataView, at: number): boolean {
  return view.getInt32(at) === 0 && view.getInt32(at + 4) === 0
}

function grown(values: Int32Array, length: number): Int32Array {
  const copy = new Int32Array(length)
  copy.set(values)
  return copy
}
