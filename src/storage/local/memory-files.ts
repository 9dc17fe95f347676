import { assert } from '../../base/assert.ts'
import {
  type DirectoryEntry,
  type FileAccess,
  type FileLock,
  type FileStat,
  type Files,
  nameOf,
  type OpenFile,
  parentOf,
} from './files.ts'

/** Content is kept in chunks, so that a growing file is not copied over and over. */
const CHUNK_BYTES = 64 * 1024
const FIRST_CHUNK_BYTES = 512

/** What a name in a directory stands for; directories themselves are found by their path. */
type Node = MemoryContent | 'directory'

/** A file system in memory: the broker without a directory, and the base of crash tests. */
export class MemoryFiles implements Files {
  readonly #directories = new Map<string, Map<string, Node>>([['', new Map()]])
  readonly #locks = new Set<string>()
  readonly #nowMs: () => number

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  open(path: string, access: FileAccess): OpenFile {
    const content = this.#content(path)
    if (!content && access === 'read') throw systemError('ENOENT', 'open', path)
    return new MemoryFile(content ?? this.#create(path), this.#nowMs)
  }

  readFile(path: string): Buffer | undefined {
    const content = this.#content(path)
    if (!content) return undefined
    const bytes = Buffer.alloc(content.sizeBytes)
    content.read(bytes, 0)
    return bytes
  }

  writeFile(path: string, text: Uint8Array | string): void {
    const content = this.#content(path) ?? this.#create(path)
    content.truncate(0)
    content.write(typeof text === 'string' ? Buffer.from(text) : text, 0)
    content.modifiedMs = this.#nowMs()
  }

  stat(path: string): FileStat | undefined {
    const node = this.#node(path)
    if (node === 'directory') return { sizeBytes: 0, modifiedMs: 0, kind: 'directory' }
    return node && { sizeBytes: node.sizeBytes, modifiedMs: node.modifiedMs, kind: 'file' }
  }

  list(directory: string): DirectoryEntry[] {
    return [...this.#children(directory, 'scandir')].map(([name, node]) => ({
      name,
      kind: node === 'directory' ? 'directory' : 'file',
    }))
  }

  makeDirectory(path: string): void {
    if (this.#directories.has(path)) return
    const parent = parentOf(path)
    this.makeDirectory(parent)
    if (this.#node(path)) throw systemError('EEXIST', 'mkdir', path)
    this.#children(parent, 'mkdir').set(nameOf(path), 'directory')
    this.#directories.set(path, new Map())
  }

  rename(from: string, to: string): void {
    const node = this.#node(from)
    if (!node) throw systemError('ENOENT', 'rename', from)
    const target = this.#children(parentOf(to), 'rename')
    this.#children(parentOf(from), 'rename').delete(nameOf(from))
    target.set(nameOf(to), node)
    if (node === 'directory') this.#moveChildren(from, to)
  }

  #moveChildren(from: string, to: string): void {
    const children = this.#children(from, 'rename')
    this.#directories.delete(from)
    this.#directories.set(to, children)
    for (const [name, node] of children) {
      if (node === 'directory') this.#moveChildren(`${from}/${name}`, `${to}/${name}`)
    }
  }

  removeFile(path: string): void {
    this.#directories.get(parentOf(path))?.delete(nameOf(path))
  }

  removeDirectory(path: string): void {
    const children = this.#directories.get(path)
    if (!children) return
    for (const [name, node] of children) {
      if (node === 'directory') this.removeDirectory(`${path}/${name}`)
    }
    this.#directories.delete(path)
    this.removeFile(path)
  }

  async syncDirectory(_path: string): Promise<void> {}

  setModifiedMs(path: string, modifiedMs: number): void {
    const content = this.#content(path)
    if (content) content.modifiedMs = modifiedMs
  }

  async lock(path: string): Promise<FileLock | undefined> {
    if (this.#locks.has(path)) return undefined
    this.#locks.add(path)
    return { writesSurvived: true, release: () => void this.#locks.delete(path) }
  }

  space() {
    return { totalBytes: Number.MAX_SAFE_INTEGER, usableBytes: Number.MAX_SAFE_INTEGER }
  }

  #create(path: string): MemoryContent {
    const content = new MemoryContent(this.#nowMs())
    this.#children(parentOf(path), 'open').set(nameOf(path), content)
    return content
  }

  #node(path: string): Node | undefined {
    if (path === '') return 'directory'
    return this.#directories.get(parentOf(path))?.get(nameOf(path))
  }

  #content(path: string): MemoryContent | undefined {
    const node = this.#node(path)
    return node === 'directory' ? undefined : node
  }

  #children(directory: string, operation: string): Map<string, Node> {
    const children = this.#directories.get(directory)
    if (!children) throw systemError('ENOENT', operation, directory)
    return children
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

  async write(bytes: Uint8Array, position: number): Promise<void> {
    this.writeSync(bytes, position)
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
