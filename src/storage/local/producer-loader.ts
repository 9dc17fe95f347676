import { BatchFacts } from './batch-facts.ts'
import { type Scan, scanBatchesInTurns } from './batch-scan.ts'
import { offsetName, SNAPSHOT_SUFFIX } from './file-names.ts'
import type { LogEnvironment } from './log-environment.ts'
import type { LogFiles } from './log-files.ts'
import { decodeProducerSnapshot } from './producer-snapshot.ts'
import { ProducerState } from './producer-state.ts'
import type { Segment } from './segment.ts'
import type { Turns } from './turns.ts'

export interface ProducerLoad {
  readonly files: LogFiles
  readonly segments: readonly Segment[]
  /** State as of this offset. */
  readonly offset: number
  /** Read all batches when there is no snapshot at all. */
  readonly replayWithoutSnapshot: boolean
  readonly turns: Turns
}

/**
 * The newest usable snapshot at or before the offset, and the batches from there to it. At once when
 * no batches have to be read.
 */
export function loadProducers(
  environment: LogEnvironment,
  load: ProducerLoad,
): ProducerState | Promise<ProducerState> {
  const state = new ProducerState(environment.producerCount)
  const nowMs = environment.clock.nowMs()
  const expiredMs = nowMs - environment.producerIdExpirationMs
  const snapshotOffset = restoreSnapshot(environment, load, state)
  if (snapshotOffset === undefined && !load.replayWithoutSnapshot) return state
  const from = snapshotOffset ?? 0
  // The snapshot of a clean shutdown says it all; a start with thousands of logs looks no further.
  if (from >= load.offset) return expired(state, expiredMs)
  return replay(environment, load, from, state).then(() => expired(state, expiredMs))
}

async function replay(
  environment: LogEnvironment,
  load: ProducerLoad,
  from: number,
  state: ProducerState,
): Promise<void> {
  for (const [index, segment] of load.segments.entries()) {
    const end = load.segments[index + 1]?.baseOffset ?? Number.POSITIVE_INFINITY
    if (end <= from || segment.baseOffset >= load.offset) continue
    await replaySegment(environment, segment, { from, to: load.offset, state }, load.turns)
  }
}

function expired(state: ProducerState, untilMs: number): ProducerState {
  state.expire(untilMs)
  return state
}

function restoreSnapshot(
  environment: LogEnvironment,
  load: ProducerLoad,
  state: ProducerState,
): number | undefined {
  const { files } = load
  for (const offset of files.snapshotOffsets()) {
    if (offset > load.offset) continue
    const name = offsetName(offset) + SNAPSHOT_SUFFIX
    const entries = decodeProducerSnapshot(files.read(name) ?? new Uint8Array(0))
    if (entries) {
      if (entries.length > 0) {
        const writtenMs = environment.files.stat(`${files.directory}/${name}`)?.modifiedMs ?? -1
        for (const entry of entries) state.restore(entry, writtenMs)
      }
      state.restored()
      return offset
    }
    const file = `${files.directory}/${name}`
    environment.report('warn', 'damaged producer snapshot removed', { file })
    files.remove(name)
  }
  return undefined
}

async function replaySegment(
  environment: LogEnvironment,
  segment: Segment,
  range: { readonly from: number; readonly to: number; readonly state: ProducerState },
  turns: Turns,
): Promise<void> {
  const start =
    range.from > segment.baseOffset ? segment.indexes().offsets.positionBefore(range.from) : 0
  const scan: Scan = {
    file: segment.log.file,
    from: start,
    to: segment.sizeBytes,
    buffers: environment.buffers,
    detail: 'headers',
    visit: (batch) => {
      if (batch.baseOffset >= range.to) return false
      if (batch.producerId < 0 || batch.baseOffset < range.from) return true
      const facts = new BatchFacts(batch, batch.baseOffset, batch.partitionLeaderEpoch)
      range.state.append(facts, segment.modifiedMs)
      range.state.advanceHighWatermark(facts.lastOffset + 1)
      return true
    },
  }
  await scanBatchesInTurns(scan, turns)
}
