import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { waitUntil } from '../../src/embed/wait-until.ts'
import {
  type EmbeddedNode,
  KafkaError,
  RemoteBroker,
  startBroker,
  VirtualClock,
} from '../../src/index.ts'
import { clientOf } from './kafkajs-client.ts'

type Started = Awaited<ReturnType<typeof startBroker>>
const started: Started[] = []
const directories: string[] = []

async function start(options: Parameters<typeof startBroker>[0] = {}): Promise<Started> {
  const broker = await startBroker({ brokers: 3, ...options })
  started.push(broker)
  return broker
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((broker) => broker.stop()))
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true })
})

const kafkaOf = (broker: Started) => clientOf(broker, { retries: 200, requestTimeout: 30_000 })

/** [leader, replicas in sync] of each partition, as clients are told. */
async function leaders(broker: Started, topic: string): Promise<[number, number[]][]> {
  const admin = kafkaOf(broker).admin()
  await admin.connect()
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    return topics[0]!.partitions
      .toSorted((one, other) => one.partitionId - other.partitionId)
      .map(({ leader, isr }) => [leader, isr])
  } finally {
    await admin.disconnect()
  }
}

const PATIENCE_MS = 60_000

describe('several brokers in one process', { timeout: PATIENCE_MS }, () => {
  it('have ids and ports of their own, and share out leaders and replicas', async () => {
    const broker = await start({ topics: ['orders:3'] })
    expect(broker.brokers.map(({ brokerId }) => brokerId)).toEqual([1, 2, 3])
    expect(new Set(broker.brokers.map(({ port }) => port)).size).toBe(3)
    const admin = kafkaOf(broker).admin()
    await admin.connect()
    const { brokers, controller } = await admin.describeCluster()
    await admin.disconnect()
    expect(brokers.map(({ nodeId, port }) => [nodeId, port])).toEqual(
      broker.brokers.map(({ brokerId, port }) => [brokerId, port]),
    )
    expect(controller).toBe(1)
    expect(await leaders(broker, 'orders')).toEqual([
      [1, [1, 2, 3]],
      [2, [2, 3, 1]],
      [3, [3, 1, 2]],
    ])
  })

  it('take a port each from the one that is given', async () => {
    const probe = await start({ brokers: 1 })
    await probe.stop()
    const broker = await start({ port: probe.port, brokers: 2 }).catch(() => undefined)
    // Somebody else may have had the next port.
    if (broker) expect(broker.brokers.map(({ port }) => port - probe.port)).toEqual([0, 1])
  })

  it('refuse a replica more than there are brokers, in the words of Kafka', async () => {
    const broker = await start()
    const admin = kafkaOf(broker).admin()
    await admin.connect()
    const topics = [{ topic: 'wide', numPartitions: 1, replicationFactor: 4 }]
    await expect(admin.createTopics({ topics })).rejects.toMatchObject({
      errors: [expect.objectContaining({ type: 'INVALID_REPLICATION_FACTOR' })],
    })
    await admin.disconnect()
  })

  it(
    'lose no record and repeat none while one after the other goes down and comes back',
    async () => {
      const broker = await start({ topics: ['orders:3'] })
      const kafka = kafkaOf(broker)
      const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
      await producer.connect()
      const consumer = kafka.consumer({
        groupId: 'readers',
        // kafkajs begins anew when its coordinator goes away, and waits for its old self to expire.
        sessionTimeout: 6_000,
        heartbeatInterval: 300,
        maxWaitTimeInMs: 200,
      })
      await consumer.connect()
      await consumer.subscribe({ topic: 'orders', fromBeginning: true })
      const seen = new Set<string>()
      await consumer.run({
        eachMessage: async ({ message }) => {
          seen.add(String(message.value))
        },
      })
      let sent = 0
      const send = async (count: number) => {
        for (const end = sent + count; sent < end; sent++) {
          await producer.send({ topic: 'orders', messages: [{ key: `${sent}`, value: `${sent}` }] })
        }
      }
      const allSeen = () =>
        waitUntil({
          timeoutMs: PATIENCE_MS,
          check: () => (seen.size === sent ? true : undefined),
          explain: () => `${sent} records to be seen, and ${seen.size} were`,
        })
      for (const node of broker.brokers) {
        await send(20)
        await node.stop()
        await send(20)
        await allSeen()
        await node.start()
        await send(20)
      }
      await allSeen()
      await consumer.disconnect()
      await producer.disconnect()
      const stored = await broker.records('orders')
      expect(stored.length).toBe(sent)
    },
    4 * PATIENCE_MS,
  )

  it('shrink and grow the replicas in sync; leaders stay where they went', async () => {
    const broker = await start({ topics: ['orders:3'] })
    const [, second] = broker.brokers
    await second!.stop()
    expect(second!.isUp).toBe(false)
    expect(await leaders(broker, 'orders')).toEqual([
      [1, [1, 3]],
      [3, [3, 1]],
      [3, [3, 1]],
    ])
    await second!.start()
    expect(second!.isUp).toBe(true)
    expect(await leaders(broker, 'orders')).toEqual([
      [1, [1, 2, 3]],
      [3, [1, 2, 3]],
      [3, [1, 2, 3]],
    ])
  })

  it('give leaders back in time', async () => {
    const clock = new VirtualClock()
    const broker = await start({ clock, topics: ['orders:3'] })
    await broker.brokers[1]!.stop()
    await broker.brokers[1]!.start()
    expect((await leaders(broker, 'orders'))[1]).toEqual([3, [1, 2, 3]])
    await clock.advance('5m')
    expect((await leaders(broker, 'orders'))[1]).toEqual([2, [1, 2, 3]])
  })

  it('refuse writes that need more replicas in sync than there are', async () => {
    const broker = await start()
    await broker.createTopics([
      { name: 'safe', partitions: 1, configs: { 'min.insync.replicas': 2 } },
    ])
    const [first, second, third] = broker.brokers as [EmbeddedNode, EmbeddedNode, EmbeddedNode]
    await second.stop()
    await broker.produce('safe', [{ value: 'two are enough' }])
    await third.stop()
    const refused = broker.produce('safe', [{ value: 'one is not' }])
    await expect(refused).rejects.toThrow(KafkaError)
    await second.start()
    await broker.produce('safe', [{ value: 'two again' }])
    expect(first.isUp).toBe(true)
    expect((await broker.records('safe')).map(({ value }) => value)).toEqual([
      'two are enough',
      'two again',
    ])
  })

  it('can be all down, and come back with everything', async () => {
    const broker = await start({ topics: ['orders:3'] })
    await broker.produce('orders', [{ key: 'a', value: 'before' }])
    for (const node of broker.brokers) await node.stop()
    for (const node of broker.brokers) await node.start()
    expect((await leaders(broker, 'orders')).every(([leader]) => leader > 0)).toBe(true)
    await broker.produce('orders', [{ key: 'a', value: 'after' }])
    expect((await broker.records('orders')).map(({ value }) => value)).toEqual(['before', 'after'])
  })

  it('stay as they are over a reset, the one that is down too', async () => {
    const broker = await start({ topics: ['orders:3'] })
    const [, second] = broker.brokers
    await second!.stop()
    await broker.reset()
    expect(await leaders(broker, 'orders')).toEqual([
      [1, [1, 3]],
      [3, [3, 1]],
      [1, [1, 3]],
    ])
    await second!.start()
    expect((await leaders(broker, 'orders')).map(([, isr]) => isr.length)).toEqual([3, 3, 3])
  })

  it('are listed, stopped and started over the control API', async () => {
    const broker = await start({ controlPort: 0 })
    const remote = await RemoteBroker.connect(broker.controlUrl!)
    expect((await remote.brokers()).map(({ brokerId, isUp }) => [brokerId, isUp])).toEqual([
      [1, true],
      [2, true],
      [3, true],
    ])
    expect(await remote.stopBroker(2)).toMatchObject({ brokerId: 2, isUp: false })
    expect(broker.brokers[1]!.isUp).toBe(false)
    await remote.stopBroker(2)
    expect(await remote.startBroker(2)).toMatchObject({ brokerId: 2, isUp: true })
    await expect(remote.stopBroker(9)).rejects.toThrow('there is no broker 9; there is 1, 2, 3')
  })
})

describe('data of several brokers', { timeout: PATIENCE_MS }, () => {
  async function inDirectory(use: (dataDir: string) => Promise<void>): Promise<void> {
    const dataDir = mkdtempSync(join(tmpdir(), 'dohle-brokers-'))
    directories.push(dataDir)
    await use(dataDir)
  }

  const values = async (broker: Started, topic: string) =>
    (await broker.records(topic)).map(({ value }) => value)

  it('is there for one broker, and for several again', async () => {
    await inDirectory(async (dataDir) => {
      const three = await start({ dataDir, topics: ['orders:3', 'single:3:1'] })
      for (const partition of [0, 1, 2]) {
        await three.produce('orders', [{ partition, value: `order ${partition}` }])
        await three.produce('single', [{ partition, value: `single ${partition}` }])
      }
      const orders = await values(three, 'orders')
      const singles = await values(three, 'single')
      await three.stop()

      const one = await start({ dataDir, brokers: 1 })
      expect(await leaders(one, 'orders')).toEqual([
        [1, [1]],
        [1, [1]],
        [1, [1]],
      ])
      // What only brokers held that are not there any more has moved.
      expect(await leaders(one, 'single')).toEqual([
        [1, [1]],
        [1, [1]],
        [1, [1]],
      ])
      await one.produce('single', [{ partition: 2, value: 'while alone' }])
      expect(await values(one, 'orders')).toEqual(orders)
      await one.stop()

      const again = await start({ dataDir })
      expect((await leaders(again, 'orders')).map(([, isr]) => isr.length)).toEqual([3, 3, 3])
      expect(await values(again, 'orders')).toEqual(orders)
      expect(await values(again, 'single')).toEqual([...singles, 'while alone'])
    })
  })

  it('has a broker that was down at the end up at the next start', async () => {
    await inDirectory(async (dataDir) => {
      const first = await start({ dataDir, topics: ['orders:3'] })
      await first.brokers[1]!.stop()
      await first.produce('orders', [{ partition: 1, value: 'led by another' }])
      await first.stop()
      const second = await start({ dataDir })
      expect(second.brokers.map(({ isUp }) => isUp)).toEqual([true, true, true])
      expect((await leaders(second, 'orders')).map(([, isr]) => isr.length)).toEqual([3, 3, 3])
      expect(await values(second, 'orders')).toEqual(['led by another'])
    })
  })
})

describe('clients of several brokers', { timeout: PATIENCE_MS }, () => {
  it(
    'commit transactions over partitions of all of them, also when their coordinator goes',
    async () => {
      const broker = await start({ topics: ['orders:3', 'done:3'] })
      const kafka = kafkaOf(broker)
      const producer = kafka.producer({
        ...{ transactionalId: 'app', idempotent: true, maxInFlightRequests: 1 },
      })
      await producer.connect()
      const send = async (end: 'commit' | 'abort', value: string) => {
        const transaction = await producer.transaction()
        for (const partition of [0, 1, 2]) {
          await transaction.send({ topic: 'done', messages: [{ partition, value }] })
        }
        const offsets = [{ partition: 0, offset: value.slice(-1) }]
        await transaction.sendOffsets({
          ...{ consumerGroupId: 'app', topics: [{ topic: 'orders', partitions: offsets }] },
        })
        await transaction[end]()
      }
      await send('commit', 'value 1')
      await send('abort', 'value 2')
      for (const node of broker.brokers) {
        await node.stop()
        await send('commit', `value ${node.brokerId + 2}`)
        await node.start()
      }
      await producer.disconnect()
      const stored = await broker.waitForRecords('done', 12, { timeoutMs: PATIENCE_MS })
      const seen = stored.map(({ value }) => String(value))
      expect(seen.toSorted()).toEqual(
        ['value 1', 'value 3', 'value 4', 'value 5'].flatMap((value) => [value, value, value]),
      )
      expect(await broker.committedOffsets('app')).toMatchObject([{ partition: 0, offset: 5 }])
    },
    2 * PATIENCE_MS,
  )

  it('move partitions between brokers, at once to those that are up', async () => {
    const broker = await start({ topics: ['orders:1:1'] })
    const admin = kafkaOf(broker).admin()
    await admin.connect()
    const move = (replicas: number[]) =>
      admin.alterPartitionReassignments({
        topics: [{ topic: 'orders', partitionAssignment: [{ partition: 0, replicas }] }],
      })
    await move([2, 3])
    expect(await leaders(broker, 'orders')).toEqual([[2, [2, 3]]])
    await broker.brokers[0]!.stop()
    await move([3, 1])
    const { topics } = await admin.listPartitionReassignments({})
    expect(topics).toMatchObject([
      {
        name: 'orders',
        partitions: [{ replicas: [3, 1, 2], addingReplicas: [1], removingReplicas: [2] }],
      },
    ])
    await broker.brokers[0]!.start()
    expect(await leaders(broker, 'orders')).toEqual([[3, [1, 3]]])
    await admin.disconnect()
  })
})
