import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import type { AppendItem, ReadResult, StorageEngine } from '../../src/storage/engine.ts'
import { batchOf, markerOf, valuesOf } from './batches.ts'

/** What the suite needs of an engine under test. Every engine brings one. */
export interface Bench {
  /** Open, with one topic of three partitions whose id is `topicId`. */
  readonly engine: StorageEngine
  readonly topicId: string
  nowMs(): number
  /** A clean stop and start over the same data. */
  restart(): Promise<void>
  /** The process dies and another one starts over the same data. */
  kill(): Promise<void>
  deleteTopic(): Promise<void>
  /** The topic's name again, as a new topic. */
  createTopicAgain(topicId: string): Promise<void>
  /** Removes what retention would remove once everything is old. */
  expireEverything(): Promise<void>
  close(): Promise<void>
}

/**
 * The guarantees of the storage engine's interface, by their numbers there. 6 (indeterminate
 * outcomes) and 9 (stale fences) say nothing of an engine that is one process alone.
 */
export function conformance(name: string, makeBench: () => Promise<Bench>): void {
  describe(`storage engine: ${name}`, () => {
    let bench: Bench

    beforeEach(async () => {
      bench = await makeBench()
    })

    afterEach(() => bench.close())

    const item = (batch: Uint8Array, more: Partial<AppendItem> = {}): AppendItem => ({
      topicId: bench.topicId,
      partition: 0,
      origin: 'client',
      batch,
      ...more,
    })
    const append = async (...items: AppendItem[]) =>
      await bench.engine.log.append(items, { nowMs: bench.nowMs() })
    const appendOne = async (batch: Uint8Array, more: Partial<AppendItem> = {}) =>
      (await append(item(batch, more)))[0]!
    const read = async (offset: number, maxBytes = 1024 * 1024, atLeastOneBatch = true) => {
      const [result] = await bench.engine.log.read(
        [{ topicId: bench.topicId, partition: 0, offset, maxBytes }],
        { isolation: 'read_uncommitted', maxBytes, atLeastOneBatch },
      )
      return result!
    }
    const values = async () => {
      const result = await read(bounds().logStartOffset)
      const found = valuesOf(result.records).map(({ value }) => value)
      result.release()
      return found
    }
    const bounds = () => bench.engine.log.bounds({ topicId: bench.topicId, partition: 0 })

    it('1: an acknowledged record is there after the process was killed', async () => {
      await appendOne(batchOf({ values: ['a', 'b'] }))
      await bench.kill()
      expect(await values()).toEqual(['a', 'b'])
      expect((await appendOne(batchOf({ values: ['c'] }))).baseOffset).toBe(2)
      await bench.restart()
      expect(await values()).toEqual(['a', 'b', 'c'])
    })

    it('2: each item stands or falls alone', async () => {
      const header = { producerId: 1, producerEpoch: 0 }
      const results = await append(
        item(batchOf({ values: ['a'], ...header, baseSequence: 0 })),
        item(batchOf({ values: ['gap'], ...header, baseSequence: 5 })),
        item(batchOf({ values: ['b'] }), { partition: 9 }),
        item(batchOf({ values: ['c'], ...header, baseSequence: 1 })),
      )
      expect(results.map(({ errorCode }) => errorCode)).toEqual([
        ErrorCode.NONE,
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        ErrorCode.NONE,
      ])
      expect(await values()).toEqual(['a', 'c'])
    })

    it('3: offsets are dense, whatever the client wrote into the batch', async () => {
      const odd = batchOf({ values: ['b'] })
      odd.writeInt32BE(77, 12)
      const results = await append(
        item(batchOf({ values: ['a', 'a'] })),
        item(odd),
        item(batchOf({ values: ['c'] })),
      )
      expect(results.map(({ baseOffset, lastOffset }) => [baseOffset, lastOffset])).toEqual([
        [0, 1],
        [2, 2],
        [3, 3],
      ])
    })

    it('5: what is held is seen by nobody before it is written, and keeps its place', async () => {
      const { log } = bench.engine
      const options = { nowMs: bench.nowMs() }
      const first = log.hold([item(batchOf({ values: ['a'] }))], options)
      const second = log.hold([item(batchOf({ values: ['b', 'c'] }))], options)
      expect(bounds().logEndOffset).toBe(0)
      expect(await values()).toEqual([])
      expect((await appendOne(batchOf({ values: ['d'] }))).baseOffset).toBe(3)
      const results = [...(await first()), ...(await second())]
      expect(results.map(({ baseOffset }) => baseOffset)).toEqual([0, 1])
      const last = log.hold([item(batchOf({ values: ['e'] }))], options)
      log.writeHeld()
      expect((await last())[0]!.baseOffset).toBe(4)
      expect(await values()).toEqual(['a', 'b', 'c', 'd', 'e'])
    })

    it('3: the batch is not referenced once append has returned', async () => {
      const batch = batchOf({ values: ['a'] })
      await appendOne(batch)
      batch.fill(0)
      expect(await values()).toEqual(['a'])
    })

    it('4: a duplicate gets the first offsets and is not appended, also after a restart', async () => {
      const batch = () =>
        batchOf({ values: ['a', 'b'], producerId: 1, producerEpoch: 0, baseSequence: 0, timestamp: 42 }) // biome-ignore format: one line
      await appendOne(batchOf({ values: ['x'] }))
      await appendOne(batch())
      const expected = {
        errorCode: ErrorCode.NONE,
        duplicate: true,
        baseOffset: 1,
        lastOffset: 2,
        duplicateTimestampMs: 42,
      }
      expect(await appendOne(batch())).toMatchObject(expected)
      await bench.restart()
      expect(await appendOne(batch())).toMatchObject(expected)
      await bench.kill()
      expect(await appendOne(batch())).toMatchObject(expected)
      expect(await values()).toEqual(['x', 'a', 'b'])
    })

    it('4: a duplicate within one call is one, too', async () => {
      const batch = () =>
        item(batchOf({ values: ['a'], producerId: 1, producerEpoch: 0, baseSequence: 0 }))
      const results = await append(batch(), batch())
      expect(results.map(({ baseOffset, duplicate }) => [baseOffset, duplicate])).toEqual([
        [0, false],
        [0, true],
      ])
    })

    it('4: a fenced epoch and a transaction nobody verified are refused', async () => {
      const header = { values: ['a'], producerId: 1, baseSequence: 0 }
      await appendOne(batchOf({ ...header, producerEpoch: 2 }))
      const fenced = await appendOne(batchOf({ ...header, producerEpoch: 1 }))
      expect(fenced.errorCode).toBe(ErrorCode.INVALID_PRODUCER_EPOCH)
      const unverified = batchOf({ ...header, producerEpoch: 3, transactional: true })
      expect((await appendOne(unverified)).errorCode).toBe(ErrorCode.INVALID_TXN_STATE)
    })

    it('5: what is appended without waiting keeps the order of the calls', async () => {
      const calls = Array.from({ length: 20 }, (_, sequence) =>
        appendOne(
          batchOf({ values: [`v${sequence}`], producerId: 1, producerEpoch: 0, baseSequence: sequence }), // biome-ignore format: one line
        ),
      )
      const results = await Promise.all(calls)
      expect(results.map(({ baseOffset }) => baseOffset)).toEqual(calls.map((_, index) => index))
      expect(await values()).toEqual(calls.map((_, index) => `v${index}`))
    })

    it('7: bounds after an append include it, and never go back', async () => {
      let highWatermark = 0
      for (let index = 0; index < 5; index++) {
        const { lastOffset } = await appendOne(batchOf({ values: ['a', 'b'] }))
        const now = bounds()
        expect(now.highWatermark).toBeGreaterThan(lastOffset)
        expect(now.logEndOffset).toBeGreaterThanOrEqual(now.highWatermark)
        expect(now.highWatermark).toBeGreaterThan(highWatermark)
        highWatermark = now.highWatermark
        if (index === 2) await bench.restart()
        if (index === 3) await bench.kill()
        expect(bounds().highWatermark).toBe(highWatermark)
      }
    })

    it('7: a read_committed reader stops at the first open transaction', async () => {
      const header = { producerId: 1, producerEpoch: 0, transactional: true }
      await appendOne(batchOf({ values: ['a'] }))
      await appendOne(batchOf({ values: ['t'], ...header, baseSequence: 0 }), {
        transactionVerified: true,
      })
      await appendOne(batchOf({ values: ['b'] }))
      expect(bounds()).toMatchObject({ lastStableOffset: 1, highWatermark: 3 })
      await bench.kill()
      expect(bounds().lastStableOffset).toBe(1)
      await appendOne(markerOf('ABORT', 1, 0), { origin: 'coordinator' })
      expect(bounds().lastStableOffset).toBe(4)
      const [result] = await bench.engine.log.read(
        [{ topicId: bench.topicId, partition: 0, offset: 0, maxBytes: 1024 }],
        { isolation: 'read_committed', maxBytes: 1024, atLeastOneBatch: true },
      )
      expect(result!.abortedTransactions).toEqual([{ producerId: 1, firstOffset: 1 }])
      result!.release()
    })

    it('8: every read gives whole batches from the one that holds the offset', async () => {
      for (let index = 0; index < 40; index++) {
        await appendOne(batchOf({ values: [`v${index * 3}`, `v${index * 3 + 1}`, 'x'] }))
      }
      for (const maxBytes of [1, 100, 500, 4096, 100_000]) {
        for (let offset = 0; offset < 120; offset += 7) {
          const result = await read(offset, maxBytes)
          const records = valuesOf(result.records)
          expect(records[0]?.offset).toBe(offset - (offset % 3))
          records.forEach((record, index) => {
            expect(record.offset).toBe(records[0]!.offset + index)
          })
          expect(result.records.length).toBeLessThanOrEqual(Math.max(maxBytes, 200))
          result.release()
        }
      }
    })

    it('8: a first batch over the limit comes whole only when that is asked for', async () => {
      await appendOne(batchOf({ values: ['a'.repeat(5_000)] }))
      const without = await read(0, 1_000, false)
      expect(without.records.length).toBe(0)
      const withIt = await read(0, 1_000, true)
      expect(valuesOf(withIt.records)).toHaveLength(1)
      withIt.release()
    })

    it('8: the limit of a call is spent in the order of its requests', async () => {
      const big = () => batchOf({ values: ['a'.repeat(1_000)] })
      await append(item(big()), item(big(), { partition: 1 }), item(big(), { partition: 2 }))
      const requests = [0, 1, 2].map((partition) => ({
        topicId: bench.topicId,
        partition,
        offset: 0,
        maxBytes: 10_000,
      }))
      const results: ReadResult[] = await bench.engine.log.read(requests, {
        isolation: 'read_uncommitted',
        maxBytes: 2_500,
        atLeastOneBatch: true,
      })
      expect(results.map(({ records }) => records.length > 0)).toEqual([true, true, false])
      for (const result of results) result.release()
    })

    it('8: an offset beyond the end or below the start is out of range', async () => {
      await appendOne(batchOf({ values: ['a', 'b', 'c', 'd'] }))
      expect((await read(5)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
      expect((await read(4)).errorCode).toBe(ErrorCode.NONE)
      await bench.engine.log.deleteRecords({ topicId: bench.topicId, partition: 0 }, 2)
      expect((await read(1)).errorCode).toBe(ErrorCode.OFFSET_OUT_OF_RANGE)
      expect((await read(2)).errorCode).toBe(ErrorCode.NONE)
    })

    it('10: a deleted topic is gone, and its name is a new topic', async () => {
      await appendOne(batchOf({ values: ['a'], producerId: 1, producerEpoch: 0, baseSequence: 0 }))
      await bench.deleteTopic()
      expect(bounds().errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
      expect((await appendOne(batchOf({ values: ['a'] }))).errorCode).toBe(
        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
      )
      const again = { topicId: 'another topic id', partition: 0 }
      await bench.createTopicAgain(again.topicId)
      expect(bench.engine.log.bounds(again).logEndOffset).toBe(0)
      await append(item(batchOf({ values: ['new'] }), again))
      await bench.kill()
      expect(bench.engine.log.bounds(again).logEndOffset).toBe(1)
      expect(bounds().errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    })

    it('11: retention moves the start and is invisible to who reads behind it', async () => {
      for (let index = 0; index < 10; index++) await appendOne(batchOf({ values: [`v${index}`] }))
      const held = await read(0)
      await bench.expireEverything()
      expect(bounds()).toMatchObject({ logStartOffset: 10, logEndOffset: 10 })
      expect(valuesOf(held.records)).toHaveLength(10)
      held.release()
      expect((await appendOne(batchOf({ values: ['next'] }))).baseOffset).toBe(10)
      await bench.kill()
      expect(await values()).toEqual(['next'])
      expect(bounds().logStartOffset).toBe(10)
    })

    waiting(() => bench, appendOne)
  })
}

/** Waits for data: may end early, never late. */
function waiting(
  bench: () => Bench,
  appendOne: (batch: Uint8Array, more?: Partial<AppendItem>) => Promise<unknown>,
): void {
  const wait = (
    offset: number,
    minBytes: number,
    isolation: 'read_uncommitted' | 'read_committed' = 'read_uncommitted',
    topicId = bench().topicId,
  ) => {
    // biome-ignore format: one line
    const state: { woken: number; cancel: () => void } = { woken: 0, cancel: () => undefined }
    const position = { topicId, partition: 0, offset, maxBytes: 1024 * 1024 }
    state.cancel = bench().engine.log.waitForData([position], minBytes, isolation, () => {
      state.woken++
    })
    return state
  }
  const turn = () => new Promise((resolve) => setImmediate(resolve))

  it('waiting ends once when there is enough, also what came before', async () => {
    const batch = batchOf({ values: ['a'.repeat(100)] })
    const one = wait(0, 1)
    const two = wait(0, batch.length + 1)
    await appendOne(batchOf({ values: ['a'.repeat(100)] }))
    await turn()
    expect([one.woken, two.woken]).toEqual([1, 0])
    await appendOne(batchOf({ values: ['a'.repeat(100)] }))
    await turn()
    expect([one.woken, two.woken]).toEqual([1, 1])
    const late = wait(0, 1)
    await turn()
    expect(late.woken).toBe(1)
  })

  it('waiting for the end of a transaction ends with its marker', async () => {
    const header = { producerId: 1, producerEpoch: 0, transactional: true, baseSequence: 0 }
    const state = wait(0, 1, 'read_committed')
    await appendOne(batchOf({ values: ['t'], ...header }), { transactionVerified: true })
    await turn()
    expect(state.woken).toBe(0)
    await appendOne(markerOf('COMMIT', 1, 0), { origin: 'coordinator' })
    await turn()
    expect(state.woken).toBe(1)
  })

  it('waiting ends when the topic goes or never was', async () => {
    const state = wait(0, 1)
    const unknown = wait(0, 1, 'read_uncommitted', 'unknown topic id')
    await turn()
    expect([state.woken, unknown.woken]).toEqual([0, 1])
    await bench().deleteTopic()
    await turn()
    expect(state.woken).toBe(1)
  })

  it('a cancelled wait is not woken', async () => {
    const state = wait(0, 1)
    state.cancel()
    await appendOne(batchOf({ values: ['a'] }))
    await turn()
    expect(state.woken).toBe(0)
  })
}
