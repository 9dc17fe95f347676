import type { FileAccess, Files, OpenFile } from '../../storage/local/files.ts'

/** Whether what is written to a path finds no room now. */
export type IsFull = (path: string) => boolean

/**
 * Files on a disk that can be full for some of them. Only logs are written through `open`, so the
 * rest goes on as it does when the last free bytes are few.
 */
export class FullFiles implements Files {
  /** Undefined, the default, costs nothing. */
  isFull: IsFull | undefined
  readonly #files: Files

  constructor(files: Files) {
    this.#files = files
  }

  open(path: string, access: FileAccess): OpenFile {
    const file = this.#files.open(path, access)
    return access === 'read' ? file : new FullFile(file, path, this)
  }

  readFile(path: string) {
    return this.#files.readFile(path)
  }

  writeFile(path: string, content: Uint8Array | string): void {
    this.#files.writeFile(path, content)
  }

  stat(path: string) {
    return this.#files.stat(path)
  }

  list(directory: string) {
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

  lock(path: string) {
    return this.#files.lock(path)
  }

  space(path: string) {
    return this.#files.space(path)
  }
}

class FullFile implements OpenFile {
  readonly #file: OpenFile
  readonly #path: string
  readonly #disk: FullFiles

  constructor(file: OpenFile, path: string, disk: FullFiles) {
    this.#file = file
    this.#path = path
    this.#disk = disk
  }

  readSync(target: Uint8Array, position: number): number {
    return this.#file.readSync(target, position)
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#file.read(target, position)
  }

  writeSync(bytes: Uint8Array, position: number): void {
    this.#check()
    this.#file.writeSync(bytes, position)
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    this.#check()
    await this.#file.write(bytes, position)
  }

  writevSync(pieces: readonly Uint8Array[], position: number): void {
    this.#check()
    this.#file.writevSync(pieces, position)
  }

  #check(): void {
    const { isFull } = this.#disk
    if (!isFull?.(this.#path)) return
    const message = `ENOSPC: no space left on device, write '${this.#path}'`
    throw Object.assign(new Error(message), { code: 'ENOSPC', syscall: 'write' })
  }

  truncateSync(sizeBytes: number): void {
    this.#file.truncateSync(sizeBytes)
  }

  sizeBytes(): number {
    return this.#file.sizeBytes()
  }

  datasync(): Promise<void> {
    return this.#file.datasync()
  }

  close(): void {
    this.#file.close()
  }
}
