import { beforeEach, describe, expect, it, vi } from 'vitest'
import { batches } from '../../src/protocol/records/batch.ts'
import type { LogConfig } from '../../src/storage/engine.ts'
import { parseOffsetCheckpoint } from '../../src/storage/local/checkpoint-file.ts'
import type { CleanerSettings } from '../../src/storage/local/cleaner.ts'
import { defaultCleanerSettings } from '../../src/storage/local/cleaner.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { markerOf } from './batches.ts'
import {
  batchesLeft,
  committedLeft,
  type KeyedBatch,
  keyedBatch,
  recordsLeft,
  StepTurns,
} from './compacted-log.ts'
import { EngineFixture, TOPIC } from './engine-fixture.ts'
import { FaultyFiles } from './faulty-files.ts'

const at = { topicId: TOPIC, partition: 0 }
const DIRECTORY = '/data/topic-0'
const SEGMENT_BYTES = 400

describe('compaction', () => {
  let fixture: EngineFixture
  let files: FaultyFiles
  let turns: StepTurns
  let settings: CleanerSettings

  beforeEach(async () => {
    files = new FaultyFiles(new MemoryFiles(() => fixture.clock.nowMs()))
    turns = new StepTurns()
    settings = defaultCleanerSettings
    fixture = new EngineFixture(files, '/data', {
      config: {
        segmentBytes: SEGMENT_BYTES,
        indexIntervalBytes: 100,
        retentionMs: -1,
        cleanupCompact: true,
        cleanupDelete: false,
        minCleanableDirtyRatio: 0,
        deleteRetentionMs: 10_000,
        fileDeleteDelayMs: 1_000,
      },
      options: { cleanerEnabled: false, cleanerTurns: turns, cleanerSettings: () => settings },
    })
    await fixture.open()
    await fixture.createTopic(1)
  })

  const configure = (config: Partial<LogConfig>) => {
    fixture.config = { ...fixture.config, ...config }
    fixture.metadata.commit([
      { type: 'ConfigRecord', value: { resourceType: 2, resourceName: 'topic', name: 'x', value: '' } }, // biome-ignore format: one line
    ])
  }
  const log = () => fixture.engine.log.find(at)!
  const append = async (batch: KeyedBatch) => {
    const options = { timestamp: fixture.clock.nowMs(), ...batch }
    const result = await fixture.append(keyedBatch(options), { transactionVerified: true })
    expect(result.errorCode).toBe(0)
    return result.baseOffset
  }
  const put = (key: string | null, value: string | null) => append({ records: [{ key, value }] })
  const mark = async (type: 'COMMIT' | 'ABORT', producerId: number) => {
    const marker = markerOf(type, producerId, 0)
    const { errorCode, baseOffset } = await fixture.append(marker, { origin: 'coordinator' })
    expect(errorCode).toBe(0)
    return baseOffset
  }
  /** A segment of its own for what comes next, so that all before it can be compacted. */
  const roll = () => log().roll(fixture.clock.nowMs())
  const clean = async () => {
    await fixture.engine.runCleaner()
  }
  const rollAndClean = async () => {
    // Something has to be dirty.
    await put('dirt', 'x')
    roll()
    await clean()
  }
  const withoutDirt = async () =>
    (await recordsLeft(fixture)).filter(({ key }) => key !== 'dirt').map(({ offset }) => offset)
  const names = () => fixture.files.list(DIRECTORY).map(({ name }) => name)
  const reports = (level: string) =>
    fixture.reports.filter((report) => report.level === level).map(({ message }) => message)

  describe('of records', () => {
    it('keeps the last one of each key, at its offset, and the start of the log', async () => {
      for (let round = 0; round < 4; round++) {
        for (const key of ['a', 'b', 'c']) await put(key, `${key}${round}`)
      }
      roll()
      await clean()
      expect(await recordsLeft(fixture)).toEqual([
        { offset: 9, key: 'a', value: 'a3' },
        { offset: 10, key: 'b', value: 'b3' },
        { offset: 11, key: 'c', value: 'c3' },
      ])
      expect(fixture.engine.log.bounds(at)).toMatchObject({ logStartOffset: 0, logEndOffset: 12 })
      expect((await fixture.readOne(0)).errorCode).toBe(0)
    })

    it('takes some out of a batch, whatever its codec, and keeps its offsets and sequences', async () => {
      for (const compression of [undefined, 'gzip', 'snappy', 'lz4', 'zstd'] as const) {
        const records = ['a', 'b', 'c'].map((key) => ({ key, value: 'old' }))
        await append({ records, ...(compression && { compression }) })
      }
      await put('a', 'new')
      await put('c', 'new')
      await rollAndClean()
      expect((await recordsLeft(fixture)).map(({ offset, key }) => [offset, key])).toEqual([
        [13, 'b'],
        [15, 'a'],
        [16, 'c'],
        [17, 'dirt'],
      ])
      const [batch] = await batchesLeft(fixture)
      expect(batch).toMatchObject({ baseOffset: 12, lastOffset: 14 })
    })

    it('drops those without a key', async () => {
      await put(null, 'lost')
      const kept = await put('a', 'kept')
      await rollAndClean()
      expect(await withoutDirt()).toEqual([kept])
    })

    it('keeps a tombstone until delete.retention.ms after its first compaction', async () => {
      await put('a', 'old')
      const tombstone = await put('a', null)
      fixture.clock.advance(100_000)
      await rollAndClean()
      expect(await withoutDirt()).toEqual([tombstone])
      const horizon = fixture.clock.nowMs() + 10_000
      expect((await batchesLeft(fixture))[0]?.deleteHorizonMs).toBe(horizon)
      fixture.clock.advance(9_999)
      await rollAndClean()
      expect(await withoutDirt()).toEqual([tombstone])
      fixture.clock.advance(1)
      await rollAndClean()
      expect(await withoutDirt()).toEqual([])
    })

    it('leaves what is in the active segment alone', async () => {
      await put('a', '1')
      roll()
      await put('a', '2')
      await put('a', '3')
      await clean()
      expect((await recordsLeft(fixture)).map(({ value }) => value)).toEqual(['1', '2', '3'])
    })
  })

  describe('of transactions', () => {
    const transactional = (producerId: number, baseSequence: number, key: string) =>
      append({
        records: [{ key, value: `${baseSequence}` }],
        producerId,
        producerEpoch: 0,
        baseSequence,
        transactional: true,
      })
    /** Its last batch stays for its sequence; another one after it lets that go. */
    const goOn = async (producerId: number, baseSequence: number) => {
      const header = { producerId, producerEpoch: 0, baseSequence }
      await append({ records: [{ key: 'dirt', value: 'x' }], ...header })
    }

    it('drops aborted data at once, and does not let it replace other data', async () => {
      const kept = await put('a', 'kept')
      await transactional(1, 0, 'a')
      await mark('ABORT', 1)
      await goOn(1, 1)
      await rollAndClean()
      expect(await withoutDirt()).toEqual([kept])
    })

    it('keeps an ABORT while readers may hold its data, then until its delete horizon', async () => {
      await transactional(1, 0, 'a')
      const marker = await mark('ABORT', 1)
      await goOn(1, 1)
      const markers = async () => (await batchesLeft(fixture)).filter(({ control }) => control)
      await rollAndClean()
      expect(await markers()).toMatchObject([{ baseOffset: marker, deleteHorizonMs: undefined }])
      const [index] = names().filter((name) => name.endsWith('.txnindex'))
      expect(index).toBeDefined()
      await rollAndClean()
      const horizon = fixture.clock.nowMs() + 10_000
      expect(await markers()).toMatchObject([{ baseOffset: marker, deleteHorizonMs: horizon }])
      fixture.clock.advance(10_000)
      await rollAndClean()
      expect(await markers()).toEqual([])
      expect(names().filter((name) => name.endsWith('.txnindex'))).toEqual([])
    })

    it('keeps a COMMIT while there is data of its transaction, then until its delete horizon', async () => {
      await transactional(1, 0, 'a')
      const marker = await mark('COMMIT', 1)
      await goOn(1, 1)
      const horizons = async () =>
        (await batchesLeft(fixture))
          .filter(({ baseOffset }) => baseOffset === marker)
          .map(({ deleteHorizonMs }) => deleteHorizonMs)
      await rollAndClean()
      await rollAndClean()
      expect(await horizons()).toEqual([undefined])
      await put('a', 'newer')
      // Here its data is still met, so it is one compaction later that it is found empty.
      await rollAndClean()
      expect(await horizons()).toEqual([undefined])
      await rollAndClean()
      expect(await horizons()).toEqual([fixture.clock.nowMs() + 10_000])
      fixture.clock.advance(10_000)
      await rollAndClean()
      expect(await horizons()).toEqual([])
    })

    it('stops in front of the segment in which an open one begins', async () => {
      await put('a', '1')
      await put('a', '2')
      roll()
      await put('b', '1')
      await transactional(1, 0, 'c')
      await put('b', '2')
      roll()
      await put('a', '3')
      await rollAndClean()
      const values = (await recordsLeft(fixture)).map(({ key, value }) => `${key}${value}`)
      expect(values).toEqual(['a2', 'b1', 'c0', 'b2', 'a3', 'dirtx'])
      expect((await committedLeft(fixture)).map(({ key }) => key)).toEqual(['a', 'b'])
    })

    it('keeps the last batch of a producer without its records, for its sequence', async () => {
      const header = { producerId: 5, producerEpoch: 0 }
      await append({ records: [{ key: 'a', value: '1' }], ...header, baseSequence: 0 })
      const last = await append({
        records: [
          { key: 'a', value: '2' },
          { key: 'b', value: '2' },
        ],
        ...header,
        baseSequence: 1,
      })
      await put('a', 'other')
      await put('b', 'other')
      await rollAndClean()
      const ofProducer = (await batchesLeft(fixture)).filter(({ producerId }) => producerId === 5)
      expect(ofProducer).toMatchObject([{ baseOffset: last, lastOffset: last + 1, records: [] }])
    })
  })

  describe('chooses', () => {
    const fill = async (rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        await put('a', `${round}`)
        roll()
      }
    }
    const segmentCount = () => log().segments.length

    it('what is dirty enough', async () => {
      await fill(10)
      await clean()
      expect(log().firstDirtyOffset).toBe(10)
      configure({ minCleanableDirtyRatio: 0.6 })
      await fill(1)
      await clean()
      // One segment of two is dirty.
      expect(log().firstDirtyOffset).toBe(10)
      await fill(1)
      await clean()
      expect(log().firstDirtyOffset).toBe(12)
    })

    it('the dirtiest log first', async () => {
      fixture.metadata.createTopic('other', 'another-topic-id', 1)
      await fill(3)
      await clean()
      await fill(1)
      const batch = keyedBatch({ records: [{ key: 'a', value: '1' }] })
      await fixture.append(batch, { topicId: 'another-topic-id' })
      fixture.engine.log.find({ topicId: 'another-topic-id', partition: 0 })!.roll(0)
      const done = fixture.reports.length
      await clean()
      const cleaned = fixture.reports.slice(done).map(({ fields }) => fields)
      expect(cleaned).toMatchObject([{ topic: 'other' }, { topic: 'topic' }])
    })

    it('nothing younger than min.compaction.lag.ms', async () => {
      configure({ minCompactionLagMs: 60_000 })
      await fill(2)
      fixture.clock.advance(30_000)
      await fill(2)
      fixture.clock.advance(30_000)
      await clean()
      expect(log().firstDirtyOffset).toBe(2)
      fixture.clock.advance(30_000)
      await clean()
      expect(log().firstDirtyOffset).toBe(4)
    })

    it('what is older than max.compaction.lag.ms although little is dirty', async () => {
      configure({ minCleanableDirtyRatio: 1, maxCompactionLagMs: 60_000 })
      await fill(2)
      await clean()
      expect(log().firstDirtyOffset).toBe(0)
      fixture.clock.advance(60_001)
      await clean()
      expect(log().firstDirtyOffset).toBe(2)
    })

    it('nothing in a topic that is only to be deleted, or where log.cleaner.threads is 0', async () => {
      configure({ cleanupCompact: false, cleanupDelete: true })
      await fill(3)
      await clean()
      configure({ cleanupCompact: true })
      settings = { ...settings, threads: 0 }
      await clean()
      expect(segmentCount()).toBe(4)
      settings = { ...settings, threads: 1 }
      await clean()
      expect(segmentCount()).toBe(2)
    })

    it('with compact,delete also what retention deletes', async () => {
      configure({ cleanupDelete: true, retentionMs: 60_000, segmentBytes: 130 })
      await put('old', '1')
      fixture.clock.advance(50_000)
      await put('young', '1')
      roll()
      await clean()
      expect((await recordsLeft(fixture)).map(({ key }) => key)).toEqual(['old', 'young'])
      fixture.clock.advance(20_000)
      fixture.engine.runRetention()
      expect((await recordsLeft(fixture)).map(({ key }) => key)).toEqual(['young'])
      expect(fixture.engine.log.bounds(at).logStartOffset).toBe(1)
    })

    it('as much as its memory has room for, and goes on behind that', async () => {
      settings = { ...settings, dedupeBufferBytes: 24 * 10, ioBufferLoadFactor: 0.5 }
      for (let index = 0; index < 12; index++) await put(`k${index % 6}`, `${index}`)
      roll()
      await clean()
      const ranges = fixture.reports
        .filter(({ message }) => message === 'log compacted')
        .map(({ fields }) => fields)
      expect(ranges).toMatchObject([
        { firstDirtyOffset: 0, endOffset: 5 },
        { firstDirtyOffset: 5, endOffset: 10 },
        { firstDirtyOffset: 10, endOffset: 12 },
      ])
      expect(await withoutDirt()).toEqual([6, 7, 8, 9, 10, 11])
    })

    it('every log.cleaner.backoff.ms', async () => {
      settings = { ...settings, backoffMs: 1_000 }
      fixture.options = { ...fixture.options, cleanerEnabled: true }
      await fixture.restart()
      for (const waitMs of [1_000, 5_000]) {
        await fill(2)
        settings = { ...settings, backoffMs: 5_000 }
        fixture.clock.advance(waitMs - 1)
        expect(segmentCount()).toBeGreaterThan(2)
        fixture.clock.advance(1)
        await vi.waitFor(() => expect(reports('info').at(-1)).toBe('log compacted'))
        fixture.reports.length = 0
        expect(segmentCount()).toBe(2)
      }
    })

    it('nothing by itself when log.cleaner.enable is false', async () => {
      await fill(2)
      fixture.clock.advance(100_000)
      await new Promise((resolve) => setImmediate(resolve))
      expect(segmentCount()).toBe(3)
    })
  })

  describe('of files', () => {
    it('merges segments up to segment.bytes and keeps the time of the last', async () => {
      for (let index = 0; index < 6; index++) {
        await put(`key-${index}`, 'x'.repeat(30))
        fixture.clock.advance(1_000)
        roll()
      }
      const { modifiedMs, sizeBytes } = log().segments[3]!
      await clean()
      const fits = Math.floor(SEGMENT_BYTES / sizeBytes)
      expect(fits).toBe(3)
      expect(log().segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 3, 6])
      const [stat] = [fixture.files.stat(`${DIRECTORY}/${'3'.padStart(20, '0')}.log`)]
      expect(stat?.modifiedMs).toBeGreaterThan(modifiedMs)
      expect(log().segments[1]!.modifiedMs).toBe(stat?.modifiedMs)
    })

    it('sets the old ones aside, snapshots too, until file.delete.delay.ms', async () => {
      await put('a', '1')
      roll()
      await put('a', '2')
      roll()
      await clean()
      const deleted = names().filter((name) => name.endsWith('.deleted'))
      expect(deleted).toContain('00000000000000000000.log.deleted')
      expect(deleted).toContain('00000000000000000001.snapshot.deleted')
      expect(names().filter((name) => /cleaned|swap/.test(name))).toEqual([])
      fixture.clock.advance(1_000)
      expect(names().filter((name) => name.endsWith('.deleted'))).toEqual([])
    })

    it('is remembered in cleaner-offset-checkpoint over a restart', async () => {
      await put('a', '1')
      await put('a', '2')
      await rollAndClean()
      const text = fixture.files.readFile('/data/cleaner-offset-checkpoint')!.toString()
      expect(parseOffsetCheckpoint(text)).toEqual([{ topic: 'topic', partition: 0, offset: 3 }])
      await fixture.restart()
      expect(log().firstDirtyOffset).toBe(3)
      expect(await withoutDirt()).toEqual([1])
    })

    it('is forgotten there when the topic is deleted', async () => {
      await put('a', '1')
      await put('a', '2')
      await rollAndClean()
      fixture.metadata.deleteTopic(TOPIC)
      const file = '/data/cleaner-offset-checkpoint'
      await vi.waitFor(() => expect(fixture.files.readFile(file)!.toString()).toBe('0\n0\n'))
    })

    it('is forgotten by a start after a topic that only the metadata had deleted', async () => {
      await put('a', '1')
      await put('a', '2')
      await rollAndClean()
      await fixture.engine.close()
      fixture.metadata.deleteTopic(TOPIC)
      await fixture.reopen()
      const text = fixture.files.readFile('/data/cleaner-offset-checkpoint')!.toString()
      expect(text).toBe('0\n0\n')
    })

    it('leaves lookups by time as they were for what is left', async () => {
      for (let index = 0; index < 20; index++) {
        fixture.clock.advance(1_000)
        await put(`k${index % 5}`, `${index}`)
      }
      const untilMs = fixture.clock.nowMs()
      roll()
      await clean()
      for (let index = 15; index < 20; index++) {
        const timestampMs = untilMs - (19 - index) * 1_000
        const found = await fixture.engine.log.offsetForTimestamp(at, timestampMs, 'read_committed')
        expect(found).toMatchObject({ offset: index, timestampMs })
      }
    })
  })

  describe('in the way of', () => {
    const fill = async () => {
      for (let index = 0; index < 20; index++) await put(`k${index % 4}`, `${index}`)
      roll()
    }

    it('readers is never: one that is in an old file gets what comes next', async () => {
      await fill()
      // A large read goes to the thread pool and ends after the swap.
      const pending = fixture.readOne(0, 2 * 1024 * 1024)
      await clean()
      const result = await pending
      expect(result.errorCode).toBe(0)
      expect(result.records.length).toBeGreaterThan(0)
      result.release()
      fixture.clock.advance(10_000)
      for (let offset = 0; offset < 20; offset++) {
        const again = await fixture.readOne(offset, 2 * 1024 * 1024)
        expect(again.errorCode).toBe(0)
        again.release()
      }
    })

    it('a reader in a gap is never, though its file is merged with the next meanwhile', async () => {
      await put('b', '1')
      for (const value of ['1', '2', '3']) await put('a', value)
      roll()
      await put('c', '1')
      await put('a', '4')
      roll()
      configure({ segmentBytes: 150 })
      await clean()
      expect(log().segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 4, 6])
      await put('a', '5')
      roll()
      let open = () => {}
      files.readGate = new Promise((resolve) => {
        open = resolve
      })
      // In the first file there is nothing behind offset 0.
      const pending = fixture.readOne(2, 2 * 1024 * 1024)
      files.readGate = undefined
      configure({ segmentBytes: 1_000 })
      await clean()
      expect(log().segments.map(({ baseOffset }) => baseOffset)).toEqual([0, 7])
      fixture.clock.advance(1_000)
      open()
      const result = await pending
      expect(result.errorCode).toBe(0)
      expect([...batches(result.records)].map(({ baseOffset }) => baseOffset)).toEqual([4, 6])
    })

    it('retention is not: what is gone in the middle is not brought back', async () => {
      configure({ cleanupDelete: true, retentionMs: 60_000 })
      await fill()
      fixture.clock.advance(100_000)
      await put('k0', 'new')
      let steps = 0
      turns.between = () => {
        if (++steps === 20) fixture.engine.runRetention()
      }
      await clean()
      expect(steps).toBeGreaterThan(20)
      expect(fixture.engine.log.bounds(at).logStartOffset).toBe(20)
      expect((await recordsLeft(fixture)).map(({ value }) => value)).toEqual(['new'])
      expect(reports('error')).toEqual([])
      expect(names().filter((name) => /cleaned|swap/.test(name))).toEqual([])
    })

    it('a deletion of the topic is not', async () => {
      await fill()
      let steps = 0
      turns.between = () => {
        if (++steps === 20) fixture.metadata.deleteTopic(TOPIC)
      }
      await clean()
      expect(steps).toBe(20)
      expect(reports('error')).toEqual([])
    })

    it('the stop is not', async () => {
      await fill()
      let steps = 0
      let closed: Promise<void> | undefined
      turns.between = () => {
        if (++steps === 20) closed = fixture.engine.close()
      }
      await clean()
      await closed
      expect(steps).toBe(20)
      await fixture.reopen()
      expect(names().filter((name) => /cleaned|swap/.test(name))).toEqual([])
      expect(await recordsLeft(fixture)).toHaveLength(20)
    })
  })

  describe('with a fault', () => {
    const fill = async () => {
      for (let index = 0; index < 12; index++) await put(`k${index % 3}`, `${index}`)
      roll()
    }

    it('in a batch takes nothing away, names the place, and leaves that partition alone', async () => {
      fixture.metadata.createTopic('other', 'another-topic-id', 1)
      await fill()
      const path = `${DIRECTORY}/${'0'.padStart(20, '0')}.log`
      const file = fixture.files.open(path, 'write')
      const byte = Buffer.alloc(1)
      file.readSync(byte, 150)
      file.writeSync(Buffer.from([byte[0]! ^ 1]), 150)
      file.close()
      await clean()
      expect(fixture.reports.at(-1)).toMatchObject({
        level: 'error',
        fields: { topic: 'topic', reason: `DamagedSegment: damaged batch at byte 142 of ${path}` },
      })
      const before = fixture.reports.length
      await clean()
      expect(fixture.reports.length).toBe(before)
      expect(names().filter((name) => /cleaned|swap|deleted/.test(name))).toEqual([])
    })

    it('on the disk is tried again', async () => {
      await fill()
      files.writeError = 'ENOSPC'
      await clean()
      expect(reports('warn')).toEqual(['compaction failed; it will be tried again'])
      expect(await recordsLeft(fixture)).toHaveLength(12)
      expect(names().filter((name) => /cleaned|swap/.test(name))).toEqual([])
      files.writeError = undefined
      await clean()
      expect(await recordsLeft(fixture)).toHaveLength(3)
    })

    it('that may come in mind, drops nothing before what replaces it is durable', async () => {
      files.holdSyncs()
      await fill()
      const done = clean()
      await new Promise((resolve) => setImmediate(resolve))
      expect(names().filter((name) => /cleaned/.test(name))).toEqual([])
      files.letSyncsGo()
      await done
      expect(await recordsLeft(fixture)).toHaveLength(3)
    })

    it('in a sync leaves the old files in place', async () => {
      await fill()
      await log().flush()
      files.syncError = 'EIO'
      await clean()
      files.syncError = undefined
      expect(reports('warn')).toEqual(['compaction failed; it will be tried again'])
      expect(await recordsLeft(fixture)).toHaveLength(12)
    })
  })

  it('holds to log.cleaner.io.max.bytes.per.second', async () => {
    for (let index = 0; index < 20; index++) await put(`k${index % 4}`, `${index}`)
    roll()
    settings = { ...settings, ioBytesPerSecond: 1_000 }
    let isDone = false
    const done = clean().then(() => {
      isDone = true
    })
    const startMs = fixture.clock.nowMs()
    while (!isDone) {
      for (let turn = 0; turn < 50; turn++) await Promise.resolve()
      if (!isDone) fixture.clock.advance(100)
    }
    await done
    // 1,600 bytes are read twice, some 300 written.
    const tookMs = fixture.clock.nowMs() - startMs
    expect(tookMs).toBeGreaterThan(2_500)
    expect(tookMs).toBeLessThan(4_500)
  })
})
