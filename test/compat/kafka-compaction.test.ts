import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { VirtualClock } from '../../src/base/clock.ts'
import type { Uuid } from '../../src/base/uuid.ts'
import { batches } from '../../src/protocol/records/batch.ts'
import type { AppendItem } from '../../src/storage/engine.ts'
import { parseOffsetCheckpoint } from '../../src/storage/local/checkpoint-file.ts'
import { defaultCleanerSettings } from '../../src/storage/local/cleaner.ts'
import { MetadataLog } from '../../src/storage/local/metadata-log.ts'
import { NodeFiles } from '../../src/storage/local/node-files.ts'
import { TransactionIndex } from '../../src/storage/local/transaction-index.ts'
import { CompactedStory } from '../storage/compacted-story.ts'
import { EngineFixture, TOPIC } from '../storage/engine-fixture.ts'
import { ApacheKafka } from './apache-kafka.ts'
import { batchContent } from './batch-content.ts'
import { stopAllPrograms } from './process.ts'

/** One random story in each: plain, idempotent and transactional writes, tombstones, no keys. */
const PARTITIONS = 12
const SEGMENT_BYTES = 2_000
/** What one cleaning takes in, so that the ranges are the same. */
const DEDUPE_BYTES = 2 * 1024 * 1024

const root = mkdtempSync(join(tmpdir(), 'dohle-compaction-'))
afterEach(() => stopAllPrograms())
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Deletes at once what it finds a second time. */
const TOPIC_CONFIGS: Readonly<Record<string, string>> = {
  'cleanup.policy': 'compact',
  'min.cleanable.dirty.ratio': '0.0',
  'delete.retention.ms': '0',
  'file.delete.delay.ms': '0',
  'internal.segment.bytes': String(SEGMENT_BYTES),
}

/** Of the directory that was opened last. */
let directoryId: Uuid = ''

function open(directory: string, clock: VirtualClock): EngineFixture {
  return new EngineFixture(new NodeFiles(), join(directory, 'data'), {
    clock,
    config: {
      segmentBytes: SEGMENT_BYTES,
      indexIntervalBytes: 150,
      cleanupCompact: true,
      cleanupDelete: false,
      minCleanableDirtyRatio: 0,
      deleteRetentionMs: 0,
      fileDeleteDelayMs: 0,
    },
    options: {
      openMetadata(start) {
        directoryId = start.directoryId
        return MetadataLog.open(start)
      },
      cleanerEnabled: false,
      cleanerSettings: () => ({ ...defaultCleanerSettings, dedupeBufferBytes: DEDUPE_BYTES }),
    },
  })
}

async function createTopic({ engine }: EngineFixture): Promise<void> {
  const fresh = { leader: 1, leaderEpoch: 0, partitionEpoch: 0 }
  const partition = { topicId: TOPIC, replicas: [1], isr: [1], ...fresh }
  await engine.metadata.commit([
    { type: 'TopicRecord', value: { name: 'topic', topicId: TOPIC } },
    ...Array.from({ length: PARTITIONS }, (_, partitionId) => ({
      type: 'PartitionRecord' as const,
      value: {
        ...partition,
        partitionId,
        removingReplicas: [],
        addingReplicas: [],
        directories: [directoryId],
      },
    })),
    ...Object.entries(TOPIC_CONFIGS).map(([name, value]) => ({
      type: 'ConfigRecord' as const,
      value: { resourceType: 2, resourceName: 'topic', name, value },
    })),
  ])
}

type Append =
  | { readonly batch: Buffer; readonly item: Partial<AppendItem> }
  | { readonly roll: number }

/** Writes to every partition and rolls, and notes what was done. */
async function tell(fixture: EngineFixture, stories: readonly CompactedStory[], steps: number) {
  const appends: Append[] = []
  const append = fixture.append.bind(fixture)
  fixture.append = (batch, item = {}) => {
    appends.push({ batch: Buffer.from(batch), item })
    return append(batch, item)
  }
  for (const story of stories) {
    for (let step = 0; step < steps; step++) await story.step()
    for (const producer of story.producers) {
      if (story.random() < 0.8) await story.end(producer)
    }
    story.log.roll(fixture.clock.nowMs())
    appends.push({ roll: story.partition })
  }
  fixture.append = append
  return appends
}

async function repeat(fixture: EngineFixture, appends: readonly Append[]): Promise<void> {
  for (const one of appends) {
    if ('roll' in one) {
      fixture.engine.log.find({ topicId: TOPIC, partition: one.roll })!.roll(fixture.clock.nowMs())
    } else {
      const result = await fixture.append(one.batch, one.item)
      expect(result.errorCode).toBe(0)
    }
  }
}

function checkpoint(directory: string): Map<number, number> {
  const text = readFileSync(join(directory, 'data/cleaner-offset-checkpoint'), 'utf8')
  const entries = parseOffsetCheckpoint(text) ?? []
  return new Map(entries.map(({ partition, offset }) => [partition, offset]))
}

/** Lets Apache Kafka compact it as far as `until` says. */
async function compactWithKafka(directory: string, until: ReadonlyMap<number, number>) {
  const kafka = await ApacheKafka.start(directory, {
    'log.cleaner.backoff.ms': '100',
    'log.cleaner.dedupe.buffer.size': String(DEDUPE_BYTES),
    'log.index.interval.bytes': '150',
  })
  await vi.waitFor(() => expect(checkpoint(directory)).toEqual(until), {
    timeout: 60_000,
    interval: 200,
  })
  expect(await kafka.stop()).toBe(143)
  expect(kafka.errors).toEqual([])
}

/** All that is in the segments of a partition but for what each broker stamps itself. */
function contentOf(directory: string, partition: number) {
  const folder = join(directory, 'data', `topic-${partition}`)
  const names = readdirSync(folder).sort()
  const segments = names.filter((name) => name.endsWith('.log'))
  return segments.map((name) => ({
    name,
    batches: [...batches(readFileSync(join(folder, name)))].map((batch) => {
      batch.ensureValid()
      return batchContent(batch)
    }),
    aborted: abortedIn(join(folder, name.replace('.log', '.txnindex'))),
  }))
}

function abortedIn(path: string) {
  try {
    return TransactionIndex.decode(readFileSync(path))?.entries
  } catch {
    return []
  }
}

describe('compaction', () => {
  it('leaves exactly what that of Apache Kafka leaves, three times in a row', async () => {
    const ours = join(root, 'ours')
    const kafkas = join(root, 'kafkas')
    const clock = new VirtualClock(Date.now())
    const fixture = open(ours, clock)
    await fixture.open()
    await createTopic(fixture)
    const stories = Array.from(
      { length: PARTITIONS },
      (_, partition) =>
        new CompactedStory(partition + 1, { fixture, partition, keyless: partition % 4 ? 0 : 0.1 }),
    )
    await tell(fixture, stories, 150)
    await fixture.engine.close()
    cpSync(ours, kafkas, { recursive: true })
    for (let round = 1; round <= 3; round++) {
      await fixture.reopen()
      await fixture.engine.runCleaner()
      await fixture.engine.close()
      await compactWithKafka(kafkas, checkpoint(ours))
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const where = { round, partition }
        expect({ ...where, content: contentOf(ours, partition) }).toEqual({
          ...where,
          content: contentOf(kafkas, partition),
        })
      }
      clock.advance(Math.max(0, Date.now() - clock.nowMs()))
      await fixture.reopen()
      const appends = await tell(fixture, stories, 60)
      await fixture.engine.close()
      const other = await open(kafkas, clock).open()
      await repeat(other, appends)
      await other.engine.close()
    }
  }, 300_000)
})
