import { describe, expect, it } from 'vitest'
import { formatUuid } from '../../src/base/uuid.ts'
import {
  formatEpochCheckpoint,
  formatOffsetCheckpoint,
  parseEpochCheckpoint,
  parseOffsetCheckpoint,
} from '../../src/storage/local/checkpoint-file.ts'
import {
  formatCleanShutdown,
  formatPartitionMetadata,
  parseMetaProperties,
  parsePartitionMetadata,
} from '../../src/storage/local/meta-properties.ts'
import { OffsetIndex } from '../../src/storage/local/offset-index.ts'
import {
  decodeProducerSnapshot,
  encodeProducerSnapshot,
} from '../../src/storage/local/producer-snapshot.ts'
import { TimeIndex } from '../../src/storage/local/time-index.ts'
import { TransactionIndex } from '../../src/storage/local/transaction-index.ts'
import { goldenLines } from '../protocol/golden.ts'

type Tree = Record<string, unknown>

interface GoldenFile {
  readonly kind: string
  readonly fileName: string
  readonly note?: string
  readonly text?: string
  readonly hex?: string
  readonly expected: unknown
}

const files = goldenLines<GoldenFile>('storage/files.jsonl')
const ofKind = (kind: string) => files.filter((file) => file.kind === kind)
const bytesOf = (file: GoldenFile) => Buffer.from(file.hex ?? '', 'hex')
/** int64 values are decimal strings there, and saturate here. */
const int64 = (value: unknown) => Math.min(Number(value), Number.MAX_SAFE_INTEGER)
/** Files with a value beyond 2^53-1 cannot be written back. */
const isExact = (file: GoldenFile) => !JSON.stringify(file).includes('9007199254740993')

describe('checkpoint files of Apache Kafka', () => {
  it.each(ofKind('leaderEpochCheckpoint'))('are read and written: $text', (file) => {
    const entries = parseEpochCheckpoint(file.text!)!
    expect(entries).toEqual(
      (file.expected as Tree[]).map(({ epoch, startOffset }) => ({
        epoch,
        startOffset: int64(startOffset),
      })),
    )
    if (isExact(file)) expect(formatEpochCheckpoint(entries)).toBe(file.text)
  })

  it.each(ofKind('offsetCheckpoint'))('are read and written: $fileName $text', (file) => {
    const entries = parseOffsetCheckpoint(file.text!)!
    expect(entries).toEqual(
      (file.expected as Tree[]).map((entry) => ({ ...entry, offset: int64(entry['offset']) })),
    )
    if (isExact(file)) expect(formatOffsetCheckpoint(entries)).toBe(file.text)
  })

  it.each(['1\n0\n', '0\n2\nt 0 1\n', '0\n1\nt 0\n', '0\n1\nt 0 x\n', '', '0\n'])(
    'are refused as a whole when malformed: %j',
    (text) => expect(parseOffsetCheckpoint(text)).toBeUndefined(),
  )
})

describe('small files of Apache Kafka', () => {
  it.each(ofKind('partitionMetadata'))('partition.metadata', (file) => {
    const { topicId } = file.expected as { topicId: string }
    const uuid = parsePartitionMetadata(file.text!)!
    expect(formatUuid(uuid)).toBe(topicId)
    expect(formatPartitionMetadata(uuid)).toBe(file.text)
  })

  it.each(ofKind('metaProperties'))('meta.properties: $text', (file) => {
    const found = parseMetaProperties(file.text!)!
    const { directoryId, ...rest } = found
    expect({
      ...rest,
      ...(directoryId !== undefined && { directoryId: formatUuid(directoryId) }),
    }).toEqual(file.expected)
  })

  it.each(ofKind('cleanShutdown'))('.kafka_cleanshutdown', (file) => {
    const { brokerEpoch } = file.expected as { brokerEpoch: string }
    expect(formatCleanShutdown(int64(brokerEpoch))).toBe(file.text)
  })
})

describe('producer snapshots of Apache Kafka', () => {
  it.each(ofKind('producerSnapshot'))('are read and written: $hex', (file) => {
    const entries = decodeProducerSnapshot(bytesOf(file))
    if (!Array.isArray(file.expected)) {
      expect(entries).toBeUndefined()
      return
    }
    expect(
      entries!.map((entry) => {
        const last = entry.batches.at(-1)
        return {
          producerId: entry.producerId,
          producerEpoch: entry.producerEpoch,
          lastSequence: entry.lastSequence,
          lastOffset: last?.lastOffset ?? -1,
          offsetDelta: last ? last.lastOffset - last.baseOffset : 0,
          timestamp: entry.lastTimestampMs,
          coordinatorEpoch: entry.coordinatorEpoch,
          currentTxnFirstOffset: entry.currentTxnFirstOffset,
        }
      }),
    ).toEqual(
      (file.expected as Tree[]).map((entry) => ({
        ...entry,
        producerId: int64(entry['producerId']),
        lastOffset: int64(entry['lastOffset']),
        timestamp: int64(entry['timestamp']),
        currentTxnFirstOffset: int64(entry['currentTxnFirstOffset']),
      })),
    )
    if (isExact(file)) {
      expect(Buffer.from(encodeProducerSnapshot(entries!)).toString('hex')).toBe(file.hex)
    }
  })
})

describe('indexes of Apache Kafka', () => {
  it.each(ofKind('offsetIndex'))('offset index: $fileName', (file) => {
    const expected = file.expected as { baseOffset: string; entries: Tree[]; lookups?: Tree[] }
    const index = OffsetIndex.decode(bytesOf(file), int64(expected.baseOffset), 2 ** 31)!
    const entries = Array.from({ length: index.count }, (_, entry) => ({
      offset: String(index.offsetAt(entry)),
      position: index.positionAt(entry),
    }))
    expect(entries).toEqual(expected.entries)
    for (const { targetOffset, offset, position } of expected.lookups ?? []) {
      const entry = index.entryAtOrBefore(int64(targetOffset))
      expect(entry < 0 ? index.baseOffset : index.offsetAt(entry)).toBe(int64(offset))
      expect(index.positionBefore(int64(targetOffset))).toBe(position)
    }
    expect(file.hex).toMatch(new RegExp(`^${Buffer.from(index.encode()).toString('hex')}(00)*$`))
  })

  it.each(ofKind('timeIndex'))('time index: $fileName', (file) => {
    const expected = file.expected as { entries?: Tree[]; lookups?: Tree[] }
    const index = TimeIndex.decode(bytesOf(file), 1000)!
    expect(
      Array.from({ length: index.count }, (_, entry) => ({
        timestamp: index.timestampAt(entry),
        offset: index.offsetAt(entry),
      })),
    ).toEqual(
      expected.entries!.map(({ timestamp, offset }) => ({
        timestamp: int64(timestamp),
        offset: int64(offset),
      })),
    )
    for (const { targetTimestamp, timestamp, offset } of expected.lookups ?? []) {
      const entry = index.entryAtOrBefore(int64(targetTimestamp))
      expect(entry < 0 ? -1 : index.timestampAt(entry)).toBe(int64(timestamp))
      expect(index.offsetBefore(int64(targetTimestamp))).toBe(int64(offset))
    }
  })

  it.each(ofKind('transactionIndex'))('transaction index: $fileName', (file) => {
    const expected = file.expected as { entries: Tree[]; collects: Tree[] }
    const index = TransactionIndex.decode(bytesOf(file))!
    expect(index.entries.map((entry) => ({ version: 0, ...entry }))).toEqual(
      expected.entries.map((entry) => ({
        version: 0,
        producerId: int64(entry['producerId']),
        firstOffset: int64(entry['firstOffset']),
        lastOffset: int64(entry['lastOffset']),
        lastStableOffset: int64(entry['lastStableOffset']),
      })),
    )
    for (const collect of expected.collects) {
      const found: { producerId: number }[] = []
      const isComplete = index.collect(
        int64(collect['fetchOffset']),
        int64(collect['upperBoundOffset']),
        found as never[],
      )
      expect(isComplete).toBe(collect['isComplete'])
      expect(found.map(({ producerId }) => producerId)).toEqual(
        (collect['abortedProducerIds'] as string[]).map(int64),
      )
    }
  })
})
