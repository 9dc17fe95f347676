import { BatchFacts } from './batch-facts.ts'
import { scanBatches } from './batch-scan.ts'
import { offsetName, offsetOfName, SNAPSHOT_SUFFIX } from './file-names.ts'
import type { Files } from './files.ts'
import type { LogEnvironment } from './log-environment.ts'
import { decodeProducerSnapshot } from './producer-snapshot.ts'
import { ProducerState } from './producer-state.ts'
import type { Segment } from './segment.ts'

export interface ProducerLoad {
  readonly directory: string
  readonly segments: readonly Segment[]
  /** State as of this offset. */
  readonly offset: number
  /** Read all batches when there is no snapshot at all. */
  readonly replayWithoutSnapshot: boolean
}

/** The newest usable snapshot at or before the offset, and the batches from there to it. */
export function loadProducers(environment: LogEnvironment, load: ProducerLoad): ProducerState {
  const state = new ProducerState(environment.producerCount)
  const nowMs = environment.clock.nowMs()
  const expiredMs = nowMs - environment.producerIdExpirationMs
  const snapshotOffset = restoreSnapshot(environment, load, state)
  if (snapshotOffset === undefined && !load.replayWithoutSnapshot) return state
  const from = snapshotOffset ?? 0
  for (const [index, segment] of load.segments.entries()) {
    const end = load.segments[index + 1]?.baseOffset ?? Number.POSITIVE_INFINITY
    if (end <= from || segment.baseOffset >= load.offset) continue
    replaySegment(environment, segment, { from, to: load.offset, state })
  }
  state.expire(expiredMs)
  return state
}

/** Offsets of the snapshots in a directory, newest first. */
export function snapshotOffsets(files: Files, directory: string): number[] {
  return files
    .list(directory)
    .map(({ name }) => offsetOfName(name, SNAPSHOT_SUFFIX))
    .filter((offset) => offset !== undefined)
    .sort((one, other) => other - one)
}

/** Those at the base of a segment stay, and the newest when it lies beyond the last base. */
export function removeStraySnapshots(
  files: Files,
  directory: string,
  log: { readonly segmentBases: readonly number[]; readonly logEndOffset: number },
): void {
  const bases = new Set(log.segmentBases)
  const lastBase = log.segmentBases.at(-1) ?? 0
  let newestKept = false
  for (const offset of snapshotOffsets(files, directory)) {
    const isWithin = offset <= log.logEndOffset
    const isNewest = isWithin && !newestKept
    newestKept ||= isWithin
    if (isWithin && (bases.has(offset) || (isNewest && offset > lastBase))) continue
    files.removeFile(snapshotPath(directory, offset))
  }
}

function restoreSnapshot(
  environment: LogEnvironment,
  load: ProducerLoad,
  state: ProducerState,
): number | undefined {
  const { files } = environment
  for (const offset of snapshotOffsets(files, load.directory)) {
    if (offset > load.offset) continue
    const path = snapshotPath(load.directory, offset)
    const entries = decodeProducerSnapshot(files.readFile(path) ?? new Uint8Array(0))
    if (entries) {
      for (const entry of entries) state.restore(entry)
      state.restored()
      return offset
    }
    environment.report('warn', 'damaged producer snapshot removed', { file: path })
    files.removeFile(path)
  }
  return undefined
}

function replaySegment(
  environment: LogEnvironment,
  segment: Segment,
  range: { readonly from: number; readonly to: number; readonly state: ProducerState },
): void {
  const start =
    range.from > segment.baseOffset ? segment.indexes().offsets.positionBefore(range.from) : 0
  scanBatches({
    file: segment.log.file,
    from: start,
    to: segment.sizeBytes,
    buffers: environment.buffers,
    detail: 'headers',
    visit: (batch) => {
      if (batch.baseOffset >= range.to) return false
      if (batch.producerId < 0 || batch.baseOffset < range.from) return true
      const facts = new BatchFacts(batch, batch.baseOffset, batch.partitionLeaderEpoch)
      range.state.append(facts)
      range.state.advanceHighWatermark(facts.lastOffset + 1)
      return true
    },
  })
}

function snapshotPath(directory: string, offset: number): string {
  return `${directory}/${offsetName(offset)}${SNAPSHOT_SUFFIX}`
}
