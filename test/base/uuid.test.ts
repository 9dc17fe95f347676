import { expect, test } from 'vitest'
import {
  formatUuid,
  METADATA_TOPIC_UUID,
  parseUuid,
  randomUuid,
  ZERO_UUID,
} from '../../src/base/uuid.ts'

test('reserved ids print as Kafka prints them', () => {
  expect(formatUuid(ZERO_UUID)).toBe('AAAAAAAAAAAAAAAAAAAAAA')
  expect(formatUuid(METADATA_TOPIC_UUID)).toBe('AAAAAAAAAAAAAAAAAAAAAQ')
})

test('text and id are each other’s inverse', () => {
  for (let round = 0; round < 100; round++) {
    const uuid = randomUuid()
    expect(uuid).toHaveLength(16)
    expect(parseUuid(formatUuid(uuid))).toBe(uuid)
  }
})

test('text that is not sixteen bytes is refused', () => {
  for (const text of [
    '',
    'AAAA',
    'AAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAA=',
    'ä'.repeat(22),
  ]) {
    expect(parseUuid(text)).toBeUndefined()
  }
})

test('a random id whose text would begin with "-" is drawn again', () => {
  const draws = [Buffer.alloc(16, 0xf8), Buffer.alloc(16, 0x11)]
  const uuid = randomUuid(() => draws.shift()!)
  expect(formatUuid(uuid).startsWith('-')).toBe(false)
  expect(draws).toHaveLength(0)
})
