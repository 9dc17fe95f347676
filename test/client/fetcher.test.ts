import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cluster } from '../../src/client/cluster.ts'
import { Fetcher, type FetcherOptions, type Position } from '../../src/client/fetcher.ts'
import { Fetch } from '../../src/protocol/apis/01-fetch.ts'
import { ListOffsets } from '../../src/protocol/apis/02-list-offsets.ts'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import {
  type BatchInput,
  buildBatch,
  buildMarkerBatch,
} from '../../src/protocol/records/builder.ts'
import type { RequestOf } from '../../src/protocol/schema.ts'
import { FakeBroker } from './fake-broker.ts'

let broker: FakeBroker
let cluster: Cluster
beforeEach(async () => {
  broker = await FakeBroker.start()
  broker.withTopics({ orders: 2 })
  cluster = new Cluster({ bootstrap: [broker.address], retryTimeoutMs: 2_000 })
})
afterEach(async () => {
  cluster.close()
  await broker.stop()
})

function batch(baseOffset: number, values: readonly string[], header: Partial<BatchInput> = {}) {
  return buildBatch({
    baseOffset,
    ...header,
    records: values.map((value) => ({ key: null, value: Buffer.from(value), timestamp: 1 })),
  })
}

interface Part {
  readonly errorCode?: number
  readonly records?: Buffer
  readonly aborted?: { producerId: number; firstOffset: number }[]
}

/** Answers each partition that is asked for by what `part` says about it. */
function answer(part: (partition: number, offset: number) => Part | undefined) {
  broker.on(Fetch, (request: RequestOf<typeof Fetch>) => ({
    responses: request.topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.flatMap(({ partition, fetchOffset }) => {
        const found = part(partition, fetchOffset)
        if (!found) return []
        return [
          {
            partitionIndex: partition,
            errorCode: found.errorCode ?? 0,
            highWatermark: 50,
            abortedTransactions: found.aborted ?? null,
            records: found.records ?? null,
          },
        ]
      }),
    })),
  }))
}

async function readAll(positions: readonly Position[], options: FetcherOptions = {}) {
  const fetcher = new Fetcher(cluster, options)
  fetcher.assign(positions)
  const read: string[] = []
  while (!fetcher.isDone) {
    for (const { partition, records } of await fetcher.poll()) {
      for (const { record } of records) {
        read.push(`${partition}/${record.offset}=${Buffer.from(record.value!).toString()}`)
      }
    }
  }
  return read
}

const orders = (offset: number, endOffset: number, partition = 0): Position => ({
  topic: 'orders',
  partition,
  offset,
  endOffset,
})

describe('the fetcher', () => {
  it('gives the records from the offset on, also when the batch begins before it', async () => {
    answer(() => ({ records: batch(0, ['a', 'b', 'c']) }))
    expect(await readAll([orders(1, 3)])).toEqual(['0/1=b', '0/2=c'])
  })

  it('ends before the end offset, and goes past a gap that compaction left', async () => {
    answer((_, offset) =>
      offset < 10
        ? { records: batch(0, ['a'], { lastOffsetDelta: 9 }) }
        : { records: batch(10, ['x', 'y']) },
    )
    expect(await readAll([orders(0, 11)])).toEqual(['0/0=a', '0/10=x'])
  })

  it('reads all partitions of a broker with one request', async () => {
    answer((partition, offset) => ({ records: batch(offset, [`p${partition}`]) }))
    expect(await readAll([orders(0, 1, 0), orders(5, 6, 1)])).toEqual(['0/0=p0', '1/5=p1'])
    expect(broker.requests(Fetch)[0]!.topics[0]!.partitions).toMatchObject([
      { partition: 0, fetchOffset: 0 },
      { partition: 1, fetchOffset: 5 },
    ])
  })

  it('hides markers, and with read_committed what was aborted up to its marker', async () => {
    const transactional = { transactional: true, producerEpoch: 0, baseSequence: 0 }
    const marker = { producerEpoch: 0, coordinatorEpoch: 0, timestamp: 1 }
    const records = Buffer.concat([
      batch(0, ['open'], { ...transactional, producerId: 7 }),
      batch(1, ['aborted'], { ...transactional, producerId: 8 }),
      batch(2, ['plain']),
      buildMarkerBatch('ABORT', { ...marker, producerId: 8, baseOffset: 3 }),
      batch(4, ['next'], { ...transactional, producerId: 8 }),
      buildMarkerBatch('COMMIT', { ...marker, producerId: 7, baseOffset: 5 }),
    ])
    answer(() => ({ records, aborted: [{ producerId: 8, firstOffset: 1 }] }))
    const isolation = 'read_committed'
    expect(await readAll([orders(0, 6)], { isolation })).toEqual([
      '0/0=open',
      '0/2=plain',
      '0/4=next',
    ])
    expect(broker.requests(Fetch)[0]!.isolationLevel).toBe(1)
    answer(() => ({ records }))
    expect(await readAll([orders(0, 6)])).toEqual([
      '0/0=open',
      '0/1=aborted',
      '0/2=plain',
      '0/4=next',
    ])
  })

  it('loses nothing of one partition when another fails for the moment', async () => {
    let failures = 2
    answer((partition, offset) => {
      if (partition === 1 && failures-- > 0) return { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }
      return { records: batch(offset, [`${offset}`]) }
    })
    const read = await readAll([orders(0, 3, 0), orders(0, 3, 1)])
    expect(read.toSorted()).toEqual(['0/0=0', '0/1=1', '0/2=2', '1/0=0', '1/1=1', '1/2=2'])
  })

  it('goes on after the broker closed the connection', async () => {
    let closes = 1
    broker.on(Fetch, ({ topics }) => {
      if (closes-- > 0) return 'close'
      const { topic, topicId } = topics[0]!
      const records = batch(0, ['a'])
      const partitions = [
        { partitionIndex: 0, errorCode: 0, highWatermark: 1, abortedTransactions: null, records },
      ]
      return { responses: [{ topic, topicId, partitions }] }
    })
    expect(await readAll([orders(0, 1)])).toEqual(['0/0=a'])
  })

  it('waits for a broker that restarts, but not for one that never was there', async () => {
    answer(() => ({ records: batch(0, ['a']) }))
    const fetcher = new Fetcher(cluster)
    fetcher.assign([{ topic: 'orders', partition: 0, offset: 0 }])
    expect(await fetcher.poll()).toHaveLength(1)
    const { port } = broker
    await broker.stop()
    const polling = (async () => {
      for (;;) {
        const fetched = await fetcher.poll()
        if (fetched.length > 0) return fetched[0]!.nextOffset
      }
    })()
    broker = await FakeBroker.start(port)
    broker.withTopics({ orders: 1 })
    answer((_, offset) => ({ records: batch(offset, ['b']) }))
    expect(await polling).toBe(2)

    const { address } = broker
    await broker.stop()
    const early = new Fetcher(new Cluster({ bootstrap: [address] }))
    early.assign([{ topic: 'orders', partition: 0, offset: 0 }])
    await expect(early.poll()).rejects.toMatchObject({ fault: 'unreachable' })
    broker = await FakeBroker.start()
  })

  it('rejects an offset outside of the log, or goes to its start when told to', async () => {
    answer((_, offset) =>
      offset < 40 ? { errorCode: ErrorCode.OFFSET_OUT_OF_RANGE } : { records: batch(40, ['a']) },
    )
    broker.on(ListOffsets, ({ topics }) => ({
      topics: topics.map(({ name }) => ({
        name,
        partitions: [{ partitionIndex: 0, errorCode: 0, offset: 40 }],
      })),
    }))
    await expect(readAll([orders(3, 41)])).rejects.toThrow('orders partition 0 has no offset 3')
    expect(await readAll([orders(3, 41)], { resetToStart: true })).toEqual(['0/40=a'])
  })

  it('names the place of bytes that are no records', async () => {
    const records = batch(0, ['a'])
    records[66] = records[66]! ^ 0xff
    answer(() => ({ records }))
    await expect(readAll([orders(0, 1)])).rejects.toThrow(
      /^orders partition 0 at offset 0: Record is corrupt/,
    )
  })

  it('drops answers to what it was assigned before', async () => {
    const fetcher = new Fetcher(cluster)
    let released = () => {}
    const gate = new Promise<void>((resolve) => {
      released = resolve
    })
    broker.on(Fetch, async ({ topics }) => {
      const { topic, topicId, partitions } = topics[0]!
      const { partition, fetchOffset } = partitions[0]!
      if (fetchOffset === 0) await gate
      const records = batch(fetchOffset, ['a'])
      const answers = [
        {
          partitionIndex: partition,
          errorCode: 0,
          highWatermark: 1,
          abortedTransactions: null,
          records,
        },
      ]
      return { responses: [{ topic, topicId, partitions: answers }] }
    })
    fetcher.assign([orders(0, 1)])
    const first = fetcher.poll()
    fetcher.assign([orders(5, 6)])
    released()
    const arrived = [...(await first), ...(await fetcher.poll())]
    expect(arrived.map(({ nextOffset }) => nextOffset)).toEqual([6])
  })
})
