import { describe, expect, it } from 'vitest'
import type { LoadedBatch } from '../../src/storage/engine.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { markerOf } from './batches.ts'
import { EngineFixture, NOW_MS, TOPIC } from './engine-fixture.ts'

async function open() {
  const fixture = new EngineFixture(new MemoryFiles(() => NOW_MS), '/data')
  await fixture.open()
  fixture.metadata.createTopic('__consumer_offsets', TOPIC, 2)
  return fixture
}

async function loaded(fixture: EngineFixture, partition: number) {
  const found = []
  for await (const batch of fixture.engine.groups.load(partition)) found.push(readable(batch))
  return found
}

function readable({ records, ...batch }: LoadedBatch) {
  const text = (bytes: Uint8Array | null) => bytes && Buffer.from(bytes).toString()
  return { ...batch, records: records.map(({ key, value }) => [text(key), text(value)]) }
}

const record = (key: string, value: string | null) => ({
  key: Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
})

describe('the store of a coordinator', () => {
  it('gives back its records in order, also after a restart, and nothing of other partitions', async () => {
    const fixture = await open()
    const { groups } = fixture.engine
    const first = await groups.append(0, [record('a', '1'), record('b', null)], { nowMs: 5 })
    const second = await groups.append(0, [record('a', '2')], { nowMs: 6 })
    await groups.append(1, [record('other', 'x')], { nowMs: 7 })
    expect([first.baseOffset, second.baseOffset]).toEqual([0, 2])
    await fixture.restart()
    const expected = { producerId: -1, producerEpoch: -1, transactional: false, marker: null }
    expect(await loaded(fixture, 0)).toEqual([
      { ...expected, baseOffset: 0, timestampMs: 5, records: [['a', '1'], ['b', null]] }, // biome-ignore format: one line
      { ...expected, baseOffset: 2, timestampMs: 6, records: [['a', '2']] },
    ])
  })

  it('keeps transactional records apart, with the marker that ends them', async () => {
    const fixture = await open()
    const producer = { producerId: 7, producerEpoch: 1 }
    await fixture.engine.groups.append(0, [record('a', '1')], { nowMs: 5, producer })
    await fixture.engine.groups.append(0, [record('a', '2')], { nowMs: 5, producer })
    await fixture.append(markerOf('COMMIT', 7, 1), { origin: 'coordinator' })
    expect(await loaded(fixture, 0)).toMatchObject([
      { producerId: 7, producerEpoch: 1, transactional: true, marker: null, records: [['a', '1']] },
      { transactional: true, marker: null, records: [['a', '2']] },
      { producerId: 7, producerEpoch: 1, marker: 'commit', records: [] },
    ])
  })

  it('loads nothing where the topic or the partition is not there', async () => {
    const fixture = await open()
    expect(await loaded(fixture, 5)).toEqual([])
    const batches = []
    for await (const batch of fixture.engine.transactions.load(0)) batches.push(batch)
    expect(batches).toEqual([])
    const result = await fixture.engine.transactions.append(0, [record('a', '1')], { nowMs: 1 })
    expect(result.errorCode).toBe(3)
  })
})
