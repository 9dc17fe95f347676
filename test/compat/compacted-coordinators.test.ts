import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { OffsetCommit } from '../../src/protocol/apis/08-offset-commit.ts'
import { OffsetFetch } from '../../src/protocol/apis/09-offset-fetch.ts'
import { FindCoordinator } from '../../src/protocol/apis/10-find-coordinator.ts'
import { JoinGroup } from '../../src/protocol/apis/11-join-group.ts'
import { SyncGroup } from '../../src/protocol/apis/14-sync-group.ts'
import { DescribeGroups } from '../../src/protocol/apis/15-describe-groups.ts'
import { ListGroups } from '../../src/protocol/apis/16-list-groups.ts'
import { CreateTopics } from '../../src/protocol/apis/19-create-topics.ts'
import { InitProducerId } from '../../src/protocol/apis/22-init-producer-id.ts'
import { AddOffsetsToTxn } from '../../src/protocol/apis/25-add-offsets-to-txn.ts'
import { EndTxn } from '../../src/protocol/apis/26-end-txn.ts'
import { TxnOffsetCommit } from '../../src/protocol/apis/28-txn-offset-commit.ts'
import { DeleteGroups } from '../../src/protocol/apis/42-delete-groups.ts'
import { DescribeTransactions } from '../../src/protocol/apis/65-describe-transactions.ts'
import { ListTransactions } from '../../src/protocol/apis/66-list-transactions.ts'
import { ConsumerGroupHeartbeat } from '../../src/protocol/apis/68-consumer-group-heartbeat.ts'
import { ConsumerGroupDescribe } from '../../src/protocol/apis/69-consumer-group-describe.ts'
import { Dohle } from './broker.ts'
import { WireClient } from './wire-client.ts'

const TOPIC = 'orders'
const CLASSIC = 'classic-group'
const CONSUMER = 'consumer-group'
const SIMPLE = ['simple-0', 'simple-1', 'simple-2']
const GONE = 'gone'
// Long ones, so that few of them fill a segment.
const PADDING = '-'.repeat(4_000)
const COMMITTED = `committed${PADDING}`
const ABORTED = `aborted${PADDING}`
const OPEN = `open${PADDING}`
const TRANSACTIONAL = [COMMITTED, ABORTED, OPEN]
const groupOf = (transactionalId: string) => `group-${transactionalId.replaceAll('-', '')}`
const LONG_MS = 1_800_000
const PATIENCE = { timeout: 60_000 }

/** The smallest segments, compacted as soon as they are full. */
const settings = {
  'offsets.topic.segment.bytes': 1_048_576,
  'transaction.state.log.segment.bytes': 1_048_576,
  'log.cleaner.backoff.ms': 50,
  'group.max.session.timeout.ms': LONG_MS,
  'group.consumer.max.session.timeout.ms': LONG_MS,
  'group.consumer.session.timeout.ms': LONG_MS,
}
const args = Object.entries(settings).flatMap(([key, value]) => ['--override', `${key}=${value}`])

let directory: string
let dohle: Dohle
let client: WireClient

async function start() {
  dohle = await Dohle.start(args, directory)
  client = await WireClient.connect(dohle.bootstrap)
}

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'dohle-compacted-'))
  await start()
})
afterEach(async () => {
  client.close()
  await dohle.stop('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

/** Makes the coordinator of the key be there. */
async function find(key: string, keyType: 0 | 1) {
  await expect
    .poll(async () => (await client.ask(FindCoordinator, 3, { key, keyType })).errorCode, {
      timeout: 60_000,
    })
    .toBe(0)
}

async function commit(groupId: string, committedOffset: number) {
  const partition = {
    partitionIndex: 0,
    committedOffset,
    committedMetadata: PADDING,
  }
  const topics = [{ name: TOPIC, partitions: [partition] }]
  const request = { groupId, memberId: '', groupInstanceId: null, topics }
  const answer = await client.ask(OffsetCommit, 8, request)
  expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(0)
}

async function joinClassic() {
  const protocols = [{ name: 'range', metadata: Buffer.from('subscription') }]
  const member = { groupId: CLASSIC, groupInstanceId: 'instance', protocolType: 'consumer' }
  const joining = { ...member, sessionTimeoutMs: LONG_MS, rebalanceTimeoutMs: LONG_MS, protocols }
  const joined = await client.ask(JoinGroup, 7, { ...joining, memberId: '' })
  expect(joined.errorCode).toBe(0)
  const { generationId, memberId } = joined
  const assignments = [{ memberId, assignment: Buffer.from('assignment') }]
  const synced = await client.ask(SyncGroup, 5, {
    ...member,
    generationId,
    memberId,
    protocolName: 'range',
    assignments,
  })
  expect(synced.errorCode).toBe(0)
}

async function joinConsumer() {
  const answer = await client.ask(ConsumerGroupHeartbeat, 0, {
    groupId: CONSUMER,
    memberId: 'AAAAAAAAAAAAAAAAAAAAAA',
    memberEpoch: 0,
    rebalanceTimeoutMs: LONG_MS,
    subscribedTopicNames: [TOPIC],
    topicPartitions: [],
  })
  expect(answer.errorCode).toBe(0)
}

async function begin(transactionalId: string) {
  const producer = { producerId: -1, producerEpoch: -1 }
  // The transaction before may not be through yet: CONCURRENT_TRANSACTIONS.
  await vi.waitFor(async () => {
    const request = { transactionalId, transactionTimeoutMs: 900_000 }
    const { errorCode, ...given } = await client.ask(InitProducerId, 4, request)
    expect(errorCode).toBe(0)
    Object.assign(producer, given)
  }, PATIENCE)
  const { producerId, producerEpoch } = producer
  const who = { transactionalId, producerId, producerEpoch, groupId: groupOf(transactionalId) }
  expect((await client.ask(AddOffsetsToTxn, 3, who)).errorCode).toBe(0)
  return who
}

async function sendOffset(who: Awaited<ReturnType<typeof begin>>, committedOffset: number) {
  const partition = { partitionIndex: 0, committedOffset, committedMetadata: '' }
  const topics = [{ name: TOPIC, partitions: [partition] }]
  const request = { ...who, memberId: '', groupInstanceId: null, topics }
  const answer = await client.ask(TxnOffsetCommit, 3, request)
  expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(0)
}

async function transact(transactionalId: string, offset: number, end: 'commit' | 'abort') {
  const who = await begin(transactionalId)
  await sendOffset(who, offset)
  await endTransaction(who, end)
}

async function endTransaction(
  who: { transactionalId: string; producerId: number; producerEpoch: number },
  end: 'commit' | 'abort',
) {
  const ending = { ...who, committed: end === 'commit' }
  expect((await client.ask(EndTxn, 3, ending)).errorCode).toBe(0)
}

/** All that clients can ask about groups, offsets and transactions. */
async function stateOfCoordinators() {
  const groupIds = [CLASSIC, CONSUMER, GONE, ...SIMPLE, ...TRANSACTIONAL.map(groupOf)]
  for (const groupId of groupIds) await find(groupId, 0)
  for (const id of TRANSACTIONAL) await find(id, 1)
  const listed = await client.ask(ListGroups, 5, { statesFilter: [], typesFilter: [] })
  const described = await client.ask(DescribeGroups, 5, {
    groups: groupIds,
    includeAuthorizedOperations: false,
  })
  const consumer = await client.ask(ConsumerGroupDescribe, 0, {
    groupIds: [CONSUMER],
    includeAuthorizedOperations: false,
  })
  const groups = groupIds.map((groupId) => ({ groupId, topics: null }))
  const offsets = await client.ask(OffsetFetch, 8, { groups, requireStable: false })
  const transactions = await client.ask(ListTransactions, 0, {
    stateFilters: [],
    producerIdFilters: [],
  })
  const states = await client.ask(DescribeTransactions, 0, { transactionalIds: TRANSACTIONAL })
  return {
    listed: [...listed.groups].sort((one, other) => one.groupId.localeCompare(other.groupId)),
    described: described.groups,
    consumer: consumer.groups,
    offsets: offsets.groups,
    transactions: [...transactions.transactionStates].sort((one, other) =>
      one.transactionalId.localeCompare(other.transactionalId),
    ),
    states: states.transactionStates,
  }
}

const isCompacted = (topic: string) =>
  dohle.log.some(
    (line) =>
      line['msg'] === 'log compacted' &&
      line['topic'] === topic &&
      Number(line['bytesAfter']) < Number(line['bytesBefore']),
  )

it('groups, offsets and transactions are the same after compaction and a kill', async () => {
  const topic = {
    name: TOPIC,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }
  await client.ask(CreateTopics, 6, { topics: [topic] })
  for (const groupId of [CLASSIC, CONSUMER, GONE, ...SIMPLE]) await find(groupId, 0)
  for (const id of TRANSACTIONAL) {
    await find(id, 1)
    await find(groupOf(id), 0)
  }
  await joinClassic()
  await joinConsumer()
  await commit(GONE, 1)
  expect((await client.ask(DeleteGroups, 2, { groupsNames: [GONE] })).results[0]?.errorCode).toBe(0)
  const open = await begin(OPEN)
  // What came first lies in segments that are compacted by now, and so does what was replaced.
  const isDone = () => isCompacted('__consumer_offsets') && isCompacted('__transaction_state')
  for (let round = 0; round < 20 || !isDone(); round++) {
    for (const groupId of SIMPLE) await commit(groupId, round)
    await transact(COMMITTED, round, 'commit')
    await transact(ABORTED, round + 1_000, 'abort')
  }
  // Only now, as nothing is compacted from the first record of an open transaction on.
  await sendOffset(open, 7)
  const before = await stateOfCoordinators()
  expect(before.listed.map(({ groupId }) => groupId)).not.toContain(GONE)
  expect(before.listed).toHaveLength(2 + SIMPLE.length + TRANSACTIONAL.length)
  expect(before.states.map(({ transactionState }) => transactionState)).toEqual([
    'CompleteCommit',
    'CompleteAbort',
    'Ongoing',
  ])
  client.close()
  await dohle.stop('SIGKILL')
  await start()
  // The coordinators may still be loading.
  await expect.poll(stateOfCoordinators, PATIENCE).toEqual(before)
  await endTransaction(open, 'commit')
  const group = { groupId: open.groupId, topics: null }
  const committed = async () => {
    const answer = await client.ask(OffsetFetch, 8, { groups: [group], requireStable: true })
    return answer.groups[0]?.topics[0]?.partitions[0]?.committedOffset
  }
  await expect.poll(committed, PATIENCE).toBe(7)
})
