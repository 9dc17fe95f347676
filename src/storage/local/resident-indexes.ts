import type { Segment } from './segment.ts'

/**
 * Bounds the memory of indexes of segments that take no more batches: a large log has thousands of
 * them, and few are asked for. The ones longest in memory go first.
 */
export class ResidentIndexes {
  readonly #bytesMax: number
  readonly #sizes = new Map<Segment, number>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** The segment's indexes are in memory, in this many bytes. */
  add(segment: Segment, bytes: number): void {
    this.remove(segment)
    this.#sizes.set(segment, bytes)
    this.#bytes += bytes
    for (const oldest of this.#sizes.keys()) {
      if (this.#bytes <= this.#bytesMax || oldest === segment) return
      this.remove(oldest)
      oldest.unloadIndexes()
    }
  }

  remove(segment: Segment): void {
    this.#bytes -= this.#sizes.get(segment) ?? 0
    this.#sizes.delete(segment)
  }
}
