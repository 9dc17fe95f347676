/** A connection that must not read on until there is room. */
export interface MemoryWaiter {
  readOn(): void
}

/**
 * Bytes of requests that have come in but are not handled yet, over all connections. What has
 * been received is always taken in; then a connection stops reading while the limit is reached.
 * So that connections holding half a request each cannot wait for one another for ever, one of
 * them at a time may go past the limit until its request is complete.
 */
export class RequestMemory {
  readonly limitBytes: number
  #usedBytes = 0
  /** In the order in which they began to wait. */
  readonly #waiting = new Set<MemoryWaiter>()
  #overdraft: MemoryWaiter | undefined

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes
  }

  get usedBytes(): number {
    return this.#usedBytes
  }

  get exhausted(): boolean {
    return this.#usedBytes >= this.limitBytes
  }

  take(byteCount: number): void {
    this.#usedBytes += byteCount
  }

  give(byteCount: number): void {
    this.#usedBytes -= byteCount
    if (this.#waiting.size > 0) this.#wake()
  }

  /** Whether `waiter` may read on now; otherwise its `readOn` is called when it may. */
  mayRead(waiter: MemoryWaiter): boolean {
    if (!this.exhausted || this.#overdraft === waiter) return true
    if (!this.#overdraft) {
      this.#overdraft = waiter
      return true
    }
    this.#waiting.add(waiter)
    return false
  }

  /** `waiter` holds no part of a request any more. */
  done(waiter: MemoryWaiter): void {
    this.#waiting.delete(waiter)
    if (this.#overdraft !== waiter) return
    this.#overdraft = undefined
    this.#wake()
  }

  #wake(): void {
    for (const waiter of this.#waiting) {
      if (this.exhausted && this.#overdraft) return
      if (this.exhausted) this.#overdraft = waiter
      this.#waiting.delete(waiter)
      waiter.readOn()
    }
  }
}
