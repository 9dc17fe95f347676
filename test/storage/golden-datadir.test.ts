import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { parseUuid, type Uuid } from '../../src/base/uuid.ts'
import { batches } from '../../src/protocol/records/batch.ts'
import { records } from '../../src/protocol/records/iterate.ts'
import type { IsolationLevel, TopicPartition } from '../../src/storage/engine.ts'
import type { MetadataStart } from '../../src/storage/local/local-engine-options.ts'
import { MetadataLog } from '../../src/storage/local/metadata-log.ts'
import { OffsetIndex } from '../../src/storage/local/offset-index.ts'
import { decodeProducerSnapshot } from '../../src/storage/local/producer-snapshot.ts'
import { TimeIndex } from '../../src/storage/local/time-index.ts'
import { goldenJson } from '../protocol/golden.ts'
import { unpack } from './archive.ts'
import { backends, EngineFixture } from './engine-fixture.ts'

interface GoldenRecord {
  readonly offset: number
  readonly timestamp: number
  readonly leaderEpoch: number
  readonly keySha256: string | null
  readonly valueSha256: string | null
}

interface GoldenPartition {
  readonly partition: number
  readonly startOffset: number
  readonly endOffset: number
  readonly lastStableOffset: number
  readonly leaderEpoch: number
  readonly maxTimestamp: { offset: number; timestamp: number; leaderEpoch: number }
  readonly forTimestamp1700000000003: { offset: number; timestamp: number; leaderEpoch: number }
  readonly records?: readonly GoldenRecord[]
  readonly readCommittedOffsets?: readonly number[]
}

interface GoldenDirectory {
  readonly writtenAtMs: number
  readonly clusterId: string
  readonly topics: readonly {
    readonly name: string
    readonly topicId: string
    readonly partitions: readonly GoldenPartition[]
  }[]
  readonly producers: readonly (Record<string, number> & { topic: string })[]
}

function sha256(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : createHash('sha256').update(bytes).digest('hex')
}

/** Over the directory's own metadata log; without it, over what the test says. */
function openWith(metadata: 'its own metadata' | 'metadata of the test') {
  if (metadata === 'metadata of the test') return {}
  return { openMetadata: (start: MetadataStart) => MetadataLog.open(start) }
}

/** What a consumer would get: records, without those of aborted transactions if asked so. */
async function consume(
  fixture: EngineFixture,
  partition: TopicPartition,
  isolation: IsolationLevel,
  maxBytes = 64 * 1024,
): Promise<GoldenRecord[]> {
  const found: GoldenRecord[] = []
  const { log } = fixture.engine
  for (let offset = log.bounds(partition).logStartOffset; ; ) {
    const [result] = await log.read([{ ...partition, offset, maxBytes }], {
      isolation,
      maxBytes,
      atLeastOneBatch: true,
    })
    expect(result?.errorCode).toBe(0)
    if (!result || result.records.length === 0) return found
    const aborted = [...(result.abortedTransactions ?? [])]
    const abortedProducers = new Set<number>()
    const from = offset
    for (const batch of batches(result.records)) {
      offset = batch.nextOffset
      while (aborted.length > 0 && aborted[0]!.firstOffset <= batch.lastOffset) {
        abortedProducers.add(aborted.shift()!.producerId)
      }
      if (batch.isControl) {
        abortedProducers.delete(batch.producerId)
        continue
      }
      if (batch.isTransactional && abortedProducers.has(batch.producerId)) continue
      for (const record of records(batch)) {
        if (record.offset < from) continue
        found.push({
          offset: record.offset,
          timestamp: record.timestamp,
          leaderEpoch: batch.partitionLeaderEpoch,
          keySha256: sha256(record.key),
          valueSha256: sha256(record.value),
        })
      }
    }
    result.release()
  }
}

const clean = goldenJson<GoldenDirectory>('storage/clean.expected.json')

const metadatas = ['its own metadata', 'metadata of the test'] as const
/** A hundred partitions on a busy disk take their time: there the whole way once is enough. */
const ways = backends.flatMap(({ name, make }) =>
  metadatas.slice(0, name === 'memory-files' ? 2 : 1).map((metadata) => ({ name, make, metadata })),
)

describe.each(ways)(
  'the cleanly stopped directory of Apache Kafka on $name, $metadata',
  ({ make, metadata }) => {
    async function openClean() {
      const backend = make()
      unpack('clean.tar.gz', backend.files, backend.dataDir)
      const fixture = new EngineFixture(backend.files, `${backend.dataDir}/kafka`, {
        config: { retentionMs: -1 },
        options: { producerIdExpirationMs: Number.MAX_SAFE_INTEGER, ...openWith(metadata) },
      })
      fixture.clock.advance(clean.writtenAtMs - fixture.clock.nowMs())
      for (const { name, topicId, partitions } of clean.topics) {
        fixture.metadata.createTopic(name, parseUuid(topicId)!, partitions.length, 2)
      }
      await fixture.open()
      return { backend, fixture }
    }

    it('opens with every record, offset and lookup as Kafka showed them, twice', async () => {
      const { backend, fixture } = await openClean()
      expect(fixture.engine.clusterId).toBe(clean.clusterId)
      for (const round of ['first', 'again']) {
        if (round === 'again') await fixture.restart()
        for (const topic of clean.topics) {
          for (const golden of topic.partitions) {
            const topicId: Uuid = parseUuid(topic.topicId)!
            await comparePartition(fixture, { topicId, partition: golden.partition }, golden)
          }
        }
      }
      expect(fixture.reports.filter(({ level }) => level !== 'info')).toEqual([])
      await fixture.engine.close()
      backend.cleanUp()
    })

    it('knows its producers and their open transactions', async () => {
      const { backend, fixture } = await openClean()
      for (const topic of clean.topics) {
        const topicId = parseUuid(topic.topicId)!
        for (const { partition } of topic.partitions) {
          const golden = clean.producers.filter(
            (one) => one.topic === topic.name && one['partition'] === partition,
          )
          if (topic.name.startsWith('__')) continue
          const views = fixture.engine.log.producers({ topicId, partition })
          expect(
            views.map((view) => ({
              producerId: view.producerId,
              producerEpoch: view.producerEpoch,
              lastSequence: view.lastSequence,
              coordinatorEpoch: view.coordinatorEpoch,
              currentTransactionStartOffset: view.currentTxnStartOffset,
            })),
          ).toEqual(golden.map(({ topic: _topic, partition: _partition, ...rest }) => rest))
        }
      }
      await fixture.engine.close()
      backend.cleanUp()
    })
  },
)

async function comparePartition(
  fixture: EngineFixture,
  partition: TopicPartition,
  golden: GoldenPartition,
): Promise<void> {
  const { log } = fixture.engine
  const bounds = log.bounds(partition)
  expect(bounds).toMatchObject({
    errorCode: 0,
    logStartOffset: golden.startOffset,
    logEndOffset: golden.endOffset,
    highWatermark: golden.endOffset,
    lastStableOffset: golden.lastStableOffset,
  })
  const atTime = await log.offsetForTimestamp(partition, 1_700_000_000_003, 'read_uncommitted')
  const atMax = await log.offsetOfMaxTimestamp(partition, 'read_uncommitted')
  for (const [ours, theirs] of [
    [atTime, golden.forTimestamp1700000000003],
    [atMax, golden.maxTimestamp],
  ] as const) {
    expect({ offset: ours.offset, timestamp: ours.timestampMs, epoch: ours.leaderEpoch }).toEqual({
      offset: theirs.offset,
      timestamp: theirs.timestamp,
      epoch: theirs.leaderEpoch,
    })
  }
  if (!golden.records) return
  const all = await consume(fixture, partition, 'read_uncommitted')
  expect(all).toEqual(
    golden.records.map(({ offset, timestamp, leaderEpoch, keySha256, valueSha256 }) => ({
      offset,
      timestamp,
      leaderEpoch,
      keySha256,
      valueSha256,
    })),
  )
  const committed = await consume(fixture, partition, 'read_committed', 100)
  expect(committed.map(({ offset }) => offset)).toEqual(
    golden.readCommittedOffsets ?? golden.records.map(({ offset }) => offset),
  )
}

interface GoldenKill {
  readonly writtenAtMs: number
  readonly acknowledged: readonly {
    readonly topic: string
    readonly partition: number
    readonly offset: number
    readonly timestamp: number
    readonly valueSha256: string
  }[]
  readonly transactions: readonly {
    readonly offsets: readonly number[]
    readonly outcome: 'committed' | 'aborted' | 'unsure'
  }[]
}

const killed = goldenJson<GoldenKill>('storage/killed.expected.json')
const killedTopics = new Map([
  ['load', 'N1xuWPXeTxONBEP95ZTN0g'],
  ['load-created-late', 'b2hB4yxVRAiwe2UjcSFlBw'],
  ['load-segments', 'mH6TYxi3SqqiAdqNUogn7Q'],
  ['load-txn', 'pk4xOLcQRliFrOfepPheqA'],
  ['__consumer_offsets', 'U8vaQzqiSOmATLnkY4a3ZA'],
  ['__transaction_state', 'Phopqy3iS72JE4nRJa-Mig'],
])
const killedPartitions = new Map([
  ['load', 2],
  ['__consumer_offsets', 50],
  ['__transaction_state', 50],
])

describe.each(ways)(
  'the directory of a killed Apache Kafka on $name, $metadata',
  ({ make, metadata }) => {
    async function openKilled() {
      const backend = make()
      unpack('killed.tar.gz', backend.files, backend.dataDir)
      const fixture = new EngineFixture(backend.files, `${backend.dataDir}/kafka`, {
        config: { retentionMs: -1 },
        options: { producerIdExpirationMs: Number.MAX_SAFE_INTEGER, ...openWith(metadata) },
      })
      fixture.clock.advance(killed.writtenAtMs - fixture.clock.nowMs())
      for (const [name, topicId] of killedTopics) {
        fixture.metadata.createTopic(name, parseUuid(topicId)!, killedPartitions.get(name) ?? 1)
      }
      await fixture.open()
      return { backend, fixture }
    }

    it('recovers every acknowledged record at its offset', async () => {
      const { backend, fixture } = await openKilled()
      for (const restarted of [false, true]) {
        if (restarted) await fixture.restart()
        for (const [name, topicId] of killedTopics) {
          if (name.startsWith('__')) continue
          for (let partition = 0; partition < (killedPartitions.get(name) ?? 1); partition++) {
            const at = { topicId: parseUuid(topicId)!, partition }
            const found = new Map(
              (await consume(fixture, at, 'read_uncommitted')).map((one) => [one.offset, one]),
            )
            const wanted = killed.acknowledged.filter(
              (one) => one.topic === name && one.partition === partition,
            )
            for (const { offset, timestamp, valueSha256 } of wanted) {
              expect(found.get(offset)).toMatchObject({ offset, timestamp, valueSha256 })
            }
          }
        }
      }
      expect(fixture.reports.filter(({ level }) => level === 'error')).toEqual([])
      await fixture.engine.close()
      backend.cleanUp()
    })

    it('shows committed transactions to read_committed, and no aborted ones', async () => {
      const { backend, fixture } = await openKilled()
      const at = { topicId: parseUuid(killedTopics.get('load-txn')!)!, partition: 0 }
      const visible = new Set(
        (await consume(fixture, at, 'read_committed')).map(({ offset }) => offset),
      )
      for (const { offsets, outcome } of killed.transactions) {
        if (outcome === 'unsure') continue
        for (const offset of offsets) expect(visible.has(offset)).toBe(outcome === 'committed')
      }
      await fixture.engine.close()
      backend.cleanUp()
    })

    it('sets directories of a deleted topic aside', async () => {
      const { backend, fixture } = await openKilled()
      const names = fixture.files.list(fixture.dataDir).map(({ name }) => name)
      expect(names.filter((name) => /^load-deleted-[01]$/.test(name))).toEqual([])
      expect(names.filter((name) => name.endsWith('-stray'))).toHaveLength(2)
      await fixture.engine.close()
      backend.cleanUp()
    })

    it('leaves trimmed indexes and a producer snapshot that reads', async () => {
      const { backend, fixture } = await openKilled()
      await fixture.engine.close()
      const read = (name: string) => fixture.files.readFile(`${fixture.dataDir}/${name}`)!
      const logBytes = read('load-0/00000000000000000000.log').length
      const index = OffsetIndex.decode(read('load-0/00000000000000000000.index'), 0, logBytes)!
      expect(index.count).toBeGreaterThan(5)
      const times = TimeIndex.decode(read('load-0/00000000000000000000.timeindex'), 0)!
      expect(times.count).toBeGreaterThan(5)
      const end = fixture.engine.log.bounds({
        topicId: parseUuid(killedTopics.get('load-txn')!)!,
        partition: 0,
      }).logEndOffset
      const snapshot = read(`load-txn-0/${String(end).padStart(20, '0')}.snapshot`)
      expect(decodeProducerSnapshot(snapshot)).toMatchObject([{ producerId: 3 }])
      backend.cleanUp()
    })
  },
)
