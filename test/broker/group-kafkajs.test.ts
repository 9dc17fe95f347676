import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Consumer, Kafka, logLevel } from 'kafkajs'
import { afterEach, describe, expect, test } from 'vitest'
import { type RunningBroker, startBroker } from '../../src/index.ts'

/** kafkajs against a whole broker: what an application sees of groups. */

const cleanUps: (() => Promise<unknown> | unknown)[] = []

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

async function start(options: Parameters<typeof startBroker>[0] = {}): Promise<RunningBroker> {
  const broker = await startBroker({ topics: ['orders:3'], ...options })
  cleanUps.push(() => broker.stop())
  return broker
}

function clientOf(broker: RunningBroker): Kafka {
  const retry = { initialRetryTime: 50, maxRetryTime: 200, retries: 50 }
  return new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING, retry })
}

async function produce(kafka: Kafka, values: readonly string[]): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  const messages = values.map((value, index) => ({ value, partition: index % 3 }))
  await producer.send({ topic: 'orders', messages })
  await producer.disconnect()
}

interface Member {
  readonly consumer: Consumer
  readonly seen: string[]
  /** Partitions of its last assignment. */
  assigned: readonly number[]
}

async function joinGroup(kafka: Kafka): Promise<Member> {
  const consumer = kafka.consumer({
    groupId: 'workers',
    heartbeatInterval: 100,
    sessionTimeout: 10_000,
    // kafkajs beats and rejoins between fetches.
    maxWaitTimeInMs: 100,
  })
  const member: Member = { consumer, seen: [], assigned: [] }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    member.assigned = payload.memberAssignment['orders'] ?? []
  })
  await consumer.connect()
  await consumer.subscribe({ topic: 'orders', fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ message }) => {
      member.seen.push(String(message.value))
    },
  })
  cleanUps.push(() => consumer.disconnect())
  return member
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const shared = (members: readonly Member[]) =>
  members.every(({ assigned }) => assigned.length === 3 / members.length) &&
  new Set(members.flatMap(({ assigned }) => assigned)).size === 3

describe('kafkajs', () => {
  test('three members come and go: partitions are shared out, and every record is read once', async () => {
    const broker = await start()
    const kafka = clientOf(broker)
    const first = await joinGroup(kafka)
    await until(() => shared([first]))
    const second = await joinGroup(kafka)
    const third = await joinGroup(kafka)
    await until(() => shared([first, second, third]))

    await produce(kafka, ['a', 'b', 'c', 'd', 'e', 'f'])
    const seen = () => [first, second, third].flatMap((member) => member.seen).sort()
    await until(() => seen().length >= 6)
    expect(seen()).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])

    const admin = kafka.admin()
    await admin.connect()
    const { groups } = await admin.describeGroups(['workers'])
    expect(groups).toMatchObject([
      { errorCode: 0, groupId: 'workers', state: 'Stable', protocolType: 'consumer' },
    ])
    expect(groups[0]?.members).toHaveLength(3)
    expect(groups[0]?.members.map(({ clientHost }) => clientHost)).toContain('/127.0.0.1')
    await expect(admin.deleteGroups(['workers'])).rejects.toThrow()

    await second.consumer.disconnect()
    await third.consumer.disconnect()
    await until(() => shared([first]))
    await first.consumer.disconnect()
    const offsets = await admin.fetchOffsets({ groupId: 'workers', topics: ['orders'] })
    expect(offsets[0]?.partitions.map(({ offset }) => offset)).toEqual(['2', '2', '2'])
    await admin.deleteGroups(['workers'])
    expect((await admin.listGroups()).groups).toEqual([])
    await admin.disconnect()
  })

  test('a group resumes where it was, also after the broker restarts', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'dohle-groups-'))
    cleanUps.push(() => rmSync(dataDir, { recursive: true, force: true }))
    const broker = await start({ dataDir })
    await produce(clientOf(broker), ['a', 'b', 'c'])
    const member = await joinGroup(clientOf(broker))
    await until(() => member.seen.length === 3)
    await member.consumer.disconnect()
    await broker.stop()

    const again = await start({ dataDir })
    await produce(clientOf(again), ['d', 'e', 'f'])
    const returned = await joinGroup(clientOf(again))
    await until(() => returned.seen.length >= 3)
    expect(returned.seen.sort()).toEqual(['d', 'e', 'f'])
  })

  test('a running member survives a restart of the broker on the same port', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'dohle-groups-'))
    cleanUps.push(() => rmSync(dataDir, { recursive: true, force: true }))
    const broker = await start({ dataDir })
    const member = await joinGroup(clientOf(broker))
    await produce(clientOf(broker), ['a', 'b', 'c'])
    await until(() => member.seen.length === 3)
    await broker.stop()
    const again = await start({ dataDir, port: broker.port })
    await produce(clientOf(again), ['d', 'e', 'f'])
    await until(() => member.seen.length >= 6)
    expect(new Set(member.seen)).toEqual(new Set(['a', 'b', 'c', 'd', 'e', 'f']))
    // While there is still a broker to say goodbye to: kafkajs would try for ten seconds.
    await member.consumer.disconnect()
  })
})
