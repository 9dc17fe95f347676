import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ZERO_UUID } from '../../../src/base/uuid.ts'
import { Metadata } from '../../../src/protocol/apis/03-metadata.ts'
import { SaslHandshake } from '../../../src/protocol/apis/17-sasl-handshake.ts'
import { ApiVersions } from '../../../src/protocol/apis/18-api-versions.ts'
import { DeleteTopics } from '../../../src/protocol/apis/20-delete-topics.ts'
import { DeleteRecords } from '../../../src/protocol/apis/21-delete-records.ts'
import { InitProducerId } from '../../../src/protocol/apis/22-init-producer-id.ts'
import { SaslAuthenticate } from '../../../src/protocol/apis/36-sasl-authenticate.ts'
import { DescribeCluster } from '../../../src/protocol/apis/60-describe-cluster.ts'
import { batchOf } from '../../storage/batches.ts'
import { answerOf, startTestBroker, type TestBroker } from '../test-broker.ts'

let broker: TestBroker
beforeEach(async () => {
  broker = await startTestBroker()
})
afterEach(() => broker.close())

const names = (...list: (string | null)[]) => list.map((name) => ({ name, topicId: ZERO_UUID }))

async function codes(version: number, topics: { name: string | null; topicId: string }[]) {
  const response = await broker.ask(Metadata, version, { topics, allowAutoTopicCreation: false })
  return response.topics.map(({ name, errorCode }) => [name, errorCode])
}

describe('metadata', () => {
  test('tells brokers with the address that the client reached, in every version', async () => {
    for (let version = 0; version <= 13; version++) {
      const response = await broker.ask(Metadata, version, { topics: [] })
      expect(response.brokers).toEqual([{ nodeId: 1, host: '127.0.0.1', port: 9092, rack: null }])
      expect(response.controllerId).toBe(version === 0 ? -1 : 1)
      expect(response.clusterId).toBe(version < 2 ? null : broker.broker.clusterId)
      expect(response.errorCode).toBe(0)
    }
  })

  test('all topics are asked for with null, in version 0 with none', async () => {
    broker.createTopic('a', 2)
    broker.createTopic('__consumer_offsets')
    const ask = async (version: number, topics: null | []) =>
      (await broker.ask(Metadata, version, { topics })).topics.map(({ name }) => name).sort()
    expect(await ask(0, [])).toEqual(['__consumer_offsets', 'a'])
    expect(await ask(1, [])).toEqual([])
    expect(await ask(1, null)).toEqual(['__consumer_offsets', 'a'])
  })

  test('describes partitions with leader, replicas and epoch', async () => {
    const { topicId } = broker.createTopic('a', 2)
    const { topics } = await broker.ask(Metadata, 12, { topics: names('a') })
    expect(topics).toEqual([
      {
        errorCode: 0,
        name: 'a',
        topicId,
        isInternal: false,
        partitions: [0, 1].map((partitionIndex) => ({
          errorCode: 0,
          partitionIndex,
          leaderId: 1,
          leaderEpoch: 0,
          replicaNodes: [1],
          isrNodes: [1],
          offlineReplicas: [],
        })),
        topicAuthorizedOperations: -2147483648,
      },
    ])
  })

  test('tells authorized operations when asked, of the cluster up to version 10', async () => {
    broker.createTopic('a')
    const response = await broker.ask(Metadata, 10, {
      topics: names('a'),
      includeClusterAuthorizedOperations: true,
      includeTopicAuthorizedOperations: true,
    })
    expect(response.clusterAuthorizedOperations).toBe(8096)
    expect(response.topics[0]!.topicAuthorizedOperations).toBe(3576)
  })

  test('unknown and impossible names; a topic that is listed twice comes once', async () => {
    broker.createTopic('a')
    expect(await codes(9, names('a', 'b', 'a', 'no/good', '__cluster_metadata', ''))).toEqual([
      ['a', 0],
      ['b', 3],
      ['no/good', 17],
      ['__cluster_metadata', 3],
      ['', 17],
    ])
  })

  test('by id from version 12 on; one id makes the whole request a lookup by id', async () => {
    const { topicId } = broker.createTopic('a')
    broker.createTopic('b')
    const unknown = '0123456789abcdef'
    const asked = [...names('b'), { name: 'b', topicId }, { name: null, topicId: unknown }]
    expect(await codes(12, asked)).toEqual([
      ['a', 0],
      [null, 100],
    ])
    expect(await codes(11, [...names('b'), { name: 'a', topicId }])).toEqual([
      ['b', 42],
      ['a', 42],
    ])
    expect(await codes(10, names(null))).toEqual([['', 42]])
    expect(await codes(12, names(null))).toEqual([['', -1]])
  })

  test('creates a topic that is not there, and answers its leader the first time', async () => {
    const { topics } = await broker.ask(Metadata, 3, { topics: names('fresh') })
    expect(topics[0]).toMatchObject({ errorCode: 0, name: 'fresh' })
    expect(topics[0]!.partitions[0]!.leaderId).toBe(1)
  })

  test('the first who asks for a deleted topic hears that it is gone, the next has a new one', async () => {
    const { topicId } = broker.createTopic('old')
    await broker.ask(DeleteTopics, 5, { topicNames: ['old'], timeoutMs: 1000 })
    const first = await broker.ask(Metadata, 3, { topics: names('old', 'other') })
    expect(first.topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ['old', 3],
      ['other', 0],
    ])
    expect(first.topics[0]!.partitions).toEqual([])
    const { topics } = await broker.ask(Metadata, 12, { topics: names('old') })
    expect(topics[0]).toMatchObject({ errorCode: 0, name: 'old' })
    expect(topics[0]!.topicId).not.toBe(topicId)
  })

  test('creates nothing with auto.create.topics.enable=false, or with a name it must not', async () => {
    const strict = await startTestBroker({ settings: { 'auto.create.topics.enable': 'false' } })
    const { topics } = await strict.ask(Metadata, 3, { topics: names('fresh') })
    expect(topics[0]!.errorCode).toBe(3)
    await strict.close()
    const refused = await broker.ask(Metadata, 3, { topics: names('a b', '__cluster_metadata') })
    expect(refused.topics.map(({ errorCode }) => errorCode)).toEqual([17, 3])
    expect(broker.metadata.image.topicsByName.size).toBe(0)
  })
})

describe('api versions', () => {
  interface Captured {
    version: number
    requestHex: string
    json: {
      errorCode: number
      apiKeys: { apiKey: number; minVersion: number; maxVersion: number }[]
      supportedFeatures?: object[]
    }
  }
  const url = new URL('../../golden/messages/captured.jsonl', import.meta.url)
  const captured = readFileSync(url, 'utf8')
    .trim()
    .split('\n')
    .map((line): Captured => JSON.parse(line))

  function answer(requestHex: string, version: number) {
    const bytes = Buffer.from(requestHex, 'hex')
    const { dispatcher, peer, clock } = broker
    const exchange = dispatcher.dispatch(bytes, 4, bytes.byteLength, peer, clock.nowMs())
    return answerOf(ApiVersions, version, exchange)
  }

  test('what Kafka 4.3 offers of an API is offered, and maybe older versions', () => {
    const [first] = captured
    const mine = answer(first!.requestHex, 0)
    const kafkas = new Map(first!.json.apiKeys.map((one) => [one.apiKey, one]))
    expect(mine.errorCode).toBe(0)
    expect(mine.apiKeys.length).toBeGreaterThan(0)
    for (const { apiKey, minVersion, maxVersion } of mine.apiKeys) {
      const { minVersion: min, maxVersion: max } = kafkas.get(apiKey)!
      expect({ apiKey, maxVersion }).toEqual({ apiKey, maxVersion: max })
      expect({ apiKey, reaches: minVersion <= min }).toEqual({ apiKey, reaches: true })
    }
    const keys = mine.apiKeys.map(({ apiKey }) => apiKey)
    expect(keys).toEqual([...keys].sort((one, other) => one - other))
    expect(mine.apiKeys[0]).toEqual({ apiKey: 0, minVersion: 0, maxVersion: 13 })
  })

  test.each([3, 4])('features that version %i may hear of are supported as in Kafka', (version) => {
    const kafka = captured.find((one) => one.version === version)!
    const mine = answer(kafka.requestHex, version)
    expect(mine.supportedFeatures).toEqual(kafka.json.supportedFeatures)
    expect(broker.peer.softwareName).not.toBe('')
  })

  test.each([5, 99])(
    'version %i is answered in version 0 by the range of ApiVersions',
    (version) => {
      const kafka = captured.find((one) => one.version === version)!
      expect(answer(kafka.requestHex, 0)).toMatchObject(kafka.json)
    },
  )
})

describe('describe cluster', () => {
  test('tells the brokers and this one as the controller', async () => {
    expect(
      await broker.ask(DescribeCluster, 2, {
        includeClusterAuthorizedOperations: true,
      }),
    ).toMatchObject({
      errorCode: 0,
      errorMessage: null,
      endpointType: 1,
      clusterId: broker.broker.clusterId,
      controllerId: 1,
      brokers: [{ brokerId: 1, host: '127.0.0.1', port: 9092, rack: null, isFenced: false }],
      clusterAuthorizedOperations: 8096,
    })
  })

  test.each([
    [2, 114],
    [7, 115],
  ])('endpoint type %i is not here', async (endpointType, errorCode) => {
    const request = { includeClusterAuthorizedOperations: false, endpointType }
    expect(await broker.ask(DescribeCluster, 1, request)).toMatchObject({ errorCode, brokers: [] })
  })
})

describe('init producer id', () => {
  const ask = (change: object = {}) =>
    broker.ask(InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1, ...change })

  test('gives each idempotent producer an id of its own', async () => {
    const ids = []
    for (let count = 0; count < 1001; count++) ids.push((await ask()).producerId)
    expect(ids.slice(0, 3)).toEqual([0, 1, 2])
    expect(new Set(ids).size).toBe(1001)
    expect(broker.metadata.image.nextProducerId).toBe(2000)
  })

  test('reserves a block before it gives an id away', async () => {
    await ask()
    expect(broker.metadata.image.nextProducerId).toBe(1000)
  })

  test.each([
    ['an id without an epoch', { producerId: 5 }],
    ['an epoch without an id', { producerEpoch: 5 }],
    ['an empty transactional id', { transactionalId: '' }],
  ])('%s is an invalid request', async (_name, change) => {
    expect(await ask(change)).toMatchObject({ errorCode: 42, producerId: -1, producerEpoch: -1 })
  })
})

describe('delete records', () => {
  async function deleteBefore(offset: number, topic = 't') {
    const { topics } = await broker.ask(DeleteRecords, 2, {
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, offset }] }],
      timeoutMs: 1000,
    })
    const { errorCode, lowWatermark } = topics[0]!.partitions[0]!
    return [errorCode, lowWatermark]
  }

  async function appendThree(name: string) {
    const { topicId } = broker.metadata.image.topicsByName.get(name)!
    const batch = batchOf({ values: ['a', 'b', 'c'] })
    const items = [{ topicId, partition: 0, batch, origin: 'client' as const }]
    await broker.broker.engine.log.append(items, { nowMs: broker.clock.nowMs() })
  }

  test('moves the log start up, never down, and to the end with -1', async () => {
    broker.createTopic('t')
    await appendThree('t')
    expect(await deleteBefore(2)).toEqual([0, 2])
    expect(await deleteBefore(1)).toEqual([0, 2])
    expect(await deleteBefore(4)).toEqual([1, -1])
    expect(await deleteBefore(-2)).toEqual([1, -1])
    expect(await deleteBefore(-1)).toEqual([0, 3])
  })

  test('is refused where records must stay', async () => {
    broker.createTopic('t', 1, { 'cleanup.policy': 'compact' })
    broker.createTopic('__consumer_offsets')
    expect(await deleteBefore(0)).toEqual([44, -1])
    expect(await deleteBefore(0, '__consumer_offsets')).toEqual([17, -1])
    expect(await deleteBefore(0, 'nowhere')).toEqual([3, -1])
  })
})

test('SASL on a listener without it is an illegal state, and the connection goes on', async () => {
  const handshake = await broker.ask(SaslHandshake, 1, { mechanism: 'PLAIN' })
  expect(handshake).toEqual({ errorCode: 34, mechanisms: [] })
  const authenticate = await broker.ask(SaslAuthenticate, 2, { authBytes: Buffer.from('x') })
  expect(authenticate).toMatchObject({ errorCode: 34, sessionLifetimeMs: 0 })
})
