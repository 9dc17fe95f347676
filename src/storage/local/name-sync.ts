import type { Files } from './files.ts'
import { GroupSync } from './group-sync.ts'

/** Makes the names in one directory durable, once for all who changed some meanwhile. */
export class NameSync {
  #changeCount = 0
  readonly #sync: GroupSync

  constructor(files: Files, directory: string) {
    this.#sync = new GroupSync(async () => {
      const covered = this.#changeCount
      await files.syncDirectory(directory)
      return covered
    })
  }

  /** A name came, went or changed. Returns what to hand to `upTo`. */
  changed(): number {
    this.#changeCount++
    return this.#changeCount
  }

  upTo(change: number): Promise<void> {
    return this.#sync.upTo(change)
  }
}
