import type { FileAccess, Files, OpenFile } from './files.ts'

/** Far more than the four threads of the pool can work on. */
const PINS_MAX = 64

/**
 * Bounds how many segment files are open at once: 10,000 partitions must not need 10,000
 * descriptors. Files are opened on demand; the ones longest unused are closed (second chance).
 */
export class OpenFiles {
  readonly files: Files
  readonly #openMax: number
  /** In the order in which they come up for closing. */
  readonly #open = new Set<FileSlot>()
  #pinCount = 0
  readonly #waiting: (() => void)[] = []

  constructor(files: Files, openMax: number) {
    this.files = files
    this.#openMax = openMax
  }

  get openCount(): number {
    return this.#open.size
  }

  opened(slot: FileSlot): void {
    this.#open.add(slot)
    if (this.#open.size > this.#openMax) this.#closeSome(slot)
  }

  closed(slot: FileSlot): void {
    this.#open.delete(slot)
  }

  /** Files in use by the thread pool cannot be closed, so only so many are at a time. */
  pin(): Promise<void> | undefined {
    this.#pinCount++
    if (this.#pinCount <= PINS_MAX) return undefined
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  unpin(): void {
    this.#pinCount--
    this.#waiting.shift()?.()
  }

  #closeSome(opening: FileSlot): void {
    // Everything may be passed over once because it was used lately; then it is taken.
    let steps = this.#open.size * 2
    for (const slot of this.#open) {
      if (steps-- === 0 || this.#open.size <= this.#openMax) return
      if (slot === opening || slot.isPinned) continue
      if (slot.takeRecentUse()) {
        this.#open.delete(slot)
        this.#open.add(slot)
      } else {
        slot.close()
      }
    }
  }
}

/** One file that is open or can be opened again. */
export class FileSlot {
  path: string
  readonly #openFiles: OpenFiles
  #access: FileAccess = 'read'
  #file: OpenFile | undefined
  #pinCount = 0
  #isClosing = false
  /** Open at earlier paths, for work that began there. */
  #left: OpenFile[] = []
  #wasUsed = false

  constructor(openFiles: OpenFiles, path: string) {
    this.#openFiles = openFiles
    this.path = path
  }

  get isPinned(): boolean {
    return this.#pinCount > 0
  }

  /** The open file, for use before the next call of anything here. */
  get file(): OpenFile {
    this.#wasUsed = true
    if (this.#file) return this.#file
    this.#file = this.#openFiles.files.open(this.path, this.#access)
    this.#isClosing = false
    this.#openFiles.opened(this)
    return this.#file
  }

  /** From now on the file is opened for writing, and comes to be when it is not there. */
  makeWritable(): void {
    if (this.#access === 'write') return
    this.close()
    this.#access = 'write'
  }

  /** From now on one that is not there is an error. */
  makeReadOnly(): void {
    this.close()
    this.#access = 'read'
  }

  /** Keeps the file open over asynchronous work. */
  async withPin<T>(work: (file: OpenFile) => Promise<T>): Promise<T> {
    const turn = this.#openFiles.pin()
    this.#pinCount++
    try {
      if (turn) await turn
      return await work(this.file)
    } finally {
      this.#openFiles.unpin()
      this.#pinCount--
      if (this.#pinCount === 0) {
        if (this.#left.length > 0) this.#closeLeft()
        if (this.#isClosing) this.close()
      }
    }
  }

  #closeLeft(): void {
    for (const file of this.#left) file.close()
    this.#left = []
  }

  /** From now on it is the file at that path. Work under way ends with the one it has. */
  moveTo(path: string): void {
    if (this.#file && this.isPinned) {
      this.#left.push(this.#file)
      this.#file = undefined
      this.#isClosing = false
      this.#openFiles.closed(this)
    } else {
      this.close()
    }
    this.path = path
  }

  takeRecentUse(): boolean {
    const wasUsed = this.#wasUsed
    this.#wasUsed = false
    return wasUsed
  }

  /** At once, or when the work that pins it is done. It may be opened again. */
  close(): void {
    this.#isClosing = this.#pinCount > 0
    if (this.#isClosing || !this.#file) return
    const file = this.#file
    this.#file = undefined
    this.#openFiles.closed(this)
    file.close()
  }
}
