import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ListOffsets } from '../../../src/protocol/apis/02-list-offsets.ts'
import { OffsetForLeaderEpoch } from '../../../src/protocol/apis/23-offset-for-leader-epoch.ts'
import type { EncodableOf } from '../../../src/protocol/schema.ts'
import { batchOf } from '../../storage/batches.ts'
import { startTestBroker, type TestBroker } from '../test-broker.ts'

let broker: TestBroker
beforeEach(async () => {
  broker = await startTestBroker()
})
afterEach(() => broker.close())

type Partition = EncodableOf<typeof ListOffsets.request>['topics'][number]['partitions'][number]

async function list(version: number, partitions: Partition[], isolationLevel = 0) {
  const { topics } = await broker.ask(ListOffsets, version, {
    replicaId: -1,
    isolationLevel,
    topics: [{ name: 't', partitions }],
  })
  return topics[0]!.partitions
}

async function offsetAt(timestamp: number, version = 11) {
  const [found] = await list(version, [{ partitionIndex: 0, timestamp }])
  const { errorCode, offset, timestamp: at, leaderEpoch } = found!
  return [errorCode, offset, at, leaderEpoch]
}

async function appendAt(...timestamps: number[]) {
  const { topicId } = broker.metadata.image.topicsByName.get('t')!
  for (const timestamp of timestamps) {
    const batch = batchOf({ values: ['x'], timestamp })
    const items = [{ topicId, partition: 0, batch, origin: 'client' as const }]
    await broker.broker.engine.log.append(items, { nowMs: broker.clock.nowMs() })
  }
}

describe('an offset by timestamp', () => {
  beforeEach(async () => {
    broker.createTopic('t')
    await appendAt(1000, 3000, 2000)
  })

  test('is the first record that is as late', async () => {
    expect(await offsetAt(1500)).toEqual([0, 1, 3000, 0])
    expect(await offsetAt(0)).toEqual([0, 0, 1000, 0])
    expect(await offsetAt(3001)).toEqual([0, -1, -1, -1])
  })

  test('latest, earliest, the largest timestamp, and earliest local', async () => {
    expect(await offsetAt(-1)).toEqual([0, 3, -1, 0])
    expect(await offsetAt(-2)).toEqual([0, 0, -1, 0])
    expect(await offsetAt(-3)).toEqual([0, 1, 3000, 0])
    expect(await offsetAt(-4)).toEqual([0, 0, -1, 0])
  })

  test('without tiered storage nothing is tiered, which is no error', async () => {
    expect(await offsetAt(-5)).toEqual([0, -1, -1, -1])
    expect(await offsetAt(-6)).toEqual([0, -1, -1, -1])
  })

  test('a special time needs its version; others do not exist', async () => {
    const codes = []
    for (const [timestamp, version] of [
      [-3, 6],
      [-3, 7],
      [-4, 7],
      [-4, 8],
      [-5, 8],
      [-5, 9],
      [-6, 10],
      [-6, 11],
      [-7, 11],
    ] as const) {
      codes.push((await offsetAt(timestamp, version))[0])
    }
    expect(codes).toEqual([35, 0, 35, 0, 35, 0, 35, 0, 35])
  })

  test('in version 0 there are several offsets, newest first', async () => {
    const ask = async (timestamp: number, maxNumOffsets: number) => {
      const [found] = await list(0, [{ partitionIndex: 0, timestamp, maxNumOffsets }])
      return found!.oldStyleOffsets
    }
    expect(await ask(-1, 5)).toEqual([3, 0])
    expect(await ask(-1, 1)).toEqual([3])
    expect(await ask(-2, 5)).toEqual([0])
    expect(await ask(0, 5)).toEqual([])
    expect(await ask(-1, -1)).toEqual([])
  })
})

test('what is wrong with a partition', async () => {
  broker.createTopic('t')
  const codes = await list(11, [
    { partitionIndex: 1, timestamp: -1 },
    { partitionIndex: 0, timestamp: -1, currentLeaderEpoch: -2 },
  ])
  expect(codes.map(({ errorCode, offset }) => [errorCode, offset])).toEqual([
    [3, -1],
    [74, -1],
  ])
  const [later] = await list(11, [{ partitionIndex: 0, timestamp: -1, currentLeaderEpoch: 1 }])
  expect(later!.errorCode).toBe(75)
})

test('a partition that is asked twice is refused once, the others are answered', async () => {
  broker.createTopic('t', 2)
  const at = (partitionIndex: number) => ({ partitionIndex, timestamp: -1 })
  const found = await list(1, [at(0), at(1), at(0)])
  expect(found.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode])).toEqual([
    [0, 42],
    [1, 0],
  ])
})

test('an unknown isolation level fails every partition', async () => {
  broker.createTopic('t')
  const [found] = await list(5, [{ partitionIndex: 0, timestamp: -1 }], 2)
  expect(found).toMatchObject({ errorCode: -1, offset: -1, timestamp: -1, leaderEpoch: -1 })
})

describe('the end of a leader epoch', () => {
  async function ends(leaderEpochs: number[], currentLeaderEpoch = -1) {
    const { topics } = await broker.ask(OffsetForLeaderEpoch, 4, {
      topics: [
        {
          topic: 't',
          partitions: leaderEpochs.map((leaderEpoch) => ({
            partition: 0,
            leaderEpoch,
            currentLeaderEpoch,
          })),
        },
      ],
    })
    return topics[0]!.partitions.map((one) => [one.errorCode, one.leaderEpoch, one.endOffset])
  }

  test('is the log end for the current one, the start for earlier, unknown for later ones', async () => {
    broker.createTopic('t')
    await appendAt(1, 2)
    expect(await ends([0, -2, 1, -1])).toEqual([
      [0, 0, 2],
      [0, -2, 0],
      [0, -1, -1],
      [0, -1, -1],
    ])
  })

  test('is told only to those who know the leader', async () => {
    broker.createTopic('t')
    expect(await ends([0], -2)).toEqual([[74, -1, -1]])
    expect(await ends([0], 3)).toEqual([[75, -1, -1]])
  })
})
