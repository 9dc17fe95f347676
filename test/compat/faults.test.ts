import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type FaultSpec, RemoteBroker } from '../../src/index.ts'
import { Dohle, uniqueName } from './broker.ts'
import { type Client, clients } from './clients.ts'
import { kafkaTool } from './kafka-tools.ts'
import { Program, run, runWell, stopAllPrograms } from './process.ts'

vi.setConfig({ testTimeout: 400_000 })

const COUNT = 20
const PATIENCE = { timeout: 100_000 }

// Scripted over HTTP, as tests in these clients' languages do.
let dohle: Dohle
let kafka: RemoteBroker
beforeAll(async () => {
  dohle = await Dohle.start(['--memory', '--control-port', '0'])
  kafka = await RemoteBroker.connect(String(dohle.log.at(-1)?.['control']))
})
afterEach(async () => {
  await stopAllPrograms([dohle.program])
  await kafka.clearFaults()
})
afterAll(() => dohle.stop())

const chosen = clients.filter(({ name }) => /Java|librdkafka|franz-go/.test(name))

async function produce(client: Client, topic: string): Promise<void> {
  await kafka.createTopics([topic])
  await runWell(client.produce(dohle.bootstrap, topic, 'a', COUNT, 'none'))
}

async function keysOf(topic: string): Promise<unknown[]> {
  return (await kafka.records(topic)).map(({ key }) => key)
}

const expectedKeys = Array.from({ length: COUNT }, (_, index) => `a-${index}`)

/** What idempotent producers get over: each record is there once, in its order. */
const overcomeByProducers: FaultSpec[] = [
  { api: 'Produce', error: 'NOT_LEADER_OR_FOLLOWER', times: 2 },
  { api: 'Produce', error: 'REQUEST_TIMED_OUT', when: 'after', times: 1 },
  { api: 'Produce', drop: 'before', times: 1 },
  { api: 'Produce', drop: 'after', times: 1 },
  { api: 'Produce', delayMs: 200, times: 1 },
  { api: 'Produce', throttleMs: 200, times: 1 },
  { leader: 'moved', times: 2 },
  { leader: 'none', times: 2 },
  { api: 'InitProducerId', error: 'COORDINATOR_LOAD_IN_PROGRESS', times: 1 },
]

/** What consumers get over: each record is read. */
const overcomeByConsumers: FaultSpec[] = [
  { coordinator: 'moved', times: 2 },
  { coordinator: 'loading', times: 2 },
  { coordinator: 'unavailable', times: 2 },
  { api: 'Fetch', drop: 'after', times: 1 },
]

type Corruption = NonNullable<FaultSpec['corrupt']>

/** What a consumer says of a damaged batch; null when it reads on. */
const reactions: Record<string, Partial<Record<Corruption, RegExp | null>>> = {
  'Apache Kafka (Java)': {
    bit: /Record is corrupt \(stored crc = \d+, computed crc = \d+\)/,
    cut: /Failed to make progress reading messages/,
  },
  // It compares checksums only where check.crcs is set.
  'confluent-kafka (librdkafka)': { bit: null, cut: null },
  'franz-go': { bit: /encoded crc -?\w+ does not match calculated crc -?\w+/, cut: null },
}

describe.each(chosen)('$name', (client) => {
  it('produces each record once, whatever happens', { timeout: 400_000 }, async () => {
    for (const spec of overcomeByProducers) {
      const topic = uniqueName('faulty')
      const isOfTopic = spec.api !== 'InitProducerId'
      await kafka.addFault({ ...spec, ...(isOfTopic && { topic }) })
      await produce(client, topic)
      expect(await keysOf(topic), JSON.stringify(spec)).toEqual(expectedKeys)
      expect(await kafka.faultLog(), JSON.stringify(spec)).toHaveLength(spec.times!)
      await kafka.clearFaults()
    }
  })

  it('consumes each record, whatever happens', { timeout: 400_000 }, async () => {
    const topic = uniqueName('faulty')
    await produce(client, topic)
    for (const spec of overcomeByConsumers) {
      const group = uniqueName('group')
      await kafka.addFault({ ...spec, ...(spec.coordinator ? { group } : { topic }) })
      const lines = await runWell(client.consume(dohle.bootstrap, topic, COUNT, group))
      const keys = lines.map((line) => line.split('\t')[3])
      expect(keys, JSON.stringify(spec)).toEqual(expectedKeys)
      expect(await kafka.faultLog(), JSON.stringify(spec)).toHaveLength(spec.times!)
      await kafka.clearFaults()
    }
  })

  it('goes on when a partition has space again', async () => {
    const topic = uniqueName('full')
    await kafka.createTopics([topic])
    const { id } = await kafka.addFault({ outOfSpace: true, topic, partition: 0 })
    const { command, args } = client.produce(dohle.bootstrap, topic, 'a', COUNT, 'none')
    const producer = new Program(command, args)
    await expect.poll(() => kafka.faultLog(), PATIENCE).not.toEqual([])
    await kafka.removeFault(id)
    expect(await producer.exited(), producer.stderr).toBe(0)
    expect(await keysOf(topic)).toEqual(expectedKeys)
  })

  const kinds = Object.entries(reactions[client.name] ?? {})
  it.each(kinds)('meets a batch that is damaged: %s', async (corrupt, complaint) => {
    const topic = uniqueName('damaged')
    await produce(client, topic)
    await kafka.addFault({ corrupt: corrupt as Corruption, topic, times: 1 })
    const reading = client.consume(dohle.bootstrap, topic, COUNT, uniqueName('group'))
    const { exitCode, lines, stderr } = await run(reading)
    if (complaint) {
      expect([exitCode, lines, stderr]).toEqual([1, [], expect.stringMatching(complaint)])
    } else {
      expect([exitCode, lines.map((line) => line.split('\t')[3])]).toEqual([0, expectedKeys])
    }
    // What is stored is whole.
    expect(await keysOf(topic)).toEqual(expectedKeys)
  })
})

describe("Kafka's console tools", () => {
  async function consumerOf(topic: string, group: string): Promise<Program> {
    const options = ['--bootstrap-server', dohle.bootstrap, '--topic', topic, '--group', group]
    const { command, args } = kafkaTool('kafka-console-consumer', [...options, '--from-beginning'])
    const consumer = new Program(command, args)
    await kafka.waitForGroup(group, { members: 1, timeoutMs: 100_000 })
    return consumer
  }

  it('join a group again that rebalances, or that lost them', async () => {
    const [topic, group] = [uniqueName('live'), uniqueName('group')]
    await kafka.createTopics([topic])
    await kafka.recordRequests()
    const consumer = await consumerOf(topic, group)
    const joins = async () => {
      const requests = await kafka.requests({ api: 'JoinGroup' })
      return requests.filter((one) => JSON.stringify(one).includes('"errorCode":0')).length
    }
    expect(await joins()).toBe(1)
    await kafka.rebalance(group)
    await expect.poll(joins, PATIENCE).toBeGreaterThan(1)
    await kafka.waitForGroup(group, { members: 1, timeoutMs: 100_000 })
    const before = await joins()
    const lost = await kafka.expireMember(group)
    await expect.poll(joins, PATIENCE).toBeGreaterThan(before)
    const { members } = await kafka.waitForGroup(group, { members: 1, timeoutMs: 100_000 })
    expect(members[0]!.memberId).not.toBe(lost)
    await kafka.produce(topic, [{ value: 'one' }])
    await consumer.printed(({ lines }) => lines.includes('one'))
  })

  it('lose what they send when their idempotent producer is fenced', async () => {
    const topic = uniqueName('fenced')
    await kafka.createTopics([topic])
    const options = ['--bootstrap-server', dohle.bootstrap, '--topic', topic]
    const { command, args } = kafkaTool('kafka-console-producer', options)
    const producer = new Program(command, args)
    producer.type('one')
    await kafka.waitForRecords(topic, 1, { timeoutMs: 100_000 })
    expect(await kafka.fenceProducer({ topic })).toMatchObject({ producerEpoch: 1 })
    producer.type('two')
    producer.endInput()
    await producer.exited()
    expect(producer.stderr).toContain('InvalidProducerEpochException')
    expect(await kafka.records(topic)).toMatchObject([{ value: 'one' }])
  })
})
