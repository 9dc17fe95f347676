import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import type { LocalEngineOptions } from '../../src/storage/local/local-engine-options.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { batchOf, markerOf } from './batches.ts'
import { EngineFixture, NOW_MS, TOPIC } from './engine-fixture.ts'

const at = { topicId: TOPIC, partition: 0 }

async function fixtureOf(options: Partial<LocalEngineOptions> = {}): Promise<EngineFixture> {
  const fixture = new EngineFixture(new MemoryFiles(() => NOW_MS), '/data', {
    config: { segmentBytes: 700, indexIntervalBytes: 150, retentionMs: -1 },
    options: { otherDataDirs: ['/data2'], ...options },
  })
  await fixture.open()
  await fixture.createTopic(1)
  return fixture
}

const values = (fixture: EngineFixture) =>
  fixture.readAll().then((records) => records.map(({ value }) => value))

/** A start after a kill; the machine stayed up. */
function killed(fixture: EngineFixture): Promise<void> {
  const died = { writesSurvived: true, ownerWasDohle: true, release: () => undefined }
  fixture.files.lock = async () => died
  return fixture.reopen()
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

/** Until nothing moves, though the clock stands still for all who rest. */
function settled(fixture: EngineFixture): Promise<void> {
  return until(() => {
    fixture.clock.advance(100)
    return fixture.engine.placeOf(at)?.future === undefined
  })
}

const topicDirectories = (fixture: EngineFixture, path: string) =>
  fixture.files
    .list(path)
    .map(({ name }) => name.replace(/[0-9a-f]{32}/, 'ID'))
    .filter((name) => name.startsWith('topic'))

async function fill(fixture: EngineFixture, from: number, to: number): Promise<string[]> {
  const written: string[] = []
  for (let sequence = from; sequence < to; sequence++) {
    const value = `v${sequence}-${'x'.repeat(100)}`
    const header = { producerId: 7, producerEpoch: 0, baseSequence: sequence }
    const result = await fixture.append(batchOf({ values: [value], ...header }))
    expect(result.errorCode).toBe(0)
    written.push(value)
  }
  return written
}

describe('a partition that moves to another directory', () => {
  it('has all its records, producers, epochs and its start there, and nothing where it was', async () => {
    const fixture = await fixtureOf()
    const before = await fill(fixture, 0, 20)
    await fixture.engine.log.deleteRecords(at, 3)
    expect(fixture.engine.moveReplica(at, '/data2')).toBe(ErrorCode.NONE)
    await settled(fixture)
    expect(fixture.engine.placeOf(at)).toMatchObject({ path: '/data2', future: undefined })
    expect(topicDirectories(fixture, '/data')).toEqual(['topic-0.ID-delete'])
    expect(topicDirectories(fixture, '/data2')).toEqual(['topic-0'])
    const after = await fill(fixture, 20, 30)
    const expected = [...before, ...after].slice(3)
    expect(await values(fixture)).toEqual(expected)
    for (const reopen of [() => fixture.restart(), () => killed(fixture)]) {
      await reopen()
      expect(fixture.engine.placeOf(at)?.path).toBe('/data2')
      expect(await values(fixture)).toEqual(expected)
      expect(fixture.engine.log.producers(at)).toMatchObject([{ producerId: 7, lastSequence: 29 }])
      expect(fixture.engine.log.bounds(at)).toMatchObject({ logStartOffset: 3, logEndOffset: 30 })
    }
  })

  it('takes appends and serves reads all the time', async () => {
    const fixture = await fixtureOf({ durability: { mode: 'sync' } })
    const written = await fill(fixture, 0, 20)
    for (let round = 1; round <= 4; round++) {
      fixture.engine.moveReplica(at, round % 2 ? '/data2' : '/data')
      written.push(...(await fill(fixture, round * 20, round * 20 + 20)))
      expect(await values(fixture)).toEqual(written)
      await settled(fixture)
    }
    expect(await values(fixture)).toEqual(written)
    await fixture.restart()
    expect(await values(fixture)).toEqual(written)
  })

  it('takes an open transaction along', async () => {
    const fixture = await fixtureOf()
    const header = { producerId: 9, producerEpoch: 0, baseSequence: 0, transactional: true }
    await fixture.append(batchOf({ values: ['a'], ...header }), { transactionVerified: true })
    fixture.engine.moveReplica(at, '/data2')
    await settled(fixture)
    expect(fixture.engine.log.bounds(at)).toMatchObject({ lastStableOffset: 0, highWatermark: 1 })
    await fixture.append(markerOf('ABORT', 9, 0), { origin: 'coordinator' })
    expect((await fixture.readVisible(0, 'read_committed')).records).toEqual([])
    expect((await fixture.readVisible(0, 'read_uncommitted')).records).toHaveLength(1)
  })

  it('moves at once when it has no records', async () => {
    const fixture = await fixtureOf()
    fixture.engine.moveReplica(at, '/data2')
    await settled(fixture)
    await fill(fixture, 0, 1)
    expect(topicDirectories(fixture, '/data2')).toEqual(['topic-0'])
    expect(topicDirectories(fixture, '/data')).toEqual([])
  })

  it('survives retention and the deletion of its topic', async () => {
    const fixture = await fixtureOf()
    await fill(fixture, 0, 20)
    fixture.engine.moveReplica(at, '/data2')
    fixture.config = { ...fixture.config, retentionMs: 1 }
    fixture.clock.advance(1_000)
    fixture.engine.runRetention()
    await settled(fixture)
    expect(fixture.engine.placeOf(at)?.path).toBe('/data2')
    fixture.engine.moveReplica(at, '/data')
    fixture.metadata.deleteTopic(TOPIC)
    await until(() => topicDirectories(fixture, '/data').every((name) => name.endsWith('delete')))
    await fixture.engine.close()
    expect(topicDirectories(fixture, '/data2').every((name) => name.endsWith('delete'))).toBe(true)
  })
})

describe('a slow move', () => {
  const slow = () => fixtureOf({ moveSettings: () => ({ threads: 1, bytesPerSecond: 100 }) })

  it('shows how far it is, and is begun again after a crash', async () => {
    const fixture = await slow()
    const written = await fill(fixture, 0, 20)
    fixture.engine.moveReplica(at, '/data2')
    await until(() => (fixture.engine.placeOf(at)?.future?.sizeBytes ?? 0) > 0)
    const { sizeBytes } = fixture.engine.log.bounds(at)
    expect(fixture.engine.placeOf(at)?.future?.sizeBytes).toBeLessThan(sizeBytes)
    expect(fixture.engine.placeOf(at)?.future?.logEndOffset).toBeLessThan(20)
    expect(topicDirectories(fixture, '/data2')).toEqual(['topic-0.ID-future'])
    await killed(fixture)
    expect(fixture.engine.placeOf(at)).toMatchObject({ path: '/data', future: { path: '/data2' } })
    await settled(fixture)
    expect(fixture.engine.placeOf(at)?.path).toBe('/data2')
    expect(await values(fixture)).toEqual(written)
  })

  it('is called off by a move to where the partition is', async () => {
    const fixture = await slow()
    const written = await fill(fixture, 0, 20)
    fixture.engine.moveReplica(at, '/data2')
    await until(() => (fixture.engine.placeOf(at)?.future?.sizeBytes ?? 0) > 0)
    expect(fixture.engine.moveReplica(at, '/data')).toBe(ErrorCode.NONE)
    expect(fixture.engine.placeOf(at)).toMatchObject({ path: '/data', future: undefined })
    await until(() => {
      fixture.clock.advance(100)
      return topicDirectories(fixture, '/data2')[0] === 'topic-0.ID-delete'
    })
    expect(await values(fixture)).toEqual(written)
  })

  it('goes elsewhere when that is asked for', async () => {
    const fixture = await fixtureOf({
      otherDataDirs: ['/data2', '/data3'],
      moveSettings: () => ({ threads: 1, bytesPerSecond: 100 }),
    })
    const written = await fill(fixture, 0, 20)
    fixture.engine.moveReplica(at, '/data2')
    await until(() => (fixture.engine.placeOf(at)?.future?.sizeBytes ?? 0) > 0)
    fixture.engine.moveReplica(at, '/data3')
    expect(fixture.engine.placeOf(at)?.future?.path).toBe('/data3')
    await settled(fixture)
    expect(fixture.engine.placeOf(at)?.path).toBe('/data3')
    expect(topicDirectories(fixture, '/data2')).toEqual(['topic-0.ID-delete'])
    expect(await values(fixture)).toEqual(written)
  })
})

describe('a move that cannot be', () => {
  it('is refused with the code of Kafka', async () => {
    const fixture = await fixtureOf()
    const move = (partition: number, path: string) =>
      fixture.engine.moveReplica({ topicId: TOPIC, partition }, path)
    expect(move(0, '/nowhere')).toBe(ErrorCode.LOG_DIR_NOT_FOUND)
    expect(move(7, '/data2')).toBe(ErrorCode.REPLICA_NOT_AVAILABLE)
    expect(move(0, '/data')).toBe(ErrorCode.NONE)
  })
})
