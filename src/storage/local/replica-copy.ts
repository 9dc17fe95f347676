import { formatEpochCheckpoint } from './checkpoint-file.ts'
import {
  LEADER_EPOCH_FILE,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetName,
  PARTITION_METADATA_FILE,
  SNAPSHOT_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from './file-names.ts'
import { type OpenFile, syncFile } from './files.ts'
import type { Log } from './log.ts'
import { formatPartitionMetadata } from './meta-properties.ts'
import type { Segment } from './segment.ts'

/** Read and written at a time. */
const CHUNK_BYTES = 1024 * 1024
/** So little may be copied while nobody can append. */
const LAST_BYTES = 64 * 1024
const INDEX_SUFFIXES = [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX]

export interface ReplicaCopyOptions {
  readonly log: Log
  /** That of the copy; must not be there. */
  readonly directory: string
  /** Bytes were copied: resolves when there may be more. */
  readonly throttle: (bytes: number) => Promise<void> | undefined
  /** Throws when the copy is not wanted any more. */
  readonly check: () => void
}

/**
 * A log's files once more, in another directory: the same names, the same bytes. What is appended,
 * removed or compacted meanwhile is followed, so that in one moment both are the same.
 */
export class ReplicaCopy {
  readonly #options: ReplicaCopyOptions
  /** Bytes of each segment that are there. */
  readonly #copied = new Map<Segment, number>()
  /** Segments that are there with their indexes, durably, and take no more batches. */
  readonly #complete = new Set<Segment>()

  /** Makes the directory. Throws what the disk throws. */
  constructor(options: ReplicaCopyOptions) {
    this.#options = options
    const { files } = options.log.environment
    files.makeDirectory(options.directory)
    const metadata = formatPartitionMetadata(options.log.topicId)
    files.writeFile(this.#path(PARTITION_METADATA_FILE), metadata)
  }

  get sizeBytes(): number {
    let sizeBytes = 0
    for (const bytes of this.#copied.values()) sizeBytes += bytes
    return sizeBytes
  }

  /** All below is there; as exact as the index. */
  get logEndOffset(): number {
    const { log } = this.#options
    for (const segment of log.segments) {
      const copiedBytes = this.#copied.get(segment) ?? 0
      if (copiedBytes < segment.sizeBytes) return endOffsetAt(segment, copiedBytes)
    }
    return log.logEndOffset
  }

  /** Copies until next to nothing is missing. */
  async catchUp(): Promise<void> {
    const { log, check } = this.#options
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    while (!this.#isNearlyDone()) {
      check()
      this.#forgetRemoved()
      for (const segment of [...log.segments]) {
        try {
          await this.#copySegment(segment, buffer)
        } catch (error) {
          // Its files may be gone by now.
          if (log.segments.includes(segment)) throw error
        }
        if (!log.segments.includes(segment)) break
      }
    }
  }

  #isNearlyDone(): boolean {
    const { log } = this.#options
    const { active } = log
    const copiedBytes = this.#copied.get(active)
    return (
      copiedBytes !== undefined &&
      active.sizeBytes - copiedBytes <= LAST_BYTES &&
      log.segments.every((segment) => segment === active || this.#complete.has(segment))
    )
  }

  /** Retention took it, or compaction put another in its place. */
  #forgetRemoved(): void {
    const { log } = this.#options
    const { files } = log.environment
    for (const segment of this.#copied.keys()) {
      if (log.segments.includes(segment)) continue
      for (const suffix of [LOG_SUFFIX, ...INDEX_SUFFIXES, SNAPSHOT_SUFFIX]) {
        files.removeFile(this.#path(offsetName(segment.baseOffset) + suffix))
      }
      this.#copied.delete(segment)
      this.#complete.delete(segment)
    }
  }

  async #copySegment(segment: Segment, buffer: Buffer): Promise<void> {
    const { log } = this.#options
    if (this.#complete.has(segment)) return
    const { files } = log.environment
    const target = files.open(this.#path(offsetName(segment.baseOffset) + LOG_SUFFIX), 'write')
    try {
      let position = this.#copied.get(segment) ?? 0
      if (position === 0) target.truncateSync(0)
      this.#copied.set(segment, position)
      while (position < segment.sizeBytes) {
        position = await this.#copyChunk(segment, target, position, buffer)
      }
      if (segment !== log.active && log.segments.includes(segment)) {
        await target.datasync()
        await this.#copyIndexes(segment)
      }
    } finally {
      target.close()
    }
  }

  /** Returns up to where; both sides wait on the thread pool. */
  async #copyChunk(
    segment: Segment,
    target: OpenFile,
    position: number,
    buffer: Buffer,
  ): Promise<number> {
    const { throttle, check } = this.#options
    const bytes = buffer.subarray(0, Math.min(CHUNK_BYTES, segment.sizeBytes - position))
    const count = await segment.log.withPin((file) => file.read(bytes, position))
    if (count < bytes.length) throw new Error(`${segment.log.path} ends before byte ${position + bytes.length}`) // biome-ignore format: one line
    check()
    await target.write(bytes, position)
    this.#copied.set(segment, position + count)
    await throttle(count)
    check()
    return position + count
  }

  async #copyIndexes(segment: Segment): Promise<void> {
    const { log } = this.#options
    const { files } = log.environment
    segment.writeIndexes()
    const names = this.#copySmallFiles(segment.baseOffset, [...INDEX_SUFFIXES, SNAPSHOT_SUFFIX])
    const path = offsetName(segment.baseOffset) + LOG_SUFFIX
    files.setModifiedMs(this.#path(path), segment.modifiedMs)
    for (const name of names) await syncFile(files, this.#path(name))
    if (log.segments.includes(segment)) this.#complete.add(segment)
  }

  /** Returns the names of those that were there. */
  #copySmallFiles(baseOffset: number, suffixes: readonly string[]): string[] {
    const { log } = this.#options
    const { files } = log.environment
    const names: string[] = []
    for (const suffix of suffixes) {
      const name = offsetName(baseOffset) + suffix
      const content = files.readFile(`${log.directory}/${name}`)
      if (!content) continue
      files.writeFile(this.#path(name), content)
      names.push(name)
    }
    return names
  }

  /** What is there up to now becomes durable. */
  async sync(): Promise<void> {
    const { log, directory, check } = this.#options
    const { files } = log.environment
    check()
    await syncFile(files, this.#path(offsetName(log.active.baseOffset) + LOG_SUFFIX))
    await files.syncDirectory(directory)
  }

  /**
   * Copies what is missing, at once. False when that would be too much. Afterwards both are the same,
   * until somebody appends. Throws what the disk throws.
   */
  finish(): boolean {
    const { log, check } = this.#options
    check()
    if (!this.#isNearlyDone()) return false
    this.#forgetRemoved()
    const { active } = log
    const { files } = log.environment
    const from = this.#copied.get(active)!
    const rest = Buffer.allocUnsafe(active.sizeBytes - from)
    const target = files.open(this.#path(offsetName(active.baseOffset) + LOG_SUFFIX), 'write')
    try {
      if (active.log.file.readSync(rest, from) < rest.length) return false
      if (rest.length > 0) target.writeSync(rest, from)
    } finally {
      target.close()
    }
    this.#copied.set(active, active.sizeBytes)
    this.#copySmallFiles(active.baseOffset, [...INDEX_SUFFIXES, SNAPSHOT_SUFFIX])
    for (const offset of log.snapshotOffsets) this.#copySmallFiles(offset, [SNAPSHOT_SUFFIX])
    files.writeFile(this.#path(LEADER_EPOCH_FILE), formatEpochCheckpoint(log.epochs.entries))
    return true
  }

  #path(name: string): string {
    return `${this.#options.directory}/${name}`
  }
}

/** Of the last batch that the index knows to lie within the first `bytes`; the base without one. */
function endOffsetAt(segment: Segment, bytes: number): number {
  const { offsets } = segment.indexes()
  let low = 0
  let high = offsets.count
  while (low < high) {
    const middle = (low + high) >>> 1
    if (offsets.positionAt(middle) <= bytes) low = middle + 1
    else high = middle
  }
  // Where an entry's batch begins, that of the entry before has ended.
  return low < 2 ? segment.baseOffset : offsets.offsetAt(low - 2) + 1
}
