import type { MetadataStore } from '../../storage/metadata-store.ts'

/** Ids that one durable record reserves at once. */
const BLOCK_SIZE = 1000

/**
 * Hands out producer ids. Blocks are reserved in the metadata log before their first id is given
 * away: an id is never issued twice, the rest of a block is lost with the process.
 */
export class ProducerIds {
  readonly #metadata: MetadataStore
  readonly #brokerId: number
  #next = 0
  #end = 0
  #reserving: Promise<void> | undefined

  constructor(metadata: MetadataStore, brokerId: number) {
    this.#metadata = metadata
    this.#brokerId = brokerId
  }

  next(): number | Promise<number> {
    return this.#next < this.#end ? this.#next++ : this.#nextOfNewBlock()
  }

  async #nextOfNewBlock(): Promise<number> {
    while (this.#next >= this.#end) {
      this.#reserving ??= this.#reserve().finally(() => {
        this.#reserving = undefined
      })
      await this.#reserving
    }
    return this.#next++
  }

  async #reserve(): Promise<void> {
    const first = this.#metadata.image.nextProducerId
    const end = first + BLOCK_SIZE
    await this.#metadata.commit([
      {
        type: 'ProducerIdsRecord',
        value: { brokerId: this.#brokerId, brokerEpoch: -1, nextProducerId: end },
      },
    ])
    this.#next = first
    this.#end = end
  }
}
