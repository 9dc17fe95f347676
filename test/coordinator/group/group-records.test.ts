import { describe, expect, test } from 'vitest'
import { ZERO_UUID } from '../../../src/base/uuid.ts'
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
} from '../../../src/coordinator/group/group-records.ts'
import { type GoldenMessage, goldenLines } from '../../protocol/golden.ts'

interface GoldenRecord extends GoldenMessage {
  readonly recordType: string
  readonly id: number
  readonly part: 'key' | 'value'
}

const golden = goldenLines<GoldenRecord>('internal/consumer-offsets.jsonl')

/** The first key of each type, to go with its values. */
const keys = new Map(
  golden.filter(({ part }) => part === 'key').map((line) => [line.id, bytes(line.hex)]),
)

function bytes(hex: string): Buffer {
  return Buffer.from(hex, 'hex')
}

/** The golden numbers beyond 2^53 stand for the largest there is (commits refuse them). */
function saturated(hex: string): string {
  return hex.replaceAll(/01020304050607../g, '7fffffffffffffff')
}

/** The version that Kafka 4.3 writes, by record type. */
const writtenVersions = new Map([
  [1, 4],
  [2, 3],
])

describe('records of __consumer_offsets', () => {
  test('are written as Kafka writes them', () => {
    const written = golden.filter(
      ({ id, part, version }) => part === 'value' && version === writtenVersions.get(id),
    )
    expect(written.length).toBeGreaterThan(10)
    for (const { id, hex, fill } of written) {
      if (fill === 'unknownTags') continue
      const record = decodeGroupRecord({ key: keys.get(id)!, value: bytes(hex) })!
      const encoded = encodeGroupRecord(record)
      expect(Buffer.from(encoded.value!).toString('hex'), `${id} ${fill}`).toBe(saturated(hex))
      expect(Buffer.from(encoded.key)).toEqual(keys.get(id))
    }
  })

  test('are read in every version, also the oldest kind of offset', () => {
    for (const { id, part, hex, recordType } of golden) {
      if (part !== 'value' || !writtenVersions.has(id)) continue
      const record = decodeGroupRecord({ key: keys.get(id)!, value: bytes(hex) })
      expect(record?.type, recordType).toBe(id === 2 ? 'GroupMetadata' : 'OffsetCommit')
    }
    const legacy = golden.find(({ id, part }) => id === 0 && part === 'value')!
    expect(decodeGroupRecord({ key: keys.get(0)!, value: bytes(legacy.hex) })).toMatchObject({
      type: 'OffsetCommit',
      value: { leaderEpoch: -1, expireTimestamp: -1, topicId: ZERO_UUID },
    })
  })

  test('an offset with an expiry of its own is written in the version that has one', () => {
    const record: GroupRecord = {
      type: 'OffsetCommit',
      key: { group: 'g', topic: 't', partition: 3 },
      value: {
        offset: 5,
        leaderEpoch: 7,
        metadata: 'm',
        commitTimestamp: 11,
        expireTimestamp: 13,
        topicId: 'abcdefghijklmnop',
      },
    }
    const encoded = encodeGroupRecord(record)
    expect(Buffer.from(encoded.value!).readInt16BE(0)).toBe(1)
    expect(decodeGroupRecord(encoded)).toEqual({
      ...record,
      value: { ...record.value, leaderEpoch: -1, topicId: ZERO_UUID },
    })
  })

  test('tombstones keep their key', () => {
    const record: GroupRecord = { type: 'GroupMetadata', key: { group: 'g' }, value: null }
    expect(decodeGroupRecord(encodeGroupRecord(record))).toEqual(record)
  })

  test('what is not understood is left out, not fatal', () => {
    const key = encodeGroupRecord({ type: 'GroupMetadata', key: { group: 'g' }, value: null }).key
    expect(decodeGroupRecord({ key: Buffer.from([0, 99]), value: null })).toBeUndefined()
    expect(decodeGroupRecord({ key: Buffer.from([0]), value: null })).toBeUndefined()
    expect(decodeGroupRecord({ key, value: Buffer.from([0, 9, 1]) })).toBeUndefined()
    expect(decodeGroupRecord({ key, value: Buffer.from([0, 3, 1]) })).toBeUndefined()
  })
})
