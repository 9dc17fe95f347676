import {
  type Admin,
  AssignerProtocol,
  ConfigResourceTypes,
  type Consumer,
  Kafka,
  type KafkaMessage,
  logLevel,
  Partitioners,
  type Producer,
} from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { brokerForThisFile, uniqueName } from './broker.ts'

const broker = brokerForThisFile()

/** Old records would be due for deletion, which may come at any time. */
const RECENT_MS = Date.now() - 60_000

let kafka: Kafka
let admin: Admin
let producer: Producer
let consumers: Consumer[]

beforeEach(async () => {
  kafka = new Kafka({
    brokers: [broker.bootstrap],
    clientId: 'kafkajs-test',
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, retries: 8 },
  })
  admin = kafka.admin()
  producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  consumers = []
  await Promise.all([admin.connect(), producer.connect()])
})

afterEach(async () => {
  await Promise.all(consumers.map((consumer) => consumer.disconnect()))
  await Promise.all([admin.disconnect(), producer.disconnect()])
})

function consumer(groupId: string): Consumer {
  const one = kafka.consumer({ groupId, sessionTimeout: 10_000, heartbeatInterval: 500 })
  consumers.push(one)
  return one
}

async function newTopic(numPartitions = 1): Promise<string> {
  const topic = uniqueName('kafkajs')
  await admin.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: true })
  return topic
}

function numbered(count: number, from = 0): { key: string; value: string }[] {
  return Array.from({ length: count }, (_, i) => ({ key: `k${from + i}`, value: `v${from + i}` }))
}

/** Resolves once `condition` holds; it is looked at whenever something was received. */
class Inbox {
  readonly received: { partition: number; offset: number; value: string; member: string }[] = []
  #changed: (() => void) | undefined

  add(member: string, partition: number, message: KafkaMessage): void {
    const value = String(message.value)
    this.received.push({ member, partition, offset: Number(message.offset), value })
    this.#changed?.()
  }

  get values(): string[] {
    return this.received.map(({ value }) => value)
  }

  async until(condition: (inbox: Inbox) => boolean): Promise<void> {
    while (!condition(this)) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }
}

async function collect(
  groupId: string,
  topic: string,
  inbox: Inbox,
  member = 'm',
): Promise<Consumer> {
  const one = consumer(groupId)
  await one.connect()
  await one.subscribe({ topic, fromBeginning: true })
  await one.run({
    eachMessage: async ({ partition, message }) => inbox.add(member, partition, message),
  })
  return one
}

async function joined(one: Consumer): Promise<Record<string, number[]>> {
  return await new Promise((resolve) => {
    const off = one.on(one.events.GROUP_JOIN, ({ payload }) => {
      off()
      resolve(payload.memberAssignment)
    })
  })
}

describe('kafkajs producer', () => {
  it('sends to a topic nobody made, the first time', async () => {
    const topic = uniqueName('auto')
    const [at] = await producer.send({ topic, messages: [{ value: 'first' }] })
    expect(at).toMatchObject({ topicName: topic, partition: 0, errorCode: 0, baseOffset: '0' })
  })

  it('gets consecutive offsets for what it sends to one partition', async () => {
    const topic = await newTopic()
    const sends = []
    for (let i = 0; i < 5; i++) sends.push(await producer.send({ topic, messages: numbered(3) }))
    expect(sends.map(([at]) => at?.baseOffset)).toEqual(['0', '3', '6', '9', '12'])
  })

  it('sends without waiting for an answer with acks 0, and with acks 1', async () => {
    const topic = await newTopic()
    await producer.send({ topic, acks: 0, messages: [{ value: 'zero' }] })
    await producer.send({ topic, acks: 1, messages: [{ value: 'one' }] })
    const inbox = new Inbox()
    await collect(uniqueName('g'), topic, inbox)
    await inbox.until(({ received }) => received.length === 2)
    expect(inbox.values.sort()).toEqual(['one', 'zero'])
  })

  it('keeps keys, null values, empty values, headers and timestamps', async () => {
    const topic = await newTopic()
    const timestamp = `${RECENT_MS + 123}`
    await producer.send({
      topic,
      messages: [
        { key: 'k', value: null, timestamp },
        { key: null, value: '', headers: { a: 'one', b: ['two', 'three'] }, timestamp },
      ],
    })
    const messages: KafkaMessage[] = []
    const one = consumer(uniqueName('g'))
    await one.connect()
    await one.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      const eachMessage = async ({ message }: { message: KafkaMessage }) => {
        if (messages.push(message) === 2) resolve()
      }
      one.run({ eachMessage }).catch(reject)
    })
    const [tombstone, empty] = messages
    expect(tombstone).toMatchObject({ key: Buffer.from('k'), value: null, timestamp })
    expect(empty).toMatchObject({ key: null, value: Buffer.alloc(0), timestamp })
    expect(JSON.stringify(empty?.headers)).toBe(
      JSON.stringify({ a: Buffer.from('one'), b: [Buffer.from('two'), Buffer.from('three')] }),
    )
  })

  it('sends idempotently', async () => {
    const topic = await newTopic()
    const idempotent = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await idempotent.connect()
    const offsets = []
    for (let i = 0; i < 10; i++) {
      const [at] = await idempotent.send({ topic, messages: [{ value: `${i}` }] })
      offsets.push(at?.baseOffset)
    }
    await idempotent.disconnect()
    expect(offsets).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  })

  it('is told when a record is too large', async () => {
    const topic = await newTopic()
    const messages = [{ value: Buffer.alloc(1_200_000, 'x') }]
    await expect(producer.send({ topic, messages })).rejects.toMatchObject({
      type: 'MESSAGE_TOO_LARGE',
    })
  })
})

describe('kafkajs consumer group', () => {
  it('divides the partitions among three members, each record to one of them', async () => {
    const topic = await newTopic(6)
    const groupId = uniqueName('shared')
    const inbox = new Inbox()
    const members = ['a', 'b', 'c']
    const started = await Promise.all(
      members.map((member) => collect(groupId, topic, inbox, member)),
    )
    await groupHas(groupId, topic, members.length)
    for (let partition = 0; partition < 6; partition++) {
      const messages = numbered(10, partition * 10).map((one) => ({ ...one, partition }))
      await producer.send({ topic, messages })
    }
    await inbox.until(({ received }) => received.length >= 60)
    expect(new Set(inbox.values).size).toBe(60)
    expect(inbox.received).toHaveLength(60)
    const owners = new Map(inbox.received.map(({ partition, member }) => [partition, member]))
    expect([...owners.values()].sort()).toEqual(['a', 'a', 'b', 'b', 'c', 'c'])
    expect(started).toHaveLength(3)
  })

  it('gives the partitions of a member that leaves to those that stay', async () => {
    const topic = await newTopic(4)
    const groupId = uniqueName('leaving')
    const inbox = new Inbox()
    const [leaver, stayer] = await Promise.all([
      collect(groupId, topic, inbox, 'leaver'),
      collect(groupId, topic, inbox, 'stayer'),
    ])
    await groupHas(groupId, topic, 2)
    const rejoined = joined(stayer)
    await leaver.disconnect()
    expect((await rejoined)[topic]?.sort()).toEqual([0, 1, 2, 3])
  })

  it('goes on after the committed offset when it comes back', async () => {
    const topic = await newTopic()
    const groupId = uniqueName('back')
    const inbox = new Inbox()
    await producer.send({ topic, messages: numbered(10) })
    const first = await collect(groupId, topic, inbox)
    await inbox.until(({ received }) => received.length === 10)
    await first.disconnect()
    await producer.send({ topic, messages: numbered(5, 10) })
    await collect(groupId, topic, inbox)
    await inbox.until(({ received }) => received.length >= 15)
    expect(inbox.values).toEqual(numbered(15).map(({ value }) => value))
  })

  it('commits with eachBatch what it resolved', async () => {
    const topic = await newTopic()
    const groupId = uniqueName('batches')
    await producer.send({ topic, messages: numbered(20) })
    const one = consumer(groupId)
    await one.connect()
    await one.subscribe({ topic, fromBeginning: true })
    const watermark = await new Promise<string>((resolve, reject) => {
      one
        .run({
          eachBatchAutoResolve: false,
          eachBatch: async ({ batch, resolveOffset, commitOffsetsIfNecessary, heartbeat }) => {
            // What was not resolved comes again, until the test has looked.
            if (batch.firstOffset() !== '0') return
            for (const message of batch.messages.slice(0, 12)) resolveOffset(message.offset)
            await commitOffsetsIfNecessary({
              topics: [{ topic, partitions: [{ partition: 0, offset: '12' }] }],
            })
            await heartbeat()
            resolve(batch.highWatermark)
          },
        })
        .catch(reject)
    })
    expect(watermark).toBe('20')
    const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
    expect(committed?.partitions).toMatchObject([{ partition: 0, offset: '12' }])
  })

  it('seeks back and reads again', async () => {
    const topic = await newTopic()
    await producer.send({ topic, messages: numbered(5) })
    const inbox = new Inbox()
    const one = await collect(uniqueName('seek'), topic, inbox)
    await inbox.until(({ received }) => received.length === 5)
    one.seek({ topic, partition: 0, offset: '2' })
    await inbox.until(({ received }) => received.length === 8)
    expect(inbox.received.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 2, 3, 4])
  })

  it('pauses a partition and resumes it without loss', async () => {
    const topic = await newTopic(2)
    const inbox = new Inbox()
    const one = await collect(uniqueName('pause'), topic, inbox)
    const to = (partition: number, value: string) =>
      producer.send({ topic, messages: [{ partition, value }] })
    await to(0, 'a')
    await to(1, 'b')
    await inbox.until(({ received }) => received.length === 2)
    one.pause([{ topic, partitions: [0] }])
    await to(0, 'while paused')
    await to(1, 'running on')
    await inbox.until(({ values }) => values.includes('running on'))
    expect(inbox.values).not.toContain('while paused')
    one.resume([{ topic, partitions: [0] }])
    await inbox.until(({ values }) => values.includes('while paused'))
    expect(inbox.received).toHaveLength(4)
  })

  it('is described and listed, and can be deleted once it is empty', async () => {
    const topic = await newTopic()
    const groupId = uniqueName('described')
    await producer.send({ topic, messages: numbered(1) })
    const inbox = new Inbox()
    const one = await collect(groupId, topic, inbox)
    await inbox.until(({ received }) => received.length === 1)
    const { groups } = await admin.describeGroups([groupId])
    expect(groups).toMatchObject([{ groupId, state: 'Stable', protocolType: 'consumer' }])
    expect(groups[0]?.members).toMatchObject([{ clientId: 'kafkajs-test' }])
    await expect(admin.deleteGroups([groupId])).rejects.toMatchObject({
      groups: [{ groupId, errorCode: 68 }],
    })
    await one.disconnect()
    const listed = await admin.listGroups()
    expect(listed.groups.map((group) => group.groupId)).toContain(groupId)
    expect(await admin.deleteGroups([groupId])).toMatchObject([{ groupId, errorCode: 0 }])
  })

  async function groupHas(groupId: string, topic: string, members: number): Promise<void> {
    for (;;) {
      const { groups } = await admin.describeGroups([groupId])
      const [group] = groups
      const assigned = group?.members.filter(({ memberAssignment }) => {
        const assignment = AssignerProtocol.MemberAssignment.decode(memberAssignment)
        return (assignment?.assignment[topic]?.length ?? 0) > 0
      })
      if (group?.state === 'Stable' && assigned?.length === members) return
    }
  }
})

describe('kafkajs admin', () => {
  it('creates, lists, grows and deletes topics', async () => {
    const topic = await newTopic(2)
    expect(await admin.listTopics()).toContain(topic)
    expect(await admin.createTopics({ topics: [{ topic }] })).toBe(false)
    await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] })
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    const partitions = topics[0]?.partitions.map(({ partitionId }) => partitionId).sort()
    expect(partitions).toEqual([0, 1, 2, 3])
    expect(topics[0]?.partitions[0]).toMatchObject({ leader: 1, replicas: [1], isr: [1] })
    await admin.deleteTopics({ topics: [topic] })
    expect(await admin.listTopics()).not.toContain(topic)
  })

  it('describes the cluster', async () => {
    const cluster = await admin.describeCluster()
    expect(cluster.brokers).toMatchObject([{ nodeId: 1 }])
    expect(cluster.controller).toBe(1)
    expect(cluster.clusterId).toMatch(/^[\w-]{22}$/)
  })

  it('reads and changes configs of a topic', async () => {
    const topic = await newTopic()
    const resource = { type: ConfigResourceTypes.TOPIC, name: topic }
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ ...resource, configEntries: [{ name: 'retention.ms', value: '60000' }] }],
    })
    const described = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ ...resource, configNames: ['retention.ms', 'cleanup.policy'] }],
    })
    const values = Object.fromEntries(
      (described.resources[0]?.configEntries ?? []).map((one) => [one.configName, one.configValue]),
    )
    expect(values).toEqual({ 'retention.ms': '60000', 'cleanup.policy': 'delete' })
  })

  it('finds offsets: ends, by timestamp, committed, reset and set', async () => {
    const topic = await newTopic()
    const groupId = uniqueName('offsets')
    const messages = numbered(10).map((one, i) => ({ ...one, timestamp: `${RECENT_MS + i}` }))
    await producer.send({ topic, messages })
    expect(await admin.fetchTopicOffsets(topic)).toEqual([
      { partition: 0, offset: '10', high: '10', low: '0' },
    ])
    expect(await admin.fetchTopicOffsetsByTimestamp(topic, RECENT_MS + 4)).toEqual([
      { partition: 0, offset: '4' },
    ])
    await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '7' }] })
    expect(await admin.fetchOffsets({ groupId, topics: [topic] })).toMatchObject([
      { topic, partitions: [{ partition: 0, offset: '7' }] },
    ])
    await admin.resetOffsets({ groupId, topic, earliest: true })
    expect(
      await admin.fetchOffsets({ groupId, topics: [topic], resolveOffsets: true }),
    ).toMatchObject([{ topic, partitions: [{ partition: 0, offset: '0' }] }])
  })

  it('deletes records before an offset', async () => {
    const topic = await newTopic()
    await producer.send({ topic, messages: numbered(10) })
    // kafkajs looks for leaders only among topics that it has asked for before.
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '6' }] })
    expect(await admin.fetchTopicOffsets(topic)).toMatchObject([{ low: '6', high: '10' }])
    const inbox = new Inbox()
    await collect(uniqueName('g'), topic, inbox)
    await inbox.until(({ received }) => received.length === 4)
    expect(inbox.values).toEqual(['v6', 'v7', 'v8', 'v9'])
  })
})
