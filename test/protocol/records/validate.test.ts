import { describe, expect, it } from 'vitest'
import { KafkaError } from '../../../src/protocol/error-code.ts'
import { BatchView } from '../../../src/protocol/records/batch.ts'
import { buildBatch } from '../../../src/protocol/records/builder.ts'
import { compress } from '../../../src/protocol/records/compression/compression.ts'
import {
  checkProduceRecords,
  firstBatchIsTransactional,
  type RecordSettings,
  validateProduceBatch,
} from '../../../src/protocol/records/validate.ts'
import {
  bytesOf,
  corruptVectors,
  type ProduceAnswer,
  type ProduceVector,
  produceVectors,
  validVectors,
} from './golden.ts'

const defaults: RecordSettings = {
  compacted: false,
  maxMessageBytes: 1048588,
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: 3600000,
  compressionType: 'producer',
}

const columns = {
  v3: { requestVersion: 3, topic: 'probe-v3', settings: defaults },
  v12: { requestVersion: 12, topic: 'probe', settings: defaults },
  v12compactedTopic: {
    requestVersion: 12,
    topic: 'probe-compacted',
    settings: { ...defaults, compacted: true },
  },
  v12logAppendTimeTopic: {
    requestVersion: 12,
    topic: 'probe-log-append-time',
    settings: { ...defaults, timestampType: 'LogAppendTime' as const },
  },
  v12zstdTopic: {
    requestVersion: 12,
    topic: 'probe-zstd',
    settings: { ...defaults, compressionType: 'zstd' as const },
  },
}

type Column = keyof typeof columns

const vectorBytes = new Map<string, string>([
  ...corruptVectors.map((v) => [`corrupt.jsonl/${v.name}`, v.hex] as const),
  ...validVectors.map((v) => [`valid.jsonl/${v.name}`, v.hex] as const),
])

/** The message of an out-of-range timestamp tells what time it was. */
function clockOf(answer: ProduceAnswer): number {
  const bound = answer.recordErrors?.[0]?.message.match(/, (\d+)\]$/)
  return bound ? Number(bound[1]) - 3600000 : 1795417193824
}

/**
 * The steps of a produce request around ours. No transaction is open anywhere, so transactional
 * batches end at the coordinator's INVALID_PRODUCER_ID_MAPPING, as they did when the vectors were
 * recorded.
 */
function produce(bytes: Buffer, column: Column, nowMs: number): ProduceAnswer {
  const { requestVersion, topic, settings } = columns[column]
  const errorFields = requestVersion >= 8
  let transactional: boolean
  try {
    transactional = firstBatchIsTransactional(bytes)
  } catch (error) {
    const { errorCode, message } = error as KafkaError
    return { errorCode, ...(errorFields && { errorMessage: message }) }
  }
  try {
    checkProduceRecords(bytes, requestVersion)
  } catch (error) {
    expect(error).toBeInstanceOf(KafkaError)
    return { errorCode: (error as KafkaError).errorCode }
  }
  if (transactional) return { errorCode: 49 }
  const context = { requestVersion, nowMs, topic, partition: 0 }
  const result = validateProduceBatch(bytes, settings, context)
  if (result.errorCode !== 0) {
    expect(result.batch).toBe(null)
    if (!errorFields || result.errorMessage === null) return { errorCode: result.errorCode }
    return {
      errorCode: result.errorCode,
      errorMessage: result.errorMessage,
      recordErrors: [...result.recordErrors],
    }
  }
  new BatchView(result.batch!).ensureValid()
  expect(new BatchView(result.batch!).sizeInBytes).toBe(result.batch!.length)
  return { errorCode: 0, logAppendTimeSet: result.logAppendTimeMs >= 0 }
}

describe('the shape of a produce request is checked as by Kafka', () => {
  it.each(corruptVectors)('$name', ({ name, hex, verdict: { produceRequestCheck } }) => {
    const check = () => checkProduceRecords(bytesOf(hex), 13)
    if (typeof produceRequestCheck === 'string') {
      expect(check().magic).toBe(2)
    } else if (name === 'length-max-int') {
      // Kafka trips over its own arithmetic there, which has no code and no message for clients.
      expect(check).toThrow(expect.objectContaining({ errorCode: -1 }))
    } else {
      expect(check).toThrow(produceRequestCheck!.message)
    }
  })
})

describe('a produced batch is answered as by Kafka', () => {
  const cases = produceVectors.flatMap((vector) =>
    (Object.keys(columns) as Column[])
      .filter((column) => vector[column] !== undefined)
      .map((column) => ({ name: vector.name, column, vector })),
  )

  it.each(cases)('$name, $column', ({ column, vector }) => {
    const golden = vector[column]!
    const { error: _, ...expected } = golden
    const bytes = bytesOf(vectorBytes.get(`${vector.file}/${vector.name}`)!)
    expect(produce(bytes, column, clockOf(golden))).toEqual(expected)
  })

  it('in all 284 lines', () => {
    expect(produceVectors.length).toBe(284)
    const answered = (vector: ProduceVector) =>
      (Object.keys(columns) as Column[]).filter((column) => vector[column] !== undefined).length
    expect(produceVectors.reduce((sum, vector) => sum + answered(vector), 0)).toBe(cases.length)
  })
})

describe('a small batch that unfolds into millions of records', () => {
  const count = 2_000_000
  // length 6, no key, no value, no headers; the offset delta is always 0.
  const record = Buffer.from('0c000000010100', 'hex')
  const payload = compress('lz4', Buffer.alloc(count * record.length, record))
  const header = buildBatch({ compression: 'lz4', records: [], lastOffsetDelta: count - 1 })
  const bytes = Buffer.concat([header.subarray(0, 61), payload])
  bytes.writeInt32BE(bytes.length - 12, 8)
  bytes.writeInt32BE(count, 57)
  bytes.writeUInt32BE(new BatchView(bytes).computeCrc(), 17)
  const context = { requestVersion: 12, nowMs: 1700000000000, topic: 'topic', partition: 0 }

  it('gets an answer of bounded size', () => {
    expect(bytes.length).toBeLessThan(200_000)
    const result = validateProduceBatch(bytes, { ...defaults, compacted: true }, context)
    expect(result.errorCode).toBe(87)
    expect(result.recordErrors.length).toBe(10_000)
    expect(result.errorMessage).toContain('due to 2000000 record errors in total')
  })

  it('is rebuilt without a list of its records', () => {
    const settings = { ...defaults, compressionType: 'gzip' as const, maxMessageBytes: 1e9 }
    const result = validateProduceBatch(bytes, settings, context)
    expect(result.errorCode).toBe(0)
    expect(new BatchView(result.batch!).recordCount).toBe(count)
  })
})
