import { describe, expect, test } from 'vitest'
import {
  decodeBody,
  decodeVersioned,
  encodeBody,
  encodeVersioned,
} from '../../src/protocol/body.ts'
import { ProtocolError } from '../../src/protocol/bytes/protocol-error.ts'
import { clusterMetadataRecords } from '../../src/protocol/embedded/cluster-metadata.ts'
import { consumerOffsetsRecords } from '../../src/protocol/embedded/consumer-offsets.ts'
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../../src/protocol/embedded/consumer-protocol.ts'
import {
  ControlRecordTypeSchema,
  EndTxnMarker,
  KRaftVersionRecord,
  LeaderChangeMessage,
  SnapshotFooterRecord,
  SnapshotHeaderRecord,
  VotersRecord,
} from '../../src/protocol/embedded/control-records.ts'
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
} from '../../src/protocol/embedded/metadata-record.ts'
import { DefaultPrincipalData } from '../../src/protocol/embedded/principal-data.ts'
import {
  decodeRecord,
  encodeRecordKey,
  encodeRecordValue,
  type RecordType,
} from '../../src/protocol/embedded/record-type.ts'
import { shareGroupStateRecords } from '../../src/protocol/embedded/share-group-state.ts'
import { transactionStateRecords } from '../../src/protocol/embedded/transaction-state.ts'
import type { Message } from '../../src/protocol/schema.ts'
import { expectedHex, expectedValue, type GoldenMessage, goldenLines } from './golden.ts'

interface GoldenInternal extends GoldenMessage {
  readonly id: number
  readonly part: 'key' | 'value'
  readonly recordType: string
  readonly message: string
  readonly prefixed: boolean
}

const contextOf = (line: GoldenInternal) =>
  `${line.message ?? line.recordType} ${line.part ?? ''} v${line.version} ${line.fill}`

describe.each<{ file: string; count: number; types: readonly RecordType[] }>([
  { file: 'consumer-offsets', count: 227, types: consumerOffsetsRecords },
  { file: 'transaction-state', count: 16, types: transactionStateRecords },
  { file: 'share-group-state', count: 18, types: shareGroupStateRecords },
])('records of $file', ({ file, count, types }) => {
  const lines = goldenLines<GoldenInternal>(`internal/${file}.jsonl`)
  const typeOf = (line: GoldenInternal) => types.find(({ id }) => id === line.id)!

  test('are all there', () => expect(lines).toHaveLength(count))

  test('keys read and write as Apache Kafka has them', () => {
    for (const line of lines.filter(({ part }) => part === 'key')) {
      const type = typeOf(line)
      const key = expectedValue(type.key.fields, line.json)
      const decoded = decodeRecord(types, Buffer.from(line.hex, 'hex'), null)
      expect(decoded, contextOf(line)).toEqual({ type: type.name, key, value: null })
      expect(encodeRecordKey(type, key).toString('hex'), contextOf(line)).toBe(line.hex)
    }
  })

  test('values read and write as Apache Kafka has them', () => {
    for (const line of lines.filter(({ part }) => part === 'value')) {
      const type = typeOf(line)
      const key = expectedValue(type.key.fields, {})
      const value = expectedValue(type.value.fields, line.json)
      const bytes = Buffer.from(line.hex, 'hex')
      const decoded = decodeRecord(types, encodeRecordKey(type, key), bytes)
      expect(decoded, contextOf(line)).toEqual({ type: type.name, key, value })
      if (line.fill === 'unknownTags') continue
      expect(encodeRecordValue(type, line.version, value).toString('hex'), contextOf(line)).toBe(
        expectedHex(type.value.fields, line),
      )
    }
  })

  test('kinds and versions of newer brokers are passed over', () => {
    expect(decodeRecord(types, Buffer.from('7fff0000', 'hex'), null)).toBeUndefined()
    const type = types[0]!
    const key = encodeRecordKey(type, expectedValue(type.key.fields, {}))
    expect(decodeRecord(types, key, Buffer.from('7fff', 'hex'))).toBeUndefined()
    expect(decodeRecord(types, key, Buffer.from('ffff', 'hex'))).toBeUndefined()
  })

  test('broken records throw ProtocolError', () => {
    expect(() => decodeRecord(types, Buffer.alloc(1), null)).toThrow(ProtocolError)
    expect(() => decodeRecord(types, Buffer.from('0000', 'hex'), null)).toThrow(ProtocolError)
  })
})

describe('records of cluster-metadata', () => {
  const lines = goldenLines<GoldenInternal>('internal/cluster-metadata.jsonl')

  test('are all there', () => expect(lines).toHaveLength(187))

  test('read and write as Apache Kafka has them', () => {
    for (const line of lines) {
      const type = clusterMetadataRecords.find(({ id }) => id === line.id)!
      const constant = type.name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()
      expect(constant).toBe(line.recordType)
      const value = expectedValue(type.fields, line.json)
      const decoded = decodeMetadataRecord(clusterMetadataRecords, Buffer.from(line.hex, 'hex'))
      const expected = { type: type.name, version: line.version, value }
      expect(decoded, contextOf(line)).toEqual(expected)
      if (line.fill === 'unknownTags') continue
      const bytes = encodeMetadataRecord<typeof type>(type, line.version, value as never)
      expect(bytes.toString('hex'), contextOf(line)).toBe(expectedHex(type.fields, line))
    }
  })

  test.each([
    ['frame version', '02020000'],
    ['type', '017f0000'],
    ['version', '01020500'],
  ])('an unknown %s throws ProtocolError', (_, hex) => {
    expect(() => decodeMetadataRecord(clusterMetadataRecords, Buffer.from(hex, 'hex'))).toThrow(
      ProtocolError,
    )
  })
})

const messages: readonly Message[] = [
  ConsumerProtocolSubscription,
  ConsumerProtocolAssignment,
  ControlRecordTypeSchema,
  EndTxnMarker,
  LeaderChangeMessage,
  SnapshotHeaderRecord,
  SnapshotFooterRecord,
  KRaftVersionRecord,
  VotersRecord,
  DefaultPrincipalData,
]

test.each(['consumer-protocol', 'control-records'])('%s read and write as Kafka', (file) => {
  const lines = goldenLines<GoldenInternal>(`internal/${file}.jsonl`)
  expect(lines.length).toBeGreaterThan(30)
  for (const line of lines) {
    const message = messages.find(({ name }) => name === line.message)!
    const value = expectedValue(message.fields, line.json)
    const bytes = Buffer.from(line.hex, 'hex')
    const isPrefixed = file === 'consumer-protocol' || line.prefixed
    const decoded = isPrefixed
      ? decodeVersioned(message, bytes)
      : decodeBody(message, line.version, bytes)
    expect(decoded, contextOf(line)).toEqual(value)
    if (line.fill === 'unknownTags') continue
    const encoded = isPrefixed
      ? encodeVersioned(message, line.version, value)
      : encodeBody(message, line.version, value)
    expect(encoded.toString('hex'), contextOf(line)).toBe(expectedHex(message.fields, line))
  }
})

test('a subscription newer than we know is read as the newest we know', () => {
  const value = { topics: ['t'], rackId: 'r' }
  const bytes = encodeVersioned(ConsumerProtocolSubscription, 3, value)
  bytes.writeInt16BE(9)
  const decoded = decodeVersioned(ConsumerProtocolSubscription, Buffer.concat([bytes, bytes]))
  expect(decoded).toMatchObject(value)
  bytes.writeInt16BE(-1)
  expect(() => decodeVersioned(ConsumerProtocolSubscription, bytes)).toThrow(ProtocolError)
})
