import {
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_AT,
  BatchView,
  dataViewOf,
  LOG_OVERHEAD_BYTES,
  MAGIC_AT,
} from '../../protocol/records/batch.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { OpenFile } from './files.ts'
import type { Turns } from './turns.ts'

const CHUNK_BYTES = 1024 * 1024

/** Why a scan ended. `fragment`: less is left than the next batch says it has. */
export type ScanEnd = 'end' | 'stopped' | 'fragment' | 'invalid'

export interface Scan {
  readonly file: OpenFile
  readonly from: number
  readonly to: number
  readonly buffers: BufferPool
  /** `whole`: all bytes of a batch are there. `headers`: its header, and all of a control batch. */
  readonly detail: 'headers' | 'whole'
  /** False ends the scan before this batch. The view is valid during the call. */
  readonly visit: (batch: BatchView, position: number) => boolean
}

/** Size of the v2 batch at `at`; -1 when there cannot be one. */
export function batchSizeAt(view: DataView, at: number): number {
  const size = view.getInt32(at + BATCH_LENGTH_AT) + LOG_OVERHEAD_BYTES
  return size >= BATCH_HEADER_BYTES && view.getInt8(at + MAGIC_AT) === 2 ? size : -1
}

/** Walks the batches in a range of a segment file. `position` is that of the first one not taken. */
export function scanBatches(scan: Scan): { position: number; end: ScanEnd } {
  let buffer = scan.buffers.acquire(Math.min(CHUNK_BYTES, Math.max(1, scan.to - scan.from)))
  let view = dataViewOf(buffer)
  /** Buffer holds [start, start + length) of the file. */
  let start = scan.from
  let length = 0
  let position = scan.from
  const fill = (wantedBytes: number) => {
    if (wantedBytes > buffer.length) {
      scan.buffers.release(buffer)
      buffer = scan.buffers.acquire(wantedBytes)
      view = dataViewOf(buffer)
    }
    start = position
    length = scan.file.readSync(buffer.subarray(0, Math.min(buffer.length, scan.to - start)), start)
  }
  try {
    for (;;) {
      const left = scan.to - position
      if (left === 0) return { position, end: 'end' }
      if (left < BATCH_HEADER_BYTES) return { position, end: 'fragment' }
      if (position + BATCH_HEADER_BYTES > start + length) fill(BATCH_HEADER_BYTES)
      if (length < BATCH_HEADER_BYTES) return { position, end: 'fragment' }
      const size = batchSizeAt(view, position - start)
      if (size < 0) return { position, end: 'invalid' }
      if (size > left) return { position, end: 'fragment' }
      let batch = new BatchView(buffer, position - start, view)
      const isWhole = position + size <= start + length
      if (!isWhole && (scan.detail === 'whole' || batch.isControl)) {
        fill(size)
        if (length < size) return { position, end: 'fragment' }
        batch = new BatchView(buffer, 0, view)
      }
      if (!scan.visit(batch, position)) return { position, end: 'stopped' }
      position += size
      if (position > start + length) length = 0
    }
  } finally {
    scan.buffers.release(buffer)
  }
}

/** The same in turns, each of one batch or more. */
export async function scanBatchesInTurns(
  scan: Scan,
  turns: Turns,
): Promise<{ position: number; end: ScanEnd }> {
  for (let from = scan.from; ; ) {
    let isPaused = false
    const visit: Scan['visit'] = (batch, position) => {
      isPaused = position > from && turns.isOver()
      return !isPaused && scan.visit(batch, position)
    }
    const reached = scanBatches({ ...scan, from, visit })
    if (!isPaused) return reached
    from = reached.position
    await turns.next()
  }
}
