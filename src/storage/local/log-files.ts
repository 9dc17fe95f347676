import { BATCH_HEADER_BYTES, BatchView, dataViewOf } from '../../protocol/records/batch.ts'
import { batchSizeAt } from './batch-scan.ts'
import { notFollowed } from './data-directory.ts'
import {
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetName,
  offsetOfName,
  SNAPSHOT_SUFFIX,
  SWAP_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from './file-names.ts'
import type { Files } from './files.ts'

const INDEX_SUFFIXES = [OFFSET_INDEX_SUFFIX, TIME_INDEX_SUFFIX, TRANSACTION_INDEX_SUFFIX]
const SEGMENT_SUFFIXES = [LOG_SUFFIX, ...INDEX_SUFFIXES]
const TEMPORARY_SUFFIX = '.tmp'

/** The files of a partition directory at start: read once, as a start reads thousands of them. */
export class LogFiles {
  readonly directory: string
  readonly #files: Files
  readonly #names = new Set<string>()

  constructor(files: Files, directory: string) {
    this.#files = files
    this.directory = directory
    for (const { name, kind } of files.list(directory)) {
      if (kind === 'file') this.#names.add(name)
      else if (kind === 'other') throw notFollowed(`${directory}/${name}`)
    }
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  read(name: string): Buffer | undefined {
    return this.#names.has(name) ? this.#files.readFile(`${this.directory}/${name}`) : undefined
  }

  remove(name: string): void {
    this.#files.removeFile(`${this.directory}/${name}`)
    this.#names.delete(name)
  }

  /** Base offsets of the segments, ascending. */
  segmentBases(): number[] {
    return this.#offsets(LOG_SUFFIX).sort((one, other) => one - other)
  }

  /** Offsets of the producer snapshots, newest first. */
  snapshotOffsets(): number[] {
    return this.#offsets(SNAPSHOT_SUFFIX).sort((one, other) => other - one)
  }

  #offsets(suffix: string): number[] {
    const found: number[] = []
    for (const name of this.#names) {
      const offset = offsetOfName(name, suffix)
      if (offset !== undefined) found.push(offset)
    }
    return found
  }

  /**
   * What a crash in the middle of a deletion or a cleaning left behind (reference: log-storage.md
   * section 7): deleted files go, a cleaning that did not finish is dropped, one that was being
   * swapped in is brought to its end. Files with other names are left alone.
   */
  finishInterruptedWork(): void {
    const names = [...this.#names]
    const isLeftOver = (name: string) =>
      name.endsWith(DELETED_SUFFIX) ||
      name.endsWith(CLEANED_SUFFIX) ||
      name.endsWith(TEMPORARY_SUFFIX)
    for (const name of names.filter(isLeftOver)) this.remove(name)
    const cleaned = names.filter((name) => name.endsWith(CLEANED_SUFFIX)).map(leadingOffset)
    const lowestCleaned = Math.min(Number.POSITIVE_INFINITY, ...cleaned)
    const swaps = names.filter((name) => name.endsWith(SWAP_SUFFIX))
    for (const name of swaps) if (leadingOffset(name) >= lowestCleaned) this.remove(name)
    this.#completeSwap(swaps.filter((name) => leadingOffset(name) < lowestCleaned))
    this.#removeLoneIndexes()
  }

  /** The swapped-in segments replace all from the lowest of them up to the end of the highest. */
  #completeSwap(swaps: readonly string[]): void {
    const bases = swaps.filter((name) => name.endsWith(LOG_SUFFIX + SWAP_SUFFIX)).map(leadingOffset)
    if (bases.length > 0) {
      const lowest = Math.min(...bases)
      const end = this.#endOfSwapped(Math.max(...bases))
      for (const name of [...this.#names]) {
        const isSegmentFile = SEGMENT_SUFFIXES.some((suffix) => name.endsWith(suffix))
        const offset = leadingOffset(name)
        if (isSegmentFile && offset >= lowest && offset < end) this.remove(name)
      }
    }
    for (const name of swaps) this.#rename(name, name.slice(0, -SWAP_SUFFIX.length))
  }

  /** Where the highest swapped segment ends: at least one past its base, found by its batches. */
  #endOfSwapped(baseOffset: number): number {
    const path = `${this.directory}/${offsetName(baseOffset)}${LOG_SUFFIX}${SWAP_SUFFIX}`
    const file = this.#files.open(path, 'read')
    let end = baseOffset + 1
    try {
      const header = Buffer.alloc(BATCH_HEADER_BYTES)
      const view = dataViewOf(header)
      for (let at = 0; file.readSync(header, at) === BATCH_HEADER_BYTES; ) {
        const size = batchSizeAt(view, 0)
        if (size < 0) break
        end = Math.max(end, new BatchView(header, 0, view).nextOffset)
        at += size
      }
    } finally {
      file.close()
    }
    return end
  }

  #rename(from: string, to: string): void {
    this.#files.rename(`${this.directory}/${from}`, `${this.directory}/${to}`)
    this.#names.delete(from)
    this.#names.add(to)
  }

  /** An index without its segment is of no use. */
  #removeLoneIndexes(): void {
    for (const name of [...this.#names]) {
      for (const suffix of INDEX_SUFFIXES) {
        const offset = offsetOfName(name, suffix)
        if (offset !== undefined && !this.has(offsetName(offset) + LOG_SUFFIX)) this.remove(name)
      }
    }
  }

  /** Snapshots at the base of a segment stay, and the newest when it lies beyond the last base. */
  removeStraySnapshots(bases: readonly number[], logEndOffset: number): void {
    const lastBase = bases.at(-1) ?? 0
    let newestKept = false
    for (const offset of this.snapshotOffsets()) {
      const isWithin = offset <= logEndOffset
      const isNewest = isWithin && !newestKept
      newestKept ||= isWithin
      if (isWithin && (bases.includes(offset) || (isNewest && offset > lastBase))) continue
      this.remove(offsetName(offset) + SNAPSHOT_SUFFIX)
    }
  }
}

function leadingOffset(name: string): number {
  return /^[0-9]{20}/.test(name) ? Number(name.slice(0, 20)) : Number.NaN
}
