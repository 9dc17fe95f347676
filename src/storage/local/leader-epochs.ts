import type { EpochEntry } from './checkpoint-file.ts'

/** Which leader epoch began at which offset (reference: log-storage.md section 13). */
export class LeaderEpochs {
  #entries: EpochEntry[]

  constructor(entries: readonly EpochEntry[] = []) {
    this.#entries = [...entries]
  }

  get entries(): readonly EpochEntry[] {
    return this.#entries
  }

  get latest(): EpochEntry | undefined {
    return this.#entries.at(-1)
  }

  get earliest(): EpochEntry | undefined {
    return this.#entries[0]
  }

  /** True when there is something new to write. */
  assign(epoch: number, startOffset: number): boolean {
    const latest = this.latest
    if (latest && epoch <= latest.epoch && startOffset >= latest.startOffset) return false
    this.#entries = this.#entries.filter(
      (entry) => entry.epoch < epoch && entry.startOffset < startOffset,
    )
    this.#entries.push({ epoch, startOffset })
    return true
  }

  /** The log now ends at `endOffset`. True when something changed. */
  truncateFromEnd(endOffset: number): boolean {
    const before = this.#entries.length
    this.#entries = this.#entries.filter((entry) => entry.startOffset < endOffset)
    return this.#entries.length !== before
  }

  /** The log now starts at `startOffset`; the epoch in force there begins there. */
  truncateFromStart(startOffset: number): boolean {
    const kept = this.#entries.filter((entry) => entry.startOffset > startOffset)
    const inForce = this.#entries.findLast((entry) => entry.startOffset <= startOffset)
    if (!inForce || (inForce === this.#entries[0] && inForce.startOffset === startOffset)) {
      return false
    }
    this.#entries = [{ epoch: inForce.epoch, startOffset }, ...kept]
    return true
  }

  /** Answer of OffsetForLeaderEpoch; both -1 when the epoch is not known. */
  endOffset(epoch: number, logEndOffset: number): { epoch: number; endOffset: number } {
    const latest = this.latest
    if (epoch === -1 || !latest || epoch > latest.epoch) return { epoch: -1, endOffset: -1 }
    if (epoch === latest.epoch) return { epoch, endOffset: logEndOffset }
    const next = this.#entries.find((entry) => entry.epoch > epoch)!
    const known = this.#entries.findLast((entry) => entry.epoch <= epoch)
    return { epoch: known?.epoch ?? epoch, endOffset: next.startOffset }
  }
}
