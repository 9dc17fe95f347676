import type { BufferPool } from './buffer-pool.ts'
import type { RequestMemory } from './request-memory.ts'

/** The int32 in front of every frame. */
export const FRAME_HEADER_BYTES = 4

/** A buffer grows with the bytes that came in: a length alone allocates next to nothing. */
const FIRST_CAPACITY_BYTES = 16 * 1024
const GROWTH = 4

/**
 * Below this the rest of a frame is cheaper copied out of the shared receive buffer, which takes
 * following frames with the same system call.
 */
const DIRECT_READ_BYTES = 64 * 1024

/** Puts together one frame at a time of those that a read leaves incomplete. */
export class FrameAssembler {
  readonly #pool: BufferPool
  readonly #memory: RequestMemory
  #headerBytes = 0
  #size = 0
  #filled = 0
  #frame: Buffer | undefined

  constructor(pool: BufferPool, memory: RequestMemory) {
    this.#pool = pool
    this.#memory = memory
  }

  /** A frame has begun and its bytes are not all here. */
  get active(): boolean {
    return this.#headerBytes > 0
  }

  get hasSize(): boolean {
    return this.#headerBytes === FRAME_HEADER_BYTES
  }

  /** As the client says; meaningful once `hasSize`. */
  get size(): number {
    return this.#size
  }

  get complete(): boolean {
    return this.hasSize && this.#filled === this.#size
  }

  /** Takes bytes of the frame's size and returns the position after them. */
  pushHeader(buffer: Uint8Array, start: number, end: number): number {
    let position = start
    while (this.#headerBytes < FRAME_HEADER_BYTES && position < end) {
      this.#size = (this.#size << 8) | buffer[position++]!
      this.#headerBytes++
    }
    return position
  }

  /** Takes bytes of the frame, whose size is known and allowed, and returns the position after. */
  push(buffer: Uint8Array, start: number, end: number): number {
    const count = Math.min(end - start, this.#size - this.#filled)
    this.#reserve(this.#filled + count)
    this.#frame!.set(buffer.subarray(start, start + count), this.#filled)
    this.#filled += count
    return start + count
  }

  /** Where the next read may put the rest of a large frame; undefined: use the shared buffer. */
  readTarget(): Buffer | undefined {
    if (!this.#frame || this.#size - this.#filled < DIRECT_READ_BYTES) return undefined
    if (this.#filled === this.#frame.byteLength) this.#reserve(this.#filled + 1)
    return this.#frame.subarray(this.#filled, Math.min(this.#frame.byteLength, this.#size))
  }

  /** `count` bytes were read into `readTarget`. */
  advance(count: number): void {
    this.#filled += count
  }

  /** The complete frame, without its size. Valid until `reset`. */
  frame(): Buffer {
    this.#reserve(this.#size)
    return this.#frame!.subarray(0, this.#size)
  }

  reset(): void {
    const frame = this.detach()
    if (frame) this.#pool.give(frame)
  }

  /** `reset`, but the frame's buffer is the caller's, who gives it back to the pool. */
  detach(): Buffer | undefined {
    const frame = this.#frame
    if (frame) this.#memory.give(frame.byteLength)
    this.#frame = undefined
    this.#headerBytes = 0
    this.#size = 0
    this.#filled = 0
    return frame
  }

  #reserve(byteCount: number): void {
    const old = this.#frame
    if (old && old.byteLength >= byteCount) return
    const capacity = Math.min(this.#size, Math.max(FIRST_CAPACITY_BYTES, GROWTH * byteCount))
    const frame = this.#pool.take(capacity)
    this.#memory.take(frame.byteLength)
    if (old) {
      frame.set(old.subarray(0, this.#filled))
      this.#memory.give(old.byteLength)
      this.#pool.give(old)
    }
    this.#frame = frame
  }
}
