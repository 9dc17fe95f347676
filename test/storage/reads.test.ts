import { describe, expect, it } from 'vitest'
import { BufferPool } from '../../src/storage/local/buffer-pool.ts'
import { LogTail, TailBudget } from '../../src/storage/local/log-tail.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { batchOf, valuesOf } from './batches.ts'
import { EngineFixture, NOW_MS, TOPIC } from './engine-fixture.ts'
import { FaultyFiles } from './faulty-files.ts'

async function open(options: ConstructorParameters<typeof EngineFixture>[2] = {}) {
  const disk = new FaultyFiles(new MemoryFiles(() => NOW_MS))
  const fixture = await new EngineFixture(disk, '/data', options).open()
  await fixture.createTopic(2)
  return { disk, fixture }
}

const read = (fixture: EngineFixture, offset: number, maxBytes = 100_000) =>
  fixture.engine.log.read([{ topicId: TOPIC, partition: 0, offset, maxBytes }], {
    isolation: 'read_uncommitted',
    maxBytes,
    atLeastOneBatch: true,
  })

describe('a consumer that follows the log', () => {
  it('is served from memory, without a look at the disk', async () => {
    const { disk, fixture } = await open()
    await fixture.append(batchOf({ values: ['a'] }))
    for (let offset = 0; ; offset++) {
      const result = await fixture.readOne(offset)
      result.release()
      if (result.records.length === 0) break
    }
    disk.readError = 'EIO'
    for (let index = 1; index < 50; index++) {
      await fixture.append(batchOf({ values: [`v${index}`, 'x'.repeat(2_000)] }))
      const result = await fixture.readOne(1 + (index - 1) * 2)
      expect(result.errorCode).toBe(0)
      expect(valuesOf(result.records)[0]?.value).toBe(`v${index}`)
      result.release()
    }
    // Far behind, over the border between two blocks.
    const behind = await fixture.readOne(21)
    expect(valuesOf(behind.records).length).toBe(78)
    behind.release()
  })

  it('keeps what it holds while the log goes on and the tail is dropped', async () => {
    const { fixture } = await open({ options: { tailCacheBytes: 64 * 1024 } })
    await fixture.readOne(0)
    await fixture.append(batchOf({ values: ['held'.padEnd(10_000, '.')] }))
    const held = await fixture.readOne(0)
    const before = Buffer.from(held.records)
    for (let index = 0; index < 40; index++) {
      await fixture.append(batchOf({ values: [`${index}`.padEnd(10_000, '-')] }))
      await fixture.readOne(index + 2)
    }
    expect(Buffer.from(held.records).equals(before)).toBe(true)
    held.release()
    expect(await fixture.readAll()).toHaveLength(41)
  })

  it('costs nothing where nobody follows: the tail stays empty', () => {
    const tail = new LogTail(new TailBudget(new BufferPool(0), 1_000_000))
    tail.append(Buffer.from('abc'), 0)
    expect(tail.read(0, 10)).toBeUndefined()
    tail.want()
    tail.append(Buffer.from('def'), 3)
    const found = tail.read(3, 10)
    expect(Buffer.from(found!.bytes).toString()).toBe('def')
    found!.release()
    expect(tail.read(0, 10)).toBeUndefined()
  })
})

describe('a large or old read', () => {
  it('comes later, whole, and from where it began even when retention runs meanwhile', async () => {
    const { fixture } = await open({ config: { segmentBytes: 3_000_000 } })
    for (let index = 0; index < 4; index++) {
      await fixture.append(batchOf({ values: [`${index}`.padEnd(1_500_000, '.')] }))
    }
    const reading = read(fixture, 1, 2_000_000)
    expect(reading).toBeInstanceOf(Promise)
    fixture.clock.advance(fixture.config.retentionMs * 2)
    fixture.engine.runRetention()
    const [result] = await reading
    expect(valuesOf(result!.records).map(({ offset }) => offset)).toEqual([1])
    result!.release()
  })

  it('is at once when it is small and new', async () => {
    const { fixture } = await open()
    await fixture.append(batchOf({ values: ['a'] }))
    const results = read(fixture, 0)
    expect(results).not.toBeInstanceOf(Promise)
  })

  it('takes turns with others in one call and shares the limit', async () => {
    const { fixture } = await open()
    const big = 'x'.repeat(1_200_000)
    await fixture.append(batchOf({ values: [big] }))
    await fixture.append(batchOf({ values: [big] }), { partition: 1 })
    const results = await fixture.engine.log.read(
      [0, 1].map((partition) => ({ topicId: TOPIC, partition, offset: 0, maxBytes: 2_000_000 })),
      { isolation: 'read_uncommitted', maxBytes: 2_000_000, atLeastOneBatch: true },
    )
    expect(results.map(({ records }) => records.length > 0)).toEqual([true, false])
    for (const result of results) result.release()
  })
})

describe('looking up timestamps', () => {
  it('finds the first record at or after a time, over segments and indexes', async () => {
    const { fixture } = await open({ config: { segmentBytes: 1_000, indexIntervalBytes: 100 } })
    // Times go up and down a little: 0, 20, 10, 30, 50, 40, ...
    const times = Array.from({ length: 60 }, (_, index) => index * 10 + (index % 3 === 1 ? 10 : index % 3 === 2 ? -10 : 0)) // biome-ignore format: one line
    for (const timestamp of times) await fixture.append(batchOf({ values: ['v'], timestamp }))
    const at = { topicId: TOPIC, partition: 0 }
    for (const restarted of [false, true]) {
      if (restarted) await fixture.restart()
      for (let target = 0; target <= 620; target += 5) {
        const found = await fixture.engine.log.offsetForTimestamp(at, target, 'read_uncommitted')
        const expected = times.findIndex((time) => time >= target)
        expect([target, found.offset]).toEqual([target, expected])
        expect(found.timestampMs).toBe(expected < 0 ? -1 : times[expected])
      }
      const max = await fixture.engine.log.offsetOfMaxTimestamp(at, 'read_uncommitted')
      expect(max).toMatchObject({ offset: 58, timestampMs: 590 })
    }
    await fixture.engine.log.deleteRecords(at, 30)
    const found = await fixture.engine.log.offsetForTimestamp(at, 0, 'read_uncommitted')
    expect(found.offset).toBe(30)
  })

  it('finds nothing in an empty log', async () => {
    const { fixture } = await open()
    const at = { topicId: TOPIC, partition: 0 }
    const nothing = { errorCode: 0, offset: -1, timestampMs: -1, leaderEpoch: -1 }
    expect(await fixture.engine.log.offsetForTimestamp(at, 0, 'read_uncommitted')).toEqual(nothing)
    expect(await fixture.engine.log.offsetOfMaxTimestamp(at, 'read_uncommitted')).toEqual(nothing)
  })
})
