import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Admin, Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { afterEach, expect, it } from 'vitest'
import { ListGroups } from '../../../src/protocol/apis/16-list-groups.ts'
import { Dohle } from '../broker.ts'
import { Program, stopAllPrograms } from '../process.ts'
import { freePort } from '../transactions/free-port.ts'
import { WireClient } from '../wire-client.ts'
import { assignments, findLosses, type MemberEvent, memberEvents } from './member-log.ts'
import { type GroupClient, groupClients } from './members.ts'

/** `DOHLE_COMPAT_KILLS=100` for a longer run. */
const KILLS = Number(process.env['DOHLE_COMPAT_KILLS'] ?? 2)
const PARTITIONS = 4
/** A client may need its session timeout of 30 s to come back, and the machine may be slow. */
const LIMIT_MS = 180_000

afterEach(() => stopAllPrograms())

/** Fills the topic for as long as it runs, over any number of kills. */
class Source {
  readonly #producer: Producer
  readonly #topic: string
  readonly #end = new AbortController()
  readonly #stopped: Promise<void>

  constructor(kafka: Kafka, topic: string) {
    this.#producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    this.#topic = topic
    this.#stopped = this.#run()
  }

  async #run(): Promise<void> {
    const messages = Array.from({ length: 5 * PARTITIONS }, (_, i) => ({
      value: 'v',
      partition: i % PARTITIONS,
    }))
    await this.#producer.connect()
    while (!this.#end.signal.aborted) {
      await this.#producer.send({ topic: this.#topic, messages })
      await delay(100)
    }
    await this.#producer.disconnect()
  }

  async stop(): Promise<void> {
    this.#end.abort()
    await this.#stopped
  }
}

/** The two members of one group. */
class Group {
  readonly client: GroupClient
  readonly program: Program
  readonly events: MemberEvent[] = []
  #printed = ''
  /** What each has done after `#sinceMs`. */
  readonly #done = new Set<string>()
  #sinceMs = 0
  readonly #committed: number[] = []

  constructor(client: GroupClient, bootstrap: string, topic: string) {
    this.client = client
    const { command, args } = client.start(bootstrap, topic, client.name)
    this.program = new Program(command, args)
    this.program.child.stdout.on('data', (text: string) => this.#take(text))
  }

  #take(text: string): void {
    const lines = (this.#printed + text).split('\n')
    this.#printed = lines.pop()!
    for (const event of memberEvents(lines)) {
      this.events.push(event)
      if (event.atMs > this.#sinceMs) this.#done.add(`${event.member} ${event.what}`)
      if (event.what === 'committed') this.#committed[event.partition] = event.offset
    }
  }

  /** What members did up to now counts no more. */
  forget(): void {
    this.#sinceMs = Date.now()
    this.#done.clear()
  }

  /** Both members read and commit, and every partition belongs to one of them. */
  async works(): Promise<void> {
    const everything = ['a read', 'a committed', 'b read', 'b committed']
    await this.program.printed(
      () => everything.every((one) => this.#done.has(one)) && ownEverything(this.events),
      LIMIT_MS,
    )
  }

  async hasRead(ends: readonly number[]): Promise<void> {
    const isDone = () => ends.every((end, partition) => this.#committed[partition] === end)
    await this.program.printed(isDone, LIMIT_MS)
  }
}

function ownEverything(events: readonly MemberEvent[]): boolean {
  const owned = [...assignments(events).values()].flat().sort()
  return owned.join() === Array.from({ length: PARTITIONS }, (_, index) => index).join()
}

/** Resolves with the milliseconds that each group took. */
async function allWork(groups: readonly Group[]): Promise<Record<string, number>> {
  const startedAt = Date.now()
  const took = groups.map(async (group) => {
    await group.works()
    return [group.client.name, Date.now() - startedAt]
  })
  return Object.fromEntries(await Promise.all(took))
}

async function endOffsets(admin: Admin, topic: string): Promise<number[]> {
  const offsets = await admin.fetchTopicOffsets(topic)
  const ends: number[] = []
  for (const { partition, high } of offsets) ends[partition] = Number(high)
  return ends
}

async function committedOffsets(admin: Admin, groupId: string, topic: string): Promise<number[]> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
  const offsets: number[] = []
  for (const { partition, offset } of found!.partitions) offsets[partition] = Number(offset)
  return offsets
}

async function groupTypes(bootstrap: string): Promise<Record<string, string>> {
  const client = await WireClient.connect(bootstrap)
  const { groups } = await client.ask(ListGroups, 5, {})
  client.close()
  return Object.fromEntries(groups.map(({ groupId, groupType }) => [groupId, groupType]))
}

it(`groups of two members go on from their committed offsets over ${KILLS} kills`, async () => {
  const directory = mkdtempSync(join(tmpdir(), 'dohle-groups-'))
  const args = ['--port', `${await freePort()}`]
  const start = () => Dohle.start([...args, '--topic', `input:${PARTITIONS}`], directory)
  let dohle = await start()
  const { bootstrap } = dohle
  const retry = { initialRetryTime: 50, maxRetryTime: 200, retries: 1000 }
  const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry })
  const source = new Source(kafka, 'input')
  const groups = groupClients.map((client) => new Group(client, bootstrap, 'input'))
  await allWork(groups)
  expect(await groupTypes(bootstrap)).toEqual(
    Object.fromEntries(groupClients.map(({ name, groupType }) => [name, groupType])),
  )
  for (let kill = 0; kill < KILLS; kill++) {
    await delay(Math.random() * 100)
    await dohle.program.stop('SIGKILL')
    for (const group of groups) group.forget()
    dohle = await start()
    console.info('back after a kill, ms:', await allWork(groups))
  }
  await source.stop()
  const admin = kafka.admin()
  await admin.connect()
  const ends = await endOffsets(admin, 'input')
  await Promise.all(groups.map((group) => group.hasRead(ends)))
  for (const { client, program, events } of groups) {
    program.endInput()
    expect(await program.exited(), program.stderr).toBe(0)
    expect(findLosses(events, ends).slice(0, 5), client.name).toEqual([])
    expect(await committedOffsets(admin, client.name, 'input'), client.name).toEqual(ends)
  }
  await admin.disconnect()
  expect(await dohle.stop()).toBe(0)
  rmSync(directory, { recursive: true })
}, 900_000)
