import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KafkaError } from '../../../src/protocol/error-code.ts'
import { BatchView, batches, CRC_AT, RECORDS_AT } from '../../../src/protocol/records/batch.ts'
import { buildBatch } from '../../../src/protocol/records/builder.ts'
import type { Compression } from '../../../src/protocol/records/compression/compression.ts'
import { downConvert, upConvert } from '../../../src/protocol/records/convert.ts'
import { crc32 } from '../../../src/protocol/records/crc32c.ts'
import { controlRecord, records } from '../../../src/protocol/records/iterate.ts'
import { recordsOf } from '../../../src/protocol/records/legacy.ts'
import { RecordCursor } from '../../../src/protocol/records/record-cursor.ts'
import { type RecordScan, scanRecords } from '../../../src/protocol/records/scan-records.ts'
import {
  firstBatchIsTransactional,
  type RecordSettings,
  validateProduceBatch,
} from '../../../src/protocol/records/validate.ts'
import { bytesOf, hexOf, validVectors } from './golden.ts'

/**
 * Bytes of a client that means no good: everything that reads them ends in a value or in a
 * KafkaError. Checksums are put right again after each change, so that the change gets past them.
 */
const settings: RecordSettings = {
  compacted: true,
  maxMessageBytes: 1048588,
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: 1000,
  timestampAfterMaxMs: 1000,
  compressionType: 'producer',
}
const context = { requestVersion: 12, nowMs: 1700000000000, topic: 'topic', partition: 0 }
/** One of each kind. */
const small = validVectors.filter(
  ({ name, hex }) => hex.length < 320 && !/-one$|-nulls-|-high-offset|-idempotent|kraft/.test(name),
)

function readEverything(bytes: Buffer): void {
  const steps: (() => unknown)[] = [
    () => firstBatchIsTransactional(bytes),
    () => upConvert(bytes),
    () => downConvert(bytes, { magic: 0, fetchOffset: 1 }),
    () => downConvert(bytes, { magic: 1, fetchOffset: 0 }),
    () => {
      for (const batch of batches(bytes)) {
        for (const record of recordsOf(batch)) void [record.key, record.value, record.headers]
        if (batch.magic === 2) controlRecord(batch)
      }
    },
  ]
  for (const step of steps) expectValueOrKafkaError(step)
  for (const topic of [settings, { ...settings, compressionType: 'lz4' as const }]) {
    // Answers with codes of its own; changes the bytes, so it gets a copy.
    const result = validateProduceBatch(Buffer.from(bytes), topic, context)
    expect(result.batch === null).toBe(result.errorCode !== 0)
  }
}

function expectValueOrKafkaError(step: () => unknown): void {
  try {
    step()
  } catch (error) {
    expect(error).toBeInstanceOf(KafkaError)
  }
}

/** Puts lengths and checksums right, where the bytes still look like entries. */
function repair(bytes: Buffer): Buffer {
  if (bytes.length < 26) return bytes
  const batch = new BatchView(bytes)
  if (batch.magic === 2 && batch.end <= bytes.length && batch.sizeInBytes >= RECORDS_AT) {
    bytes.writeUInt32BE(batch.computeCrc(), CRC_AT)
  } else if (batch.magic < 2 && batch.end <= bytes.length && batch.batchLength > 14) {
    bytes.writeUInt32BE(crc32(bytes, 16, batch.end), 12)
  }
  return bytes
}

describe('hostile bytes', () => {
  it.each(small)('$name, cut at any byte', ({ hex }) => {
    const bytes = bytesOf(hex)
    for (let length = 0; length < bytes.length; length++) {
      readEverything(Buffer.from(bytes.subarray(0, length)))
      const fitted = Buffer.from(bytes.subarray(0, length))
      if (length >= 12) fitted.writeInt32BE(length - 12, 8)
      readEverything(repair(fitted))
    }
  })

  it.each(small)('$name, any byte changed', ({ hex }) => {
    const bytes = bytesOf(hex)
    for (let i = 0; i < bytes.length; i++) {
      for (const mask of [0x01, 0x80]) {
        const changed = Buffer.from(bytes)
        changed[i]! ^= mask
        readEverything(repair(changed))
      }
    }
  })

  it('of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => readEverything(Buffer.from(bytes))),
      { numRuns: 500 },
    )
  })
})

const anyRecord = fc.record({
  key: fc.option(fc.uint8Array({ maxLength: 200 })),
  value: fc.option(fc.uint8Array({ maxLength: 300 })),
  timestamp: fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.nat(2 ** 31), fc.maxSafeNat()),
  headers: fc.array(
    fc.record({ key: fc.string(), value: fc.option(fc.uint8Array({ maxLength: 150 })) }),
    { maxLength: 4 },
  ),
})
const codecs: Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

describe('batches of any records', () => {
  it('come back as they were built', () => {
    fc.assert(
      fc.property(
        fc.array(anyRecord, { minLength: 1, maxLength: 30 }),
        fc.constantFrom(...codecs),
        (inputs, compression) => {
          const [batch] = [...batches(buildBatch({ records: inputs, compression, baseOffset: 77 }))]
          batch!.ensureValid()
          expect(batch!.maxTimestamp).toBe(Math.max(...inputs.map(({ timestamp }) => timestamp)))
          const read = [...records(batch!)]
          expect(
            read.map(({ offset, key, value, timestamp, headers }) => ({
              offset,
              key: hexOf(key),
              value: hexOf(value),
              timestamp,
              headers: headers.map((header) => [header.key, hexOf(header.value)]),
            })),
          ).toEqual(
            inputs.map(({ key, value, timestamp, headers }, i) => ({
              offset: 77 + i,
              key: hexOf(key),
              value: hexOf(value),
              timestamp,
              headers: headers.map((header) => [
                Buffer.from(header.key).toString(),
                hexOf(header.value),
              ]),
            })),
          )
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('the quick look at records', () => {
  const scan: RecordScan = { minTimestampDelta: 0, maxTimestampDelta: 0 }

  it('never passes what the exact walk refuses, and sees the same timestamps', () => {
    let passed = 0
    fc.assert(
      fc.property(
        fc.array(anyRecord, { minLength: 1, maxLength: 8 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }),
        fc.boolean(),
        (inputs, changes, needKeys) => {
          const bytes = buildBatch({ records: inputs })
          const room = bytes.length - RECORDS_AT
          for (const [at, value] of changes) bytes[RECORDS_AT + (at % room)] = value
          const count = inputs.length
          if (!scanRecords(bytes, RECORDS_AT, bytes.length, count, needKeys, scan)) return
          passed++
          const cursor = new RecordCursor(bytes, RECORDS_AT)
          const deltas: number[] = []
          for (let i = 0; i < count; i++) {
            cursor.next()
            expect(cursor.offsetDelta).toBe(i)
            if (needKeys) expect(cursor.keyLength).toBeGreaterThanOrEqual(0)
            deltas.push(cursor.timestampDelta)
          }
          expect(cursor.atEnd).toBe(true)
          expect(scan.minTimestampDelta).toBe(Math.min(...deltas))
          expect(scan.maxTimestampDelta).toBe(Math.max(...deltas))
        },
      ),
      { numRuns: 3000 },
    )
    expect(passed).toBeGreaterThan(300)
  })

  it('passes the batches that producers send', () => {
    const inputs = Array.from({ length: 500 }, (_, i) => ({
      key: i % 3 ? Buffer.alloc(i) : null,
      value: i % 5 ? Buffer.alloc(i * 40) : null,
      timestamp: 1700000000000 + i * 1000,
      headers: i % 7 ? [] : [{ key: 'trace', value: i % 2 ? Buffer.alloc(100) : null }],
    }))
    const bytes = buildBatch({ records: inputs })
    expect(scanRecords(bytes, RECORDS_AT, bytes.length, 500, false, scan)).toBe(true)
    expect(scan).toEqual({ minTimestampDelta: 0, maxTimestampDelta: 499000 })
    expect(scanRecords(bytes, RECORDS_AT, bytes.length, 500, true, scan)).toBe(false)
    expect(scanRecords(bytes, RECORDS_AT, bytes.length, 499, false, scan)).toBe(false)
    expect(scanRecords(bytes, RECORDS_AT, bytes.length - 1, 500, false, scan)).toBe(false)
  })
})
