import { afterEach, beforeEach, expect, test } from 'vitest'
import { randomUuid, ZERO_UUID } from '../../src/base/uuid.ts'
import { DescribeAcls } from '../../src/protocol/apis/29-describe-acls.ts'
import { CreateAcls } from '../../src/protocol/apis/30-create-acls.ts'
import { DeleteAcls } from '../../src/protocol/apis/31-delete-acls.ts'
import { CreateDelegationToken } from '../../src/protocol/apis/38-create-delegation-token.ts'
import { RenewDelegationToken } from '../../src/protocol/apis/39-renew-delegation-token.ts'
import { ExpireDelegationToken } from '../../src/protocol/apis/40-expire-delegation-token.ts'
import { DescribeDelegationToken } from '../../src/protocol/apis/41-describe-delegation-token.ts'
import { AddRaftVoter } from '../../src/protocol/apis/80-add-raft-voter.ts'
import { RemoveRaftVoter } from '../../src/protocol/apis/81-remove-raft-voter.ts'
import { startTestBroker, type TestBroker } from './test-broker.ts'

/** Codes and messages are those of Apache Kafka 4.3.1 with PLAINTEXT only, asked on the wire. */

let broker: TestBroker
beforeEach(async () => {
  broker = await startTestBroker({ settings: { 'controller.listener.names': 'CONTROLLER' } })
})
afterEach(() => broker.close())

const filter = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
}

test('without an authorizer ACLs are refused, one by one', async () => {
  expect(await broker.ask(DescribeAcls, 3, filter)).toMatchObject({
    errorCode: 54,
    errorMessage: 'No Authorizer is configured on the broker',
    resources: [],
  })
  const rule = {
    resourceType: 2,
    resourceName: 'x',
    principal: 'User:a',
    host: '*',
    operation: 3,
    permissionType: 3,
  }
  const refused = { errorCode: 54, errorMessage: 'No Authorizer is configured.' }
  const created = await broker.ask(CreateAcls, 3, { creations: [rule, rule] })
  expect(created.results).toEqual([refused, refused])
  const deleted = await broker.ask(DeleteAcls, 3, { filters: [filter] })
  expect(deleted.filterResults).toEqual([{ ...refused, matchingAcls: [] }])
})

test('delegation tokens are not for PLAINTEXT', async () => {
  const hmac = Buffer.from('x')
  const answers = [
    await broker.ask(CreateDelegationToken, 3, {
      ownerPrincipalType: null,
      ownerPrincipalName: null,
      renewers: [],
      maxLifetimeMs: -1,
    }),
    await broker.ask(RenewDelegationToken, 2, { hmac, renewPeriodMs: -1 }),
    await broker.ask(ExpireDelegationToken, 2, { hmac, expiryTimePeriodMs: -1 }),
    await broker.ask(DescribeDelegationToken, 3, { owners: null }),
  ]
  expect(answers.map(({ errorCode }) => errorCode)).toEqual([64, 64, 64, 64])
  expect(answers[0]).toMatchObject({ principalType: 'User', principalName: 'ANONYMOUS' })
})

test('the quorum takes no other voter and keeps its only one', async () => {
  const directoryId = randomUuid()
  broker.metadata.image.quorum = {
    leaderId: 1,
    leaderEpoch: 1,
    voters: [{ voterId: 1, directoryId, listeners: [] }],
  }
  const add = (clusterId: string | null, what: object = {}) =>
    broker.ask(AddRaftVoter, 1, {
      clusterId,
      timeoutMs: 1000,
      voterId: 2,
      voterDirectoryId: randomUuid(),
      listeners: [{ name: 'CONTROLLER', host: 'elsewhere', port: 9093 }],
      ...what,
    })
  const remove = (voterId: number, voterDirectoryId = directoryId) =>
    broker.ask(RemoveRaftVoter, 0, { clusterId: null, voterId, voterDirectoryId })
  expect((await add('x')).errorCode).toBe(104)
  expect((await add(null)).errorCode).toBe(35)
  for (const incomplete of [{ voterId: -1 }, { voterDirectoryId: ZERO_UUID }, { listeners: [] }]) {
    expect((await add(null, incomplete)).errorCode).toBe(42)
  }
  expect((await remove(-1)).errorCode).toBe(42)
  expect((await remove(1, ZERO_UUID)).errorCode).toBe(42)
  expect((await remove(2)).errorCode).toBe(127)
  expect((await remove(1, randomUuid())).errorCode).toBe(127)
  expect((await remove(1)).errorCode).toBe(42)
})
