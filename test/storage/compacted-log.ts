import { batches } from '../../src/protocol/records/batch.ts'
import { buildBatch } from '../../src/protocol/records/builder.ts'
import { records } from '../../src/protocol/records/iterate.ts'
import type { IsolationLevel } from '../../src/storage/engine.ts'
import type { Turns } from '../../src/storage/local/turns.ts'
import { type EngineFixture, TOPIC } from './engine-fixture.ts'

/** Keyed records for tests of compaction, and what is left of them. */
export interface Keyed {
  readonly key: string | null
  /** Null is a tombstone. */
  readonly value: string | null
}

export interface KeyedBatch {
  readonly records: readonly Keyed[]
  readonly timestamp?: number
  readonly producerId?: number
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly transactional?: boolean
  readonly compression?: 'gzip' | 'snappy' | 'lz4' | 'zstd'
}

export function keyedBatch({ records: list, timestamp = 1_000, ...header }: KeyedBatch): Buffer {
  return buildBatch({
    ...header,
    records: list.map(({ key, value }) => ({
      key: key === null ? null : Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      timestamp,
    })),
  })
}

export interface LeftRecord extends Keyed {
  readonly offset: number
}

export interface LeftBatch {
  readonly baseOffset: number
  readonly lastOffset: number
  readonly control: boolean
  readonly producerId: number
  readonly deleteHorizonMs: number | undefined
  readonly records: readonly LeftRecord[]
}

/** Everything in the log from its start, as a reader of `maxBytes` at a time gets it. */
export async function batchesLeft(
  fixture: EngineFixture,
  options: { maxBytes?: number; partition?: number; from?: number } = {},
): Promise<LeftBatch[]> {
  const found: LeftBatch[] = []
  await readThrough(fixture, { ...options, isolation: 'read_uncommitted' }, (bytes) => {
    for (const batch of batches(bytes)) {
      batch.ensureValid()
      found.push({
        baseOffset: batch.baseOffset,
        lastOffset: batch.lastOffset,
        control: batch.isControl,
        producerId: batch.producerId,
        deleteHorizonMs: batch.deleteHorizonMs,
        records: batch.isControl ? [] : recordsOf(batch),
      })
    }
  })
  return found
}

/** Data records only. */
export async function recordsLeft(
  fixture: EngineFixture,
  options: { maxBytes?: number; partition?: number } = {},
): Promise<LeftRecord[]> {
  const left = await batchesLeft(fixture, options)
  return left.flatMap((batch) => batch.records)
}

/** What a read_committed client makes of it: it drops aborted data itself. */
export async function committedLeft(
  fixture: EngineFixture,
  options: { maxBytes?: number; partition?: number; from?: number } = {},
): Promise<LeftRecord[]> {
  const found: LeftRecord[] = []
  await readThrough(fixture, { ...options, isolation: 'read_committed' }, (bytes, aborted) => {
    // They come in the order of their markers.
    const waiting = [...aborted].sort((one, other) => one.firstOffset - other.firstOffset)
    const aborting = new Set<number>()
    for (const batch of batches(bytes)) {
      while (waiting.length > 0 && waiting[0]!.firstOffset <= batch.lastOffset) {
        aborting.add(waiting.shift()!.producerId)
      }
      if (batch.isControl) aborting.delete(batch.producerId)
      else if (!batch.isTransactional || !aborting.has(batch.producerId)) {
        found.push(...recordsOf(batch))
      }
    }
  })
  return found
}

function recordsOf(batch: Parameters<typeof records>[0]): LeftRecord[] {
  return [...records(batch)].map(({ offset, key, value }) => ({
    offset,
    key: key && Buffer.from(key).toString(),
    value: value && Buffer.from(value).toString(),
  }))
}

type Aborted = readonly { readonly producerId: number; readonly firstOffset: number }[]

async function readThrough(
  fixture: EngineFixture,
  options: { maxBytes?: number; partition?: number; from?: number; isolation: IsolationLevel },
  take: (bytes: Uint8Array, aborted: Aborted) => void,
): Promise<void> {
  const { maxBytes, partition = 0, isolation } = options
  const { logStartOffset } = fixture.engine.log.bounds({ topicId: TOPIC, partition })
  for (let offset = options.from ?? logStartOffset; ; ) {
    const result = await fixture.readOne(offset, maxBytes, isolation, partition)
    if (result.errorCode !== 0) throw new Error(`read at ${offset} failed: ${result.errorCode}`)
    if (result.records.length === 0) return
    take(result.records, result.abortedTransactions ?? [])
    for (const batch of batches(result.records)) offset = batch.nextOffset
    result.release()
  }
}

/** A turn is over after every step, so that other things happen in between wherever they can. */
export class StepTurns implements Turns {
  /** What happens between two turns. */
  between: () => void | Promise<void> = () => undefined

  isOver(): boolean {
    return true
  }

  async next(): Promise<void> {
    await this.between()
  }

  rested(): void {}
}
