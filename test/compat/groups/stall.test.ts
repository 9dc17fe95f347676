import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { FindCoordinator } from '../../../src/protocol/apis/10-find-coordinator.ts'
import { JoinGroup } from '../../../src/protocol/apis/11-join-group.ts'
import { Heartbeat } from '../../../src/protocol/apis/12-heartbeat.ts'
import { SyncGroup } from '../../../src/protocol/apis/14-sync-group.ts'
import { ConsumerGroupHeartbeat } from '../../../src/protocol/apis/68-consumer-group-heartbeat.ts'
import { ErrorCode } from '../../../src/protocol/error-code.ts'
import { Dohle } from '../broker.ts'
import { stopAllPrograms } from '../process.ts'
import { WireClient } from '../wire-client.ts'

const SESSION_MS = 6_000

const settings = {
  'group.consumer.min.session.timeout.ms': SESSION_MS,
  'group.consumer.session.timeout.ms': SESSION_MS,
  'group.consumer.min.heartbeat.interval.ms': 1_000,
  'group.consumer.heartbeat.interval.ms': 1_000,
}

afterEach(() => stopAllPrograms())

/** Answers the error code of a heartbeat. */
type Beat = () => Promise<ErrorCode>

async function classicMember(bootstrap: string, groupId: string): Promise<Beat> {
  const client = await WireClient.connect(bootstrap)
  const { memberId, generationId } = await client.ask(JoinGroup, 3, {
    groupId,
    sessionTimeoutMs: SESSION_MS,
    rebalanceTimeoutMs: 60_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
  })
  const member = { groupId, memberId, generationId }
  await client.ask(SyncGroup, 3, { ...member, assignments: [] })
  return async () => (await client.ask(Heartbeat, 3, member)).errorCode as ErrorCode
}

async function consumerMember(bootstrap: string, groupId: string): Promise<Beat> {
  const client = await WireClient.connect(bootstrap)
  const memberId = 'member'
  const { memberEpoch } = await client.ask(ConsumerGroupHeartbeat, 1, {
    groupId,
    memberId,
    memberEpoch: 0,
    rebalanceTimeoutMs: 60_000,
    subscribedTopicNames: ['t'],
    subscribedTopicRegex: null,
    topicPartitions: [],
  })
  const beat = { groupId, memberId, memberEpoch, subscribedTopicRegex: null }
  return async () => (await client.ask(ConsumerGroupHeartbeat, 1, beat)).errorCode as ErrorCode
}

it('a broker that was stopped for longer than a session expels those who were silent', async () => {
  const overrides = Object.entries(settings).flatMap(([name, value]) => [
    '--override',
    `${name}=${value}`,
  ])
  const dohle = await Dohle.start(['--memory', ...overrides])
  const { bootstrap } = dohle
  const client = await WireClient.connect(bootstrap)
  await client.ask(FindCoordinator, 4, { keyType: 0, coordinatorKeys: ['g'] })
  const silent = [
    await classicMember(bootstrap, 'silent-classic'),
    await consumerMember(bootstrap, 'silent-consumer'),
  ]
  const speaking = [
    await classicMember(bootstrap, 'classic'),
    await consumerMember(bootstrap, 'consumer'),
  ]
  const beatAll = (members: readonly Beat[]) => Promise.all(members.map((beat) => beat()))
  expect(await beatAll(speaking)).toEqual([ErrorCode.NONE, ErrorCode.NONE])
  dohle.program.child.kill('SIGSTOP')
  const answers = beatAll(speaking)
  await delay(SESSION_MS + 1_000)
  dohle.program.child.kill('SIGCONT')
  expect(await answers).toEqual([ErrorCode.NONE, ErrorCode.NONE])
  expect(await beatAll(speaking)).toEqual([ErrorCode.NONE, ErrorCode.NONE])
  const { UNKNOWN_MEMBER_ID } = ErrorCode
  expect(await beatAll(silent)).toEqual([UNKNOWN_MEMBER_ID, UNKNOWN_MEMBER_ID])
  await dohle.stop()
})
