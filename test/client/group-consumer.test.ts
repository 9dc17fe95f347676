import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseBrokerAddresses } from '../../src/client/broker-address.ts'
import { Cluster } from '../../src/client/cluster.ts'
import { committedOffsets, describeGroup } from '../../src/client/group-admin.ts'
import { GroupConsumer } from '../../src/client/group-consumer.ts'
import { Producer } from '../../src/client/producer.ts'
import { startBroker } from '../../src/index.ts'

let broker: Awaited<ReturnType<typeof startBroker>>
const clusters: Cluster[] = []
beforeEach(async () => {
  broker = await startBroker({ topics: ['orders:4'] })
})
afterEach(async () => {
  for (const cluster of clusters.splice(0)) cluster.close()
  await broker.stop()
})

function connect(): Cluster {
  const cluster = new Cluster({ bootstrap: parseBrokerAddresses(broker.bootstrapServers) })
  clusters.push(cluster)
  return cluster
}

function member(): GroupConsumer {
  const options = { groupId: 'g', topics: ['orders'], initial: 'start', maxWaitMs: 50 } as const
  return new GroupConsumer(connect(), options)
}

async function produce(partition: number, ...values: string[]): Promise<void> {
  const producer = new Producer(connect())
  for (const value of values) {
    await producer.send({ topic: 'orders', partition, key: null, value: Buffer.from(value) })
  }
  await producer.flush()
}

/** Polls until so many records have come, and marks them as done. */
async function read(consumer: GroupConsumer, count: number): Promise<string[]> {
  const values: string[] = []
  while (values.length < count) {
    for (const fetched of await consumer.poll()) {
      values.push(...fetched.records.map(({ record }) => Buffer.from(record.value!).toString()))
      consumer.markDone(fetched, fetched.nextOffset)
    }
  }
  return values.toSorted()
}

describe('a consumer in a group', () => {
  it('begins where the group has come to, and commits when it leaves', async () => {
    await produce(0, 'a', 'b')
    const first = member()
    expect(await read(first, 2)).toEqual(['a', 'b'])
    await first.close()
    expect(await committedOffsets(connect(), 'g')).toContainEqual({
      topic: 'orders',
      partition: 0,
      offset: 2,
      metadata: '',
    })
    await produce(0, 'c')
    const second = member()
    expect(await read(second, 1)).toEqual(['c'])
    await second.close()
  })

  it('gives partitions up to those that come, and takes them over from those that leave', async () => {
    const first = member()
    while (!first.isCaughtUp) await first.poll()
    const second = member()
    // Each has to go on polling for the other to join.
    const both = [first, second]
    const sizes = async () => {
      const { members } = await describeGroup(connect(), 'g')
      return members.map(({ assignment }) => assignment.length)
    }
    let stop = false
    const polling = both.map(async (one) => {
      while (!stop) await one.poll()
    })
    await expect.poll(sizes, { timeout: 10_000 }).toEqual([2, 2])
    stop = true
    await Promise.all(polling)
    await second.close()
    const ended = (async () => {
      while ((await sizes())[0] !== 4) await first.poll()
    })()
    await ended
    await produce(3, 'last')
    expect(await read(first, 1)).toEqual(['last'])
    await first.close()
    expect(await describeGroup(connect(), 'g')).toMatchObject({ state: 'Empty', members: [] })
  })

  it('with nothing to read waits without asking all the time', async () => {
    const consumers = Array.from({ length: 5 }, member)
    let stop = false
    const polls = consumers.map(async (one) => {
      let count = 0
      for (; !stop; count++) await one.poll()
      return count
    })
    const shares = async () => {
      const { members } = await describeGroup(connect(), 'g')
      return members.map(({ assignment }) => assignment.length).toSorted()
    }
    await expect.poll(shares, { timeout: 15_000 }).toEqual([0, 1, 1, 1, 1])
    stop = true
    // At 50 ms each; a busy loop would count thousands.
    for (const count of await Promise.all(polls)) expect(count).toBeLessThan(1_000)
    await Promise.all(consumers.map((one) => one.close()))
  })
})
