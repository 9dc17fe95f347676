import type { WireClient } from '../wire-client.ts'
import { Interview } from './interview.ts'

/** What only a broken or a very unlucky client asks. */
export async function interviewAboutTheUnusual(client: WireClient, tag: string): Promise<string> {
  const it = new Interview(client, tag)
  await it.createTopic('orders', 3)
  for (const id of ['v', 'w', 'x', 'y', 'z']) await it.find(id, 1)
  for (const group of ['classic', 'modern']) await it.find(group, 0)
  await idempotent(it)
  await controlBatches(it)
  await wrongBatches(it)
  await members(it)
  await supersededMarkers(it)
  return it.text
}

async function idempotent(it: Interview): Promise<void> {
  it.title('InitProducerId without a transactional id')
  await it.init(it.producer('w'), { quiet: true })
  await it.initIdempotent(0)
  await it.initIdempotent(4)
  await it.initIdempotent(4, [900_600_000, 3])
  await it.initIdempotent(4, [900_600_000, -1])
}

async function controlBatches(it: Interview): Promise<void> {
  it.title('control batches of clients')
  const x = it.producer('x')
  await it.init(x, { quiet: true })
  const control = { control: true } as const
  for (const version of [3, 10, 11, 12]) await it.produce(x, version, 'orders', -1, control)
  await it.describe('x')
  await it.produce(x, 12, 'orders', 0, control)
  await it.produce({ ...x, producerId: 900_600_001 }, 12, 'orders', -1, control)
  await it.produce({ ...x, producerId: 900_600_001 }, 11, 'orders', -1, control)
  await it.produce({ ...x, transactionalId: '' }, 12, 'orders', -1, control)
  await it.produce(x, 12, 'orders', -1, { ...control, transactional: false })
  await it.produce({ ...x, producerId: -1 }, 12, 'orders', -1, {
    ...control,
    transactional: false,
  })
  await it.produce({ ...x, producerId: -1 }, 12, 'orders', -1, control)
  await it.produce({ ...x, producerId: -1 }, 11, 'orders', -1)
  await it.produce({ ...x, producerId: -1 }, 12, 'orders', -1)
  await it.produce(x, 12, 'orders', -1)
  await it.produce(x, 11, 'orders', -1)
  await it.describe('x')
  await it.produce(x, 12, 'orders', 0, { partition: 1 })
  await it.produce(x, 12, 'orders', -1, { ...control, partition: 1 })
  await it.produce(x, 11, 'orders', -1, { ...control, partition: 1 })
  await it.end(x, 5, 'abort')
  await it.settle('x')
}

async function members(it: Interview): Promise<void> {
  it.title('offsets of members in a transaction')
  const y = it.producer('y')
  await it.init(y, { quiet: true })
  const { memberId, generation } = await it.joinClassic('classic', 'i')
  const shownAs = 'm'
  const commit = (options: Parameters<Interview['commitOffsets']>[4]) =>
    it.commitOffsets(y, 5, 'classic', 'orders', { shownAs, ...options })
  await commit({ memberId, generation, instanceId: 'i' })
  await commit({ memberId, generation })
  await commit({ memberId: 'other', generation, instanceId: 'i', shownAs: 'other' })
  await commit({ memberId, generation, instanceId: 'j' })
  await commit({ memberId: 'other', generation, shownAs: 'other' })
  await commit({ memberId, generation: generation - 1, instanceId: 'i' })
  await commit({ memberId, generation: generation + 1 })
  await commit({ memberId })
  await commit({ generation, shownAs: '' })
  await commit({})
  await commit({ memberId, generation, metadata: 'x'.repeat(4096) })
  await commit({ memberId, generation, metadata: 'x'.repeat(4097) })
  const modern = await it.joinConsumer('modern', 'orders')
  const commitModern = (options: Parameters<Interview['commitOffsets']>[4]) =>
    it.commitOffsets(y, 5, 'modern', 'orders', { shownAs, ...options })
  await commitModern(modern)
  await commitModern({ ...modern, generation: modern.generation - 1 })
  await commitModern({ ...modern, generation: modern.generation + 1 })
  await commitModern({ ...modern, memberId: 'other', shownAs: 'other' })
  await commitModern({})
  await it.end(y, 5, 'abort')
  await it.settle('y')
}

async function wrongBatches(it: Interview): Promise<void> {
  it.title('batches that nobody can store')
  const v = it.producer('v')
  await it.init(v, { quiet: true })
  for (const fault of ['checksum', 'size', 'count'] as const) {
    await it.produce(v, 11, 'orders', 0, { fault })
    await it.produce({ ...v, producerEpoch: 5 }, 12, 'orders', 0, { fault })
  }
  await it.describe('v')
  await it.produce(v, 12, 'orders', 0, { fault: 'checksum' })
  await it.describe('v')
  await it.produce(v, 12, 'orders', 0, { fault: 'size', partition: 1 })
  await it.produce(v, 12, 'orders', 0, { fault: 'count', partition: 2 })
  await it.describe('v')
  await it.end(v, 5, 'commit')
  await it.settle('v')
  await it.producers('orders', [0])
}

async function supersededMarkers(it: Interview): Promise<void> {
  it.title('a partition that knows a later epoch or coordinator')
  const z = it.producer('z')
  await it.init(z, { quiet: true })
  await it.produce(z, 12, 'orders', 0, { partition: 1, quiet: true })
  await it.produce(z, 12, 'orders', 0)
  const later = { ...z, producerEpoch: z.producerEpoch + 4 }
  await it.marker(later, 'abort', { orders: [0] })
  await it.end(z, 5, 'commit')
  await it.untilPartitions('z', 1)
  await it.describe('z')
  await it.end(z, 5, 'commit')
  await it.producers('orders', [0, 1])
  // Kafka goes on answering so for ever.
  await it.init(z)
}
