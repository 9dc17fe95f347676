import { describe, expect, it } from 'vitest'
import { batches } from '../../../src/protocol/records/batch.ts'
import {
  type BatchInput,
  buildBatch,
  buildControlBatch,
  buildMarkerBatch,
} from '../../../src/protocol/records/builder.ts'
import type { Compression } from '../../../src/protocol/records/compression/compression.ts'
import { type ControlRecordType, records } from '../../../src/protocol/records/iterate.ts'
import {
  bytesOf,
  type GoldenBatch,
  type GoldenHeader,
  type GoldenRecord,
  goldenLines,
  saturated,
  validVectors,
} from './golden.ts'

const v2Vectors = validVectors.filter((vector) => vector.batches.every(({ magic }) => magic === 2))

/** Facts that our builder has no reason to write. */
const notBuilt = new Map([
  ['v2-max-offset-delta', 'a timestamp beyond 2^53'],
  ['v2-attributes-unused-bits', 'attribute bits without a meaning'],
  ['v2-record-attributes-set', 'record attributes without a meaning'],
])

describe('batch builder', () => {
  it.each(
    v2Vectors.filter(
      ({ name, batches }) =>
        !notBuilt.has(name) && batches.every(({ compression }) => compression === 'none'),
    ),
  )('writes $name byte for byte', (vector) => {
    const built = vector.batches.map((golden) => buildBatch(inputOf(golden)))
    expect(Buffer.concat(built).toString('hex')).toBe(vector.hex)
  })

  it.each(
    v2Vectors.filter(
      ({ name, batches }) =>
        batches[0]!.compression !== 'none' && !name.endsWith('-large') && !notBuilt.has(name),
    ),
  )('writes a batch that reads as $name', (vector) => {
    const golden = vector.batches[0]!
    const bytes = buildBatch(inputOf(golden))
    const [batch] = [...batches(bytes)]
    batch!.ensureValid()
    const { crc, batchLength, ...expected } = golden.header
    const header = Object.fromEntries(
      Object.keys(expected).map((field) => [field, batch![field as keyof typeof batch]]),
    )
    expect(header).toEqual(
      Object.fromEntries(Object.entries(expected).map(([k, v]) => [k, saturated(v)])),
    )
    const values = [...records(batch!)].map((record) =>
      record.value === null ? null : Buffer.from(record.value).toString('hex'),
    )
    expect(values).toEqual(golden.records.map((record) => record.value))
  })

  it('writes the markers of transactions as Kafka does', () => {
    for (const type of ['COMMIT', 'ABORT'] as const) {
      const vector = validVectors.find(({ name }) => name === `v2-marker-${type.toLowerCase()}`)!
      const golden = vector.batches[0]!
      const bytes = buildMarkerBatch(type, {
        producerId: Number(golden.header.producerId),
        producerEpoch: Number(golden.header.producerEpoch),
        coordinatorEpoch: golden.records[0]!.coordinatorEpoch!,
        timestamp: Number(golden.records[0]!.timestamp),
        baseOffset: Number(golden.header.baseOffset),
        partitionLeaderEpoch: Number(golden.header.partitionLeaderEpoch),
      })
      expect(bytes.toString('hex')).toBe(vector.hex)
    }
  })

  it('writes the control records of KRaft around a value of their own schema', () => {
    for (const vector of validVectors.filter(({ name }) => name.startsWith('v2-kraft'))) {
      const golden = vector.batches[0]!
      const record = golden.records[0]!
      const bytes = buildControlBatch(
        record.controlType as keyof typeof ControlRecordType,
        bytesOf(record.value!),
        {
          timestamp: Number(record.timestamp),
          baseOffset: Number(golden.header.baseOffset),
          partitionLeaderEpoch: Number(golden.header.partitionLeaderEpoch),
        },
      )
      expect(bytes.toString('hex')).toBe(vector.hex)
    }
  })

  it('writes key and value of a marker as Kafka encodes the two messages', () => {
    const vectors = goldenLines<{
      message: string
      hex: string
      json: { coordinatorEpoch: number }
    }>('control-records.jsonl')
    for (const { hex, json } of vectors.filter(({ message }) => message === 'EndTxnMarker')) {
      const coordinatorEpoch = json.coordinatorEpoch
      const marker = { producerId: 1, producerEpoch: 0, coordinatorEpoch, timestamp: 0 }
      const [batch] = [...batches(buildMarkerBatch('ABORT', marker))]
      const [record] = [...records(batch!)]
      expect(Buffer.from(record!.value!).toString('hex')).toBe(hex)
      expect(Buffer.from(record!.key!).toString('hex')).toBe('00000000')
    }
  })
})

function inputOf(golden: GoldenBatch): BatchInput {
  const { header } = golden
  const number = (field: keyof GoldenHeader) => Number(header[field])
  return {
    baseOffset: number('baseOffset'),
    partitionLeaderEpoch: number('partitionLeaderEpoch'),
    compression: golden.compression as Compression,
    timestampType: golden.timestampType as 'CreateTime',
    transactional: golden.isTransactional,
    control: golden.isControlBatch,
    producerId: number('producerId'),
    producerEpoch: number('producerEpoch'),
    baseSequence: number('baseSequence'),
    lastOffsetDelta: number('lastOffsetDelta'),
    baseTimestamp: number('baseTimestamp'),
    maxTimestamp: number('maxTimestamp'),
    ...(golden.deleteHorizonMs !== undefined && {
      deleteHorizonMs: Number(golden.deleteHorizonMs),
    }),
    records: golden.records.map((record) => recordInput(record, golden)),
  }
}

/** Records of a LogAppendTime batch keep the deltas that the producer sent: 0, 1 and so on here. */
function recordInput(record: GoldenRecord, golden: GoldenBatch) {
  const offsetDelta = Number(BigInt(record.offset) - BigInt(golden.header.baseOffset!))
  const asSent = golden.timestampType === 'LogAppendTime'
  return {
    key: record.key === null ? null : bytesOf(record.key),
    value: record.value === null || record.value === undefined ? null : bytesOf(record.value),
    timestamp: asSent
      ? Number(golden.header.baseTimestamp) + offsetDelta
      : Number(record.timestamp),
    offsetDelta,
    headers: record.headers?.map((header) => ({
      key: bytesOf(header.key),
      value: header.value === null ? null : bytesOf(header.value),
    })),
  }
}
