import type { Segment } from './segment.ts'

const HINTS_MAX = 8

interface Hint {
  offset: number
  segment: Segment
  position: number
}

/**
 * Where consumers will read next: the end of each of the last few reads. A consumer that reads on
 * from there needs neither index nor scan. Positions of a segment never change while it is open.
 */
export class PositionHints {
  #hints: Hint[] = []
  #next = 0

  find(offset: number): Hint | undefined {
    for (const hint of this.#hints) if (hint.offset === offset) return hint
    return undefined
  }

  put(offset: number, segment: Segment, position: number): void {
    const known = this.find(offset)
    if (known) {
      known.segment = segment
      known.position = position
      return
    }
    const hint = { offset, segment, position }
    if (this.#hints.length < HINTS_MAX) {
      this.#hints.push(hint)
      return
    }
    this.#hints[this.#next] = hint
    this.#next = (this.#next + 1) % HINTS_MAX
  }

  clear(): void {
    this.#hints = []
    this.#next = 0
  }
}
