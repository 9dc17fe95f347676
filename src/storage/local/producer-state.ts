import { ErrorCode } from '../../protocol/error-code.ts'
import type { ProducerStateView } from '../engine.ts'
import type { BatchFacts } from './batch-facts.ts'
import type { AbortedTransactionEntry } from './transaction-index.ts'

/**
 * What one partition knows of its idempotent and transactional producers (reference:
 * log-storage.md section 10, transactions.md section 8). Pure: times and limits are arguments.
 * `check` decides, `append` changes state once the bytes are in the file.
 */
const CACHED_BATCHES_MAX = 5
const SEQUENCE_MAX = 2147483647
const EPOCH_MAX = 32767

export interface CachedBatch {
  readonly baseSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly lastOffset: number
  readonly timestampMs: number
}

export class ProducerEntry {
  readonly producerId: number
  producerEpoch = -1
  coordinatorEpoch = -1
  lastTimestampMs = -1
  /**
   * When it last wrote: its records may be of any time. Kafka goes by the timestamp alone and
   * forgets producers of old records, and with them their duplicates, at every start.
   */
  lastSeenMs = -1
  /** First offset of the open transaction; -1 when there is none. */
  currentTxnFirstOffset = -1
  /** The last five data batches of this epoch, newest last. */
  readonly batches: CachedBatch[] = []

  constructor(producerId: number) {
    this.producerId = producerId
  }

  get lastSequence(): number {
    return this.batches.at(-1)?.lastSequence ?? -1
  }

  raiseEpoch(producerEpoch: number): void {
    if (this.producerEpoch === producerEpoch) return
    this.producerEpoch = producerEpoch
    this.batches.length = 0
  }
}

/** Entries of all partitions together, so that one bound holds for the whole broker. */
export interface ProducerCount {
  count: number
}

export interface CheckOptions {
  readonly origin: 'client' | 'coordinator'
  /** The coordinator has this partition in the producer's transaction. */
  readonly verified: boolean
  /** 2: the epoch grows with every transaction (KIP-890 part 2). */
  readonly transactionVersion: number
}

/** `NONE`: append it. A cached batch: it is a duplicate of that one. Else the error. */
export type Verdict = ErrorCode | CachedBatch

interface FinishedTransaction {
  readonly firstOffset: number
  readonly markerOffset: number
}

export class ProducerState {
  readonly #entries = new Map<number, ProducerEntry>()
  readonly #counter: ProducerCount
  /** First offset -> producer id. Transactions begin in offset order, so the first key is the least. */
  readonly #open = new Map<number, number>()
  /** Ended, but the marker is not below the high watermark yet. */
  #finished: FinishedTransaction[] = []
  #firstUnstableOffset = Number.POSITIVE_INFINITY

  constructor(counter: ProducerCount = { count: 0 }) {
    this.#counter = counter
  }

  get size(): number {
    return this.#entries.size
  }

  /** Where the earliest transaction begins that a read_committed reader may not pass; or infinity. */
  get firstUnstableOffset(): number {
    return this.#firstUnstableOffset
  }

  entries(): IterableIterator<ProducerEntry> {
    return this.#entries.values()
  }

  entry(producerId: number): ProducerEntry | undefined {
    return this.#entries.get(producerId)
  }

  views(): ProducerStateView[] {
    return [...this.#entries.values()].map((entry) => ({
      producerId: entry.producerId,
      producerEpoch: entry.producerEpoch,
      lastSequence: entry.lastSequence,
      lastTimestampMs: entry.lastTimestampMs,
      coordinatorEpoch: entry.coordinatorEpoch,
      currentTxnStartOffset: entry.currentTxnFirstOffset,
    }))
  }

  /** What becomes of a batch with a producer id, in the order in which Kafka asks. */
  check(batch: BatchFacts, options: CheckOptions): Verdict {
    const entry = this.#entries.get(batch.producerId)
    if (batch.marker) return checkMarker(entry, batch, options.transactionVersion)
    if (options.origin === 'client') {
      const duplicate = entry && findDuplicate(entry, batch)
      if (duplicate) return duplicate
      const refused = checkVerification(entry, batch, options.verified)
      if (refused) return refused
    }
    if (entry && batch.producerEpoch < entry.producerEpoch) return ErrorCode.INVALID_PRODUCER_EPOCH
    if (options.origin === 'client' && !isInSequence(entry, batch, options.transactionVersion)) {
      return ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    }
    if (entry && entry.currentTxnFirstOffset >= 0 && !batch.isTransactional) {
      return ErrorCode.INVALID_TXN_STATE
    }
    return ErrorCode.NONE
  }

  /**
   * Takes in a batch that is in the log, written at `nowMs`. Returns what an ABORT adds to the
   * transaction index.
   */
  append(batch: BatchFacts, nowMs: number): AbortedTransactionEntry | undefined {
    const entry = this.#entries.get(batch.producerId) ?? this.#add(batch.producerId)
    entry.lastTimestampMs = batch.maxTimestampMs
    entry.lastSeenMs = Math.max(batch.maxTimestampMs, nowMs)
    if (batch.marker) return this.#appendMarker(entry, batch, batch.marker)
    entry.raiseEpoch(batch.producerEpoch)
    if (entry.batches.length === CACHED_BATCHES_MAX) entry.batches.shift()
    entry.batches.push({
      baseSequence: batch.baseSequence,
      lastSequence: batch.lastSequence,
      baseOffset: batch.baseOffset,
      lastOffset: batch.lastOffset,
      timestampMs: batch.maxTimestampMs,
    })
    if (batch.isTransactional && entry.currentTxnFirstOffset < 0) {
      entry.currentTxnFirstOffset = batch.baseOffset
      this.#open.set(batch.baseOffset, batch.producerId)
      this.#findFirstUnstable()
    }
    return undefined
  }

  /** An entry of a snapshot that was written at `nowMs`. */
  restore(entry: ProducerEntry, nowMs: number): void {
    entry.lastSeenMs = Math.max(entry.lastTimestampMs, nowMs)
    if (!this.#entries.has(entry.producerId)) this.#counter.count++
    this.#entries.set(entry.producerId, entry)
    if (entry.currentTxnFirstOffset >= 0) {
      this.#open.set(entry.currentTxnFirstOffset, entry.producerId)
    }
  }

  /** To be called once after all `restore`, whose order is not that of the offsets. */
  restored(): void {
    const sorted = [...this.#open].sort(([one], [other]) => one - other)
    this.#open.clear()
    for (const [firstOffset, producerId] of sorted) this.#open.set(firstOffset, producerId)
    this.#findFirstUnstable()
  }

  clear(): void {
    this.#counter.count -= this.#entries.size
    this.#entries.clear()
    this.#open.clear()
    this.#finished = []
    this.#findFirstUnstable()
  }

  /** Markers below it are visible, so their transactions hold nobody back any more. */
  advanceHighWatermark(highWatermark: number): void {
    if (this.#finished.length === 0) return
    this.#finished = this.#finished.filter(({ markerOffset }) => markerOffset >= highWatermark)
    this.#findFirstUnstable()
  }

  /** Forgets producers not seen since `seenMs`, but none in a transaction. */
  expire(seenMs: number): void {
    for (const entry of this.#entries.values()) {
      if (entry.currentTxnFirstOffset >= 0 || entry.lastSeenMs > seenMs) continue
      this.#entries.delete(entry.producerId)
      this.#counter.count--
    }
  }

  #add(producerId: number): ProducerEntry {
    const entry = new ProducerEntry(producerId)
    this.#entries.set(producerId, entry)
    this.#counter.count++
    return entry
  }

  #appendMarker(
    entry: ProducerEntry,
    batch: BatchFacts,
    marker: NonNullable<BatchFacts['marker']>,
  ): AbortedTransactionEntry | undefined {
    entry.raiseEpoch(batch.producerEpoch)
    // Compaction leaves the marker of a producer without its record.
    if (marker.type !== 'other') entry.coordinatorEpoch = marker.coordinatorEpoch
    const firstOffset = entry.currentTxnFirstOffset
    if (firstOffset < 0 || marker.type === 'other') return undefined
    entry.currentTxnFirstOffset = -1
    this.#open.delete(firstOffset)
    this.#finished.push({ firstOffset, markerOffset: batch.lastOffset })
    this.#findFirstUnstable()
    if (marker.type === 'commit') return undefined
    const [earliestOpen = batch.lastOffset + 1] = this.#open.keys()
    return {
      producerId: entry.producerId,
      firstOffset,
      lastOffset: batch.lastOffset,
      lastStableOffset: earliestOpen,
    }
  }

  #findFirstUnstable(): void {
    const [earliestOpen = Number.POSITIVE_INFINITY] = this.#open.keys()
    this.#firstUnstableOffset = this.#finished.reduce(
      (least, { firstOffset }) => Math.min(least, firstOffset),
      earliestOpen,
    )
  }
}

/** The same batch again: same epoch, same first and last sequence as one of the last five. */
function findDuplicate(entry: ProducerEntry, batch: BatchFacts): CachedBatch | undefined {
  if (entry.producerEpoch !== batch.producerEpoch) return undefined
  for (const cached of entry.batches) {
    if (cached.baseSequence === batch.baseSequence && cached.lastSequence === batch.lastSequence) {
      return cached
    }
  }
  return undefined
}

/** The first transactional batch of a transaction needs the coordinator's word (KIP-890). */
function checkVerification(
  entry: ProducerEntry | undefined,
  batch: BatchFacts,
  verified: boolean,
): ErrorCode {
  if (!batch.isTransactional) return ErrorCode.NONE
  const isOpen =
    entry !== undefined &&
    entry.currentTxnFirstOffset >= 0 &&
    entry.producerEpoch === batch.producerEpoch
  if (isOpen) return ErrorCode.NONE
  if (entry && batch.producerEpoch < entry.producerEpoch) return ErrorCode.INVALID_PRODUCER_EPOCH
  return verified ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE
}

function isInSequence(
  entry: ProducerEntry | undefined,
  batch: BatchFacts,
  transactionVersion: number,
): boolean {
  const { baseSequence } = batch
  const hasNoBatches = entry === undefined || entry.batches.length === 0
  if (batch.isTransactional && transactionVersion >= 2 && hasNoBatches && baseSequence !== 0) {
    // Only for the first batch of a transaction, which is when there is a verification.
    if (entry === undefined || entry.currentTxnFirstOffset < 0) return false
  }
  if (entry === undefined || entry.producerEpoch === -1) return true
  if (batch.producerEpoch !== entry.producerEpoch) return baseSequence === 0
  const { lastSequence } = entry
  return baseSequence === lastSequence + 1 || (baseSequence === 0 && lastSequence === SEQUENCE_MAX)
}

function checkMarker(
  entry: ProducerEntry | undefined,
  batch: BatchFacts,
  transactionVersion: number,
): ErrorCode {
  if (!entry || !batch.marker) return ErrorCode.NONE
  const isStale =
    transactionVersion < 2
      ? batch.producerEpoch < entry.producerEpoch
      : batch.producerEpoch < entry.producerEpoch ||
        (batch.producerEpoch === entry.producerEpoch &&
          entry.currentTxnFirstOffset >= 0 &&
          batch.producerEpoch !== EPOCH_MAX)
  if (isStale) return ErrorCode.INVALID_PRODUCER_EPOCH
  if (batch.marker.coordinatorEpoch < entry.coordinatorEpoch) {
    return ErrorCode.TRANSACTION_COORDINATOR_FENCED
  }
  return ErrorCode.NONE
}
