import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import { batchOf, valuesOf } from './batches.ts'
import { type Backend, backends, EngineFixture, TOPIC } from './engine-fixture.ts'

describe.each(backends)('log store on $name', ({ make }) => {
  let backend: Backend
  let fixture: EngineFixture

  beforeEach(async () => {
    backend = make()
    fixture = await new EngineFixture(backend.files, backend.dataDir).open()
    await fixture.createTopic(3)
  })

  afterEach(async () => {
    await fixture.engine.close()
    backend.cleanUp()
  })

  it('assigns dense offsets and gives back what was appended', async () => {
    const first = await fixture.append(batchOf({ values: ['a', 'b'] }))
    const second = await fixture.append(batchOf({ values: ['c'] }))
    expect([first.baseOffset, first.lastOffset, second.baseOffset]).toEqual([0, 1, 2])
    expect(await fixture.readAll()).toEqual([
      { offset: 0, value: 'a' },
      { offset: 1, value: 'b' },
      { offset: 2, value: 'c' },
    ])
  })

  it('appends many batches of many partitions in one call', async () => {
    const items = Array.from({ length: 30 }, (_, index) => ({
      topicId: TOPIC,
      partition: index % 3,
      origin: 'client' as const,
      batch: batchOf({ values: [`value-${index}`] }),
    }))
    const results = await fixture.engine.log.append(items, { nowMs: 1 })
    expect(results.map(({ baseOffset }) => baseOffset)).toEqual(
      items.map((_, index) => Math.floor(index / 3)),
    )
    expect((await fixture.readAll(1)).map(({ value }) => value)).toEqual(
      Array.from({ length: 10 }, (_, index) => `value-${index * 3 + 1}`),
    )
  })

  it('answers an unknown partition with UNKNOWN_TOPIC_OR_PARTITION', async () => {
    const result = await fixture.append(batchOf({ values: ['a'] }), { partition: 3 })
    expect(result.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  })

  it('keeps everything over a clean restart and goes on with the next offset', async () => {
    await fixture.append(batchOf({ values: ['a', 'b'] }))
    await fixture.restart()
    expect((await fixture.append(batchOf({ values: ['c'] }))).baseOffset).toBe(2)
    expect((await fixture.readAll()).map(({ value }) => value)).toEqual(['a', 'b', 'c'])
  })

  it('reads from any offset, whatever the segments', async () => {
    fixture.config = { ...fixture.config, segmentBytes: 500, indexIntervalBytes: 100 }
    await fixture.restart()
    for (let index = 0; index < 50; index++) {
      await fixture.append(batchOf({ values: [`v${index * 2}`, `v${index * 2 + 1}`] }))
    }
    for (const restarted of [false, true]) {
      if (restarted) await fixture.restart()
      for (let offset = 0; offset < 100; offset++) {
        const result = await fixture.readOne(offset, 200)
        const [first] = valuesOf(result.records)
        expect(first?.offset).toBe(offset - (offset % 2))
        result.release()
      }
      expect((await fixture.readAll()).length).toBe(100)
    }
  })
})
