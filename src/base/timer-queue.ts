import type { Cancel, Clock } from './clock.ts'

/** A pending callback. Held by whoever may want to cancel it. */
export interface Timer {
  readonly atMs: number
  /** Cleared once cancelled or fired, so that what it holds can be freed before its turn comes. */
  callback: (() => void) | undefined
}

/**
 * All timers of one broker over one timer of the clock: a binary heap by due time. Cancelling
 * marks the entry; cancelled entries are swept once they are the majority, so 100,000 sessions
 * that are renewed on every heartbeat stay bounded by the number of live ones.
 */
export class TimerQueue {
  readonly #clock: Clock
  #heap: Timer[] = []
  #cancelledCount = 0
  #armedAtMs = Number.POSITIVE_INFINITY
  #disarm: Cancel | undefined
  #closed = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs `callback` at `atMs` (wall clock milliseconds) or as soon after as the loop allows. */
  at(atMs: number, callback: () => void): Timer {
    const timer: Timer = { atMs, callback }
    if (this.#closed) return timer
    this.#heap.push(timer)
    this.#siftUp(this.#heap.length - 1)
    if (atMs < this.#armedAtMs) this.#arm()
    return timer
  }

  after(delayMs: number, callback: () => void): Timer {
    return this.at(this.#clock.nowMs() + delayMs, callback)
  }

  cancel(timer: Timer): void {
    if (!timer.callback) return
    timer.callback = undefined
    this.#cancelledCount++
    if (this.#cancelledCount > 64 && this.#cancelledCount * 2 > this.#heap.length) this.#sweep()
  }

  /** Timers waiting, without the cancelled ones. */
  get size(): number {
    return this.#heap.length - this.#cancelledCount
  }

  /** Drops every timer; later ones are accepted and never run. */
  close(): void {
    this.#closed = true
    this.#heap = []
    this.#cancelledCount = 0
    this.#disarm?.()
  }

  #arm(): void {
    const first = this.#heap[0]
    this.#disarm?.()
    this.#disarm = undefined
    this.#armedAtMs = Number.POSITIVE_INFINITY
    if (!first) return
    this.#armedAtMs = first.atMs
    this.#disarm = this.#clock.schedule(first.atMs - this.#clock.nowMs(), () => this.#fire())
  }

  #fire(): void {
    this.#armedAtMs = Number.POSITIVE_INFINITY
    const nowMs = this.#clock.nowMs()
    for (;;) {
      const first = this.#heap[0]
      if (!first || first.atMs > nowMs) break
      this.#removeFirst()
      const callback = first.callback
      if (!callback) {
        this.#cancelledCount--
        continue
      }
      first.callback = undefined
      callback()
    }
    this.#arm()
  }

  #removeFirst(): void {
    const last = this.#heap.pop()
    if (!last || this.#heap.length === 0) return
    this.#heap[0] = last
    this.#siftDown(0)
  }

  #sweep(): void {
    this.#heap = this.#heap.filter((timer) => timer.callback)
    this.#cancelledCount = 0
    for (let index = (this.#heap.length >> 1) - 1; index >= 0; index--) this.#siftDown(index)
  }

  #siftUp(start: number): void {
    const heap = this.#heap
    const timer = heap[start]!
    let index = start
    while (index > 0) {
      const parentIndex = (index - 1) >> 1
      const parent = heap[parentIndex]!
      if (parent.atMs <= timer.atMs) break
      heap[index] = parent
      index = parentIndex
    }
    heap[index] = timer
  }

  #siftDown(start: number): void {
    const heap = this.#heap
    const timer = heap[start]!
    let index = start
    for (;;) {
      let childIndex = 2 * index + 1
      if (childIndex >= heap.length) break
      const right = heap[childIndex + 1]
      if (right && right.atMs < heap[childIndex]!.atMs) childIndex++
      const child = heap[childIndex]!
      if (child.atMs >= timer.atMs) break
      heap[index] = child
      index = childIndex
    }
    heap[index] = timer
  }
}
