import { describe, expect, it } from 'vitest'
import type { VirtualClock } from '../../src/base/clock.ts'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import type { LogConfig } from '../../src/storage/engine.ts'
import type { Durability } from '../../src/storage/local/log-environment.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { batchOf, valuesOf } from './batches.ts'
import { EngineFixture, NOW_MS, TOPIC } from './engine-fixture.ts'
import { FaultyFiles } from './faulty-files.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function open(durability: Durability, config: Partial<LogConfig> = {}) {
  const disk = new FaultyFiles(new MemoryFiles(() => NOW_MS))
  const fixture = new EngineFixture(disk, '/data', { options: { durability }, config })
  await fixture.open()
  await fixture.createTopic(2)
  return { disk, fixture }
}

const bounds = (fixture: EngineFixture) =>
  fixture.engine.log.bounds({ topicId: TOPIC, partition: 0 })

async function passTime(clock: VirtualClock, ms: number): Promise<void> {
  clock.advance(ms)
  await turn()
}

describe('a disk that fails a write', () => {
  it.each([
    [
      'is full',
      (disk: FaultyFiles, full: boolean) => {
        disk.bytesLeft = full ? 100 : Number.POSITIVE_INFINITY
      },
    ],
    [
      'has an input/output error',
      (disk: FaultyFiles, full: boolean) => {
        disk.writeError = full ? 'EIO' : undefined
      },
    ],
  ])('because it %s: no ack, reads go on, and writes when it is over', async (_, fail) => {
    const { disk, fixture } = await open({ mode: 'os' })
    const header = { producerId: 1, producerEpoch: 0 }
    const batch = (sequence: number) =>
      batchOf({ values: [`v${sequence}`, 'x'.repeat(200)], ...header, baseSequence: sequence })
    await fixture.append(batch(0))
    fail(disk, true)
    const failed = await fixture.append(batch(2))
    expect(failed.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(bounds(fixture)).toMatchObject({ logEndOffset: 2, highWatermark: 2 })
    expect((await fixture.readAll()).map(({ value }) => value[0])).toEqual(['v', 'x'])
    expect(fixture.engine.log.producers({ topicId: TOPIC, partition: 0 })).toMatchObject([
      { lastSequence: 1 },
    ])
    fail(disk, false)
    expect(await fixture.append(batch(2))).toMatchObject({ errorCode: 0, baseOffset: 2 })
    expect(await fixture.append(batch(2))).toMatchObject({ duplicate: true, baseOffset: 2 })
    await fixture.restart()
    expect(await fixture.readAll()).toHaveLength(4)
    expect(fixture.reports.filter(({ level }) => level === 'error')).toHaveLength(1)
  })

  it('leaves no half batch in the file', async () => {
    const { disk, fixture } = await open({ mode: 'os' })
    await fixture.append(batchOf({ values: ['a'] }))
    const path = '/data/topic-0/00000000000000000000.log'
    const sizeBytes = disk.stat(path)!.sizeBytes
    disk.bytesLeft = 50
    await fixture.append(batchOf({ values: ['b'.repeat(100)] }))
    expect(disk.stat(path)!.sizeBytes).toBe(sizeBytes)
  })

  it('fails all batches of one call to one partition, and those of others not', async () => {
    const { disk, fixture } = await open({ mode: 'os' })
    const item = (partition: number, value: string) => ({
      topicId: TOPIC,
      partition,
      origin: 'client' as const,
      batch: batchOf({ values: [value] }),
    })
    await fixture.append(item(1, 'first').batch, { partition: 1 })
    disk.bytesLeft = 150
    const results = await fixture.engine.log.append(
      [item(1, 'fits'), item(0, 'a'.repeat(100)), item(0, 'b')],
      { nowMs: 0 },
    )
    expect(results.map(({ errorCode }) => errorCode)).toEqual([
      ErrorCode.NONE,
      ErrorCode.KAFKA_STORAGE_ERROR,
      ErrorCode.KAFKA_STORAGE_ERROR,
    ])
  })

  it('makes the log read-only when the failure cannot be undone', async () => {
    const { disk, fixture } = await open({ mode: 'os' })
    await fixture.append(batchOf({ values: ['a'] }))
    disk.bytesLeft = 50
    disk.truncateError = 'EIO'
    await fixture.append(batchOf({ values: ['b'] }))
    disk.bytesLeft = Number.POSITIVE_INFINITY
    disk.truncateError = undefined
    const refused = await fixture.append(batchOf({ values: ['c'] }))
    expect(refused.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(await fixture.readAll()).toHaveLength(1)
  })

  it('does not keep a roll from being tried again', async () => {
    const { disk, fixture } = await open({ mode: 'os' }, { segmentBytes: 250 })
    await fixture.append(batchOf({ values: ['a'.repeat(100)] }))
    disk.bytesLeft = 0
    const failed = await fixture.append(batchOf({ values: ['b'.repeat(100)] }))
    expect(failed.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    disk.bytesLeft = 40
    const small = await fixture.append(batchOf({ values: ['s'] }))
    expect(small.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    disk.bytesLeft = Number.POSITIVE_INFINITY
    const inner = { values: ['b'.repeat(100)] }
    disk.writeFileError = 'ENOSPC'
    expect((await fixture.append(batchOf(inner))).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    // Still fits into the old segment, where a roll had already begun.
    expect((await fixture.append(batchOf({ values: ['tiny'] }))).baseOffset).toBe(1)
    disk.writeFileError = undefined
    expect((await fixture.append(batchOf(inner))).baseOffset).toBe(2)
    await fixture.restart()
    for (const offset of [0, 1, 2]) {
      expect(valuesOf((await fixture.readOne(offset)).records)[0]?.offset).toBe(offset)
    }
  })
})

describe('a disk that fails a read', () => {
  it('answers KAFKA_STORAGE_ERROR and recovers', async () => {
    const { disk, fixture } = await open({ mode: 'os' })
    await fixture.append(batchOf({ values: ['a'] }))
    disk.readError = 'EIO'
    expect((await fixture.readOne(0)).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    disk.readError = undefined
    expect(await fixture.readAll()).toHaveLength(1)
  })
})

describe('durability sync', () => {
  it('acks and shows a record only once it is synced', async () => {
    const { disk, fixture } = await open({ mode: 'sync' })
    await fixture.append(batchOf({ values: ['a'] }))
    disk.holdSyncs()
    let isAcked = false
    const pending = fixture.append(batchOf({ values: ['b'] })).then((result) => {
      isAcked = true
      return result
    })
    await turn()
    expect(isAcked).toBe(false)
    expect(bounds(fixture)).toMatchObject({ logEndOffset: 2, highWatermark: 1 })
    expect(await fixture.readAll()).toHaveLength(1)
    disk.letSyncsGo()
    expect(await pending).toMatchObject({ errorCode: 0, baseOffset: 1 })
    expect(bounds(fixture).highWatermark).toBe(2)
  })

  it('syncs once for all that was appended during a sync', async () => {
    const { disk, fixture } = await open({ mode: 'sync' })
    await fixture.append(batchOf({ values: ['a'] }))
    const before = disk.syncCount
    disk.holdSyncs()
    const pending = Array.from({ length: 50 }, () => fixture.append(batchOf({ values: ['b'] })))
    await turn()
    disk.letSyncsGo()
    await Promise.all(pending)
    expect(disk.syncCount - before).toBe(2)
  })

  it('lets a duplicate wait for the sync of the first', async () => {
    const { disk, fixture } = await open({ mode: 'sync' })
    disk.holdSyncs()
    const batch = () => batchOf({ values: ['a'], producerId: 1, producerEpoch: 0, baseSequence: 0 })
    const first = fixture.append(batch())
    let isAcked = false
    const second = fixture.append(batch()).finally(() => {
      isAcked = true
    })
    await turn()
    expect(isAcked).toBe(false)
    disk.letSyncsGo()
    expect([(await first).duplicate, (await second).duplicate]).toEqual([false, true])
  })

  it('never takes a failed sync for a success: the log is read-only until a restart', async () => {
    const { disk, fixture } = await open({ mode: 'sync' })
    await fixture.append(batchOf({ values: ['a'] }))
    disk.syncError = 'EIO'
    const failed = await fixture.append(batchOf({ values: ['b'] }))
    expect(failed.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    disk.syncError = undefined
    const refused = await fixture.append(batchOf({ values: ['c'] }))
    expect(refused.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect((await fixture.readAll()).map(({ value }) => value)).toEqual(['a'])
    await fixture.engine.close()
    expect(disk.stat('/data/.kafka_cleanshutdown')).toBeUndefined()
  })
})

describe('durability interval', () => {
  it('syncs what was appended once per interval, and nothing when idle', async () => {
    const { disk, fixture } = await open({ mode: 'interval', intervalMs: 1_000 })
    const before = disk.syncCount
    await fixture.append(batchOf({ values: ['a'] }))
    await fixture.append(batchOf({ values: ['b'] }))
    expect(disk.syncCount).toBe(before)
    await passTime(fixture.clock, 1_000)
    expect(disk.syncCount).toBe(before + 1)
    await passTime(fixture.clock, 1_000)
    expect(disk.syncCount).toBe(before + 1)
  })
})

describe('topic settings', () => {
  it('flush.messages syncs before the ack', async () => {
    const { disk, fixture } = await open({ mode: 'os' }, { flushMessages: 2 })
    await fixture.append(batchOf({ values: ['a'] }))
    expect(disk.syncCount).toBe(1)
    disk.holdSyncs()
    let isAcked = false
    const pending = fixture.append(batchOf({ values: ['b'] })).finally(() => {
      isAcked = true
    })
    await turn()
    expect(isAcked).toBe(false)
    disk.letSyncsGo()
    await pending
  })

  it('flush.ms syncs later', async () => {
    const { disk, fixture } = await open({ mode: 'os' }, { flushMs: 5_000 })
    await fixture.append(batchOf({ values: ['a'] }))
    const before = disk.syncCount
    await passTime(fixture.clock, 30_000)
    await passTime(fixture.clock, 1_000)
    expect(disk.syncCount).toBeGreaterThan(before)
  })
})
