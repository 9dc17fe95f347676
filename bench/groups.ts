/**
 * Many groups and large ones: `npx tsx bench/groups.ts` after `npm run build`. 10,000 groups of one
 * member with 100,000 committed offsets: what a heartbeat costs, through the wire and in the
 * coordinator alone, and how long they take to load after a kill. One group of 1,000 members, by
 * either protocol: how long a rebalance takes.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/base/clock.ts'
import { TimerQueue } from '../src/base/timer-queue.ts'
import { CoordinatorHost } from '../src/broker/coordinators/coordinator-host.ts'
import { silentLogger } from '../src/broker/logger.ts'
import type { JoinResponse, SyncResponse } from '../src/coordinator/group/classic-member.ts'
import { GroupCoordinator } from '../src/coordinator/group/group-coordinator.ts'
import { decodeGroupRecord, encodeGroupRecord } from '../src/coordinator/group/group-records.ts'
import { OffsetCommit } from '../src/protocol/apis/08-offset-commit.ts'
import { OffsetFetch } from '../src/protocol/apis/09-offset-fetch.ts'
import { FindCoordinator } from '../src/protocol/apis/10-find-coordinator.ts'
import { JoinGroup } from '../src/protocol/apis/11-join-group.ts'
import { Heartbeat } from '../src/protocol/apis/12-heartbeat.ts'
import { LeaveGroup } from '../src/protocol/apis/13-leave-group.ts'
import { SyncGroup } from '../src/protocol/apis/14-sync-group.ts'
import { ConsumerGroupHeartbeat } from '../src/protocol/apis/68-consumer-group-heartbeat.ts'
import { type Program, stopAllPrograms } from '../test/compat/process.ts'
import { freePort } from '../test/compat/transactions/free-port.ts'
import { WireClient } from '../test/compat/wire-client.ts'
import { scenarioSettings } from '../test/coordinator/group/group-scenario.ts'
import { TestTopics } from '../test/coordinator/group/test-topics.ts'
import { MemoryCoordinatorStore } from '../test/coordinator/memory-coordinator-store.ts'
import { cpuSeconds, dohle, mainThreadWaitMs, rssMb } from './brokers.ts'
import { BenchClient } from './client.ts'

const GROUPS = 10_000
const OFFSETS_EACH = 10
const CONNECTIONS = 10
const BEATS = 200_000
const MEMBERS = 1_000

const joining = {
  // Nobody expires while others are being measured.
  sessionTimeoutMs: 1_800_000,
  rebalanceTimeoutMs: 300_000,
  memberId: '',
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.alloc(100) }],
}

const directory = mkdtempSync(join(tmpdir(), 'dohle-bench-groups-'))
try {
  await main()
} finally {
  await stopAllPrograms()
  rmSync(directory, { recursive: true, force: true })
}

async function main(): Promise<void> {
  await heartbeatsInTheCoordinator()
  const port = await freePort()
  let broker = await start(port)
  const members = await fill(port)
  const filling = `${(cpuSeconds(broker) * 1000).toFixed(0)} ms CPU, RSS ${rssMb(broker).now.toFixed(0)} MB`
  print(`${GROUPS} groups, ${GROUPS * OFFSETS_EACH} offsets: ${filling}`)
  await heartbeats(broker, port, members)
  await broker.stop('SIGKILL')
  const startedAt = performance.now()
  broker = await start(port)
  await untilLoaded(port)
  const loadMs = performance.now() - startedAt
  const waitedMs = mainThreadWaitMs(broker)
  print(
    `loaded after a kill: ${loadMs.toFixed(0)} ms after the start of the process, ` +
      `${waitedMs.toFixed(0)} ms of them waiting for a core`,
  )
  await heartbeats(broker, port, members)
  await classicRebalances(port)
  await consumerRebalances(port)
  await broker.stop()
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function start(port: number): Promise<Program> {
  const broker = dohle.start(directory, port)
  await broker.printed(({ stdout }) => stdout.includes('"msg":"ready"'))
  return broker
}

async function connections(port: number, count: number): Promise<WireClient[]> {
  return Promise.all(Array.from({ length: count }, () => WireClient.connect(`127.0.0.1:${port}`)))
}

async function createTopic(port: number, name: string, partitions: number): Promise<void> {
  const client = await BenchClient.open(port)
  await client.createTopic(name, partitions, { isFilled: false })
  client.close()
}

interface Member {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
}

/** Groups of one member that has committed. */
async function fill(port: number): Promise<Member[]> {
  const clients = await connections(port, CONNECTIONS)
  while ((await clients[0]!.ask(FindCoordinator, 3, { key: 'g', keyType: 0 })).errorCode !== 0);
  await createTopic(port, 'filled', OFFSETS_EACH)
  const members = await Promise.all(
    Array.from({ length: GROUPS }, async (_, index) => {
      const client = clients[index % CONNECTIONS]!
      const groupId = `group-${index}`
      const joined = await client.ask(JoinGroup, 3, { ...joining, groupId })
      const { memberId, generationId } = joined
      const member = { groupId, memberId, generationId }
      await client.ask(SyncGroup, 3, { ...member, assignments: [] })
      await client.ask(OffsetCommit, 7, {
        groupId,
        memberId,
        generationIdOrMemberEpoch: generationId,
        groupInstanceId: null,
        topics: [
          {
            name: 'filled',
            partitions: Array.from({ length: OFFSETS_EACH }, (_, partitionIndex) => ({
              partitionIndex,
              committedOffset: index,
              committedMetadata: '',
            })),
          },
        ],
      })
      return member
    }),
  )
  for (const client of clients) client.close()
  return members
}

async function heartbeats(broker: Program, port: number, members: Member[]): Promise<void> {
  const clients = await connections(port, CONNECTIONS)
  const cpu = cpuSeconds(broker)
  const startedAt = performance.now()
  let sent = 0
  let failed = 0
  const beatOn = async (client: WireClient) => {
    while (sent < BEATS) {
      const member = members[sent++ % members.length]!
      const { errorCode } = await client.ask(Heartbeat, 3, { ...member, groupInstanceId: null })
      if (errorCode !== 0) failed++
    }
  }
  // 20 under way on each connection.
  await Promise.all(clients.flatMap((client) => Array.from({ length: 20 }, () => beatOn(client))))
  const seconds = (performance.now() - startedAt) / 1000
  const cpuUs = ((cpuSeconds(broker) - cpu) * 1e6) / BEATS
  const perCore = 1e6 / cpuUs
  if (failed > 0) throw new Error(`${failed} heartbeats failed`)
  print(
    `heartbeats through the wire: ${cpuUs.toFixed(1)} us of CPU each, ` +
      `${perCore.toFixed(0)}/s on one core (${(BEATS / seconds).toFixed(0)}/s seen)`,
  )
  for (const client of clients) client.close()
}

async function untilLoaded(port: number): Promise<void> {
  const client = await WireClient.connect(`127.0.0.1:${port}`)
  const groups = [{ groupId: `group-${GROUPS - 1}`, topics: null }]
  for (;;) {
    const answer = await client.ask(OffsetFetch, 8, { groups })
    const partitions = answer.groups[0]!.topics[0]?.partitions.length
    if (partitions === OFFSETS_EACH) break
    if (answer.groups[0]!.errorCode === 0) throw new Error('offsets are gone')
  }
  client.close()
}

/** Each member has a connection of its own, as JoinGroup holds what comes after it. */
async function classicRebalances(port: number): Promise<void> {
  const clients = await connections(port, MEMBERS)
  const ids = clients.map(() => '')
  const rebalance = async (members: readonly number[]) => {
    const cpu = process.cpuUsage()
    const startedAt = performance.now()
    await Promise.all(
      members.map((index) => joinUntilTogether(clients, ids, index, members.length)),
    )
    const { user } = process.cpuUsage(cpu)
    return `${(performance.now() - startedAt).toFixed(0)} ms (${(user / 1000).toFixed(0)} ms of it CPU of the members)`
  }
  const all = clients.map((_, index) => index)
  print(`classic group of ${MEMBERS}, all join: ${await rebalance(all)}`)
  const leaving = { groupId: 'large', members: [{ memberId: ids[0]!, groupInstanceId: null }] }
  await clients[0]!.ask(LeaveGroup, 3, leaving)
  print(`classic group of ${MEMBERS}, one left: ${await rebalance(all.slice(1))}`)
  for (const client of clients) client.close()
}

/** As clients do: until a generation with everyone is synced. */
async function joinUntilTogether(
  clients: readonly WireClient[],
  ids: string[],
  index: number,
  count: number,
): Promise<void> {
  const client = clients[index]!
  const groupId = 'large'
  for (;;) {
    const request = { ...joining, groupId, memberId: ids[index]! }
    const joined = await client.ask(JoinGroup, 3, request)
    const { memberId, generationId, leader, members } = joined
    ids[index] = memberId
    const leads = leader === memberId
    const assignments = leads
      ? members.map((one) => ({ memberId: one.memberId, assignment: numbered(members.length) }))
      : []
    const sync = { groupId, generationId, memberId, assignments, groupInstanceId: null }
    const synced = await client.ask(SyncGroup, 3, sync)
    if (synced.errorCode === 0 && synced.assignment.readInt32BE(0) === count) return
    const beat = { groupId, generationId, memberId, groupInstanceId: null }
    while ((await client.ask(Heartbeat, 3, beat)).errorCode === 0) await pause(100)
  }
}

function numbered(count: number): Buffer {
  const assignment = Buffer.alloc(100)
  assignment.writeInt32BE(count)
  return assignment
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** KIP-848: everybody joins and beats until each has its one partition. */
async function consumerRebalances(port: number): Promise<void> {
  const clients = await connections(port, CONNECTIONS)
  await createTopic(port, 'wide', MEMBERS)
  const startedAt = performance.now()
  let beats = 0
  const join = async (index: number) => {
    const client = clients[index % CONNECTIONS]!
    const who = { groupId: 'modern', memberId: `member-${index}` }
    let epoch = 0
    let owned: { topicId: string; partitions: readonly number[] }[] = []
    for (;;) {
      const all = { rebalanceTimeoutMs: 300_000, subscribedTopicNames: ['wide'] }
      const answer = await client.ask(ConsumerGroupHeartbeat, 1, {
        ...who,
        ...(epoch === 0 && all),
        memberEpoch: epoch,
        subscribedTopicRegex: null,
        topicPartitions: owned,
      })
      beats++
      if (answer.errorCode !== 0) throw new Error(`${answer.errorCode} ${answer.errorMessage}`)
      epoch = answer.memberEpoch
      if (answer.assignment) owned = [...answer.assignment.topicPartitions]
      const isDone = epoch > MEMBERS && owned[0]?.partitions.length === 1
      if (isDone) return
      await pause(100)
    }
  }
  await Promise.all(Array.from({ length: MEMBERS }, (_, index) => join(index)))
  const tookMs = performance.now() - startedAt
  print(`consumer group of ${MEMBERS}, all join: ${tookMs.toFixed(0)} ms, ${beats} heartbeats`)
  for (const client of clients) client.close()
}

/** Without wire and disk. */
async function heartbeatsInTheCoordinator(): Promise<void> {
  const timers = new TimerQueue(systemClock)
  const settings = scenarioSettings
  let ids = 0
  const randomId = () => `${++ids}`
  const context = {
    settings,
    topics: new TestTopics(),
    groupConfig: () => settings,
    randomId,
    randomUuidText: randomId,
  }
  const host = new CoordinatorHost({
    store: new MemoryCoordinatorStore(),
    clock: systemClock,
    timers,
    log: silentLogger,
    create: () => new GroupCoordinator(context),
    encode: encodeGroupRecord,
    decode: decodeGroupRecord,
    batchBytesMax: () => 1_048_588,
    defer: (callback) => callback(),
  })
  await host.load(0)
  const client = { apiVersion: 3, clientId: 'bench', clientHost: '/127.0.0.1' }
  const members = await Promise.all(
    Array.from({ length: GROUPS }, async (_, index) => {
      const groupId = `group-${index}`
      const request = { ...joining, groupId, groupInstanceId: null, reason: null }
      const joined = await host.submit<JoinResponse>(0, (coordinator, to, nowMs) =>
        coordinator.joinGroup(request, client, to, nowMs),
      )
      const member = { groupId, memberId: joined.memberId, generationId: joined.generationId ?? 0 }
      const protocol = { protocolType: null, protocolName: null, groupInstanceId: null }
      const sync = { ...member, ...protocol, assignments: [] }
      await host.submit<SyncResponse>(0, (coordinator, to, nowMs) =>
        coordinator.syncGroup(sync, to, nowMs),
      )
      return { ...member, groupInstanceId: null }
    }),
  )
  const cpu = process.cpuUsage()
  for (let beat = 0; beat < BEATS; beat++) {
    const member = members[beat % GROUPS]!
    host.submit<{ errorCode: number }>(0, (coordinator, to, nowMs) =>
      coordinator.heartbeat(member, to, nowMs),
    )
  }
  const { user, system } = process.cpuUsage(cpu)
  const eachUs = ((user + system) / BEATS).toFixed(2)
  print(
    `heartbeats in the coordinator: ${eachUs} us of CPU each, ${timers.size} timers in its queue`,
  )
  host.close()
  timers.close()
}
