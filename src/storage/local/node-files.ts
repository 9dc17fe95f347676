import fs from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout } from '../../base/event-loop.ts'
import type { DirectoryEntry, FileAccess, FileKind, FileLock, Files, OpenFile } from './files.ts'
import { systemErrorCode } from './files.ts'

const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700
const LOCK_STEP_MS = 25
/** Removing a segment of 1 GiB takes the system a tenth of a second; one of this size, none. */
const LARGE_BYTES = 1024 * 1024
const scratch = Buffer.alloc(4096)
// Windows has no such flag, and no symbolic links without special rights either.
const NO_FOLLOW = fs.constants.O_NOFOLLOW ?? 0

/** The disk, through node:fs. Symbolic links inside the data directory are refused (ELOOP). */
export class NodeFiles implements Files {
  readonly #lockWaitMs: number
  /** Large files that have no name any more, as far as they are not closed. */
  readonly #removed: number[] = []

  /** `lockWaitMs`: how long an owner that lives is waited for, as it may be about to die. */
  constructor({ lockWaitMs = 3_000 }: { readonly lockWaitMs?: number } = {}) {
    this.#lockWaitMs = lockWaitMs
  }

  open(path: string, access: FileAccess): OpenFile {
    const flags =
      access === 'write' ? fs.constants.O_RDWR | fs.constants.O_CREAT : fs.constants.O_RDONLY
    return new NodeFile(fs.openSync(path, flags | NO_FOLLOW, FILE_MODE))
  }

  readFile(path: string): Buffer | undefined {
    let descriptor: number
    try {
      descriptor = fs.openSync(path, fs.constants.O_RDONLY | NO_FOLLOW)
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return undefined
      throw error
    }
    try {
      // A start reads thousands of tiny files: one read tells for most of them.
      const count = fs.readSync(descriptor, scratch, 0, scratch.length, 0)
      if (count < scratch.length) return Buffer.from(scratch.subarray(0, count))
      return fs.readFileSync(descriptor)
    } finally {
      fs.closeSync(descriptor)
    }
  }

  writeFile(path: string, content: Uint8Array | string): void {
    const { O_WRONLY, O_CREAT, O_TRUNC } = fs.constants
    const descriptor = fs.openSync(path, O_WRONLY | O_CREAT | O_TRUNC | NO_FOLLOW, FILE_MODE)
    try {
      if (content.length > 0) fs.writeFileSync(descriptor, content)
    } finally {
      fs.closeSync(descriptor)
    }
  }

  stat(path: string) {
    const stat = fs.lstatSync(path, { throwIfNoEntry: false })
    return stat && { sizeBytes: stat.size, modifiedMs: stat.mtimeMs, kind: kindOf(stat) }
  }

  list(directory: string): DirectoryEntry[] {
    return fs
      .readdirSync(directory, { withFileTypes: true })
      .map((entry) => ({ name: entry.name, kind: kindOf(entry) }))
  }

  /** Step by step: Node's own way of making parents runs for ever where a file system makes none. */
  makeDirectory(path: string): void {
    if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
    const parent = dirname(path)
    if (parent !== path) this.makeDirectory(parent)
    try {
      fs.mkdirSync(path, { mode: DIRECTORY_MODE })
    } catch (error) {
      // Someone else was faster, or it is a file and says so when it is used.
      if (systemErrorCode(error) !== 'EEXIST') throw error
    }
  }

  rename(from: string, to: string): void {
    fs.renameSync(from, to)
  }

  removeFile(path: string): void {
    this.#removeHolding([path], () => fs.rmSync(path, { force: true }))
  }

  removeDirectory(path: string): void {
    const names = fs.existsSync(path) ? fs.readdirSync(path) : []
    const paths = names.map((name) => `${path}/${name}`)
    this.#removeHolding(paths, () => fs.rmSync(path, { force: true, recursive: true }))
  }

  /**
   * Removes the names at once. The blocks of a large file go when nobody has it open any more: the
   * last to close it is a thread of Node's pool, so that the event loop need not wait. One file at a
   * time, since the loop writes to the same file system.
   */
  #removeHolding(paths: readonly string[], remove: () => void): void {
    const held = paths.map(openIfLarge).filter((descriptor) => descriptor !== undefined)
    try {
      remove()
    } finally {
      const isClosing = this.#removed.length > 0
      this.#removed.push(...held)
      if (!isClosing) this.#closeNext()
    }
  }

  #closeNext(): void {
    const [descriptor] = this.#removed
    if (descriptor === undefined) return
    fs.close(descriptor, () => {
      this.#removed.shift()
      this.#closeNext()
    })
  }

  async syncDirectory(path: string): Promise<void> {
    // Windows cannot open a directory and keeps its names durable by itself.
    if (process.platform === 'win32') return
    const descriptor = fs.openSync(path, fs.constants.O_RDONLY)
    try {
      await new Promise<void>((resolve, reject) => {
        fs.fsync(descriptor, (error) => (error ? reject(error) : resolve()))
      })
    } finally {
      fs.closeSync(descriptor)
    }
  }

  setModifiedMs(path: string, modifiedMs: number): void {
    fs.utimesSync(path, modifiedMs / 1000, modifiedMs / 1000)
  }

  async lock(path: string): Promise<FileLock | undefined> {
    for (let waitedMs = 0; ; waitedMs += LOCK_STEP_MS) {
      const lock = acquireLock(path)
      // A process that was killed takes its time to go, and its successor may be quicker.
      if (lock || isOurs(path) || waitedMs >= this.#lockWaitMs) return lock
      await new Promise((resolve) => setTimeout(resolve, LOCK_STEP_MS))
    }
  }

  space(path: string) {
    const stat = fs.statfsSync(path)
    return { totalBytes: stat.blocks * stat.bsize, usableBytes: stat.bavail * stat.bsize }
  }
}

function openIfLarge(path: string): number | undefined {
  // Windows keeps the name of a file for as long as it is open.
  if (process.platform === 'win32') return undefined
  const stat = fs.lstatSync(path, { throwIfNoEntry: false })
  if (!stat?.isFile() || stat.size < LARGE_BYTES) return undefined
  try {
    return fs.openSync(path, fs.constants.O_RDONLY | NO_FOLLOW)
  } catch {
    return undefined
  }
}

function kindOf(entry: { isFile(): boolean; isDirectory(): boolean }): FileKind {
  if (entry.isFile()) return 'file'
  return entry.isDirectory() ? 'directory' : 'other'
}

class NodeFile implements OpenFile {
  readonly #descriptor: number

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  readSync(target: Uint8Array, position: number): number {
    let done = 0
    while (done < target.length) {
      const count = fs.readSync(
        this.#descriptor,
        target,
        done,
        target.length - done,
        position + done,
      )
      if (count === 0) break
      done += count
    }
    return done
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let done = 0
    while (done < target.length) {
      const count = await this.#readOnce(target, done, position + done)
      if (count === 0) break
      done += count
    }
    return done
  }

  #readOnce(target: Uint8Array, start: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#descriptor, target, start, target.length - start, position, (error, count) => {
        if (error) reject(error)
        else resolve(count)
      })
    })
  }

  writeSync(bytes: Uint8Array, position: number): void {
    let done = 0
    do {
      done += fs.writeSync(this.#descriptor, bytes, done, bytes.length - done, position + done)
    } while (done < bytes.length)
  }

  async write(bytes: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      done += await this.#writeOnce(bytes, done, position + done)
    }
  }

  #writeOnce(bytes: Uint8Array, start: number, position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const length = bytes.length - start
      fs.write(this.#descriptor, bytes, start, length, position, (error, count) => {
        if (error) reject(error)
        else resolve(count)
      })
    })
  }

  writevSync(pieces: readonly Uint8Array[], position: number): void {
    let left = pieces
    let at = position
    while (left.length > 0) {
      const count = fs.writevSync(this.#descriptor, left, at)
      at += count
      left = piecesAfter(left, count)
    }
  }

  truncateSync(sizeBytes: number): void {
    fs.ftruncateSync(this.#descriptor, sizeBytes)
  }

  sizeBytes(): number {
    return fs.fstatSync(this.#descriptor).size
  }

  datasync(): Promise<void> {
    return new Promise((resolve, reject) => {
      fs.fdatasync(this.#descriptor, (error) => (error ? reject(error) : resolve()))
    })
  }

  close(): void {
    fs.closeSync(this.#descriptor)
  }
}

/** What is left of `pieces` once their first `count` bytes are written. */
function piecesAfter(pieces: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let skipped = 0
  for (let index = 0; index < pieces.length; index++) {
    const piece = pieces[index]!
    if (skipped + piece.length > count) {
      return [piece.subarray(count - skipped), ...pieces.slice(index + 1)]
    }
    skipped += piece.length
  }
  return []
}

/**
 * Node cannot take a system lock on a file, so the lock is the file's content: who wrote it last
 * and whether that process still lives. Process ids are reused, above all in containers, hence the
 * process's start time. A JVM's lock on the same file (Apache Kafka running on this directory) is
 * seen in /proc/locks where there is one.
 */
interface LockOwner {
  readonly pid: number
  readonly startTime: string
  readonly bootId: string
}

const locksOfThisProcess = new Set<string>()

function keyOf(path: string): string {
  return fs.realpathSync(path.slice(0, path.lastIndexOf('/')))
}

function isOurs(path: string): boolean {
  return locksOfThisProcess.has(keyOf(path))
}

function acquireLock(path: string): FileLock | undefined {
  const key = keyOf(path)
  if (locksOfThisProcess.has(key)) return undefined
  const us = ownerOf(process.pid)
  const before = readOwner(path)
  if (before && isAlive(before)) return undefined
  if (isLockedBySystem(path)) return undefined
  // Renamed over, so that of two starters racing for a dead one's lock just one sees itself after.
  const claim = `${path}.${process.pid}`
  fs.writeFileSync(claim, `${JSON.stringify(us)}\n`, { mode: FILE_MODE })
  fs.renameSync(claim, path)
  const after = readOwner(path)
  if (after?.pid !== us.pid || after.startTime !== us.startTime) return undefined
  locksOfThisProcess.add(key)
  return {
    ownerWasDohle: before !== undefined,
    writesSurvived: before !== undefined && before.bootId !== '' && before.bootId === us.bootId,
    release() {
      if (!locksOfThisProcess.delete(key)) return
      // The file stays, as Apache Kafka leaves it, but without an owner.
      fs.writeFileSync(path, '')
    },
  }
}

function readOwner(path: string): LockOwner | undefined {
  try {
    const owner: unknown = JSON.parse(fs.readFileSync(path, 'utf8'))
    if (typeof owner !== 'object' || owner === null || !('pid' in owner)) return undefined
    const { pid } = owner
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0) return undefined
    const startTime = 'startTime' in owner ? String(owner.startTime) : ''
    return { pid, startTime, bootId: 'bootId' in owner ? String(owner.bootId) : '' }
  } catch {
    return undefined
  }
}

function isAlive(owner: LockOwner): boolean {
  const now = ownerOf(owner.pid)
  if (owner.bootId !== now.bootId) return false
  if (owner.startTime !== '') return owner.startTime === now.startTime
  // Without start times only another process id proves another process.
  if (owner.pid === process.pid) return false
  try {
    process.kill(owner.pid, 0)
    return true
  } catch (error) {
    return systemErrorCode(error) === 'EPERM'
  }
}

/** Start time and boot id are empty where the system has no /proc. */
function ownerOf(pid: number): LockOwner {
  // Field 22 of stat; the name in field 2 may hold anything, so count from its closing bracket.
  const stat = readProc(`/proc/${pid}/stat`)
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  // A zombie is dead; nobody may ever ask for its exit code, above all in a container.
  const isDead = fields[0] === 'Z' || fields[0] === 'X'
  const startTime = isDead ? '' : (fields[19] ?? '')
  return { pid, startTime, bootId: readProc('/proc/sys/kernel/random/boot_id').trim() }
}

function isLockedBySystem(path: string): boolean {
  const stat = fs.statSync(path, { throwIfNoEntry: false })
  if (!stat) return false
  return readProc('/proc/locks')
    .split('\n')
    .some((line) => line.includes(`:${stat.ino} `) && !line.includes('->'))
}

function readProc(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
