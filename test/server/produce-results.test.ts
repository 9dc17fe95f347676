import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../src/base/clock.ts'
import { type RunningBroker, startBroker } from '../../src/index.ts'
import { Produce } from '../../src/protocol/apis/00-produce.ts'
import { CreateTopics } from '../../src/protocol/apis/19-create-topics.ts'
import { decodeResponse, encodeRequest } from '../../src/protocol/message.ts'
import type { Api, DecodedOf, EncodableOf } from '../../src/protocol/schema.ts'
import {
  bytesOf,
  corruptVectors,
  type ProduceAnswer,
  type ProduceVector,
  produceVectors,
  validVectors,
} from '../protocol/records/golden.ts'
import { RawClient } from './toy.ts'

/** When the answers were recorded; some batches hold times that must not be in the future. */
const RECORDED_AT_MS = 1795417193824

const columns = {
  v3: { version: 3, topic: 'probe-v3', configs: {} },
  v12: { version: 12, topic: 'probe', configs: {} },
  v12compactedTopic: {
    version: 12,
    topic: 'probe-compacted',
    configs: { 'cleanup.policy': 'compact' },
  },
  v12logAppendTimeTopic: {
    version: 12,
    topic: 'probe-log-append-time',
    configs: { 'message.timestamp.type': 'LogAppendTime' },
  },
  v12zstdTopic: { version: 12, topic: 'probe-zstd', configs: { 'compression.type': 'zstd' } },
}
/** Of a transactional batch; any other refusal is as good, it depends on what is checked first. */
const INVALID_PRODUCER_ID_MAPPING = 49

type Column = keyof typeof columns

const vectorHex = new Map<string, string>([
  ...corruptVectors.map((one) => [`corrupt.jsonl/${one.name}`, one.hex] as const),
  ...validVectors.map((one) => [`valid.jsonl/${one.name}`, one.hex] as const),
])

let broker: RunningBroker
let client: RawClient

beforeAll(async () => {
  broker = await startBroker({ clock: new VirtualClock(RECORDED_AT_MS) })
  client = await RawClient.connect(broker.port)
  const topics = Object.values(columns).map(({ topic, configs }) => ({
    name: topic,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
  }))
  await ask(CreateTopics, 5, { topics, timeoutMs: 5000, validateOnly: false })
})

afterAll(async () => {
  client.close()
  await broker.stop()
})

async function ask<A extends Api>(
  api: A,
  version: number,
  request: EncodableOf<A['request']>,
): Promise<DecodedOf<A['response']>> {
  const count = client.frames.length + 1
  const header = { correlationId: count, clientId: 'probe' }
  client.send(Buffer.concat(encodeRequest(api, version, header, request).chunks))
  const frames = await client.frameCount(count)
  return decodeResponse(api, version, frames[count - 1]!).response
}

/** Their producer has no transaction, which Kafka finds before it looks at the records. */
const isTransactional = (bytes: Buffer) => bytes.byteLength > 22 && (bytes[22]! & 0x10) !== 0

async function produce(vector: ProduceVector, column: Column): Promise<ProduceAnswer> {
  const bytes = bytesOf(vectorHex.get(`${vector.file}/${vector.name}`)!)
  const { version, topic } = columns[column]
  const { responses } = await ask(Produce, version, {
    transactionalId: isTransactional(bytes) ? 'probe-txn' : null,
    acks: -1,
    timeoutMs: 5000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records: bytes }] }],
  })
  const { errorCode, errorMessage, recordErrors, logAppendTimeMs } =
    responses[0]!.partitionResponses[0]!
  if (errorCode === 0) return { errorCode, logAppendTimeSet: logAppendTimeMs >= 0 }
  return {
    errorCode,
    ...(errorMessage !== null && { errorMessage }),
    ...(recordErrors.length > 0 && {
      recordErrors: recordErrors.map(({ batchIndex, batchIndexErrorMessage }) => ({
        batchIndex,
        message: batchIndexErrorMessage ?? '',
      })),
    }),
  }
}

/** The bounds of allowed timestamps tell the millisecond at which a batch was looked at. */
const withoutClock = (answer: ProduceAnswer): unknown =>
  JSON.parse(JSON.stringify(answer).replaceAll(/within \[-?\d+, -?\d+\]/g, 'within [...]'))

describe.each(Object.keys(columns) as Column[])('produced to %s', (column) => {
  test('every batch, good or bad, is answered over the socket as Kafka answered', async () => {
    const differences: unknown[] = []
    for (const vector of produceVectors) {
      const golden = vector[column]
      if (!golden) continue
      const { error: _, recordErrors, ...rest } = golden
      const expected = { ...rest, ...(recordErrors?.length && { recordErrors }) }
      const actual = await produce(vector, column)
      if (golden.errorCode === INVALID_PRODUCER_ID_MAPPING && actual.errorCode !== 0) continue
      const [ours, kafkas] = [actual, expected].map(withoutClock)
      try {
        expect(ours).toEqual(kafkas)
      } catch {
        differences.push({ name: vector.name, ours, kafkas })
      }
    }
    expect(differences).toEqual([])
  })
})
