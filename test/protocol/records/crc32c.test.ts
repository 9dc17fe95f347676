import { afterEach, describe, expect, it, vi } from 'vitest'
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

describe('without the optional package and on a Node without zlib.crc32', () => {
  afterEach(() => {
    vi.doUnmock('node:module')
    vi.doUnmock('node:zlib')
    vi.resetModules()
  })

  it('the checksums are the same', async () => {
    vi.resetModules()
    vi.doMock('node:module', () => ({
      createRequire: () => () => {
        throw new Error('not installed')
      },
    }))
    vi.doMock('node:zlib', () => ({ default: {} }))
    const fallback = await import('../../../src/protocol/records/crc32c.ts')
    expect(fallback.crc32cImplementation).toBe('javascript')
    for (const vector of vectors) {
      const bytes = bytesOfVector(vector)
      expect(fallback.crc32c(bytes)).toBe(vector.crc32c)
      expect(fallback.crc32(bytes)).toBe(vector.crc32)
    }
  })

  it('a native package that computes something else is not used', async () => {
    vi.resetModules()
    vi.doMock('node:module', () => ({ createRequire: () => () => ({ crc32c: () => 1 }) }))
    const fallback = await import('../../../src/protocol/records/crc32c.ts')
    expect(fallback.crc32cImplementation).toBe('javascript')
    expect(fallback.crc32c(Buffer.alloc(300))).not.toBe(1)
  })
})
