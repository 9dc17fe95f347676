import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ZERO_UUID } from '../../../src/base/uuid.ts'
import { Produce } from '../../../src/protocol/apis/00-produce.ts'
import { Fetch } from '../../../src/protocol/apis/01-fetch.ts'
import { ApiVersions } from '../../../src/protocol/apis/18-api-versions.ts'
import { CreateTopics } from '../../../src/protocol/apis/19-create-topics.ts'
import { DeleteTopics } from '../../../src/protocol/apis/20-delete-topics.ts'
import { CreatePartitions } from '../../../src/protocol/apis/37-create-partitions.ts'
import { AlterClientQuotas } from '../../../src/protocol/apis/49-alter-client-quotas.ts'
import { ErrorCode } from '../../../src/protocol/error-code.ts'
import { batchOf } from '../../storage/batches.ts'
import { WireClient } from '../wire-client.ts'
import { brokerPairForThisFile } from './broker-pair.ts'
import { ToolRunner } from './tool-runner.ts'

// Longer windows than by default: 55 seconds count, so that a slow machine changes little.
const pair = brokerPairForThisFile({ 'quota.window.size.seconds': '5' })
const onBoth = <T>(ask: (bootstrap: string, index: number) => Promise<T>) =>
  Promise.all([pair.kafka, pair.dohle].map(({ bootstrap }, index) => ask(bootstrap, index)))

type Entity = Readonly<Record<string, string | null>>

/** What one answer said. */
interface Seen {
  readonly about: string
  readonly errorCode: number
  readonly throttleMs: number
  /** Bytes of records. */
  readonly bytes?: number
}

/** One broker as its clients meet it. A client that was told to wait is not asked again. */
class Interview {
  readonly seen: Seen[] = []
  readonly #bootstrap: string
  readonly #admin: WireClient

  private constructor(bootstrap: string, admin: WireClient) {
    this.#bootstrap = bootstrap
    this.#admin = admin
  }

  static async of(bootstrap: string): Promise<Interview> {
    return new Interview(bootstrap, await WireClient.connect(bootstrap))
  }

  close(): void {
    this.#admin.close()
  }

  /** Null takes the quota away. */
  async limit(entity: Entity, key: string, value: number | null): Promise<void> {
    await this.limits([entity], key, () => value)
  }

  async limits(entities: readonly Entity[], key: string, value: (index: number) => number | null) {
    const entries = entities.map((entity, index) => ({
      entity: Object.entries(entity).map(([entityType, entityName]) => ({
        entityType,
        entityName,
      })),
      ops: [{ key, value: value(index) ?? 0, remove: value(index) === null }],
    }))
    const answer = await this.#admin.ask(AlterClientQuotas, 1, { entries, validateOnly: false })
    for (const { errorCode } of answer.entries) expect(errorCode).toBe(ErrorCode.NONE)
    // Kafka's broker hears of it a little later than its controller.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }

  /** On a connection of its own, since the last one may have to wait. */
  async #connected<T>(ask: (client: WireClient) => Promise<T>): Promise<T> {
    const client = await WireClient.connect(this.#bootstrap)
    try {
      return await ask(client)
    } finally {
      client.close()
    }
  }

  async produce(about: string, clientId: string, size: number): Promise<void> {
    const records = batchOf({ values: ['x'.repeat(size)] })
    const topicData = [{ name: 't', partitionData: [{ index: 0, records }] }]
    const request = { transactionalId: null, acks: 1, timeoutMs: 10_000, topicData }
    const answer = await this.#connected((client) => client.ask(Produce, 9, request, clientId))
    const { errorCode } = answer.responses[0]!.partitionResponses[0]!
    this.seen.push({ about, errorCode, throttleMs: answer.throttleTimeMs })
  }

  async fetch(about: string, clientId: string, maxBytes: number, fetchOffset = 0): Promise<void> {
    const partition = { partition: 0, fetchOffset, partitionMaxBytes: maxBytes }
    const topics = [{ topic: 't', partitions: [partition] }]
    const request = { maxWaitMs: 0, minBytes: 1, maxBytes, sessionEpoch: -1, topics }
    const answer = await this.#connected((client) => client.ask(Fetch, 12, request, clientId))
    const bytes = answer.responses[0]?.partitions[0]?.records?.byteLength ?? -1
    const { errorCode, throttleTimeMs } = answer
    this.seen.push({ about, errorCode, throttleMs: throttleTimeMs, bytes })
  }

  async create(version: number, name: string, numPartitions: number, validateOnly = false) {
    const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs: [] }]
    const request = { topics, timeoutMs: 10_000, validateOnly }
    const ask = (client: WireClient) => client.ask(CreateTopics, version, request, 'm')
    const answer = await this.#connected(ask)
    const about = `CreateTopics v${version} ${name}, ${answer.topics[0]!.errorMessage}`
    const { errorCode } = answer.topics[0]!
    this.seen.push({ about, errorCode, throttleMs: answer.throttleTimeMs })
  }

  async delete(version: number, name: string): Promise<void> {
    const topics = [{ name, topicId: ZERO_UUID }]
    const request = version >= 6 ? { topics } : { topicNames: [name] }
    const ask = (client: WireClient) =>
      client.ask(DeleteTopics, version, { timeoutMs: 10_000, ...request }, 'm')
    const answer = await this.#connected(ask)
    const { errorCode, errorMessage = null } = answer.responses[0]!
    const about = `DeleteTopics v${version} ${name}, ${errorMessage}`
    this.seen.push({ about, errorCode, throttleMs: answer.throttleTimeMs })
  }

  async grow(version: number, name: string, count: number, validateOnly = false): Promise<void> {
    const topics = [{ name, count, assignments: null }]
    const request = { topics, timeoutMs: 10_000, validateOnly }
    const ask = (client: WireClient) => client.ask(CreatePartitions, version, request, 'm')
    const answer = await this.#connected(ask)
    const { errorCode, errorMessage = null } = answer.results[0]!
    const about = `CreatePartitions v${version} ${name} to ${count}, ${errorMessage}`
    this.seen.push({ about, errorCode, throttleMs: answer.throttleTimeMs })
  }

  /** Whether a client that was told to wait is held back for about as long. */
  async held(clientId: string): Promise<void> {
    await this.#connected(async (client) => {
      const told = await client.ask(ApiVersions, 2, {}, clientId)
      const askedAtMs = performance.now()
      await client.ask(ApiVersions, 2, {}, 'other')
      const isHeld = performance.now() - askedAtMs > 4_000
      const about = `${isHeld ? 'held' : 'not held'} after ApiVersions`
      this.seen.push({ about, errorCode: 0, throttleMs: told.throttleTimeMs })
    })
  }

  /** Whether new connections are served, or closed from the 51st or a few later on. */
  async connections(count: number): Promise<void> {
    const served = Array.from({ length: count }, async () => {
      try {
        await this.#connected((client) => client.ask(ApiVersions, 2, {}))
        return 1
      } catch {
        return 0
      }
    })
    const sum = (await Promise.all(served)).reduce<number>((total, one) => total + one, 0)
    const about = sum === count ? 'all' : sum >= 50 ? '50 or a few more' : sum
    this.seen.push({ about: `${about} of ${count} connections`, errorCode: 0, throttleMs: 0 })
  }
}

async function interview(bootstrap: string, questions: (one: Interview) => Promise<void>) {
  const one = await Interview.of(bootstrap)
  try {
    await questions(one)
    return one.seen
  } finally {
    one.close()
  }
}

/** Both see the same, but for waits: they get shorter with the time that a machine takes to ask. */
async function expectSame(questions: (one: Interview) => Promise<void>): Promise<void> {
  const [expected = [], seen = []] = await onBoth((bootstrap) => interview(bootstrap, questions))
  const plain = ({ about, errorCode, bytes }: Seen) => ({ about, errorCode, bytes })
  expect(seen.map(plain)).toEqual(expected.map(plain))
  for (const [index, { about, throttleMs }] of seen.entries()) {
    const wanted = expected[index]!.throttleMs
    const near = Math.abs(throttleMs - wanted) <= 6_000 + wanted / 10
    const isSame = near && (throttleMs === 0) === (wanted === 0)
    expect(isSame || `${about}: Kafka says ${wanted} ms, dohle ${throttleMs} ms`).toBe(true)
  }
}

const P = 'producer_byte_rate'
const user = 'ANONYMOUS'

describe('a client over its quota', { timeout: 180_000 }, () => {
  it('has to wait as long as on Apache Kafka for producing', async () => {
    await expectSame(async (one) => {
      await one.create(7, 't', 1)
      await one.produce('without a quota', 'p', 900_000)
      await one.limit({ 'client-id': 'p' }, P, 10_000)
      await one.produce('what may be', 'p', 450_000)
      await one.produce('what may not be', 'p', 900_000)
      await one.produce('more of it', 'p', 1_000)
      await one.limit({ 'client-id': 'p' }, P, 5_000)
      await one.produce('half of the rate', 'p', 1_000)
      await one.produce('another client', 'q', 900_000)
      await one.limit({ 'client-id': 'q' }, P, 10_000)
      await one.produce('another client, limited later', 'q', 1_000)
      for (const id of ['p', 'q']) await one.limit({ 'client-id': id }, P, null)
      await one.produce('no quota any more', 'p', 900_000)
      await one.limit({ 'client-id': 'p' }, P, 10_000)
      await one.produce('with a quota again', 'p', 1_000)
      await one.limit({ 'client-id': 'p' }, P, null)
    })
  })

  it('has the limit of the most specific entity', async () => {
    const levels: Entity[] = [
      { 'client-id': null },
      { 'client-id': 'd' },
      { user: null },
      { user: null, 'client-id': null },
      { user: null, 'client-id': 'd' },
      { user },
      { user, 'client-id': null },
      { user, 'client-id': 'd' },
    ]
    await expectSame(async (one) => {
      await one.limits(levels, P, (index) => 800 - 100 * index)
      for (const level of levels.toReversed()) {
        await one.produce(`with ${JSON.stringify(level)}`, 'd', 100_000)
        await one.limit(level, P, null)
      }
      await one.produce('with none', 'd', 100_000)
    })
  })

  it('has to wait as long for fetching, and gets nothing then', async () => {
    await expectSame(async (one) => {
      await one.limit({ 'client-id': 'f' }, 'consumer_byte_rate', 10_000)
      await one.fetch('one batch', 'f', 900_080)
      await one.fetch('too much', 'f', 900_080)
      await one.fetch('too much again', 'f', 900_080)
      await one.limit({ 'client-id': 'e' }, 'consumer_byte_rate', 1)
      for (const count of [1, 2, 3]) await one.fetch(`nothing, ${count}`, 'e', 1_000, 100)
      await one.limit({ 'client-id': 'f' }, 'consumer_byte_rate', null)
      await one.limit({ 'client-id': 'e' }, 'consumer_byte_rate', null)
    })
  })

  it('is held back on its connection for the time of a thread, a window at most', async () => {
    await expectSame(async (one) => {
      await one.held('r')
      await one.limit({ 'client-id': 'r' }, 'request_percentage', 0.0000001)
      await one.held('r')
      await one.produce('with a share of a thread', 'r', 10)
      await one.fetch('with a share of a thread', 'r', 900_080)
      await one.limit({ 'client-id': 'r' }, 'request_percentage', null)
      await one.held('r')
    })
  })

  it('is refused changes of topics, or waits for them where it does not know of that', async () => {
    await expectSame(async (one) => {
      await one.limit({ 'client-id': 'm' }, 'controller_mutation_rate', 0.5)
      await one.create(7, 'm1', 20)
      await one.create(7, 'm1', 1)
      await one.create(7, 'm2', 1)
      await one.create(7, 'm2', 1, true)
      await one.delete(6, 'm1')
      await one.delete(5, 'm1')
      await one.grow(3, 'm1', 21)
      await one.grow(3, 'm1', 21, true)
      await one.create(5, 'm3', 1)
      await one.grow(2, 'm3', 2)
      await one.delete(4, 'm3')
      await one.limit({ 'client-id': 'm' }, 'controller_mutation_rate', null)
    })
  })

  it('may not connect more often than its address may', async () => {
    await expectSame(async (one) => {
      await one.limit({ ip: '127.0.0.1' }, 'connection_creation_rate', 1)
      await one.connections(80)
      await one.limit({ ip: '127.0.0.1' }, 'connection_creation_rate', null)
      await one.connections(80)
    })
  })
})

describe("Kafka's own tools under a quota", { timeout: 180_000 }, () => {
  const tools: ToolRunner[] = []

  afterAll(async () => {
    await Promise.all(tools.map((runner) => runner.stop()))
  })

  it('are slowed down, and no more when it is gone', async () => {
    const results = await onBoth(slowedDown)
    for (const { limited, unlimited } of results) {
      // 1.2 MB at 20 KB a second, of which the first 50 seconds' worth pass at once.
      expect(limited.throttleMs).toBeGreaterThan(0)
      expect(limited.seconds).toBeGreaterThan(1)
      expect(unlimited.throttleMs).toBe(0)
    }
  })

  async function slowedDown(bootstrap: string, index: number) {
    const runner = new ToolRunner()
    tools.push(runner)
    const properties = join(pair.root, `producer-${index}.properties`)
    writeFileSync(properties, `bootstrap.servers=${bootstrap}\nclient.id=perf\nbatch.size=50000\n`)
    const quota = (...args: string[]) =>
      runner.run(
        'kafka-configs',
        ['--bootstrap-server', bootstrap, '--alter', '--entity-type', 'clients', ...args],
        '',
      )
    const entity = ['--entity-name', 'perf']
    await quota(...entity, '--add-config', 'producer_byte_rate=20000')
    const limited = await perfTest(runner, properties)
    await quota(...entity, '--delete-config', 'producer_byte_rate')
    return { limited, unlimited: await perfTest(runner, properties) }
  }

  async function perfTest(runner: ToolRunner, properties: string) {
    const args = ['--topic', 't', '--num-records', '1200', '--record-size', '1000']
    const all = [...args, '--throughput', '-1', '--command-config', properties, '--print-metrics']
    const { stdout, stderr } = await runner.run('kafka-producer-perf-test', all, '')
    const throttle = /produce-throttle-time-avg\S*\s*: ([\d.]+)/.exec(stdout)
    const rate = /1200 records sent, ([\d.]+) records\/sec/.exec(stdout)
    if (!throttle || !rate) throw new Error(`${stdout}\n${stderr}`)
    return { throttleMs: Number(throttle[1]), seconds: 1200 / Number(rate[1]) }
  }
})
