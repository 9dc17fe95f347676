import { describe, expect, test } from 'vitest'
import { formatUuid, parseUuid } from '../../../src/base/uuid.ts'
import { ProtocolError } from '../../../src/protocol/bytes/protocol-error.ts'
import { Reader, viewOf } from '../../../src/protocol/bytes/reader.ts'
import { Writer } from '../../../src/protocol/bytes/writer.ts'
import { goldenJson } from '../golden.ts'

interface GoldenVarint {
  readonly type: string
  readonly hex: string
  readonly value?: string
  readonly bytesRead?: number
  readonly error?: string
  readonly decodeOnly?: boolean
}

const varints = goldenJson<GoldenVarint[]>('basics/varints.json').filter(
  ({ type }) => type === 'varint' || type === 'unsignedVarint',
)

const bytesOf = (write: (writer: Writer) => void) => {
  const writer = new Writer()
  write(writer)
  const { chunks, byteLength } = writer.take()
  return Buffer.concat(chunks, byteLength)
}

describe('varints', () => {
  test('read as Apache Kafka reads them', () => {
    expect(varints.length).toBeGreaterThan(90)
    for (const { type, hex, value, bytesRead, error } of varints) {
      const reader = new Reader(Buffer.from(hex, 'hex'))
      const read = () => (type === 'varint' ? reader.varint('it') : reader.uvarint('it') >>> 0)
      if (error !== undefined) expect(read, hex).toThrow(ProtocolError)
      else {
        expect(read(), hex).toBe(Number(value))
        expect(reader.position, hex).toBe(bytesRead ?? hex.length / 2)
      }
    }
  })

  test('are written as Apache Kafka writes them', () => {
    for (const { type, hex, value } of varints.filter(({ decodeOnly }) => !decodeOnly)) {
      const bytes = bytesOf((writer) => {
        if (type === 'varint') writer.varint(Number(value))
        else writer.uvarint(Number(value))
      })
      expect(bytes.toString('hex')).toBe(hex)
    }
  })

  test('end where the reader ends, whatever bytes lie behind', () => {
    const buffer = Buffer.from('ffff01', 'hex')
    const reader = new Reader().reset(buffer, viewOf(buffer), 0, 2)
    expect(() => reader.uvarint('it')).toThrow('it needs 1 bytes at position 2, but 0 are left')
  })
})

describe('int64', () => {
  const roundTrip = (value: number) => new Reader(bytesOf((w) => w.int64(value))).int64('it')
  const read = (hex: string) => new Reader(Buffer.from(hex, 'hex')).int64('it')

  test('is exact within what a number holds', () => {
    const powers = Array.from({ length: 53 }, (_, exponent) => 2 ** exponent)
    const values = [0, ...powers.flatMap((power) => [power - 1, power, -power, 1 - power])]
    for (const value of values) {
      const bytes = bytesOf((writer) => writer.int64(value))
      expect(bytes.readBigInt64BE()).toBe(BigInt(value))
      expect(roundTrip(value)).toBe(value)
    }
  })

  test('saturates beyond', () => {
    expect(read('0020000000000000')).toBe(Number.MAX_SAFE_INTEGER)
    expect(read('001fffffffffffff')).toBe(Number.MAX_SAFE_INTEGER)
    expect(read('7fffffffffffffff')).toBe(Number.MAX_SAFE_INTEGER)
    expect(read('ffe0000000000000')).toBe(Number.MIN_SAFE_INTEGER)
    expect(read('8000000000000000')).toBe(Number.MIN_SAFE_INTEGER)
    expect(read('ffe0000000000002')).toBe(Number.MIN_SAFE_INTEGER + 1)
  })

  test('keeps the extremes', () => {
    const write = (value: number) => bytesOf((writer) => writer.int64(value)).toString('hex')
    expect(write(Number.MAX_SAFE_INTEGER)).toBe('7fffffffffffffff')
    expect(write(Number.POSITIVE_INFINITY)).toBe('7fffffffffffffff')
    expect(write(Number.MIN_SAFE_INTEGER)).toBe('8000000000000000')
    expect(write(Number.MAX_SAFE_INTEGER - 1)).toBe('001ffffffffffffe')
  })
})

test('uuids are the bytes that Kafka prints in base64url', () => {
  interface GoldenUuid {
    readonly hex: string
    readonly base64: string
    readonly decodeOnly?: boolean
  }
  const uuids = goldenJson<GoldenUuid[]>('basics/uuids.json').filter((line) => !line.decodeOnly)
  expect(uuids.length).toBeGreaterThan(5)
  for (const { hex, base64 } of uuids) {
    const uuid = new Reader(Buffer.from(hex, 'hex')).uuid('it')
    expect(formatUuid(uuid)).toBe(base64)
    expect(parseUuid(base64)).toBe(uuid)
  }
})

test('bytes are a copy and records a view', () => {
  const buffer = Buffer.from('000000016100000001620000000163', 'hex')
  const reader = new Reader(buffer)
  const bytes = reader.bytes('it')
  const records = reader.records('it')
  buffer.fill(0x7a)
  expect(bytes.toString()).toBe('a')
  expect(records.toString()).toBe('z')
})
