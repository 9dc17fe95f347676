import { ProtocolError } from './bytes/protocol-error.ts'

/** The int32 in front of every frame. */
export const FRAME_SIZE_BYTES = 4

/** A frame that is in pieces gets this at first: its size is only a claim. */
const FIRST_CAPACITY_BYTES = 16 * 1024
/** Then as much again, several times over, as has arrived. */
const GROWTH = 4

/** Gets `buffer[start, end)`, a frame without its size. The bytes are valid until it returns. */
export type FrameListener = (buffer: Buffer, start: number, end: number) => void

/**
 * Cuts a stream of bytes into frames, wherever the pieces end. A frame that lies within one piece
 * is handed on where it lies; only frames in several pieces are copied, into one buffer each that
 * grows with what arrives. For clients, proxies and tools; connections of the broker do the same
 * with pooled and counted memory (server/frame-assembler.ts).
 */
export class FrameSplitter {
  readonly #maxFrameBytes: number
  readonly #onFrame: FrameListener
  #sizeBytes = 0
  #size = 0
  #partial: Buffer | undefined
  #filled = 0

  constructor(maxFrameBytes: number, onFrame: FrameListener) {
    this.#maxFrameBytes = maxFrameBytes
    this.#onFrame = onFrame
  }

  /** The bytes end inside a frame: at the end of a connection, something is missing. */
  get isInsideFrame(): boolean {
    return this.#sizeBytes > 0
  }

  /**
   * Takes the next bytes; `buffer` may be reused once this returns. Throws ProtocolError for a size
   * that is negative or above the limit: nothing that follows can be made sense of.
   */
  push(buffer: Buffer, start = 0, end = buffer.length): void {
    let position = start
    while (position < end) {
      if (this.#sizeBytes < FRAME_SIZE_BYTES) {
        this.#size = (this.#size << 8) | buffer[position++]!
        if (++this.#sizeBytes < FRAME_SIZE_BYTES) continue
        this.#checkSize()
        if (this.#size === 0) this.#emit(buffer, position, position)
      } else if (this.#partial === undefined && end - position >= this.#size) {
        const frameEnd = position + this.#size
        this.#emit(buffer, position, frameEnd)
        position = frameEnd
      } else {
        position = this.#accumulate(buffer, position, end)
      }
    }
  }

  #checkSize(): void {
    const size = this.#size
    if (size < 0 || size > this.#maxFrameBytes) {
      throw new ProtocolError(`a frame of ${size} bytes: 0 to ${this.#maxFrameBytes} are allowed`)
    }
  }

  #accumulate(buffer: Buffer, start: number, end: number): number {
    const count = Math.min(end - start, this.#size - this.#filled)
    const partial = this.#reserve(this.#filled + count)
    buffer.copy(partial, this.#filled, start, start + count)
    this.#filled += count
    if (this.#filled === this.#size) {
      this.#partial = undefined
      this.#filled = 0
      this.#emit(partial, 0, this.#size)
    }
    return start + count
  }

  #reserve(byteCount: number): Buffer {
    const old = this.#partial
    if (old !== undefined && old.length >= byteCount) return old
    const capacity = Math.min(this.#size, Math.max(FIRST_CAPACITY_BYTES, GROWTH * byteCount))
    const grown = Buffer.allocUnsafeSlow(capacity)
    old?.copy(grown, 0, 0, this.#filled)
    this.#partial = grown
    return grown
  }

  #emit(buffer: Buffer, start: number, end: number): void {
    this.#sizeBytes = 0
    this.#size = 0
    this.#onFrame(buffer, start, end)
  }
}
