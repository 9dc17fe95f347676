import { afterEach, beforeEach, expect, test } from 'vitest'
import { electUncleanLeaders } from '../../../src/broker/topics/leader-election.ts'
import { startTestBroker, type TestBroker } from '../test-broker.ts'

let broker: TestBroker
beforeEach(async () => {
  broker = await startTestBroker()
})
afterEach(() => broker.close())

/** A topic that nobody leads: broker 2, which is not there, was the last one in sync. */
function lostTopic(name: string, overrides: Record<string, string> = {}): string {
  const { topicId } = broker.createTopic(name, 1, overrides)
  const value = { topicId, partitionId: 0, replicas: [2, 1], isr: [], leader: -1 }
  broker.metadata.commit([{ type: 'PartitionChangeRecord', value }])
  return topicId
}

test('a replica that is not in sync is elected where that is allowed, and nowhere else', () => {
  lostTopic('usual')
  expect(electUncleanLeaders(broker.broker)).toEqual([])
  const topicId = lostTopic('lost', { 'unclean.leader.election.enable': 'true' })
  const [record, ...others] = electUncleanLeaders(broker.broker)
  expect(others).toEqual([])
  expect(record).toMatchObject({
    type: 'PartitionChangeRecord',
    value: { topicId, partitionId: 0, leader: 1, isr: [1] },
  })
  broker.metadata.commit([record!])
  expect(electUncleanLeaders(broker.broker)).toEqual([])
})
