import { randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Codec,
  CompressionError,
  compress,
  compressionId,
  compressionName,
  decompress,
} from '../../../../src/protocol/records/compression/compression.ts'
import { xxhash32 } from '../../../../src/protocol/records/compression/xxhash32.ts'

const codecs: readonly Codec[] = ['gzip', 'snappy', 'lz4', 'zstd']
const MEGABYTE = 1024 * 1024

function text(bytes: number): Buffer {
  const line = '{"id":12345,"name":"user-7","tags":["a","b"],"text":"lorem ipsum dolor sit amet"}'
  return Buffer.from(line.repeat(Math.ceil(bytes / line.length)).slice(0, bytes))
}

describe.each(codecs)('%s', (codec) => {
  it('gives back what went in, around every size that its blocks have', () => {
    for (const size of [
      0, 1, 4, 5, 12, 13, 14, 60, 61, 256, 257, 32767, 32768, 32769, 65536, 65537,
    ]) {
      for (const bytes of [randomBytes(size), Buffer.alloc(size), text(size)]) {
        expect(Buffer.from(decompress(codec, compress(codec, bytes))).equals(bytes)).toBe(true)
      }
    }
    const large = Buffer.concat([text(300_000), randomBytes(70_000), Buffer.alloc(2 * MEGABYTE)])
    expect(Buffer.from(decompress(codec, compress(codec, large))).equals(large)).toBe(true)
  })

  it('gives back any bytes', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 5 }), fc.nat(300)).map(([unit, times]) => {
        return new Uint8Array(Buffer.concat(Array.from({ length: times }, () => unit)))
      }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const bytes = Buffer.concat(pieces)
        expect(Buffer.from(decompress(codec, compress(codec, bytes))).equals(bytes)).toBe(true)
      }),
      { numRuns: 200 },
    )
  })

  it('makes equal bytes small', () => {
    expect(compress(codec, Buffer.alloc(100_000)).length).toBeLessThan(6000)
  })

  it('ends in a value or an error of its own for a stream cut at any byte', () => {
    const stream = compress(codec, Buffer.concat([text(200), randomBytes(40)]))
    for (let length = 0; length < stream.length; length++) {
      expectValueOrError(codec, stream.subarray(0, length))
    }
  })

  it('ends in a value or an error of its own for a stream with any bit changed', () => {
    const stream = compress(codec, Buffer.concat([text(200), randomBytes(40)]))
    for (let i = 0; i < stream.length * 8; i++) {
      const changed = Buffer.from(stream)
      changed[i >> 3]! ^= 1 << (i & 7)
      expectValueOrError(codec, changed)
    }
  })

  it('ends in a value or an error of its own for noise behind a good start', () => {
    for (let i = 0; i < 300; i++) {
      const start = compress(codec, text(100)).subarray(0, i % 40)
      expectValueOrError(codec, Buffer.concat([start, randomBytes(i)]))
    }
  })

  it('stops at the limit of its output', () => {
    const stream = compress(codec, Buffer.alloc(200_000))
    expect(decompress(codec, stream, { maxOutputBytes: 200_000 }).length).toBe(200_000)
    expect(() => decompress(codec, stream, { maxOutputBytes: 199_999 })).toThrow(CompressionError)
  })

  it('says UNKNOWN_SERVER_ERROR, as Kafka does, when a stream is corrupt', () => {
    expect(() => decompress(codec, Buffer.from('not compressed at all'))).toThrow(
      expect.objectContaining({ errorCode: -1 }),
    )
  })
})

function expectValueOrError(codec: Codec, stream: Uint8Array): void {
  try {
    expect(decompress(codec, stream).length).toBeLessThan(MEGABYTE)
  } catch (error) {
    expect(error).toBeInstanceOf(CompressionError)
  }
}

describe('a stream that would become much more than it is', () => {
  it('is refused: gzip of zeros', () => {
    const bomb = gzipSync(Buffer.alloc(80 * MEGABYTE), { level: 9 })
    expect(bomb.length).toBeLessThan(90_000)
    expect(() => decompress('gzip', bomb)).toThrow('larger than')
  })

  it('is refused: a snappy block that claims two gigabytes', () => {
    const claim = Buffer.from('ffffffff07000000', 'hex')
    expect(() => decompress('snappy', claim)).toThrow('claims more')
  })

  it('is refused: a snappy frame with a block length beyond the stream, or negative', () => {
    const header = Buffer.from('82534e41505059000000000100000001', 'hex')
    for (const length of ['7fffffff', 'ffffffff', '80000000', '00000009']) {
      const stream = Buffer.concat([header, Buffer.from(`${length}0000`, 'hex')])
      expect(() => decompress('snappy', stream)).toThrow('ends inside a block')
    }
  })

  it('is refused: an lz4 match as long as its length bytes allow', () => {
    const block = Buffer.concat([
      Buffer.from([0x1f, 0x61, 0x01, 0x00]),
      Buffer.alloc(60_000, 0xff),
      Buffer.from([0, 0]),
    ])
    const frame = lz4Frame(0x70, [block, block, block])
    expect(() => decompress('lz4', frame)).toThrow('Block is corrupt')
  })

  it('is refused: a zstd frame of blocks that repeat one byte', () => {
    const block = Buffer.from([0x02, 0x00, 0x10, 0x61])
    const blocks = Buffer.concat(Array.from({ length: 1000 }, () => block))
    const bomb = Buffer.concat([
      Buffer.from('28b52ffd0058', 'hex'),
      blocks,
      Buffer.from('010000', 'hex'),
    ])
    expect(() => decompress('zstd', bomb)).toThrow('larger than')
    expect(() => decompress('zstd', bomb.subarray(0, 2000))).toThrow('prematurely')
  })

  it('is refused: a zstd frame that claims more content than its blocks hold', () => {
    const frame = Buffer.from('28b52ffde0ffffffffffffff00010000', 'hex')
    expect(() => decompress('zstd', frame)).toThrow(CompressionError)
  })
})

describe('lz4 frames', () => {
  it('have the wrong header checksum in magic 0, which readers of magic 0 must not check', () => {
    const bytes = text(1000)
    const broken = compress('lz4', bytes, { magic: 0 })
    expect(() => decompress('lz4', broken)).toThrow('descriptor corrupted')
    expect(Buffer.from(decompress('lz4', broken, { magic: 0 })).equals(bytes)).toBe(true)
    expect(Buffer.from(compress('lz4', bytes)).subarray(4, 7).toString('hex')).toBe('604082')
    expect(broken[6]).toBe((xxhash32(broken, 0, 6) >>> 8) & 0xff)
  })

  it('are read up to the end mark', () => {
    const stream = compress('lz4', text(10))
    const more = Buffer.concat([stream, stream])
    expect(decompress('lz4', more).length).toBe(10)
  })
})

describe('streams in a row are one', () => {
  it.each(['gzip', 'snappy', 'zstd'] as const)('%s', (codec) => {
    const twice = Buffer.concat([compress(codec, text(70)), compress(codec, text(30))])
    expect(Buffer.from(decompress(codec, twice)).toString()).toBe(`${text(70)}${text(30)}`)
  })
})

describe('xxHash32', () => {
  it('equals the values of its specification', () => {
    const hash = (string: string) => {
      const bytes = Buffer.from(string)
      return xxhash32(bytes, 0, bytes.length)
    }
    expect(hash('')).toBe(0x02cc5d05)
    expect(hash('a')).toBe(0x550d7456)
    expect(hash('abc')).toBe(0x32d153ff)
    expect(hash('Nobody inspects the spammish repetition')).toBe(0xe2293b2f)
  })
})

describe('codec ids', () => {
  it('are those of the attributes; 5 to 7 have no name', () => {
    expect([0, 1, 2, 3, 4].map((id) => compressionName(id))).toEqual(['none', ...codecs])
    expect([5, 6, 7].map((id) => compressionName(id))).toEqual([undefined, undefined, undefined])
    expect(compressionId('zstd')).toBe(4)
  })
})

/** A frame of compressed blocks with the given block size descriptor. */
function lz4Frame(descriptor: number, blocks: readonly Buffer[]): Buffer {
  const head = Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, descriptor, 0])
  head[6] = (xxhash32(head, 4, 6) >>> 8) & 0xff
  const parts = blocks.flatMap((block) => {
    const size = Buffer.alloc(4)
    size.writeUInt32LE(block.length)
    return [size, block]
  })
  return Buffer.concat([head, ...parts, Buffer.alloc(4)])
}
