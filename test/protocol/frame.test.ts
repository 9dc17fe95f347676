import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ProtocolError } from '../../src/protocol/bytes/protocol-error.ts'
import { FrameSplitter } from '../../src/protocol/frame.ts'

const MAX_FRAME_BYTES = 1 << 20

function framed(bodies: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    bodies.flatMap((body) => {
      const size = Buffer.alloc(4)
      size.writeInt32BE(body.length)
      return [size, body]
    }),
  )
}

/** Pushes `stream` in pieces that end at `cuts`, all through one buffer that is used again. */
function split(stream: Buffer, cuts: readonly number[]) {
  const frames: Buffer[] = []
  const splitter = new FrameSplitter(MAX_FRAME_BYTES, (buffer, start, end) => {
    frames.push(Buffer.from(buffer.subarray(start, end)))
  })
  const receiveBuffer = Buffer.alloc(stream.length + 8)
  let start = 0
  for (const end of [...cuts, stream.length].sort((a, b) => a - b)) {
    const offset = start % 8
    stream.copy(receiveBuffer, offset, start, end)
    splitter.push(receiveBuffer, offset, offset + end - start)
    receiveBuffer.fill(0xff)
    start = end
  }
  return { frames, isInsideFrame: splitter.isInsideFrame }
}

describe('FrameSplitter', () => {
  const bodies = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 8 })

  test('gives the same frames however the stream is cut', () => {
    const stream = bodies.chain((list) => {
      const bytes = framed(list)
      return fc.tuple(fc.constant(list), fc.array(fc.nat({ max: bytes.length }), { maxLength: 20 }))
    })
    fc.assert(
      fc.property(stream, ([list, cuts]) => {
        const { frames, isInsideFrame } = split(framed(list), cuts)
        expect(frames).toEqual(list.map((body) => Buffer.from(body)))
        expect(isInsideFrame).toBe(false)
      }),
    )
  })

  test('gives the same frames byte by byte', () => {
    const list = [Buffer.alloc(0), Buffer.from('one'), Buffer.alloc(0), Buffer.alloc(300, 'x')]
    const stream = framed(list)
    const { frames } = split(
      stream,
      [...stream.keys()].map((index) => index + 1),
    )
    expect(frames).toEqual(list)
  })

  test('knows that a stream ends inside a frame', () => {
    const stream = framed([Buffer.from('body')])
    for (let length = 1; length < stream.length; length++) {
      expect(split(stream.subarray(0, length), []).isInsideFrame).toBe(true)
    }
  })

  test('hands on a frame where it lies', () => {
    const stream = framed([Buffer.from('body')])
    const seen: Buffer[] = []
    new FrameSplitter(MAX_FRAME_BYTES, (buffer) => seen.push(buffer)).push(stream)
    expect(seen[0]).toBe(stream)
  })

  test.each([-1, -0x8000_0000, MAX_FRAME_BYTES + 1, 0x7fff_ffff])('refuses size %d', (size) => {
    const stream = framed([Buffer.from('good'), Buffer.from('bad')])
    stream.writeInt32BE(size, 8)
    const frames: string[] = []
    const splitter = new FrameSplitter(MAX_FRAME_BYTES, (buffer, start, end) => {
      frames.push(buffer.toString('latin1', start, end))
    })
    expect(() => splitter.push(stream)).toThrow(ProtocolError)
    expect(frames).toEqual(['good'])
  })

  test('takes a frame of the largest size in many pieces', () => {
    const body = Buffer.alloc(MAX_FRAME_BYTES, 'abcdefg')
    const stream = framed([body, Buffer.from('next')])
    const cuts = Array.from({ length: 40 }, (_, index) => index * 26_000)
    expect(split(stream, cuts).frames.map(({ length }) => length)).toEqual([body.length, 4])
  })

  test('a size alone allocates nothing to speak of', () => {
    const splitters = Array.from({ length: 200 }, () => new FrameSplitter(0x7fff_ffff, () => {}))
    const before = process.memoryUsage().arrayBuffers
    for (const splitter of splitters) splitter.push(Buffer.from('7fffffff00', 'hex'))
    const perConnection = (process.memoryUsage().arrayBuffers - before) / splitters.length
    expect(perConnection).toBeLessThan(64 * 1024)
  })
})
