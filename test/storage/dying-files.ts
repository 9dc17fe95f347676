import { writeSync } from 'node:fs'
import type { FileAccess, OpenFile } from '../../src/storage/local/files.ts'
import { NodeFiles } from '../../src/storage/local/node-files.ts'

/**
 * The disk of a process that kills itself at a chosen change to it: before the call, or with half
 * of a write done.
 */
export class DyingFiles extends NodeFiles {
  readonly #dieAt: number
  callCount = 0

  constructor(dieAt: number) {
    super()
    this.#dieAt = dieAt
  }

  /** To be called before every change; `half` does a part of it first. */
  step(half: () => void = () => undefined): void {
    this.callCount++
    if (this.callCount !== this.#dieAt) return
    half()
    process.kill(process.pid, 'SIGKILL')
    // The signal may take its time, and nothing more must be done.
    for (;;) writeSync(2, '')
  }

  override open(path: string, access: FileAccess): OpenFile {
    if (access === 'write') this.step()
    return new DyingFile(this, super.open(path, access))
  }

  override writeFile(path: string, content: Uint8Array | string): void {
    const bytes = Buffer.from(content)
    this.step(() => super.writeFile(path, bytes.subarray(0, bytes.length >> 1)))
    super.writeFile(path, content)
  }

  override makeDirectory(path: string): void {
    this.step()
    super.makeDirectory(path)
  }

  override rename(from: string, to: string): void {
    this.step()
    super.rename(from, to)
  }

  override removeFile(path: string): void {
    this.step()
    super.removeFile(path)
  }

  override removeDirectory(path: string): void {
    this.step()
    super.removeDirectory(path)
  }

  override async syncDirectory(path: string): Promise<void> {
    this.step()
    await super.syncDirectory(path)
  }
}

class DyingFile implements OpenFile {
  readonly #files: DyingFiles
  readonly #file: OpenFile

  constructor(files: DyingFiles, file: OpenFile) {
    this.#files = files
    this.#file = file
  }

  readSync(target: Uint8Array, position: number): number {
    return this.#file.readSync(target, position)
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#file.read(target, position)
  }

  writeSync(bytes: Uint8Array, position: number): void {
    const half = bytes.subarray(0, bytes.length >> 1)
    this.#files.step(() => this.#file.writeSync(half, position))
    this.#file.writeSync(bytes, position)
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    this.writeSync(bytes, position)
  }

  writevSync(pieces: readonly Uint8Array[], position: number): void {
    this.writeSync(Buffer.concat(pieces), position)
  }

  truncateSync(sizeBytes: number): void {
    this.#files.step()
    this.#file.truncateSync(sizeBytes)
  }

  sizeBytes(): number {
    return this.#file.sizeBytes()
  }

  async datasync(): Promise<void> {
    this.#files.step()
    await this.#file.datasync()
  }

  close(): void {
    this.#file.close()
  }
}
