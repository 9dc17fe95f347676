import { assert } from '../../base/assert.ts'
import type { BufferPool } from './buffer-pool.ts'

const BLOCK_BYTES_MIN = 16 * 1024
const BLOCK_BYTES_MAX = 1024 * 1024
/** A log whose tail nobody read for this many appended bytes keeps none. */
const UNREAD_BYTES_MAX = 4 * 1024 * 1024

/** Bytes of all tails together; the block that is oldest anywhere goes first. */
export class TailBudget {
  readonly buffers: BufferPool
  readonly #bytesMax: number
  readonly #blocks = new Map<TailBlock, LogTail>()
  #bytes = 0

  constructor(buffers: BufferPool, bytesMax: number) {
    this.buffers = buffers
    this.#bytesMax = bytesMax
  }

  add(block: TailBlock, tail: LogTail): void {
    this.#blocks.set(block, tail)
    this.#bytes += block.bytes.length
    for (const [oldest, owner] of this.#blocks) {
      if (this.#bytes <= this.#bytesMax || oldest === block) return
      owner.dropOldest()
    }
  }

  remove(block: TailBlock): void {
    if (this.#blocks.delete(block)) this.#bytes -= block.bytes.length
  }
}

/** Whole batches as they lie in the file from `position` on. */
class TailBlock {
  readonly bytes: Buffer
  readonly position: number
  length = 0
  readonly #buffers: BufferPool
  #references = 1

  constructor(buffers: BufferPool, sizeBytes: number, position: number) {
    this.#buffers = buffers
    this.bytes = buffers.acquire(sizeBytes)
    this.position = position
  }

  get end(): number {
    return this.position + this.length
  }

  retain(): void {
    this.#references++
  }

  release(): void {
    this.#references--
    assert(this.#references >= 0, 'a tail block to be released once per reference')
    if (this.#references === 0) this.#buffers.release(this.bytes)
  }
}

/** Bytes found in a tail; the reader releases them. */
export interface TailRead {
  readonly bytes: Uint8Array
  release(): void
}

/**
 * The last appended bytes of the active segment, for consumers that follow the log: they need no
 * system call. Filled only while someone reads there, so that a producer alone pays no copy.
 */
export class LogTail {
  readonly #budget: TailBudget
  #blocks: TailBlock[] = []
  #unreadBytesLeft = 0

  constructor(budget: TailBudget) {
    this.#budget = budget
  }

  /** Someone reads at the end of the log: what is appended from now on is worth keeping. */
  want(): void {
    this.#unreadBytesLeft = UNREAD_BYTES_MAX
  }

  append(bytes: Uint8Array, position: number): void {
    if (this.#unreadBytesLeft <= 0) return
    this.#unreadBytesLeft -= bytes.length
    if (this.#unreadBytesLeft <= 0) {
      this.clear()
      return
    }
    let block = this.#blocks.at(-1)
    if (block && block.end !== position) {
      this.clear()
      block = undefined
    }
    if (!block || block.length + bytes.length > block.bytes.length) {
      block = this.#addBlock(bytes.length, position, block)
    }
    block.bytes.set(bytes, block.length)
    block.length += bytes.length
  }

  #addBlock(sizeBytes: number, position: number, before: TailBlock | undefined): TailBlock {
    const grown = Math.min((before?.bytes.length ?? 0) * 2, BLOCK_BYTES_MAX)
    const block = new TailBlock(
      this.#budget.buffers,
      Math.max(BLOCK_BYTES_MIN, grown, sizeBytes),
      position,
    )
    this.#blocks.push(block)
    this.#budget.add(block, this)
    return block
  }

  /** Bytes [position, position + at most `maxBytes`); undefined when they are not here. */
  read(position: number, maxBytes: number): TailRead | undefined {
    const index = this.#blocks.findLastIndex((block) => block.position <= position)
    const block = this.#blocks[index]
    if (!block || position >= block.end) return undefined
    this.want()
    const available = this.#blocks.at(-1)!.end - position
    const length = Math.min(maxBytes, available)
    if (position + length > block.end) return this.#copy(index, position, length)
    block.retain()
    const start = position - block.position
    return {
      bytes: block.bytes.subarray(start, start + length),
      release: () => block.release(),
    }
  }

  #copy(from: number, position: number, length: number): TailRead {
    const { buffers } = this.#budget
    const target = buffers.acquire(length)
    let done = 0
    for (let index = from; done < length; index++) {
      const block = this.#blocks[index]!
      const start = position + done - block.position
      const part = block.bytes.subarray(start, Math.min(block.length, start + length - done))
      target.set(part, done)
      done += part.length
    }
    return { bytes: target.subarray(0, length), release: () => buffers.release(target) }
  }

  dropOldest(): void {
    const block = this.#blocks.shift()
    if (!block) return
    this.#budget.remove(block)
    block.release()
  }

  clear(): void {
    while (this.#blocks.length > 0) this.dropOldest()
  }
}
