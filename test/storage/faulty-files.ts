import type {
  DirectoryEntry,
  FileAccess,
  FileLock,
  Files,
  OpenFile,
} from '../../src/storage/local/files.ts'
import { systemError } from '../../src/storage/local/memory-files.ts'

/** A disk that fails when it is told to, over another one that does the work. */
export class FaultyFiles implements Files {
  readonly #files: Files
  /** Bytes that can still be written before the disk is full. */
  bytesLeft = Number.POSITIVE_INFINITY
  /** System error code that every write of records fails with. */
  writeError: string | undefined
  /** The same for small files that hold something. */
  writeFileError: string | undefined
  readError: string | undefined
  syncError: string | undefined
  truncateError: string | undefined
  syncCount = 0
  /** Of records: one call counts once, however many pieces it writes. */
  writeCount = 0
  readonly #held: (() => void)[] = []
  #holdsSyncs = false

  constructor(files: Files) {
    this.#files = files
  }

  /** Large reads wait from now on until the promise resolves. */
  readGate: Promise<void> | undefined

  /** Syncs wait from now on until `letSyncsGo`. */
  holdSyncs(): void {
    this.#holdsSyncs = true
  }

  letSyncsGo(): void {
    this.#holdsSyncs = false
    for (const go of this.#held.splice(0)) go()
  }

  async sync(path: string): Promise<void> {
    this.syncCount++
    if (this.#holdsSyncs) await new Promise<void>((resolve) => this.#held.push(resolve))
    if (this.syncError !== undefined) throw systemError(this.syncError, 'fdatasync', path)
  }

  open(path: string, access: FileAccess): OpenFile {
    return new FaultyFile(this, this.#files.open(path, access), path)
  }

  readFile(path: string): Buffer | undefined {
    return this.#files.readFile(path)
  }

  writeFile(path: string, content: Uint8Array | string): void {
    const length = Buffer.byteLength(content)
    if (this.writeFileError !== undefined && length > 0) {
      throw systemError(this.writeFileError, 'write', path)
    }
    if (length > this.bytesLeft) {
      // The old content is gone, and what fits of the new one is there.
      this.#files.writeFile(path, Buffer.from(content).subarray(0, this.bytesLeft))
      this.bytesLeft = 0
      throw systemError('ENOSPC', 'write', path)
    }
    this.bytesLeft -= length
    this.#files.writeFile(path, content)
  }

  stat(path: string) {
    return this.#files.stat(path)
  }

  list(directory: string): readonly DirectoryEntry[] {
    return this.#files.list(directory)
  }

  makeDirectory(path: string): void {
    this.#files.makeDirectory(path)
  }

  rename(from: string, to: string): void {
    this.#files.rename(from, to)
  }

  removeFile(path: string): void {
    this.#files.removeFile(path)
  }

  removeDirectory(path: string): void {
    this.#files.removeDirectory(path)
  }

  syncDirectory(path: string): Promise<void> {
    return this.#files.syncDirectory(path)
  }

  setModifiedMs(path: string, modifiedMs: number): void {
    this.#files.setModifiedMs(path, modifiedMs)
  }

  lock(path: string): Promise<FileLock | undefined> {
    return this.#files.lock(path)
  }

  space(path: string) {
    return this.#files.space(path)
  }
}

class FaultyFile implements OpenFile {
  readonly #files: FaultyFiles
  readonly #file: OpenFile
  readonly #path: string

  constructor(files: FaultyFiles, file: OpenFile, path: string) {
    this.#files = files
    this.#file = file
    this.#path = path
  }

  readSync(target: Uint8Array, position: number): number {
    if (this.#files.readError) throw systemError(this.#files.readError, 'read', this.#path)
    return this.#file.readSync(target, position)
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    if (this.#files.readError) throw systemError(this.#files.readError, 'read', this.#path)
    await this.#files.readGate
    return this.#file.read(target, position)
  }

  writeSync(bytes: Uint8Array, position: number): void {
    const { writeError, bytesLeft } = this.#files
    this.#files.writeCount++
    // A real disk writes what fits and then fails.
    const written = writeError === undefined ? bytes.length : bytes.length >> 1
    const fits = Math.min(written, bytesLeft)
    if (fits > 0) this.#file.writeSync(bytes.subarray(0, fits), position)
    this.#files.bytesLeft -= fits
    if (writeError !== undefined) throw systemError(writeError, 'write', this.#path)
    if (fits < bytes.length) throw systemError('ENOSPC', 'write', this.#path)
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    this.writeSync(bytes, position)
  }

  writevSync(pieces: readonly Uint8Array[], position: number): void {
    this.writeSync(Buffer.concat(pieces), position)
  }

  truncateSync(sizeBytes: number): void {
    const { truncateError } = this.#files
    if (truncateError) throw systemError(truncateError, 'ftruncate', this.#path)
    this.#file.truncateSync(sizeBytes)
  }

  sizeBytes(): number {
    return this.#file.sizeBytes()
  }

  async datasync(): Promise<void> {
    await this.#files.sync(this.#path)
    await this.#file.datasync()
  }

  close(): void {
    this.#file.close()
  }
}
