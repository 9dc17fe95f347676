import { describe, expect, it } from 'vitest'
import { crc32, crc32c, crc32cImplementation } from '../../../src/protocol/records/crc32c.ts'
import { bytesOf, goldenJson } from './golden.ts'

interface CrcVector {
  hex?: string
  length?: number
  pattern?: string
  crc32c: number
  crc32: number
}

const vectors = goldenJson<CrcVector[]>('crc.json')

function bytesOfVector(vector: CrcVector): Buffer {
  if (vector.hex !== undefined) return bytesOf(vector.hex)
  expect(vector.pattern).toBe('byte i is (i * 31 + 7) & 255')
  return Buffer.from(Uint8Array.from({ length: vector.length! }, (_, i) => i * 31 + 7))
}

describe('checksums', () => {
  it('equals the ones that Kafka computes', () => {
    for (const vector of vectors) {
      const bytes = bytesOfVector(vector)
      expect(crc32c(bytes), vector.hex?.slice(0, 40)).toBe(vector.crc32c)
      expect(crc32(bytes)).toBe(vector.crc32)
    }
  })

  it('covers just the given range, on both sides of the size where the native code takes over', () => {
    const bytes = Buffer.alloc(1000, 7)
    for (const length of [0, 1, 255, 256, 257, 900]) {
      expect(crc32c(bytes, 50, 50 + length)).toBe(crc32c(Buffer.alloc(length, 7)))
      expect(crc32(bytes, 50, 50 + length)).toBe(crc32(Buffer.alloc(length, 7)))
    }
  })

  it('says which code computes it', () => {
    expect(['native', 'javascript']).toContain(crc32cImplementation)
  })
})
