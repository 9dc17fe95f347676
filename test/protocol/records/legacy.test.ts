import { describe, expect, it } from 'vitest'
import { KafkaError } from '../../../src/protocol/error-code.ts'
import { BatchView, batches } from '../../../src/protocol/records/batch.ts'
import { buildBatch, buildMarkerBatch } from '../../../src/protocol/records/builder.ts'
import { downConvert, upConvert } from '../../../src/protocol/records/convert.ts'
import { records } from '../../../src/protocol/records/iterate.ts'
import {
  ensureValidLegacy,
  legacyRecords,
  MESSAGE_ATTRIBUTES_AT,
  MESSAGE_CRC_AT,
  MESSAGE_TIMESTAMP_AT,
  recordsOf,
} from '../../../src/protocol/records/legacy.ts'
import { writeMessageSet } from '../../../src/protocol/records/legacy-writer.ts'
import {
  bytesOf,
  corruptVectors,
  expectRecord,
  type GoldenBatch,
  hexOf,
  validVectors,
} from './golden.ts'

const legacyVectors = validVectors.filter(({ batches }) => batches.some(({ magic }) => magic < 2))
const corruptLegacy = corruptVectors.filter(
  ({ name, verdict }) => /^v[01]|magic-[01]-on/.test(name) && verdict.ensureValid,
)

function expectHeader(batch: BatchView, { header, lastOffset, nextOffset }: GoldenBatch): void {
  const { view, position, baseOffset } = batch
  expect([baseOffset, batch.batchLength]).toEqual([Number(header.offset), header.messageSize])
  expect(view.getUint32(position + MESSAGE_CRC_AT)).toBe(header.crc)
  expect(view.getUint8(position + MESSAGE_ATTRIBUTES_AT)).toBe(header.attributes)
  if (batch.magic === 1) {
    expect(view.getBigInt64(position + MESSAGE_TIMESTAMP_AT)).toBe(BigInt(header.timestamp!))
  }
  // The offset of a wrapper is that of its last message.
  expect([baseOffset, baseOffset + 1]).toEqual([Number(lastOffset), Number(nextOffset)])
}

describe('message sets of v0 and v1', () => {
  it.each(legacyVectors)('$name reads as Kafka reads it', (vector) => {
    const found = [...batches(bytesOf(vector.hex))]
    found.forEach((batch, i) => {
      const golden = vector.batches[i]!
      if (golden.magic < 2) expectHeader(batch, golden)
      const read = [...recordsOf(batch)]
      expect(read.length).toBe(golden.records.length)
      read.forEach((record, j) => {
        expectRecord(record, golden.records[j]!)
        expect([record.sequence, record.headers]).toEqual([-1, []])
      })
    })
  })

  it.each(corruptLegacy)('corrupt $name is refused as by Kafka', ({ hex, verdict }) => {
    const [batch] = [...batches(bytesOf(hex))]
    const { ensureValid, records: read } = verdict
    if (typeof ensureValid === 'string') ensureValidLegacy(batch!)
    else expect(() => ensureValidLegacy(batch!)).toThrow(ensureValid!.message)
    if (typeof read === 'string') {
      expect(`${legacyRecords(batch!).length} record`).toBe(read)
      return
    }
    expect(() => legacyRecords(batch!)).toThrow(KafkaError)
    expect(() => legacyRecords(batch!)).toThrow(read!.message)
  })

  it.each(legacyVectors.filter(({ name }) => /^v[01]-none/.test(name)))(
    '$name is written byte for byte',
    ({ hex, batches: golden }) => {
      const first = golden[0]!
      const appendTime = first.timestampType === 'LogAppendTime'
      const messages = [...batches(bytesOf(hex))].flatMap((batch) => legacyRecords(batch))
      const written = writeMessageSet(messages, {
        magic: first.magic as 0 | 1,
        ...(appendTime && {
          timestampType: 'LogAppendTime',
          logAppendTimeMs: Number(first.header.timestamp),
        }),
      })
      expect(hexOf(written)).toBe(hex)
    },
  )

  it.each(legacyVectors.filter(({ name }) => /^v[01]-(gzip|snappy|lz4)/.test(name)))(
    '$name is written as a wrapper that reads the same',
    ({ hex, batches: [golden] }) => {
      const [batch] = [...batches(bytesOf(hex))]
      const appendTime = golden!.timestampType === 'LogAppendTime'
      const written = writeMessageSet(legacyRecords(batch!), {
        magic: golden!.magic as 0 | 1,
        compression: golden!.compression as 'gzip',
        ...(appendTime && {
          timestampType: 'LogAppendTime',
          logAppendTimeMs: Number(golden!.header.timestamp),
        }),
      })
      const again = new BatchView(written)
      expect(again.baseOffset).toBe(Number(golden!.header.offset))
      expect(again.view.getUint8(17)).toBe(golden!.header.attributes)
      if (golden!.magic === 1) {
        expect(again.view.getBigInt64(18)).toBe(BigInt(golden!.header.timestamp!))
      }
      legacyRecords(again).forEach((record, i) => {
        expectRecord(record, golden!.records[i]!)
      })
    },
  )
})

describe('up-conversion', () => {
  it.each(legacyVectors.filter(({ name }) => /^v[01]-/.test(name)))(
    'makes one v2 batch of $name, with offsets from 0 and the same codec',
    ({ hex, batches: golden }) => {
      const [batch, ...others] = [...batches(upConvert(bytesOf(hex)))]
      expect(others).toEqual([])
      batch!.ensureValid()
      const expected = golden.flatMap((one) => one.records)
      const read = [...records(batch!)]
      expect(read.length).toBe(expected.length)
      read.forEach((record, i) => {
        expectRecord(record, { ...expected[i]!, offset: String(i) })
      })
      expect(batch!.compression).toBe(
        ['none', 'gzip', 'snappy', 'lz4'].indexOf(golden[0]!.compression),
      )
    },
  )

  it('refuses formats that are mixed and wrappers that do not stand alone', () => {
    const mixed = validVectors.find(({ name }) => name === 'mixed-magic')!
    expect(() => upConvert(bytesOf(mixed.hex))).toThrow('not the same')
    const wrapper = bytesOf(validVectors.find(({ name }) => name === 'v1-gzip-one')!.hex)
    expect(() => upConvert(Buffer.concat([wrapper, wrapper]))).toThrow(
      'only allowed to contain one',
    )
    expect(() => upConvert(Buffer.alloc(0))).toThrow('empty')
  })
})

describe('down-conversion', () => {
  const input = {
    baseOffset: 100,
    records: [
      { key: Buffer.from('a'), value: Buffer.from('1'), timestamp: 1700000000000 },
      { key: null, value: Buffer.from('2'), timestamp: 1700000000005, headers: [] },
      { key: Buffer.from('c'), value: null, timestamp: 1699999999997 },
    ],
  }
  const read = (bytes: Uint8Array) =>
    [...batches(bytes)].flatMap((batch) =>
      [...recordsOf(batch)].map(({ offset, timestamp, key, value }) => ({
        offset,
        timestamp,
        key: hexOf(key),
        value: hexOf(value),
      })),
    )

  it('drops uncompressed records below the fetch offset and keeps offsets and timestamps', () => {
    const converted = downConvert(buildBatch(input), { magic: 1, fetchOffset: 101 })
    expect(read(converted)).toEqual([
      { offset: 101, timestamp: 1700000000005, key: null, value: '32' },
      { offset: 102, timestamp: 1699999999997, key: '63', value: null },
    ])
    expect([...batches(converted)].map(({ magic }) => magic)).toEqual([1, 1])
  })

  it.each(['gzip', 'snappy', 'lz4'] as const)('makes one wrapper of a %s batch', (compression) => {
    for (const magic of [0, 1] as const) {
      const bytes = buildBatch({ ...input, compression })
      const converted = downConvert(bytes, { magic, fetchOffset: 101 })
      expect([...batches(converted)].length).toBe(1)
      expect(read(converted)).toEqual(
        read(bytes).map((record) => (magic === 0 ? { ...record, timestamp: -1 } : record)),
      )
    }
  })

  it('drops control batches and a fragment, keeps what is old enough, refuses zstd', () => {
    const marker = buildMarkerBatch('COMMIT', {
      producerId: 1,
      producerEpoch: 0,
      coordinatorEpoch: 0,
      timestamp: 1,
      baseOffset: 103,
    })
    const old = bytesOf(validVectors.find(({ name }) => name === 'v0-none-one')!.hex)
    const bytes = Buffer.concat([old, marker, buildBatch(input).subarray(0, 80)])
    expect(hexOf(downConvert(bytes, { magic: 0, fetchOffset: 0 }))).toBe(hexOf(old))
    const zstd = buildBatch({ ...input, compression: 'zstd' })
    expect(() => downConvert(zstd, { magic: 1, fetchOffset: 0 })).toThrow(
      expect.objectContaining({ errorCode: 76 }),
    )
  })

  it('keeps the append time for magic 1', () => {
    const bytes = buildBatch({ ...input, timestampType: 'LogAppendTime', maxTimestamp: 42 })
    const converted = downConvert(bytes, { magic: 1, fetchOffset: 0 })
    expect(read(converted).map(({ timestamp }) => timestamp)).toEqual([42, 42, 42])
    expect(new BatchView(converted).view.getUint8(17)).toBe(8)
  })
})
