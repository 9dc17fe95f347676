import { beforeEach, describe, expect, it } from 'vitest'
import type { LogConfig } from '../../src/storage/engine.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { batchOf } from './batches.ts'
import { EngineFixture, TOPIC } from './engine-fixture.ts'

const BATCH_BYTES = 118
const at = { topicId: TOPIC, partition: 0 }

describe('retention', () => {
  let fixture: EngineFixture

  beforeEach(async () => {
    const files = new MemoryFiles(() => fixture.clock.nowMs())
    fixture = new EngineFixture(files, '/data', { config: { segmentBytes: 3 * BATCH_BYTES } })
    await fixture.open()
    await fixture.createTopic(1)
  })

  const bounds = () => fixture.engine.log.bounds(at)
  const configure = (config: Partial<LogConfig>) => {
    fixture.config = { ...fixture.config, ...config }
    fixture.metadata.commit([
      { type: 'ConfigRecord', value: { resourceType: 2, resourceName: 'topic', name: 'x', value: '' } }, // biome-ignore format: one line
    ])
  }
  /** Each batch one minute after the other, three in a segment. */
  const fill = async (count: number, timestampOf = () => fixture.clock.nowMs()) => {
    for (let index = 0; index < count; index++) {
      await fixture.append(batchOf({ values: [''.padEnd(50, '.')], timestamp: timestampOf() }))
      fixture.clock.advance(60_000)
    }
  }
  const retain = () => fixture.engine.runRetention()

  it('by time takes whole segments whose newest record is too old', async () => {
    await fill(9)
    configure({ retentionMs: 60_000 * 6 })
    retain()
    // Newest records are 7, 4 and 1 minutes old.
    expect(bounds()).toMatchObject({ logStartOffset: 3, logEndOffset: 9 })
  })

  it('by time takes the active segment, too: an empty one follows', async () => {
    await fill(4)
    configure({ retentionMs: 60_000 })
    fixture.clock.advance(600_000)
    retain()
    expect(bounds()).toMatchObject({ logStartOffset: 4, logEndOffset: 4, sizeBytes: 0 })
    retain()
    expect(bounds()).toMatchObject({ logStartOffset: 4, logEndOffset: 4 })
    expect((await fixture.append(batchOf({ values: ['new'] }))).baseOffset).toBe(4)
  })

  it('by size keeps at least so many bytes', async () => {
    await fill(9)
    configure({ retentionMs: -1, retentionBytes: 4 * BATCH_BYTES })
    retain()
    // 9 batches: without the first segment 6 are left, without two only 3.
    expect(bounds()).toMatchObject({ logStartOffset: 3, sizeBytes: 6 * BATCH_BYTES })
    configure({ retentionBytes: 6 * BATCH_BYTES })
    retain()
    expect(bounds().logStartOffset).toBe(3)
  })

  it('of a record from the future keeps its segment and all after it', async () => {
    await fill(3, () => fixture.clock.nowMs() + 86_400_000)
    await fill(6)
    configure({ retentionMs: 60_000 })
    fixture.clock.advance(3_600_000)
    retain()
    expect(bounds().logStartOffset).toBe(0)
  })

  it('goes by the time of the file where records have no timestamp', async () => {
    await fill(3, () => -1)
    await fill(1)
    configure({ retentionMs: 60_000 * 60 })
    retain()
    expect(bounds().logStartOffset).toBe(0)
    fixture.clock.advance(60_000 * 60)
    retain()
    expect(bounds().logStartOffset).toBe(4)
  })

  it('takes what lies below a raised log start, also of compacted topics, and nothing else', async () => {
    await fill(9)
    configure({ cleanupDelete: false, cleanupCompact: true, retentionMs: 1, retentionBytes: 1 })
    await fixture.engine.log.deleteRecords(at, 5)
    retain()
    expect(bounds()).toMatchObject({ logStartOffset: 5, sizeBytes: 6 * BATCH_BYTES })
  })

  it('renames files first and removes them after file.delete.delay.ms', async () => {
    await fill(6)
    configure({ retentionMs: 60_000, fileDeleteDelayMs: 5_000 })
    retain()
    const deleted = () =>
      fixture.files.list('/data/topic-0').filter(({ name }) => name.endsWith('.deleted'))
    expect(deleted().length).toBeGreaterThan(2)
    fixture.clock.advance(5_000)
    expect(deleted()).toEqual([])
  })

  it('runs by itself', async () => {
    await fill(4)
    configure({ retentionMs: 60_000 })
    fixture.clock.advance(30_000 + 300_000)
    await new Promise((resolve) => setImmediate(resolve))
    fixture.clock.advance(300_000)
    expect(bounds().logStartOffset).toBe(4)
  })
})

describe('rolling', () => {
  const open = async (config: Partial<LogConfig>) => {
    const fixture = new EngineFixture(new MemoryFiles(() => fixture.clock.nowMs()), '/data', { config }) // biome-ignore format: one line
    await fixture.open()
    await fixture.createTopic(1)
    return fixture
  }
  const segments = (fixture: EngineFixture) =>
    fixture.engine.log.segmentOffsets(at).map(({ offset }) => offset)

  it('follows the timestamps of the records, not the clock', async () => {
    const fixture = await open({ segmentMs: 1_000, retentionMs: -1 })
    await fixture.append(batchOf({ values: ['a'], timestamp: 5_000 }))
    fixture.clock.advance(600_000)
    await fixture.append(batchOf({ values: ['b'], timestamp: 6_000 }))
    await fixture.append(batchOf({ values: ['c'], timestamp: 6_001 }))
    expect(segments(fixture)).toEqual([2, 0])
  })

  it('goes by the clock where records have no timestamp', async () => {
    const fixture = await open({ segmentMs: 1_000 })
    await fixture.append(batchOf({ values: ['a'], timestamp: -1 }))
    fixture.clock.advance(1_001)
    await fixture.append(batchOf({ values: ['b'], timestamp: -1 }))
    expect(segments(fixture)).toEqual([1, 0])
  })

  it('happens when an index is full', async () => {
    const fixture = await open({ segmentIndexBytes: 24, indexIntervalBytes: 0 })
    for (let index = 0; index < 6; index++) {
      await fixture.append(batchOf({ values: ['a'], timestamp: 1_000 + index }))
    }
    expect(segments(fixture).length).toBeGreaterThan(2)
    expect(await fixture.readAll()).toHaveLength(6)
  })

  it('refuses a batch larger than a segment', async () => {
    const fixture = await open({ segmentBytes: 100 })
    const { errorCode } = await fixture.append(batchOf({ values: ['a'.repeat(100)] }))
    expect(errorCode).toBe(18)
  })
})
