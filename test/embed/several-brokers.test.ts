import { afterEach, describe, expect, it } from 'vitest'
import { waitUntil } from '../../src/embed/wait-until.ts'
import { type EmbeddedNode, KafkaError, RemoteBroker, startBroker } from '../../src/index.ts'
import { clientOf } from './kafkajs-client.ts'

type Started = Awaited<ReturnType<typeof startBroker>>
const started: Started[] = []

async function start(options: Parameters<typeof startBroker>[0] = {}): Promise<Started> {
  const broker = await startBroker({ brokers: 3, ...options })
  started.push(broker)
  return broker
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((broker) => broker.stop()))
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

describe('several brokers in one process', () => {
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
