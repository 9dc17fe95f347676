import { setTimeout as delay } from 'node:timers/promises'
import { type Admin, AssignerProtocol, type Consumer, Kafka, logLevel, Partitioners } from 'kafkajs'
import { expect, it } from 'vitest'
import { brokerForThisFile, uniqueName } from '../broker.ts'

const broker = brokerForThisFile()

const PARTITIONS = 10
const everyPartition = Array.from({ length: PARTITIONS }, (_, partition) => partition)

/** Who is there in each act; those that are not there any more leave, those that are new join. */
const acts = [[0, 1, 2, 3, 4], [2, 3, 4], [0, 2, 3], [1, 4], [0, 1, 2, 3, 4], [4], [0, 1, 2, 3, 4]]

/** One group of kafkajs consumers. */
class Cast {
  readonly #kafka: Kafka
  readonly #topic: string
  readonly groupId: string
  readonly #present = new Map<number, Consumer>()
  /** How often each record was processed, by its value. */
  readonly processed = new Map<string, number>()

  constructor(kafka: Kafka, topic: string, groupId: string) {
    this.#kafka = kafka
    this.#topic = topic
    this.groupId = groupId
  }

  async change(wanted: readonly number[]): Promise<void> {
    const leaving = [...this.#present].filter(([member]) => !wanted.includes(member))
    const joining = wanted.filter((member) => !this.#present.has(member))
    await Promise.all([
      ...leaving.map(([member, consumer]) => {
        this.#present.delete(member)
        return consumer.disconnect()
      }),
      ...joining.map((member) => this.#join(member)),
    ])
  }

  async #join(member: number): Promise<void> {
    const { groupId } = this
    const consumer = this.#kafka.consumer({
      groupId,
      sessionTimeout: 30_000,
      heartbeatInterval: 300,
      maxWaitTimeInMs: 200,
    })
    this.#present.set(member, consumer)
    await consumer.connect()
    await consumer.subscribe({ topic: this.#topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ message }) => {
        const value = String(message.value)
        this.processed.set(value, (this.processed.get(value) ?? 0) + 1)
      },
    })
  }

  /** Waits until the group is at rest; answers what the broker gave to each of its members. */
  async assignments(admin: Admin, members: number): Promise<number[][]> {
    for (;;) {
      const { groups } = await admin.describeGroups([this.groupId])
      const group = groups[0]!
      if (group.state === 'Stable' && group.members.length === members) {
        return group.members.map(({ memberAssignment }) => {
          const assignment = AssignerProtocol.MemberAssignment.decode(memberAssignment)
          return assignment?.assignment[this.#topic] ?? []
        })
      }
      await delay(50)
    }
  }
}

async function committedCount(admin: Admin, groupId: string, topic: string): Promise<number> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
  return found!.partitions.reduce((sum, { offset }) => sum + Math.max(Number(offset), 0), 0)
}

it('five kafkajs members come and go: each partition has one owner, each record is processed', async () => {
  const retry = { initialRetryTime: 50, maxRetryTime: 500, retries: 100 }
  const kafka = new Kafka({ brokers: [broker.bootstrap], logLevel: logLevel.NOTHING, retry })
  const admin = kafka.admin()
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await Promise.all([admin.connect(), producer.connect()])
  const topic = uniqueName('churn')
  await admin.createTopics({ topics: [{ topic, numPartitions: PARTITIONS }], waitForLeaders: true })
  const cast = new Cast(kafka, topic, uniqueName('cast'))
  const sent: string[] = []
  const send = async (count: number) => {
    const messages = Array.from({ length: count }, () => {
      const value = `${sent.length}`
      sent.push(value)
      return { value, partition: sent.length % PARTITIONS }
    })
    await producer.send({ topic, messages })
  }
  for (const act of acts) {
    await send(200)
    // Members come and go while there is something to read.
    await Promise.all([cast.change(act), send(200)])
    const owned = (await cast.assignments(admin, act.length)).flat()
    expect(owned.sort((one, other) => one - other)).toEqual(everyPartition)
  }
  await send(200)
  while (cast.processed.size < sent.length) await delay(50)
  expect([...cast.processed.keys()].sort()).toEqual([...sent].sort())
  while ((await committedCount(admin, cast.groupId, topic)) < sent.length) await delay(50)
  await cast.change([])
  expect(await committedCount(admin, cast.groupId, topic)).toBe(sent.length)
  await Promise.all([admin.disconnect(), producer.disconnect()])
}, 240_000)
