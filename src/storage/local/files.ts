/**
 * All that the local engine asks of a disk. Two implementations: node-files.ts, and the memory
 * twin memory-files.ts for brokers without a directory and for tests.
 *
 * Calls are synchronous where a promise would cost more than the work (a 16 KB append: 7 times)
 * and asynchronous where the disk is waited for: syncs and large or cold reads. Failures are thrown
 * as errors whose `code` is that of the system ('ENOSPC', 'EIO', 'ENOENT').
 */
export interface Files {
  /** `write` reads and writes and creates the file (mode 0600); `read` wants it to be there. */
  open(path: string, access: FileAccess): OpenFile
  /** The content of a small file; undefined when there is none. */
  readFile(path: string): Buffer | undefined
  /** Creates the file or replaces its content. Not atomic: write beside it and rename. */
  writeFile(path: string, content: Uint8Array | string): void
  /** Undefined when there is nothing. Does not follow symbolic links. */
  stat(path: string): FileStat | undefined
  list(directory: string): readonly DirectoryEntry[]
  /** With its parents, mode 0700. One that is there is fine. */
  makeDirectory(path: string): void
  rename(from: string, to: string): void
  /** A file that is not there is fine. */
  removeFile(path: string): void
  /** With all that is in it; one that is not there is fine. */
  removeDirectory(path: string): void
  /** Makes the names in a directory durable: creations, renames and removals. */
  syncDirectory(path: string): Promise<void>
  /** Sets the modification time, which retention reads when a segment has no timestamps. */
  setModifiedMs(path: string, modifiedMs: number): void
  /**
   * Excludes other processes; undefined when one of them has it. One that is being killed gets the
   * time to be gone.
   */
  lock(path: string): Promise<FileLock | undefined>
  /** Of the file system that holds `path`. */
  space(path: string): { readonly totalBytes: number; readonly usableBytes: number }
}

export type FileAccess = 'read' | 'write'

export interface FileStat {
  readonly sizeBytes: number
  readonly modifiedMs: number
  readonly kind: FileKind
}

export type FileKind = 'file' | 'directory' | 'other'

export interface DirectoryEntry {
  readonly name: string
  readonly kind: FileKind
}

export interface FileLock {
  /**
   * The last owner died, but the machine has stayed up since: what it wrote is all there, synced
   * or not. False when it is not known.
   */
  readonly writesSurvived: boolean
  /** The last owner was dohle, and died: the checkpoints are as it keeps them. */
  readonly ownerWasDohle?: boolean
  release(): void
}

export interface OpenFile {
  /** Fills `target` from `position` on; returns how many bytes there were. */
  readSync(target: Uint8Array, position: number): number
  read(target: Uint8Array, position: number): Promise<number>
  /** Writes all or throws; after a throw a part may be there. */
  writeSync(bytes: Uint8Array, position: number): void
  /** The same on the thread pool, where a busy disk holds up nobody else. */
  write(bytes: Uint8Array, position: number): Promise<void>
  /** One system call for several pieces. */
  writevSync(pieces: readonly Uint8Array[], position: number): void
  truncateSync(sizeBytes: number): void
  sizeBytes(): number
  /** Data and size are durable when it resolves (fdatasync, on the thread pool). */
  datasync(): Promise<void>
  close(): void
}

/** The system's error code of something thrown by `Files`. */
export function systemErrorCode(error: unknown): string | undefined {
  // Not `instanceof Error`: under a test runner Node's errors may be of another realm than ours.
  const hasCode = typeof error === 'object' && error !== null && 'code' in error
  return hasCode && typeof error.code === 'string' ? error.code : undefined
}

/** Replaces a small file so that a reader finds the old content or the new one, whole. */
export function replaceFile(files: Files, path: string, content: Uint8Array | string): void {
  const temporary = `${path}.tmp`
  files.writeFile(temporary, content)
  files.rename(temporary, path)
}

/** The same, durable when it resolves: for what is written seldom and must survive a power cut. */
export async function replaceFileDurably(
  files: Files,
  path: string,
  content: Uint8Array | string,
): Promise<void> {
  const temporary = `${path}.tmp`
  files.writeFile(temporary, content)
  await syncFile(files, temporary)
  files.rename(temporary, path)
  await files.syncDirectory(parentOf(path))
}

export async function syncFile(files: Files, path: string): Promise<void> {
  const file = files.open(path, 'write')
  try {
    await file.datasync()
  } finally {
    file.close()
  }
}

/** Makes a directory and its parents so that a power cut does not take them away again. */
export async function makeDirectoryDurably(files: Files, path: string): Promise<void> {
  const parents: string[] = []
  for (let at = path; at !== '' && files.stat(at) === undefined; at = parentOf(at)) {
    parents.push(parentOf(at))
  }
  files.makeDirectory(path)
  for (const parent of parents) await files.syncDirectory(parent === '' ? '/' : parent)
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'))
}
