import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import {
  BATCH_HEADER_BYTES,
  BatchView,
  dataViewOf,
  HEADER_BYTES_UP_TO_MAGIC,
} from '../../protocol/records/batch.ts'
import { readInt64 } from '../../protocol/records/int64.ts'
import type { AbortedTransaction } from '../engine.ts'
import { batchSizeAt } from './batch-scan.ts'
import type { Log } from './log.ts'
import { findDamage } from './read-check.ts'
import type { Segment } from './segment.ts'
import type { AbortedTransactionEntry } from './transaction-index.ts'

/** From this size on a read goes to the thread pool (performance.md section 3). */
const ASYNC_BYTES_MIN = 1024 * 1024
/** A read of less that took this long came from the disk, not from the page cache. */
const COLD_READ_MS = 2
const COLD_READS = 32
const NOTHING = new Uint8Array(0)

export interface LogReadRequest {
  /** Within [log start, log end]. */
  readonly offset: number
  readonly maxBytes: number
  /** Batches from here on are not for this reader: the high watermark or last stable offset. */
  readonly endOffset: number
  readonly atLeastOneBatch: boolean
}

/** Whole batches; `release` gives the bytes back to the pool. */
export interface LogRead {
  readonly records: Uint8Array
  /** Offset after the last batch; the requested one when there is none. */
  readonly nextOffset: number
  release(): void
}

interface Place {
  readonly segment: Segment
  readonly position: number
  /** The batch at `position` is the wanted one; else it is at or before it. */
  readonly isExact: boolean
}

/** Throws CORRUPT_MESSAGE when what is there is no batch; system errors pass through. */
export function readLog(log: Log, request: LogReadRequest): LogRead | Promise<LogRead> {
  const { offset } = request
  if (offset >= request.endOffset) {
    if (offset === log.logEndOffset) followEnd(log)
    return nothing(offset)
  }
  return readFrom(log, request, locate(log, offset), request.maxBytes)
}

/** Aborted transactions that a read of [fetchOffset, upperBoundOffset) meets. */
export function abortedTransactions(
  log: Log,
  fetchOffset: number,
  upperBoundOffset: number,
): AbortedTransaction[] {
  return abortedTransactionEntries(log, fetchOffset, upperBoundOffset).map(
    ({ producerId, firstOffset }) => ({ producerId, firstOffset }),
  )
}

/** The same with all that the indexes know of them. */
export function abortedTransactionEntries(
  log: Log,
  fetchOffset: number,
  upperBoundOffset: number,
): AbortedTransactionEntry[] {
  const found: AbortedTransactionEntry[] = []
  for (let index = segmentIndexOf(log, fetchOffset); index < log.segments.length; index++) {
    const { transactions } = log.segments[index]!.indexes()
    if (transactions.collect(fetchOffset, upperBoundOffset, found)) break
  }
  return found
}

/** Index of the segment that holds `offset`: the greatest base at or before it. */
export function segmentIndexOf(log: Log, offset: number): number {
  const { segments } = log
  let low = 0
  let high = segments.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (segments[middle]!.baseOffset <= offset) low = middle + 1
    else high = middle
  }
  return Math.max(0, low - 1)
}

/** The reader has all there is: it will ask for the next batch, whatever that is. */
function followEnd(log: Log): void {
  log.tail.want()
  log.hints.put(log.logEndOffset, log.active, log.active.sizeBytes)
}

function locate(log: Log, offset: number): Place {
  const hint = log.hints.find(offset)
  if (hint && hint.position < hint.segment.sizeBytes) {
    return { segment: hint.segment, position: hint.position, isExact: true }
  }
  const segment = log.segments[segmentIndexOf(log, offset)]!
  return { segment, position: segment.indexes().offsets.positionBefore(offset), isExact: false }
}

/** Reads and goes on until the first wanted batch is found whole, or there is none. */
function readFrom(
  log: Log,
  request: LogReadRequest,
  place: Place,
  wantedBytes: number,
): LogRead | Promise<LogRead> {
  const { segment, position } = place
  // Compaction came in between.
  if (segment.wasReplaced) return readAgain(log, request)
  const left = segment.sizeBytes - position
  if (left <= 0) return readNextSegment(log, request, segment)
  // One index interval may lie before the wanted batch.
  const slackBytes = place.isExact ? 0 : log.config.indexIntervalBytes
  const length = Math.min(left, Math.max(wantedBytes, BATCH_HEADER_BYTES) + slackBytes)
  const inTail = segment === log.active ? log.tail.read(position, length) : undefined
  if (inTail) {
    return take(log, request, place, new Piece(inTail.bytes, 'memory', () => inTail.release()))
  }
  const { buffers } = log.environment
  const buffer = buffers.acquire(length)
  const release = () => buffers.release(buffer)
  const target = buffer.subarray(0, length)
  if (length < ASYNC_BYTES_MIN && mayBlock(log, place)) {
    const startedAtMs = log.environment.clock.nowMs()
    let count: number
    try {
      count = segment.log.file.readSync(target, position)
    } catch (error) {
      release()
      throw error
    }
    const source = sourceOf(log, startedAtMs)
    if (source === 'disk' && segment !== log.active) segment.coldReadsLeft = COLD_READS
    return take(log, request, place, new Piece(target.subarray(0, count), source, release))
  }
  return readAsync(log, request, place, target, release)
}

/** New data is in the page cache, and what is read in order the kernel fetches ahead. */
function mayBlock(log: Log, { segment, isExact }: Place): boolean {
  if (segment === log.active) return true
  if (!isExact) return false
  if (segment.coldReadsLeft === 0) return true
  segment.coldReadsLeft--
  return false
}

/** Where the bytes of a read that began then and has just ended came from. */
function sourceOf({ environment }: Log, startedAtMs: number): Source {
  return environment.clock.nowMs() - startedAtMs >= COLD_READ_MS ? 'disk' : 'cache'
}

async function readAsync(
  log: Log,
  request: LogReadRequest,
  place: Place,
  target: Uint8Array,
  release: () => void,
): Promise<LogRead> {
  const startedAtMs = log.environment.clock.nowMs()
  let count: number
  try {
    count = await place.segment.log.withPin((file) => file.read(target, place.position))
  } catch (error) {
    release()
    if (place.segment.wasReplaced) return readAgain(log, request)
    throw error
  }
  const source = sourceOf(log, startedAtMs)
  return take(log, request, place, new Piece(target.subarray(0, count), source, release))
}

function readNextSegment(
  log: Log,
  request: LogReadRequest,
  segment: Segment,
): LogRead | Promise<LogRead> {
  const next = log.segments.find(({ baseOffset }) => baseOffset > segment.baseOffset)
  if (!next) return nothing(request.offset)
  return readFrom(log, request, { segment: next, position: 0, isExact: false }, request.maxBytes)
}

/** Another segment is in the place of the one that was being read. */
function readAgain(log: Log, request: LogReadRequest): LogRead | Promise<LogRead> {
  return readFrom(log, request, locate(log, request.offset), request.maxBytes)
}

/** `memory`: kept since they were appended. `cache`: read from a file, but not from the disk. */
type Source = 'memory' | 'cache' | 'disk'

/** Bytes that must go back where they came from. */
class Piece implements LogRead {
  bytes: Uint8Array
  readonly source: Source
  nextOffset = -1
  #release: (() => void) | undefined

  constructor(bytes: Uint8Array, source: Source, release: () => void) {
    this.bytes = bytes
    this.source = source
    this.#release = release
  }

  get records(): Uint8Array {
    return this.bytes
  }

  release(): void {
    const release = this.#release
    this.#release = undefined
    release?.()
  }
}

/** Cuts `piece` to the whole batches that were asked for, or reads on when they are not in it. */
function take(
  log: Log,
  request: LogReadRequest,
  place: Place,
  piece: Piece,
): LogRead | Promise<LogRead> {
  const found = selectBatches(piece.bytes, request)
  const { segment } = place
  if (found.kind === 'batches') {
    piece.bytes = piece.bytes.subarray(found.start, found.end)
    piece.nextOffset = found.nextOffset
    const position = place.position + found.start
    if (piece.source !== 'memory') check(log, request, { segment, position, piece })
    const end = position + piece.bytes.length
    if ((segment === log.active || end < segment.sizeBytes) && !segment.wasReplaced) {
      log.hints.put(piece.nextOffset, segment, end)
    }
    return piece
  }
  piece.release()
  const position = place.position + found.start
  switch (found.kind) {
    case 'nothing':
      if (found.isBehind && !log.mayHaveGapsAt(request.offset))
        throw corrupt(log, segment, position)
      return nothing(request.offset)
    case 'skip':
      return readFrom(log, request, { segment, position, isExact: false }, request.maxBytes)
    case 'larger':
      if (position + found.sizeBytes > segment.sizeBytes) throw corrupt(log, segment, position)
      return readFrom(log, request, { segment, position, isExact: true }, found.sizeBytes)
    case 'corrupt':
      throw corrupt(log, segment, position)
  }
}

/** Cuts `piece` before the first damaged batch. Throws CORRUPT_MESSAGE when nothing is left. */
function check(
  log: Log,
  { offset }: LogReadRequest,
  found: { readonly segment: Segment; readonly position: number; readonly piece: Piece },
): void {
  const { segment, position, piece } = found
  const { bytes, source } = piece
  const isCold = source === 'disk'
  const damagedAt = findDamage(log, { segment, position, bytes, offset, isCold })
  if (damagedAt < 0) return
  if (damagedAt === 0) {
    piece.release()
    throw corrupt(log, segment, position)
  }
  piece.bytes = bytes.subarray(0, damagedAt)
  piece.nextOffset = lastBatchOf(piece.bytes).nextOffset
}

function lastBatchOf(bytes: Uint8Array): BatchView {
  const view = dataViewOf(bytes)
  let last = 0
  for (let at = 0; at < bytes.length; at += batchSizeAt(view, at)) last = at
  return new BatchView(bytes, last, view)
}

type Selection =
  | { kind: 'batches'; start: number; end: number; nextOffset: number }
  /** Nothing for this reader. `isBehind`: the wanted offset lies before the batch that is there. */
  | { kind: 'nothing'; start: number; isBehind: boolean }
  /** Not here: go on at `start`. */
  | { kind: 'skip'; start: number }
  /** The first batch is at `start` and longer than what was read. */
  | { kind: 'larger'; start: number; sizeBytes: number }
  | { kind: 'corrupt'; start: number }

function selectBatches(bytes: Uint8Array, request: LogReadRequest): Selection {
  const view = dataViewOf(bytes)
  const { length } = bytes
  let at = 0
  let start = -1
  let lastAt = 0
  while (at + HEADER_BYTES_UP_TO_MAGIC <= length) {
    const size = batchSizeAt(view, at)
    if (size < 0) {
      if (start >= 0) break
      return { kind: 'corrupt', start: at }
    }
    if (start < 0) {
      const hasHeader = at + BATCH_HEADER_BYTES <= length
      if (!hasHeader) break
      const batch = new BatchView(bytes, at, view)
      if (batch.lastOffset < request.offset) {
        at += size
        continue
      }
      const isWanted = size <= request.maxBytes || request.atLeastOneBatch
      if (batch.baseOffset >= request.endOffset || !isWanted) {
        return { kind: 'nothing', start: at, isBehind: batch.baseOffset > request.offset }
      }
      if (at + size > length) return { kind: 'larger', start: at, sizeBytes: size }
      start = at
    } else {
      const end = at + size
      if (end > length || end - start > request.maxBytes) break
      if (readInt64(view, at) >= request.endOffset) break
    }
    lastAt = at
    at += size
  }
  // Less than a header, and no more to read behind it: a fragment.
  if (start < 0) return { kind: at === 0 ? 'corrupt' : 'skip', start: at }
  return {
    kind: 'batches',
    start,
    end: at,
    nextOffset: new BatchView(bytes, lastAt, view).nextOffset,
  }
}

function nothing(offset: number): LogRead {
  return { records: NOTHING, nextOffset: offset, release: () => undefined }
}

function corrupt(log: Log, segment: Segment, position: number): KafkaError {
  log.environment.report('error', 'damaged batch found while reading', {
    file: segment.log.path,
    position,
    errorCode: ErrorCode.CORRUPT_MESSAGE,
  })
  return new KafkaError('CORRUPT_MESSAGE')
}
