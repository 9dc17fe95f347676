import type { Broker } from '../broker/broker.ts'
import { partitionFor } from '../coordinator/partition-for.ts'
import type { RunningBroker } from '../server/run-broker.ts'

/** The broker that leads a partition; the first one that is up, which says so, when none does. */
export function leaderOf(running: RunningBroker, topicName: string, partition: number): Broker {
  const { broker } = running
  const topic = broker.engine.metadata.image.topicsByName.get(topicName)
  return (topic && running.leaderOf(topic.topicId, partition)) ?? broker
}

/** The broker that coordinates a group. */
export function groupBroker(running: RunningBroker, groupId: string): Broker {
  return coordinatorOf(running, '__consumer_offsets', groupId)
}

/** The broker that coordinates a transactional id. */
export function transactionBroker(running: RunningBroker, transactionalId: string): Broker {
  return coordinatorOf(running, '__transaction_state', transactionalId)
}

function coordinatorOf(running: RunningBroker, topicName: string, id: string): Broker {
  const topic = running.broker.engine.metadata.image.topicsByName.get(topicName)
  return leaderOf(running, topicName, topic ? partitionFor(id, topic.partitions.length) : 0)
}
