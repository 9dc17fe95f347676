import {
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  offsetOfName,
  SWAP_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
} from './file-names.ts'
import type { Files } from './files.ts'

const SEGMENT_SUFFIXES = [
  LOG_SUFFIX,
  OFFSET_INDEX_SUFFIX,
  TIME_INDEX_SUFFIX,
  TRANSACTION_INDEX_SUFFIX,
]

/** Base offsets of the segments in a partition directory, ascending. */
export function segmentBases(files: Files, directory: string): number[] {
  return files
    .list(directory)
    .filter(({ kind }) => kind === 'file')
    .map(({ name }) => offsetOfName(name, LOG_SUFFIX))
    .filter((offset) => offset !== undefined)
    .sort((one, other) => one - other)
}

/**
 * What a crash in the middle of a deletion or a cleaning left behind (reference: log-storage.md
 * section 7): deleted files go, a cleaning that did not finish is dropped, one that was being
 * swapped in is brought to its end.
 */
export function finishInterruptedWork(files: Files, directory: string): void {
  const names = files.list(directory).map(({ name }) => name)
  const remove = (name: string) => files.removeFile(`${directory}/${name}`)
  const isLeftOver = (name: string) =>
    name.endsWith(DELETED_SUFFIX) || name.endsWith(CLEANED_SUFFIX) || name.endsWith('.tmp')
  for (const name of names.filter(isLeftOver)) remove(name)
  const cleaned = names.filter((name) => name.endsWith(CLEANED_SUFFIX)).map(leadingOffset)
  const lowestCleaned = Math.min(Number.POSITIVE_INFINITY, ...cleaned)
  const swaps = names.filter((name) => name.endsWith(SWAP_SUFFIX))
  for (const name of swaps) {
    if (leadingOffset(name) >= lowestCleaned) remove(name)
  }
  completeSwap(files, directory, swaps.filter((name) => leadingOffset(name) < lowestCleaned)) // biome-ignore format: one line
}

/** The swapped-in segments replace all from the lowest of them up to the end of the highest. */
function completeSwap(files: Files, directory: string, swaps: readonly string[]): void {
  const logs = swaps.filter((name) => name.endsWith(LOG_SUFFIX + SWAP_SUFFIX)).map(leadingOffset)
  if (logs.length > 0) {
    const lowest = Math.min(...logs)
    const highest = Math.max(...logs)
    const end = endOfSwapped(files, directory, highest)
    for (const { name } of files.list(directory)) {
      const isSegmentFile = SEGMENT_SUFFIXES.some((suffix) => name.endsWith(suffix))
      const offset = leadingOffset(name)
      if (isSegmentFile && offset >= lowest && offset < end) {
        files.removeFile(`${directory}/${name}`)
      }
    }
  }
  for (const name of swaps) {
    files.rename(`${directory}/${name}`, `${directory}/${name.slice(0, -SWAP_SUFFIX.length)}`)
  }
}

/** Where the highest swapped segment ends: at least one past its base, found by its last batch. */
function endOfSwapped(files: Files, directory: string, baseOffset: number): number {
  const path = `${directory}/${String(baseOffset).padStart(20, '0')}${LOG_SUFFIX}${SWAP_SUFFIX}`
  const bytes = files.readFile(path)
  let end = baseOffset + 1
  if (!bytes) return end
  for (let at = 0; at + 61 <= bytes.length; ) {
    const size = bytes.readInt32BE(at + 8) + 12
    if (size < 61) break
    end = Math.max(end, Number(bytes.readBigInt64BE(at)) + bytes.readInt32BE(at + 23) + 1)
    at += size
  }
  return end
}

/** An index without its segment is of no use. Files with other names are left alone. */
export function removeStrayFiles(files: Files, directory: string): void {
  const bases = new Set(segmentBases(files, directory))
  for (const { name } of files.list(directory)) {
    const suffix = SEGMENT_SUFFIXES.slice(1).find((one) => offsetOfName(name, one) !== undefined)
    if (suffix === undefined) continue
    if (!bases.has(offsetOfName(name, suffix)!)) files.removeFile(`${directory}/${name}`)
  }
}

function leadingOffset(name: string): number {
  return /^[0-9]{20}/.test(name) ? Number(name.slice(0, 20)) : Number.NaN
}
