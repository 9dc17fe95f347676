import type {
  DirectoryEntry,
  FileAccess,
  FileLock,
  Files,
  OpenFile,
} from '../../src/storage/local/files.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'

const SECTOR_BYTES = 512

/** Everything that was done to the disk, in order. A node is what a name stands for. */
type Operation =
  | { kind: 'write'; node: number; position: number; bytes: Uint8Array }
  | { kind: 'truncate'; node: number; sizeBytes: number }
  /** Completed; covers what was written before operation `since`. */
  | { kind: 'sync'; node: number; since: number }
  | { kind: 'create'; directory: string; path: string; node: number }
  | { kind: 'makeDirectory'; directory: string; path: string }
  | { kind: 'rename'; directory: string; from: string; to: string }
  | { kind: 'remove'; directory: string; path: string }
  | { kind: 'syncDirectory'; directory: string; since: number }

/** How a crash image is chosen. */
export interface Crash {
  /** Operations before this one happened. */
  readonly operation: number
  /**
   * `process`: the process died in the middle of the last write, of which `chance` decides how many
   * bytes are there. `power`: of all that was not synced, chance decides sector by sector, and for
   * the names of each directory how far they got.
   */
  readonly kind: 'process' | 'power'
  readonly chance: () => number
  /** What the disk writes whole or not at all: 512 unless told. */
  readonly sectorBytes?: number
}

/** Memory files that remember every operation, so that any crash can be played afterwards. */
export class CrashFiles implements Files {
  readonly operations: Operation[] = []
  readonly #files: MemoryFiles
  readonly #nodes = new Map<string, number>()
  #nodeCount = 0
  /** A disk that says it synced and did not. */
  liesAboutSync = false

  constructor(nowMs: () => number) {
    this.#files = new MemoryFiles(nowMs)
  }

  open(path: string, access: FileAccess): OpenFile {
    const isNew = this.#files.stat(path) === undefined
    const file = this.#files.open(path, access)
    const node = isNew ? this.#create(path) : this.#nodeOf(path)
    return new CrashFile(this, node, file)
  }

  #create(path: string): number {
    const node = this.#nodeCount++
    this.#nodes.set(path, node)
    this.operations.push({ kind: 'create', directory: parentOf(path), path, node })
    return node
  }

  #nodeOf(path: string): number {
    const node = this.#nodes.get(path)
    if (node === undefined) throw new Error(`no node for ${path}`)
    return node
  }

  readFile(path: string): Buffer | undefined {
    return this.#files.readFile(path)
  }

  writeFile(path: string, content: Uint8Array | string): void {
    const isNew = this.#files.stat(path) === undefined
    this.#files.writeFile(path, content)
    const node = isNew ? this.#create(path) : this.#nodeOf(path)
    if (!isNew) this.operations.push({ kind: 'truncate', node, sizeBytes: 0 })
    this.operations.push({ kind: 'write', node, position: 0, bytes: Buffer.from(content) })
  }

  stat(path: string) {
    return this.#files.stat(path)
  }

  list(directory: string): readonly DirectoryEntry[] {
    return this.#files.list(directory)
  }

  makeDirectory(path: string): void {
    const isNew = this.#files.stat(path) === undefined
    this.#files.makeDirectory(path)
    if (!isNew) return
    this.operations.push({ kind: 'makeDirectory', directory: parentOf(path), path })
  }

  rename(from: string, to: string): void {
    this.#files.rename(from, to)
    for (const [path, node] of [...this.#nodes]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue
      this.#nodes.delete(path)
      this.#nodes.set(to + path.slice(from.length), node)
    }
    this.operations.push({ kind: 'rename', directory: parentOf(from), from, to })
  }

  removeFile(path: string): void {
    if (this.#files.stat(path) === undefined) return
    this.#files.removeFile(path)
    this.#nodes.delete(path)
    this.operations.push({ kind: 'remove', directory: parentOf(path), path })
  }

  removeDirectory(path: string): void {
    this.#files.removeDirectory(path)
    this.operations.push({ kind: 'remove', directory: parentOf(path), path })
  }

  async syncDirectory(directory: string): Promise<void> {
    const since = this.operations.length
    await Promise.resolve()
    if (this.liesAboutSync) return
    this.operations.push({ kind: 'syncDirectory', directory, since })
  }

  setModifiedMs(path: string, modifiedMs: number): void {
    this.#files.setModifiedMs(path, modifiedMs)
  }

  lock(path: string): Promise<FileLock | undefined> {
    return this.#files.lock(path)
  }

  space() {
    return this.#files.space()
  }

  /** What a machine would find after the crash. */
  imageAfter(crash: Crash): MemoryFiles {
    return new Image(this.operations, crash).build()
  }
}

class CrashFile implements OpenFile {
  readonly #files: CrashFiles
  readonly #node: number
  readonly #file: OpenFile

  constructor(files: CrashFiles, node: number, file: OpenFile) {
    this.#files = files
    this.#node = node
    this.#file = file
  }

  readSync(target: Uint8Array, position: number): number {
    return this.#file.readSync(target, position)
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#file.read(target, position)
  }

  writeSync(bytes: Uint8Array, position: number): void {
    this.#file.writeSync(bytes, position)
    const copy = Buffer.from(bytes)
    this.#files.operations.push({ kind: 'write', node: this.#node, position, bytes: copy })
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    this.writeSync(bytes, position)
  }

  writevSync(pieces: readonly Uint8Array[], position: number): void {
    this.writeSync(Buffer.concat(pieces), position)
  }

  truncateSync(sizeBytes: number): void {
    this.#file.truncateSync(sizeBytes)
    this.#files.operations.push({ kind: 'truncate', node: this.#node, sizeBytes })
  }

  sizeBytes(): number {
    return this.#file.sizeBytes()
  }

  async datasync(): Promise<void> {
    const since = this.#files.operations.length
    await Promise.resolve()
    if (this.#files.liesAboutSync) return
    this.#files.operations.push({ kind: 'sync', node: this.#node, since })
  }

  close(): void {
    this.#file.close()
  }
}

/** Replays operations up to a crash, leaving out what the crash took. */
class Image {
  readonly #operations: readonly Operation[]
  readonly #crash: Crash
  readonly #names = new Map<string, number>()
  readonly #directories = new Set<string>()
  readonly #contents = new Map<number, Buffer>()
  /** For each node and directory, the operation before which all is durable. */
  readonly #syncedNodes = new Map<number, number>()
  readonly #syncedDirectories = new Map<string, number>()
  /** Directories whose names got no further. */
  readonly #stopped = new Set<string>()

  constructor(operations: readonly Operation[], crash: Crash) {
    this.#operations = operations.slice(0, crash.operation)
    this.#crash = crash
  }

  build(): MemoryFiles {
    this.#findSynced()
    this.#operations.forEach((operation, index) => {
      this.#apply(operation, index)
    })
    const files = new MemoryFiles(() => 1_000)
    for (const directory of this.#directories) {
      if (this.#directories.has('/data')) files.makeDirectory(directory)
    }
    for (const [path, node] of this.#names) {
      if (!this.#directories.has(parentOf(path)) || !this.#directories.has('/data')) continue
      files.writeFile(path, this.#contents.get(node) ?? Buffer.alloc(0))
    }
    return files
  }

  #findSynced(): void {
    for (const operation of this.#operations) {
      if (operation.kind === 'sync') this.#syncedNodes.set(operation.node, operation.since)
      if (operation.kind === 'syncDirectory') {
        this.#syncedDirectories.set(operation.directory, operation.since)
      }
    }
  }

  #apply(operation: Operation, index: number): void {
    switch (operation.kind) {
      case 'write':
        this.#write(operation, index)
        return
      case 'truncate': {
        const isLost =
          this.#crash.kind === 'power' &&
          index >= (this.#syncedNodes.get(operation.node) ?? 0) &&
          this.#crash.chance() < 0.3
        if (!isLost) this.#resize(operation.node, operation.sizeBytes)
        return
      }
      case 'sync':
      case 'syncDirectory':
        return
      default:
        if (this.#nameSurvives(operation.directory, index)) this.#applyName(operation)
    }
  }

  #write({ node, position, bytes }: Operation & { kind: 'write' }, index: number): void {
    const { kind, chance } = this.#crash
    if (kind === 'process') {
      const isLast = index === this.#operations.length - 1
      const length = isLast ? Math.floor(chance() * (bytes.length + 1)) : bytes.length
      this.#put(node, position, bytes.subarray(0, length))
      return
    }
    if (index < (this.#syncedNodes.get(node) ?? 0)) {
      this.#put(node, position, bytes)
      return
    }
    // Pages reach the disk in any order; the size may be there without the data.
    const { sectorBytes = SECTOR_BYTES } = this.#crash
    const survival = chance()
    const end = position + bytes.length
    for (let at = position; at < end; ) {
      const next = Math.min(end, (Math.floor(at / sectorBytes) + 1) * sectorBytes)
      const sector = bytes.subarray(at - position, next - position)
      if (chance() < survival) this.#put(node, at, sector)
      else if (chance() < 0.5) this.#put(node, at, Buffer.alloc(sector.length))
      at = next
    }
  }

  #put(node: number, position: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const content = this.#contents.get(node) ?? Buffer.alloc(0)
    const grown = Buffer.alloc(Math.max(content.length, position + bytes.length))
    grown.set(content)
    grown.set(bytes, position)
    this.#contents.set(node, grown)
  }

  #resize(node: number, sizeBytes: number): void {
    const content = this.#contents.get(node) ?? Buffer.alloc(0)
    const resized = Buffer.alloc(sizeBytes)
    resized.set(content.subarray(0, sizeBytes))
    this.#contents.set(node, resized)
  }

  #nameSurvives(directory: string, index: number): boolean {
    if (this.#crash.kind === 'process') return true
    if (index < (this.#syncedDirectories.get(directory) ?? 0)) return true
    if (this.#crash.chance() < 0.2) this.#stopped.add(directory)
    return !this.#stopped.has(directory)
  }

  #applyName(operation: Operation): void {
    switch (operation.kind) {
      case 'create':
        this.#names.set(operation.path, operation.node)
        return
      case 'makeDirectory':
        this.#directories.add(operation.path)
        return
      case 'remove':
        this.#names.delete(operation.path)
        this.#directories.delete(operation.path)
        return
      case 'rename':
        this.#rename(operation.from, operation.to)
        return
    }
  }

  #rename(from: string, to: string): void {
    for (const [path, node] of [...this.#names]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue
      this.#names.delete(path)
      this.#names.set(to + path.slice(from.length), node)
    }
    if (this.#directories.delete(from)) this.#directories.add(to)
  }
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

/** A small generator (mulberry32), so that a failing image can be made again from its seed. */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
