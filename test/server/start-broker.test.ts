import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompressionTypes, Kafka, logLevel } from 'kafkajs'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { rootLoggerLevels } from '../../src/broker/configs/logger-levels.ts'
import { silentLogger } from '../../src/broker/logger.ts'
import {
  BindError,
  type BrokerOptions,
  ConfigError,
  type RunningBroker,
  startBroker,
} from '../../src/index.ts'
import { Fetch } from '../../src/protocol/apis/01-fetch.ts'
import { Metadata } from '../../src/protocol/apis/03-metadata.ts'
import { InitProducerId } from '../../src/protocol/apis/22-init-producer-id.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/message.ts'
import type { Api, DecodedOf, EncodableOf } from '../../src/protocol/schema.ts'
import { runBroker } from '../../src/server/run-broker.ts'
import { loadSettings } from '../../src/settings/load-settings.ts'
import { valuesOf } from '../storage/batches.ts'
import { type LogLine, RawClient, recordingLogger, until } from './toy.ts'

const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function start(options: BrokerOptions = {}): Promise<RunningBroker> {
  const broker = await startBroker(options)
  open.push({ close: () => broker.stop() })
  return broker
}

function kafkaOf({ bootstrapServers }: RunningBroker): Kafka {
  const brokers = [bootstrapServers]
  return new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 1 } })
}

async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'dohle-server-'))
  open.push({ close: () => rm(directory, { recursive: true, force: true }) })
  return join(directory, 'data')
}

async function connect(port: number, host?: string): Promise<RawClient> {
  const client = await RawClient.connect(port, host)
  open.push(client)
  return client
}

async function ask<A extends Api>(
  client: RawClient,
  api: A,
  version: number,
  request: EncodableOf<A['request']>,
): Promise<DecodedOf<A['response']>> {
  const count = client.frames.length + 1
  const header = { correlationId: count, clientId: 'raw' }
  client.send(Buffer.concat(encodeRequest(api, version, header, request).chunks))
  const frames = await client.frameCount(count)
  return decodeResponse(api, version, frames[count - 1]!).response
}

const fetchFrom = (fetchOffset: number, maxWaitMs = 0) => ({
  maxWaitMs,
  minBytes: 1,
  topics: [
    { topic: 'orders', partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1e6 }] },
  ],
})

async function fetchValues(client: RawClient, offset: number, maxWaitMs = 0): Promise<string[]> {
  const { responses } = await ask(client, Fetch, 11, fetchFrom(offset, maxWaitMs))
  return valuesOf(responses[0]!.partitions[0]!.records!).map(({ value }) => value)
}

describe('kafkajs', () => {
  test('sends to a topic that nobody made, the first time, and reads offsets back', async () => {
    const broker = await start()
    const producer = kafkaOf(broker).producer({ allowAutoTopicCreation: true })
    await producer.connect()
    open.push({ close: () => producer.disconnect() })
    const [sent] = await producer.send({
      topic: 'orders',
      messages: [{ value: 'one' }, { key: 'k', value: 'two', headers: { h: 'v' } }],
    })
    expect(sent).toMatchObject({ topicName: 'orders', errorCode: 0, baseOffset: '0' })
    const admin = kafkaOf(broker).admin()
    await admin.connect()
    open.push({ close: () => admin.disconnect() })
    expect(await admin.fetchTopicOffsets('orders')).toEqual([
      { partition: 0, offset: '2', high: '2', low: '0' },
    ])
    expect(await fetchValues(await connect(broker.port), 0)).toEqual(['one', 'two'])
  })

  test('reads as a group what it sends', async () => {
    const broker = await start({ topics: ['orders:3'] })
    const consumer = kafkaOf(broker).consumer({ groupId: 'g' })
    open.push({ close: () => consumer.disconnect() })
    await consumer.connect()
    await consumer.subscribe({ topic: 'orders', fromBeginning: true })
    const values: string[] = []
    await consumer.run({
      eachMessage: async ({ message }) => void values.push(String(message.value)),
    })
    const producer = kafkaOf(broker).producer()
    await producer.connect()
    open.push({ close: () => producer.disconnect() })
    const messages = ['a', 'b', 'c', 'd', 'e'].map((value) => ({ key: value, value }))
    await producer.send({ topic: 'orders', messages })
    await until(() => values.length === 5)
    expect(values.sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  test('compresses, and produces idempotently', async () => {
    const broker = await start({ topics: ['orders'] })
    const producer = kafkaOf(broker).producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    open.push({ close: () => producer.disconnect() })
    for (const value of ['a', 'b', 'c']) {
      await producer.send({
        topic: 'orders',
        acks: -1,
        compression: CompressionTypes.GZIP,
        messages: [{ value }],
      })
    }
    expect(await fetchValues(await connect(broker.port), 0)).toEqual(['a', 'b', 'c'])
  })
})

describe('a data directory', () => {
  test('keeps records, topics and the identity of the cluster over a restart', async () => {
    const dataDir = await temporaryDirectory()
    const first = await startBroker({ dataDir, topics: ['orders'] })
    const producer = kafkaOf(first).producer()
    await producer.connect()
    await producer.send({ topic: 'orders', messages: [{ value: 'kept' }] })
    await producer.disconnect()
    await first.stop()
    const second = await start({ dataDir })
    expect(second.clusterId).toBe(first.clusterId)
    expect(await fetchValues(await connect(second.port), 0)).toEqual(['kept'])
  })

  test('never issues a producer id twice', async () => {
    const dataDir = await temporaryDirectory()
    const ids: number[] = []
    for (let round = 0; round < 3; round++) {
      const broker = await startBroker({ dataDir })
      const client = await connect(broker.port)
      for (let count = 0; count < 2; count++) {
        const request = { transactionalId: null, transactionTimeoutMs: 1 }
        ids.push((await ask(client, InitProducerId, 4, request)).producerId)
      }
      await broker.stop()
    }
    expect(ids).toEqual([0, 1, 1000, 1001, 2000, 2001])
  })
})

describe('on the wire', () => {
  test('a long poll sees what another client sends at once', async () => {
    const broker = await start({ topics: ['orders'] })
    const reader = await connect(broker.port)
    const waiting = fetchValues(reader, 0, 10_000)
    const producer = kafkaOf(broker).producer()
    await producer.connect()
    open.push({ close: () => producer.disconnect() })
    await producer.send({ topic: 'orders', messages: [{ value: 'fresh' }] })
    expect(await waiting).toEqual(['fresh'])
  })

  test('requests behind a long poll are answered after it, in order', async () => {
    const broker = await start({ topics: ['orders'] })
    const client = await connect(broker.port)
    const header = (correlationId: number) => ({ correlationId, clientId: 'raw' })
    const metadata = { topics: [], allowAutoTopicCreation: false }
    client.send(
      Buffer.concat([
        ...encodeRequest(Fetch, 11, header(1), fetchFrom(0, 200)).chunks,
        ...encodeRequest(Metadata, 1, header(2), metadata).chunks,
        ...encodeRequest(Metadata, 1, header(3), metadata).chunks,
      ]),
    )
    const frames = await client.frameCount(3)
    expect(frames.map((frame) => frame.readInt32BE(0))).toEqual([1, 2, 3])
  })

  test('Metadata answers with the address that the client reached', async () => {
    const both = await start()
    const hostFor = async (port: number, host: string) => {
      const { brokers } = await ask(await connect(port, host), Metadata, 1, { topics: [] })
      return brokers.map((one) => [one.nodeId, one.host, one.port])
    }
    expect(await hostFor(both.port, '127.0.0.1')).toEqual([[1, '127.0.0.1', both.port]])
    expect(await hostFor(both.port, '::1')).toEqual([[1, 'localhost', both.port]])
    const one = await start({ host: '127.0.0.1' })
    expect(await hostFor(one.port, '127.0.0.1')).toEqual([[1, '127.0.0.1', one.port]])
    const told = await start({
      settings: { 'advertised.listeners': 'PLAINTEXT://kafka.test:9999' },
    })
    expect(await hostFor(told.port, '127.0.0.1')).toEqual([[1, 'kafka.test', 9999]])
  })
})

describe('hostile clients', () => {
  test('random bytes, cut frames and strange versions disturb nobody', async () => {
    const lines: LogLine[] = []
    const broker = await start({ topics: ['orders'], logger: recordingLogger(lines) })
    const witness = await connect(broker.port)
    let seed = 4711
    const random = () => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff
      return seed
    }
    for (let round = 0; round < 60; round++) {
      const client = await connect(broker.port)
      const body = Buffer.from(Array.from({ length: 8 + (random() % 300) }, () => random() & 0xff))
      body.writeInt16BE(random() % 95, 0)
      body.writeInt16BE(random() % 14, 2)
      const bytes = Buffer.alloc(4 + body.byteLength)
      bytes.writeInt32BE(body.byteLength)
      body.copy(bytes, 4)
      client.send(round % 3 === 0 ? bytes.subarray(0, 7) : bytes)
      if (round % 2 === 0) client.socket.end()
      const { brokers } = await ask(witness, Metadata, 1, { topics: [] })
      expect(brokers).toHaveLength(1)
    }
    expect(lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  test('a frame of 2 GiB closes one connection', async () => {
    const broker = await start()
    const client = await connect(broker.port)
    client.send(Buffer.from('7fffffff', 'hex'))
    await until(() => client.closed)
    const { brokers } = await ask(await connect(broker.port), Metadata, 1, { topics: [] })
    expect(brokers).toHaveLength(1)
  })

  test('a client that fetches and never reads costs little memory', async () => {
    const broker = await start({ topics: ['orders'] })
    const producer = kafkaOf(broker).producer()
    await producer.connect()
    open.push({ close: () => producer.disconnect() })
    const value = Buffer.alloc(900_000, 'x')
    for (let count = 0; count < 3; count++) {
      await producer.send({ topic: 'orders', messages: [{ value }] })
    }
    const header = { correlationId: 1, clientId: 'greedy' }
    const request = Buffer.concat(encodeRequest(Fetch, 11, header, fetchFrom(0)).chunks)
    const before = process.memoryUsage.rss()
    for (let connection = 0; connection < 5; connection++) {
      const greedy = await connect(broker.port)
      greedy.socket.pause()
      greedy.send(Buffer.concat(Array.from({ length: 500 }, () => request)))
    }
    const witness = await connect(broker.port)
    for (let count = 0; count < 30; count++) {
      expect(await fetchValues(witness, 2)).toHaveLength(1)
    }
    // Answering all would be more than a gigabyte.
    expect(process.memoryUsage.rss() - before).toBeLessThan(200_000_000)
  })
})

describe('starting and stopping', () => {
  test('stops within a second while clients wait, and answers them', async () => {
    const flags = new Map([
      ['listeners', 'PLAINTEXT://localhost:0'],
      ['dohle.memory', 'true'],
      ['dohle.topics', 'orders'],
    ])
    const { broker, listeners, stop } = await runBroker({
      settings: loadSettings({ flags }).settings,
      clock: systemClock,
      log: silentLogger,
      loggers: rootLoggerLevels('INFO', () => {}),
      keepAlive: true,
    })
    const port = listeners[0]!.boundPort
    const reader = await connect(port)
    const waiting = fetchValues(reader, 0, 60_000)
    await until(() => broker.fetches.size === 1)
    const begin = performance.now()
    await stop()
    expect(performance.now() - begin).toBeLessThan(1_000)
    expect(await waiting).toEqual([])
    await stop()
    const refused = net.connect(port, '127.0.0.1')
    await expect(once(refused, 'connect')).rejects.toThrow('ECONNREFUSED')
  })

  test('several brokers live side by side, and go by await using', async () => {
    const ports = new Set<number>()
    {
      await using one = await startBroker({ topics: ['orders'] })
      await using other = await startBroker()
      ports.add(one.port).add(other.port)
      const { topics } = await ask(await connect(other.port), Metadata, 1, { topics: null })
      expect(topics).toEqual([])
    }
    expect(ports.size).toBe(2)
    for (const port of ports) {
      await expect(once(net.connect(port, '127.0.0.1'), 'connect')).rejects.toThrow()
    }
  })

  test('twenty starts and stops leave no handle behind', async () => {
    const handles = () => process.getActiveResourcesInfo().filter((name) => /TCP|Pipe/.test(name))
    const before = handles().length
    for (let count = 0; count < 20; count++) await (await startBroker()).stop()
    await until(() => handles().length <= before)
  })

  test('says what is wrong with a port or a setting', async () => {
    const broker = await start()
    await expect(startBroker({ port: broker.port })).rejects.toThrow(BindError)
    await expect(startBroker({ settings: { 'num.partitions': 0 } })).rejects.toThrow(ConfigError)
    await expect(startBroker({ topics: ['a/b'] })).rejects.toThrow("'a/b' is not a name of a topic")
  })
})
