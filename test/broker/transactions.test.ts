import { afterEach, describe, expect, it, vi } from 'vitest'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { EngineFixture, NOW_MS } from '../storage/engine-fixture.ts'
import { startTestBroker, type TestBroker } from './test-broker.ts'
import {
  committedOffset,
  type Generation,
  generations,
  lastStableOffset,
  readTopic,
  stateOf,
  TransactionalClient,
} from './transactional-client.ts'

const settings = {
  'transaction.state.log.num.partitions': '3',
  'transaction.state.log.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
}

let broker: TestBroker
let fixture: EngineFixture
afterEach(async () => {
  await broker.close()
  await fixture.engine.close()
})

async function start(transactionVersion = 2, more: Record<string, string> = {}) {
  fixture = await new EngineFixture(new MemoryFiles(() => NOW_MS), '/data').open()
  broker = await startTestBroker({ settings: { ...settings, ...more }, fixture })
  setTransactionVersion(transactionVersion)
  broker.createTopic('orders', 3)
  broker.createTopic('payments')
}

function setTransactionVersion(featureLevel: number) {
  const value = { name: 'transaction.version', featureLevel }
  broker.metadata.commit([{ type: 'FeatureLevelRecord', value }])
}

function setReplicas(name: string, replicas: number[], isr: number[]) {
  const { topicId, partitions } = broker.metadata.image.topicsByName.get(name)!
  const records = partitions.map(({ partition: partitionId }) => {
    const value = { topicId, partitionId, replicas, isr }
    return { type: 'PartitionChangeRecord', value } as const
  })
  broker.metadata.commit(records)
}

async function restart() {
  await broker.close()
  await fixture.restart()
  broker = await startTestBroker({ settings, fixture })
  broker.clock.advance(0)
}

const both = Object.keys(generations) as Generation[]

describe.each(both)('a transaction of the %s generation', (generation) => {
  const levelOf = (one: Generation) => (one === 'classic' ? 0 : 2)
  const newClient = async (id = 'tx') => {
    const client = new TransactionalClient(broker, id, generation)
    expect(await client.init()).toBe('NONE')
    return client
  }

  it('is seen as a whole once it is committed', async () => {
    await start(levelOf(generation))
    const client = await newClient()
    expect(await client.send('orders', [0, 1], 'a')).toBe('NONE')
    expect(await client.send('payments', [0], 'b')).toBe('NONE')
    expect(await readTopic(broker, 'orders')).toEqual([])
    expect(await readTopic(broker, 'orders', 'uncommitted')).toEqual(['a'])
    expect(await lastStableOffset(broker, 'orders')).toBe(0)
    expect(await client.end('commit')).toBe('NONE')
    expect(await readTopic(broker, 'orders')).toEqual(['a'])
    expect(await readTopic(broker, 'orders', 'committed', 1)).toEqual(['a'])
    expect(await readTopic(broker, 'payments')).toEqual(['b'])
    // The marker takes an offset.
    expect(await lastStableOffset(broker, 'orders')).toBe(2)
    expect(await stateOf(broker, 'tx')).toBe('CompleteCommit')
  })

  it('is not ended while too few replicas of its coordinator are in sync', async () => {
    await start(levelOf(generation))
    const client = await newClient()
    await client.send('orders', [0], 'a')
    setReplicas('__transaction_state', [1, 2], [1])
    expect(await client.end('commit')).toBe('COORDINATOR_NOT_AVAILABLE')
    expect(await stateOf(broker, 'tx')).toBe('Ongoing')
    setReplicas('__transaction_state', [1, 2], [1, 2])
    expect(await client.end('commit')).toBe('NONE')
    expect(await readTopic(broker, 'orders')).toEqual(['a'])
  })

  it('is seen when enough replicas of what it wrote to are in sync again', async () => {
    await start(levelOf(generation))
    broker.createTopic('safe', 1, { 'min.insync.replicas': '2' })
    const client = await newClient()
    expect(await client.send('safe', [0], 'a')).toBe('NONE')
    setReplicas('safe', [1, 2], [1])
    expect(await client.end('commit')).toBe('NONE')
    expect(await readTopic(broker, 'safe')).toEqual([])
    setReplicas('safe', [1, 2], [1, 2])
    broker.clock.advance(1_000)
    await vi.waitFor(async () => expect(await readTopic(broker, 'safe')).toEqual(['a']))
  })

  it('is never seen when it is aborted, and the next one is', async () => {
    await start(levelOf(generation))
    const client = await newClient()
    await client.send('orders', [0], 'lost')
    expect(await client.end('abort')).toBe('NONE')
    await client.send('orders', [0], 'kept')
    expect(await client.end('commit')).toBe('NONE')
    expect(await readTopic(broker, 'orders')).toEqual(['kept'])
    expect(await readTopic(broker, 'orders', 'uncommitted')).toEqual(['lost', 'kept'])
  })

  it('moves the offsets of a group with it', async () => {
    await start(levelOf(generation))
    const client = await newClient()
    expect(await client.sendOffset('group', 'orders', 5)).toBe('NONE')
    expect(await committedOffset(broker, 'group', 'orders')).toBe(-1)
    expect(await committedOffset(broker, 'group', 'orders', true)).toBe('UNSTABLE_OFFSET_COMMIT')
    expect(await client.end('commit')).toBe('NONE')
    expect(await committedOffset(broker, 'group', 'orders', true)).toBe(5)
    await client.sendOffset('group', 'orders', 9)
    expect(await client.end('abort')).toBe('NONE')
    expect(await committedOffset(broker, 'group', 'orders', true)).toBe(5)
  })

  it('is aborted when its producer takes too long, so readers go on', async () => {
    await start(levelOf(generation))
    const client = new TransactionalClient(broker, 'tx', generation)
    await client.init({ timeoutMs: 10_000 })
    await client.send('orders', [0], 'late')
    await client.sendOffset('group', 'orders', 5)
    const other = new TransactionalClient(broker, 'other', generation)
    await other.init()
    await other.send('orders', [0], 'in time')
    await other.end('commit')
    broker.clock.advance(10_000)
    expect(await lastStableOffset(broker, 'orders')).toBe(0)
    broker.clock.advance(10_000)
    expect(await readTopic(broker, 'orders')).toEqual(['in time'])
    expect(await committedOffset(broker, 'group', 'orders', true)).toBe(-1)
    expect(await client.send('orders', [0], 'later')).toMatch(/PRODUCER_FENCED|PRODUCER_EPOCH/)
  })

  it('is aborted by the next producer of its id, which comes back for its epoch', async () => {
    await start(levelOf(generation))
    const first = await newClient()
    await first.send('orders', [0], 'zombie')
    const second = new TransactionalClient(broker, 'tx', generation)
    expect(await second.init()).toBe('CONCURRENT_TRANSACTIONS')
    expect(await second.init()).toBe('NONE')
    expect(await first.end('commit')).toBe('PRODUCER_FENCED')
    expect((await first.produce('orders', [0], 'zombie'))[0]).toBe('INVALID_PRODUCER_EPOCH')
    await second.send('orders', [0], 'heir')
    expect(await second.end('commit')).toBe('NONE')
    expect(await readTopic(broker, 'orders')).toEqual(['heir'])
  })

  it('stays open over a restart and goes on', async () => {
    await start(levelOf(generation))
    const client = await newClient()
    await client.send('orders', [0], 'a')
    await client.sendOffset('group', 'orders', 1)
    await restart()
    const again = new TransactionalClient(broker, 'tx', generation)
    Object.assign(again, { producerId: client.producerId, producerEpoch: client.producerEpoch })
    expect(await again.produce('orders', [0], 'b', { baseSequence: 1 })).toEqual(['NONE'])
    expect(await readTopic(broker, 'orders')).toEqual([])
    expect(await again.end('commit')).toBe('NONE')
    expect(await readTopic(broker, 'orders')).toEqual(['a', 'b'])
    expect(await committedOffset(broker, 'group', 'orders', true)).toBe(1)
  })

  it('keeps offsets unstable over a restart until it is timed out', async () => {
    await start(levelOf(generation))
    const client = new TransactionalClient(broker, 'tx', generation)
    await client.init({ timeoutMs: 60_000 })
    await client.sendOffset('group', 'orders', 1)
    await restart()
    const offset = () => committedOffset(broker, 'group', 'orders', true)
    broker.clock.advance(60_000)
    expect(await offset()).toBe('UNSTABLE_OFFSET_COMMIT')
    broker.clock.advance(10_000)
    expect(await offset()).toBe(-1)
  })

  it('keeps offsets unstable over a restart until a producer of its id begins', async () => {
    await start(levelOf(generation))
    const client = await newClient()
    await client.sendOffset('group', 'orders', 1)
    await restart()
    expect(await committedOffset(broker, 'group', 'orders', true)).toBe('UNSTABLE_OFFSET_COMMIT')
    const heir = new TransactionalClient(broker, 'tx', generation)
    expect(await heir.init()).toBe('CONCURRENT_TRANSACTIONS')
    expect(await committedOffset(broker, 'group', 'orders', true)).toBe(-1)
    expect(await heir.init()).toBe('NONE')
  })

  it('is ended after a crash between the decision and the markers', async () => {
    await start(levelOf(generation))
    const client = await newClient()
    await client.send('orders', [0, 1], 'a')
    await client.sendOffset('group', 'orders', 1)
    const markers = vi.spyOn(broker.broker.transactions.markers, 'write')
    markers.mockReturnValue(new Promise(() => {}))
    expect(await client.end('commit')).toBe('NONE')
    expect(await client.end('commit', { producerEpoch: 0 })).toBe('CONCURRENT_TRANSACTIONS')
    expect(await stateOf(broker, 'tx')).toBe('PrepareCommit')
    await restart()
    expect(await stateOf(broker, 'tx')).toBe('CompleteCommit')
    expect(await readTopic(broker, 'orders')).toEqual(['a'])
    expect(await readTopic(broker, 'orders', 'committed', 1)).toEqual(['a'])
    expect(await committedOffset(broker, 'group', 'orders', true)).toBe(1)
  })

  it('forgets partitions of topics that are deleted', async () => {
    await start(levelOf(generation))
    const client = await newClient()
    await client.send('orders', [0], 'a')
    await client.send('payments', [0], 'b')
    broker.metadata.deleteTopic(broker.metadata.image.topicsByName.get('payments')!.topicId)
    expect(await client.end('commit')).toBe('NONE')
    expect(await stateOf(broker, 'tx')).toBe('CompleteCommit')
    expect(await readTopic(broker, 'orders')).toEqual(['a'])
  })

  it('of 100 partitions commits in one call of the store', async () => {
    await start(levelOf(generation))
    broker.createTopic('wide', 100)
    const client = await newClient()
    const all = Array.from({ length: 100 }, (_, partition) => partition)
    expect(await client.send('wide', all, 'a')).toBe('NONE')
    const append = vi.spyOn(fixture.engine.log, 'append')
    expect(await client.end('commit')).toBe('NONE')
    expect(await stateOf(broker, 'tx')).toBe('CompleteCommit')
    // The end is decided, told to all, and complete.
    expect(append.mock.calls.map(([items]) => items.length)).toEqual([1, 100, 1])
    expect(await readTopic(broker, 'wide', 'committed', 99)).toEqual(['a'])
  })
})

describe('records for a transaction', () => {
  it('are refused by name when the partition was not added, until produce adds it', async () => {
    await start()
    const client = new TransactionalClient(broker, 'tx', 'classic')
    await client.init()
    const refused = (version: number) => client.produce('orders', [0], 'a', { version })
    expect(await refused(3)).toEqual(['INVALID_TXN_STATE'])
    expect(await refused(10)).toEqual(['INVALID_TXN_STATE'])
    expect(await refused(11)).toEqual(['TRANSACTION_ABORTABLE'])
    expect(await readTopic(broker, 'orders', 'uncommitted')).toEqual([])
    expect(await client.produce('orders', [0], 'a', { version: 12 })).toEqual(['NONE'])
    expect(await client.produce('orders', [0], 'b', { version: 13 })).toEqual(['NONE'])
    expect(await client.produce('orders', [0], 'c', { version: 9 })).toEqual(['NONE'])
  })

  it('are taken partition by partition', async () => {
    await start()
    const client = new TransactionalClient(broker, 'tx', 'classic')
    await client.init()
    expect(await client.add('orders', [1])).toEqual(['NONE'])
    expect(await client.produce('orders', [0, 1, 2], 'a')).toEqual([
      'TRANSACTION_ABORTABLE',
      'NONE',
      'TRANSACTION_ABORTABLE',
    ])
  })

  it('are believed when verification is off', async () => {
    await start(2, { 'transaction.partition.verification.enable': 'false' })
    const client = new TransactionalClient(broker, 'tx', 'classic')
    await client.init()
    expect(await client.produce('orders', [0], 'a')).toEqual(['NONE'])
  })

  it('come from the producer that the id belongs to', async () => {
    await start()
    const client = new TransactionalClient(broker, 'tx', 'epoch bump')
    await client.init()
    const stranger = new TransactionalClient(broker, 'tx', 'epoch bump')
    Object.assign(stranger, { producerId: 4711, producerEpoch: 0 })
    expect(await stranger.produce('orders', [0], 'a')).toEqual(['INVALID_PRODUCER_ID_MAPPING'])
    const nobody = new TransactionalClient(broker, 'nobody', 'epoch bump')
    Object.assign(nobody, { producerId: 4711, producerEpoch: 0 })
    expect(await nobody.produce('orders', [0], 'a')).toEqual(['INVALID_PRODUCER_ID_MAPPING'])
  })

  it('wait for the end of the transaction before, as long as Kafka waits', async () => {
    await start()
    const client = new TransactionalClient(broker, 'tx', 'epoch bump')
    await client.init()
    await client.produce('orders', [0], 'first')
    const { markers } = broker.broker.transactions
    let write = () => {}
    const writeMarkers = markers.write.bind(markers)
    vi.spyOn(markers, 'write').mockImplementationOnce(
      (...marker) =>
        new Promise((resolve) => {
          write = () => resolve(writeMarkers(...marker))
        }),
    )
    await client.end('commit')
    const produced = client.produce('orders', [1], 'second')
    broker.clock.advance(20)
    write()
    await vi.waitFor(async () => expect(await stateOf(broker, 'tx')).toBe('CompleteCommit'))
    broker.clock.advance(20)
    expect(await produced).toEqual(['NONE'])
    expect(await readTopic(broker, 'orders', 'uncommitted', 1)).toEqual(['second'])
    // An older producer is told to try again itself.
    vi.spyOn(markers, 'write').mockImplementationOnce(() => new Promise(() => {}))
    await client.end('commit')
    expect(await client.produce('orders', [1], 'x', { version: 11 })).toEqual([
      'NOT_ENOUGH_REPLICAS',
    ])
    const late = client.produce('orders', [1], 'third')
    for (let waitedMs = 0; waitedMs < 100; waitedMs += 20) {
      await Promise.resolve()
      broker.clock.advance(20)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await late).toEqual(['CONCURRENT_TRANSACTIONS'])
  })

  it('of an idempotent kind are refused while a transaction of the producer is open', async () => {
    await start()
    const client = new TransactionalClient(broker, 'tx', 'epoch bump')
    await client.init()
    await client.produce('orders', [0], 'a')
    const plain = { transactional: false }
    expect(await client.produce('orders', [0], 'b', plain)).toEqual(['INVALID_TXN_STATE'])
    await client.end('commit')
    expect(await client.produce('orders', [0], 'b', plain)).toEqual(['NONE'])
  })
})

describe('AddPartitionsToTxn', () => {
  it('adds all partitions or none', async () => {
    await start()
    const client = new TransactionalClient(broker, 'tx', 'classic')
    await client.init()
    expect(await client.add('orders', [0, 7])).toEqual([
      'OPERATION_NOT_ATTEMPTED',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    expect(await client.add('__transaction_state', [0])).toEqual(['TOPIC_AUTHORIZATION_FAILED'])
    expect(await stateOf(broker, 'tx')).toBe('Empty')
  })

  it('names a fenced producer by what its version knows', async () => {
    await start()
    const client = new TransactionalClient(broker, 'tx', 'classic')
    await client.init()
    client.producerEpoch = 5
    expect(await client.add('orders', [0], 1)).toEqual(['INVALID_PRODUCER_EPOCH'])
    expect(await client.add('orders', [0], 2)).toEqual(['PRODUCER_FENCED'])
    expect(await client.addOffsets('group', 1)).toBe('INVALID_PRODUCER_EPOCH')
    expect(await client.addOffsets('group', 2)).toBe('PRODUCER_FENCED')
    expect(await client.end('commit', { version: 1 })).toBe('INVALID_PRODUCER_EPOCH')
    expect(await client.end('commit', { version: 2 })).toBe('PRODUCER_FENCED')
    expect(await client.init({ given: true, version: 3 })).toBe('INVALID_PRODUCER_EPOCH')
    expect(await client.init({ given: true, version: 4 })).toBe('PRODUCER_FENCED')
  })
})

describe('TxnOffsetCommit', () => {
  it('is verified, with errors that its version knows', async () => {
    await start()
    const client = new TransactionalClient(broker, 'tx', 'classic')
    await client.init()
    await client.sendOffset('group', 'orders', 1)
    await client.end('abort')
    const refused = (version: number) => client.commitOffset('group', 'orders', 5, { version })
    expect(await refused(0)).toBe('INVALID_TXN_STATE')
    expect(await refused(3)).toBe('INVALID_TXN_STATE')
    expect(await refused(4)).toBe('TRANSACTION_ABORTABLE')
    expect(await refused(5)).toBe('NONE')
    client.producerEpoch = 7
    expect(await refused(3)).toBe('INVALID_PRODUCER_EPOCH')
    expect(await refused(5)).toBe('INVALID_PRODUCER_EPOCH')
    expect(await client.commitOffset('', 'orders', 5)).toBe('INVALID_GROUP_ID')
    expect(await client.commitOffset('group', 'nowhere', 5)).toBe('UNKNOWN_TOPIC_OR_PARTITION')
  })
})
