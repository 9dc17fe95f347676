import { afterEach, beforeEach, expect, test } from 'vitest'
import { Produce } from '../../src/protocol/apis/00-produce.ts'
import { ListOffsets } from '../../src/protocol/apis/02-list-offsets.ts'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/message.ts'
import type { Api, DecodedOf, EncodableOf } from '../../src/protocol/schema.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { startTestBroker, type TestBroker } from '../broker/test-broker.ts'
import { batchOf } from '../storage/batches.ts'
import { EngineFixture, NOW_MS } from '../storage/engine-fixture.ts'
import { FaultyFiles } from '../storage/faulty-files.ts'
import { Unplugged } from './unplugged.ts'

const VERSION = 9
const LATEST = -1
const PATIENCE = { timeout: 60_000 }

let files: FaultyFiles
let fixture: EngineFixture
let broker: TestBroker
let written: Buffer[]
let connection: Unplugged

beforeEach(async () => {
  files = new FaultyFiles(new MemoryFiles(() => NOW_MS))
  fixture = await new EngineFixture(files, '/data').open()
  await start()
})

afterEach(async () => {
  await broker.close()
  await fixture.engine.close()
})

async function start(settings: Record<string, string> = {}): Promise<void> {
  broker = await startTestBroker({ fixture, settings })
  broker.createTopic('topic', 3)
  // The files are there from here on.
  plug()
  connection.read(frame(Produce, VERSION, produce('first')))
  await expect.poll(() => written.length, PATIENCE).toBe(1)
  files.writeCount = 0
  plug()
}

function plug(limits = {}): void {
  written = []
  connection = new Unplugged(broker, (bytes) => written.push(Buffer.from(bytes)), limits)
}

function frame<A extends Api>(api: A, version: number, request: EncodableOf<A['request']>): Buffer {
  const header = { correlationId: 7, clientId: 'test' }
  return Buffer.concat(encodeRequest(api, version, header, request).chunks)
}

interface Options {
  readonly partition?: number
  readonly acks?: number
  readonly sequence?: number
}

function produce(value: string, { partition = 0, acks = -1, sequence }: Options = {}) {
  const producer =
    sequence === undefined ? {} : { producerId: 5, producerEpoch: 0, baseSequence: sequence }
  const records = batchOf({ values: [value], timestamp: NOW_MS, ...producer })
  const topicData = [{ name: 'topic', partitionData: [{ index: partition, records }] }]
  return { transactionalId: null, acks, timeoutMs: 1000, topicData }
}

/** Sends everything with one read. */
function send(...frames: Buffer[]): void {
  connection.read(Buffer.concat(frames))
}

const produceFrame = (value: string, options: Options = {}) =>
  frame(Produce, VERSION, produce(value, options))

const endOffsetFrame = () =>
  frame(ListOffsets, 6, {
    replicaId: -1,
    isolationLevel: 0,
    topics: [{ name: 'topic', partitions: [{ partitionIndex: 0, timestamp: LATEST }] }],
  })

/** Answers in order; `apis` says what they answer. */
function answers<A extends Api>(
  ...apis: readonly (readonly [A, number])[]
): DecodedOf<A['response']>[] {
  const bytes = Buffer.concat(written)
  const found: DecodedOf<A['response']>[] = []
  let at = 0
  for (const [api, version] of apis) {
    const end = at + 4 + bytes.readInt32BE(at)
    found.push(decodeResponse(api, version, bytes.subarray(at + 4, end)).response)
    at = end
  }
  expect(at).toBe(bytes.length)
  return found
}

function produced(count: number): { errorCode: number; baseOffset: number }[] {
  const apis = Array.from({ length: count }, () => [Produce, VERSION] as const)
  return answers(...apis).map(({ responses }) => {
    const { errorCode, baseOffset } = responses[0]!.partitionResponses[0]!
    return { errorCode, baseOffset }
  })
}

const appendedAt = (baseOffset: number) => ({ errorCode: ErrorCode.NONE, baseOffset })
const failed = (errorCode: ErrorCode) => ({ errorCode, baseOffset: -1 })

test('requests of one read are written with one call per log and answered with one', () => {
  send(
    produceFrame('a'),
    produceFrame('b', { partition: 1 }),
    produceFrame('c'),
    produceFrame('d', { partition: 1 }),
    produceFrame('e'),
  )
  // Partition 1 has its first records, with which its files are made.
  expect(files.writeCount).toBe(2)
  expect(written).toHaveLength(1)
  expect(produced(5)).toEqual([1, 0, 2, 1, 3].map(appendedAt))
})

test('a request between them sees what came before it', () => {
  send(produceFrame('a'), produceFrame('b'), endOffsetFrame(), produceFrame('c'), endOffsetFrame())
  const apis = [
    [Produce, VERSION],
    [Produce, VERSION],
    [ListOffsets, 6],
    [Produce, VERSION],
    [ListOffsets, 6],
  ] as const
  const found = answers<typeof Produce | typeof ListOffsets>(...apis)
  const ends = found.flatMap((answer) =>
    'topics' in answer ? answer.topics.map(({ partitions }) => partitions[0]!.offset) : [],
  )
  expect(ends).toEqual([3, 4])
})

test('a write that fails fails what it wrote and nothing else', () => {
  files.writeError = 'EIO'
  send(produceFrame('a'), produceFrame('b'))
  expect(produced(2)).toEqual([1, 2].map(() => failed(ErrorCode.KAFKA_STORAGE_ERROR)))
  files.writeError = undefined
  plug()
  send(produceFrame('c'), produceFrame('d'))
  expect(produced(2)).toEqual([1, 2].map(appendedAt))
})

test('sequences go on within a read, and only with what was written', () => {
  send(...[0, 1, 2].map((sequence) => produceFrame('a', { sequence })))
  expect(produced(3)).toEqual([1, 2, 3].map(appendedAt))
  plug()
  // A repetition, then a gap, then what is next.
  send(...[2, 5, 3].map((sequence) => produceFrame('a', { sequence })))
  expect(produced(3)).toEqual([
    appendedAt(3),
    failed(ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER),
    appendedAt(4),
  ])
  plug()
  files.writeError = 'ENOSPC'
  send(...[4, 5].map((sequence) => produceFrame('a', { sequence })))
  files.writeError = undefined
  plug()
  send(...[4, 5].map((sequence) => produceFrame('a', { sequence })))
  expect(produced(2)).toEqual([5, 6].map(appendedAt))
})

test('no answer to acks=0 takes the place of another', () => {
  send(produceFrame('a', { acks: 0 }), produceFrame('b'), produceFrame('c', { acks: 0 }))
  expect(produced(1)).toEqual([appendedAt(2)])
  expect(broker.broker.engine.log.bounds(where()).logEndOffset).toBe(4)
})

test('a refusal of acks=0 closes the connection before anything behind it is done', () => {
  send(produceFrame('a'), produceFrame('b', { acks: 0, partition: 9 }), produceFrame('c'))
  expect(produced(1)).toEqual([appendedAt(1)])
  expect(connection.isOver).toBe(true)
  expect(broker.broker.engine.log.bounds(where()).logEndOffset).toBe(2)
})

test('a frame that came with two reads goes with those behind it', () => {
  const bytes = Buffer.concat([produceFrame('a'), produceFrame('b'), produceFrame('c')])
  connection.read(bytes.subarray(0, 20))
  files.writeCount = 0
  connection.read(bytes.subarray(20))
  expect(files.writeCount).toBe(1)
  expect(produced(3)).toEqual([1, 2, 3].map(appendedAt))
})

test('more requests in a read than may be in flight are all answered', async () => {
  plug({ maxInFlightRequests: 2 })
  const isReading = connection.read(
    Buffer.concat(Array.from('abcdefg', (one) => produceFrame(one))),
  )
  expect(isReading).toBe(false)
  await connection.resumed()
  expect(produced(7)).toEqual([1, 2, 3, 4, 5, 6, 7].map(appendedAt))
})

test('with syncs before the answer the requests of a read share one', async () => {
  await broker.close()
  await fixture.engine.close()
  fixture = await new EngineFixture(files, '/synced', {
    options: { durability: { mode: 'sync' } },
  }).open()
  await start()
  files.syncCount = 0
  send(produceFrame('a'), produceFrame('b'), produceFrame('c'))
  expect(written).toHaveLength(0)
  await expect.poll(() => written.length, PATIENCE).toBeGreaterThan(0)
  expect(produced(3)).toEqual([1, 2, 3].map(appendedAt))
  expect(files.syncCount).toBe(1)
})

function where() {
  const { topicId } = broker.metadata.image.topicsByName.get('topic')!
  return { topicId, partition: 0 }
}
