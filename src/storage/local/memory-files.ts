import { assert } from '../../base/assert.ts'
import type { DirectoryEntry, FileAccess, FileLock, FileStat, Files, OpenFile } from './files.ts'

/** Content is kept in chunks, so that a growing file is not copied over and over. */
const CHUNK_BYTES = 64 * 1024
const FIRST_CHUNK_BYTES = 512

/** A file system in memory: the broker without a directory, and the base of crash tests. */
export class MemoryFiles implements Files {
  readonly #files = new Map<string, MemoryContent>()
  readonly #directories = new Set<string>([''])
  readonly #locks = new Set<string>()
  readonly #nowMs: () => number

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  open(path: string, access: FileAccess): OpenFile {
    let content = this.#files.get(path)
    if (!content) {
      if (access === 'read') throw systemError('ENOENT', 'open', path)
      content = this.#create(path)
    }
    return new MemoryFile(content, this.#nowMs)
  }

  readFile(path: string): Buffer | undefined {
    const content = this.#files.get(path)
    if (!content) return undefined
    const bytes = Buffer.alloc(content.sizeBytes)
    content.read(bytes, 0)
    return bytes
  }

  writeFile(path: string, text: Uint8Array | string): void {
    const content = this.#files.get(path) ?? this.#create(path)
    content.truncate(0)
    content.write(typeof text === 'string' ? Buffer.from(text) : text, 0)
    content.modifiedMs = this.#nowMs()
  }

  stat(path: string): FileStat | undefined {
    const content = this.#files.get(path)
    if (content) {
      return { sizeBytes: content.sizeBytes, modifiedMs: content.modifiedMs, kind: 'file' }
    }
    if (!this.#directories.has(path)) return undefined
    return { sizeBytes: 0, modifiedMs: 0, kind: 'directory' }
  }

  list(directory: string): DirectoryEntry[] {
    if (!this.#directories.has(directory)) throw systemError('ENOENT', 'scandir', directory)
    const prefix = `${directory}/`
    const isChild = (path: string) =>
      path.startsWith(prefix) && path.indexOf('/', prefix.length) < 0 && path !== prefix
    const named = (kind: DirectoryEntry['kind']) => (path: string) => ({
      name: path.slice(prefix.length),
      kind,
    })
    return [
      ...[...this.#files.keys()].filter(isChild).map(named('file')),
      ...[...this.#directories].filter(isChild).map(named('directory')),
    ]
  }

  makeDirectory(path: string): void {
    if (this.#files.has(path)) throw systemError('EEXIST', 'mkdir', path)
    for (let end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1)) {
      this.#directories.add(path.slice(0, end))
    }
    this.#directories.add(path)
  }

  rename(from: string, to: string): void {
    const content = this.#files.get(from)
    if (content) {
      this.#wantParent(to, 'rename')
      this.#files.delete(from)
      this.#files.set(to, content)
      return
    }
    if (!this.#directories.has(from)) throw systemError('ENOENT', 'rename', from)
    this.#moveDirectory(from, to)
  }

  #moveDirectory(from: string, to: string): void {
    const prefix = `${from}/`
    this.#directories.delete(from)
    this.#directories.add(to)
    for (const path of [...this.#directories]) {
      if (!path.startsWith(prefix)) continue
      this.#directories.delete(path)
      this.#directories.add(to + path.slice(from.length))
    }
    for (const [path, content] of [...this.#files]) {
      if (!path.startsWith(prefix)) continue
      this.#files.delete(path)
      this.#files.set(to + path.slice(from.length), content)
    }
  }

  removeFile(path: string): void {
    this.#files.delete(path)
  }

  removeDirectory(path: string): void {
    const prefix = `${path}/`
    this.#directories.delete(path)
    for (const one of [...this.#directories]) {
      if (one.startsWith(prefix)) this.#directories.delete(one)
    }
    for (const one of [...this.#files.keys()]) {
      if (one.startsWith(prefix)) this.#files.delete(one)
    }
  }

  async syncDirectory(_path: string): Promise<void> {}

  setModifiedMs(path: string, modifiedMs: number): void {
    const content = this.#files.get(path)
    if (content) content.modifiedMs = modifiedMs
  }

  lock(path: string): FileLock | undefined {
    if (this.#locks.has(path)) return undefined
    this.#locks.add(path)
    return { writesSurvived: true, release: () => void this.#locks.delete(path) }
  }

  space() {
    return { totalBytes: Number.MAX_SAFE_INTEGER, usableBytes: Number.MAX_SAFE_INTEGER }
  }

  #create(path: string): MemoryContent {
    this.#wantParent(path, 'open')
    const content = new MemoryContent(this.#nowMs())
    this.#files.set(path, content)
    return content
  }

  #wantParent(path: string, operation: string): void {
    const parent = path.slice(0, path.lastIndexOf('/'))
    if (!this.#directories.has(parent)) throw systemError('ENOENT', operation, path)
  }
}

/** An error as the system's own, for what takes the place of a disk. */
export function systemError(code: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} '${path}'`), { code })
}

class MemoryFile implements OpenFile {
  readonly #content: MemoryContent
  readonly #nowMs: () => number

  constructor(content: MemoryContent, nowMs: () => number) {
    this.#content = content
    this.#nowMs = nowMs
  }

  readSync(target: Uint8Array, position: number): number {
    return this.#content.read(target, position)
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    return this.#content.read(target, position)
  }

  writeSync(bytes: Uint8Array, position: number): void {
    this.#content.write(bytes, position)
    this.#content.modifiedMs = this.#nowMs()
  }

  writevSync(pieces: readonly Uint8Array[], position: number): void {
    let at = position
    for (const piece of pieces) {
      this.#content.write(piece, at)
      at += piece.length
    }
    this.#content.modifiedMs = this.#nowMs()
  }

  truncateSync(sizeBytes: number): void {
    this.#content.truncate(sizeBytes)
  }

  sizeBytes(): number {
    return this.#content.sizeBytes
  }

  async datasync(): Promise<void> {}

  close(): void {}
}

class MemoryContent {
  sizeBytes = 0
  modifiedMs: number
  /** All but the first are full size; the first grows by doubling, as most files stay small. */
  #chunks: Uint8Array[] = []

  constructor(modifiedMs: number) {
    this.modifiedMs = modifiedMs
  }

  read(target: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(target.length, this.sizeBytes - position))
    for (let done = 0; done < count; ) {
      const at = position + done
      const start = at % CHUNK_BYTES
      const length = Math.min(count - done, CHUNK_BYTES - start)
      const chunk = this.#chunks[Math.floor(at / CHUNK_BYTES)]
      assert(chunk !== undefined, 'a chunk for every byte of the file')
      target.set(chunk.subarray(start, start + length), done)
      done += length
    }
    return count
  }

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length
    this.#grow(end)
    for (let done = 0; done < bytes.length; ) {
      const at = position + done
      const start = at % CHUNK_BYTES
      const length = Math.min(bytes.length - done, CHUNK_BYTES - start)
      this.#chunks[Math.floor(at / CHUNK_BYTES)]!.set(bytes.subarray(done, done + length), start)
      done += length
    }
    this.sizeBytes = Math.max(this.sizeBytes, end)
  }

  truncate(sizeBytes: number): void {
    this.#grow(sizeBytes)
    this.#chunks.length = Math.ceil(sizeBytes / CHUNK_BYTES)
    // What a later, longer size uncovers must read as zeros.
    this.#chunks.at(-1)?.fill(0, sizeBytes - (this.#chunks.length - 1) * CHUNK_BYTES)
    this.sizeBytes = sizeBytes
  }

  #grow(sizeBytes: number): void {
    const first = this.#chunks[0]
    const wanted = Math.min(sizeBytes, CHUNK_BYTES)
    if (sizeBytes > 0 && (!first || first.length < wanted)) {
      let length = first?.length ?? FIRST_CHUNK_BYTES
      while (length < wanted) length *= 2
      const grown = new Uint8Array(length)
      if (first) grown.set(first)
      this.#chunks[0] = grown
    }
    while (this.#chunks.length * CHUNK_BYTES < sizeBytes) {
      this.#chunks.push(new Uint8Array(CHUNK_BYTES))
    }
  }
}
