/** Smallest buffer that is kept: below this a fresh one costs next to nothing (16 KB: 2 us). */
const MIN_SHIFT = 14
/** Largest: 16 MiB. Fresh 1 MB buffers cost thirty times a pooled one (page faults). */
const MAX_SHIFT = 24

/**
 * Buffers of power-of-two sizes for what outlives a socket's read callback: parts of requests,
 * responses that wait for the kernel. Holds at most `maxIdleBytes` that nobody uses.
 */
export class BufferPool {
  readonly #maxIdleBytes: number
  readonly #idle: Buffer[][] = []
  #idleBytes = 0

  constructor(maxIdleBytes = 64 * 1024 * 1024) {
    this.#maxIdleBytes = maxIdleBytes
    for (let shift = MIN_SHIFT; shift <= MAX_SHIFT; shift++) this.#idle.push([])
  }

  get idleBytes(): number {
    return this.#idleBytes
  }

  /** At least `minBytes` long, content undefined. */
  take(minBytes: number): Buffer {
    const shift = Math.max(MIN_SHIFT, 32 - Math.clz32(Math.max(1, minBytes) - 1))
    if (shift > MAX_SHIFT) return Buffer.allocUnsafeSlow(minBytes)
    const buffer = this.#idle[shift - MIN_SHIFT]!.pop()
    if (!buffer) return Buffer.allocUnsafeSlow(2 ** shift)
    this.#idleBytes -= buffer.byteLength
    return buffer
  }

  /** Of a buffer from `take`, once, when nothing looks at it any more. */
  give(buffer: Buffer): void {
    const shift = 31 - Math.clz32(buffer.byteLength)
    if (shift > MAX_SHIFT || 2 ** shift !== buffer.byteLength || shift < MIN_SHIFT) return
    if (this.#idleBytes + buffer.byteLength > this.#maxIdleBytes) return
    this.#idleBytes += buffer.byteLength
    this.#idle[shift - MIN_SHIFT]!.push(buffer)
  }
}
