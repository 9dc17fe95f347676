/**
 * Group commit: one sync in flight, and everything asked for meanwhile rides on the next. Once a
 * sync has failed it fails for good: the kernel may have dropped the pages it could not write, so
 * a second try that succeeds would prove nothing.
 */
export class GroupSync {
  readonly #sync: () => Promise<number>
  #waiting: Waiting[] = []
  #isRunning = false
  #failure: unknown

  /** `sync` resolves to the offset below which everything is now durable. */
  constructor(sync: () => Promise<number>) {
    this.#sync = sync
  }

  /** Resolves when all below `offset` is durable; rejects when a sync failed. */
  upTo(offset: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure)
        return
      }
      this.#waiting.push({ offset, resolve, reject })
      if (!this.#isRunning) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    while (this.#waiting.length > 0) {
      try {
        const covered = await this.#sync()
        const served = this.#waiting.filter(({ offset }) => offset <= covered)
        this.#waiting = this.#waiting.filter(({ offset }) => offset > covered)
        for (const { resolve } of served) resolve()
      } catch (error) {
        this.#failure = error
        const failed = this.#waiting
        this.#waiting = []
        for (const { reject } of failed) reject(error)
      }
    }
    this.#isRunning = false
  }
}

interface Waiting {
  readonly offset: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}
