import type { MetadataImage, MetadataRecord, MetadataStore } from '../storage/metadata-store.ts'

/** What a decision leads to: records to commit, and the answer once they are. */
export interface Decision<T> {
  readonly records: readonly MetadataRecord[]
  readonly result: T
}

/**
 * Changes of cluster metadata, one after the other: each is decided on the state that the one
 * before has left, also when a commit takes its time.
 */
export class MetadataWriter {
  readonly #store: MetadataStore
  #last: Promise<unknown> | undefined

  constructor(store: MetadataStore) {
    this.#store = store
  }

  get image(): MetadataImage {
    return this.#store.image
  }

  /** `decide` looks at the image and changes nothing. Rejects when the commit fails. */
  update<T>(decide: (image: MetadataImage) => Decision<T>): T | Promise<T> {
    if (!this.#last) return this.#run(decide)
    return this.#track(
      this.#last.then(
        () => this.#run(decide),
        () => this.#run(decide),
      ),
    )
  }

  #run<T>(decide: (image: MetadataImage) => Decision<T>): T | Promise<T> {
    const { records, result } = decide(this.#store.image)
    if (records.length === 0) return result
    const committed = this.#store.commit(records)
    return committed instanceof Promise ? this.#track(committed.then(() => result)) : result
  }

  #track<T>(work: Promise<T>): Promise<T> {
    this.#last = work
    const forget = () => {
      if (this.#last === work) this.#last = undefined
    }
    work.then(forget, forget)
    return work
  }
}
