import { randomBytes } from 'node:crypto'
import { assert } from '../../base/assert.ts'
import { HASH_SECRET_BYTES, KeyHash } from './key-hash.ts'

/** As Kafka counts it: 16 bytes of hash and an offset. */
export const KEY_OFFSET_ENTRY_BYTES = 24
const HASH_WORDS = 4
/** Fuller than this a search takes too many steps. */
const LOAD_FACTOR_MAX = 0.95

export interface KeyOffsetMapOptions {
  /** log.cleaner.dedupe.buffer.size */
  readonly memoryBytes: number
  /** log.cleaner.io.buffer.load.factor */
  readonly loadFactor: number
  /** There cannot be more keys than this, so a map of fewer bytes will do. */
  readonly keysMax: number
  readonly secret?: Uint8Array
}

/**
 * The last offset of each key, in bounded memory (reference: log-storage.md section 9). Keys are
 * known by a hash of 128 bits that nobody can make collide without the secret, which is a new one
 * each time: two keys taken for one would lose a record.
 */
export class KeyOffsetMap {
  /** The end of what was mapped; -1 while it is empty. */
  latestOffset = -1
  readonly #slots: number
  readonly #keysMax: number
  readonly #hash: KeyHash
  readonly #hashes: Int32Array
  /** One more than the offset, so that 0 is a free slot. */
  readonly #nextOffsets: Float64Array
  #size = 0

  constructor(options: KeyOffsetMapOptions) {
    const { memoryBytes, loadFactor, keysMax } = options
    const load = Math.min(LOAD_FACTOR_MAX, Math.max(0.01, loadFactor))
    const slotsMax = Math.max(2, Math.floor(memoryBytes / KEY_OFFSET_ENTRY_BYTES))
    // Memory that is never touched costs nothing, so this only has to be no larger than sensible.
    this.#slots = Math.min(slotsMax, Math.ceil(keysMax / load) + 1)
    this.#keysMax = Math.max(1, Math.min(Math.floor(slotsMax * load), this.#slots - 1))
    this.#hash = new KeyHash(options.secret ?? randomBytes(HASH_SECRET_BYTES))
    this.#hashes = new Int32Array(this.#slots * HASH_WORDS)
    this.#nextOffsets = new Float64Array(this.#slots)
  }

  get size(): number {
    return this.#size
  }

  get isFull(): boolean {
    return this.#size >= this.#keysMax
  }

  /** The key `bytes[start, end)` is at `offset`, which is beyond all that were put before. */
  put(bytes: Uint8Array, start: number, end: number, offset: number): void {
    assert(!this.isFull, 'room for one more key')
    const slot = this.#find(bytes, start, end)
    if (this.#nextOffsets[slot] === 0) {
      this.#hashes.set(this.#hash.words, slot * HASH_WORDS)
      this.#size++
    }
    this.#nextOffsets[slot] = offset + 1
    this.latestOffset = offset
  }

  /** -1 when the key is not here. */
  get(bytes: Uint8Array, start: number, end: number): number {
    return this.#nextOffsets[this.#find(bytes, start, end)]! - 1
  }

  /** Up to `offset` everything was looked at. */
  raiseLatestOffset(offset: number): void {
    if (offset > this.latestOffset) this.latestOffset = offset
  }

  /** Where the key is, or the free slot where it would be. */
  #find(bytes: Uint8Array, start: number, end: number): number {
    this.#hash.hash(bytes, start, end)
    const { words } = this.#hash
    const w0 = words[0]!
    const w1 = words[1]!
    const w2 = words[2]!
    const w3 = words[3]!
    const hashes = this.#hashes
    let slot = Math.floor(((w0 >>> 0) / 0x1_0000_0000) * this.#slots)
    while (this.#nextOffsets[slot] !== 0) {
      const at = slot * HASH_WORDS
      if (
        hashes[at] === w0 &&
        hashes[at + 1] === w1 &&
        hashes[at + 2] === w2 &&
        hashes[at + 3] === w3
      ) {
        return slot
      }
      slot++
      if (slot === this.#slots) slot = 0
    }
    return slot
  }
}
