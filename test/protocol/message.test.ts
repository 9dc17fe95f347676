import { describe, expect, test } from 'vitest'
import { Fetch } from '../../src/protocol/apis/01-fetch.ts'
import { Heartbeat } from '../../src/protocol/apis/12-heartbeat.ts'
import { ApiVersions } from '../../src/protocol/apis/18-api-versions.ts'
import { apiByKey } from '../../src/protocol/apis/index.ts'
import { ProtocolError } from '../../src/protocol/bytes/protocol-error.ts'
import { Reader } from '../../src/protocol/bytes/reader.ts'
import { type Encoded, REFERENCE_BYTES, Writer } from '../../src/protocol/bytes/writer.ts'
import { readRequestHeader } from '../../src/protocol/header.ts'
import {
  decodeRequestFrame,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  writeResponse,
} from '../../src/protocol/message.ts'
import type { Api } from '../../src/protocol/schema.ts'
import { expectedHex, expectedValue, goldenLines, type Tree } from './golden.ts'

interface GoldenFrame {
  readonly kind: 'requestHeader' | 'responseHeader' | 'request' | 'response'
  readonly key: number
  readonly version: number
  readonly fill: string
  readonly hex: string
  readonly header: {
    readonly requestApiKey: number
    readonly requestApiVersion: number
    readonly correlationId: number
    readonly clientId: string | null
  }
  readonly json: Tree
}

const frames = goldenLines<GoldenFrame>('messages/frames.jsonl')
const ofKind = (kind: GoldenFrame['kind']) => frames.filter((frame) => frame.kind === kind)
const hexOf = ({ chunks, byteLength }: Encoded) => Buffer.concat(chunks, byteLength).toString('hex')
/** A frame without its size, as frame.ts cuts it. */
const bodyOf = (hex: string) => Buffer.from(hex, 'hex').subarray(4)

describe('golden frames', () => {
  test('are all there', () => expect(frames).toHaveLength(440))

  test('request headers read as Apache Kafka wrote them', () => {
    for (const { hex, header } of ofKind('requestHeader')) {
      if (apiByKey(header.requestApiKey) === undefined) continue
      const read = readRequestHeader(new Reader(Buffer.from(hex, 'hex')))
      expect(read).toMatchObject({
        apiVersion: header.requestApiVersion,
        correlationId: header.correlationId,
        clientId: header.clientId ?? '',
      })
      expect(read.api.key).toBe(header.requestApiKey)
    }
  })

  test('requests read and write as Apache Kafka has them', () => {
    for (const line of ofKind('request').filter(({ json }) => json !== undefined)) {
      const { key, version, header, hex } = line
      const api = apiByKey(key)!
      const request = expectedValue(api.request.fields, line.json)
      expect(decodeRequestFrame(bodyOf(hex)), `${api.name} v${version}`).toMatchObject({
        api,
        apiVersion: version,
        correlationId: header.correlationId,
        clientId: header.clientId ?? '',
      })
      if (api.name === 'TxnOffsetCommit' || (api === Fetch && version >= 18)) continue
      expect(decodeRequestFrame(bodyOf(hex)).request).toEqual(request)
      expect(hexOf(encodeRequest<Api>(api, version, header, request))).toBe(
        expectedHex(api.request.fields, line),
      )
    }
  })

  test('responses read and write as Apache Kafka has them', () => {
    for (const line of ofKind('response').filter(({ key }) => key !== 88)) {
      const { key, version, header, hex } = line
      const api = apiByKey(key)!
      const response = expectedValue(api.response.fields, line.json)
      const { correlationId } = header
      expect(decodeResponse(api, version, bodyOf(hex))).toEqual({ correlationId, response })
      expect(hexOf(encodeResponse<Api>(api, version, correlationId, response))).toBe(
        expectedHex(api.response.fields, line),
      )
    }
  })

  test('an ApiVersions request of the future has a header that reads', () => {
    const line = frames.find(({ kind, version }) => kind === 'request' && version === 99)!
    const header = readRequestHeader(new Reader(bodyOf(line.hex)))
    expect(header).toEqual({
      api: ApiVersions,
      apiVersion: 99,
      correlationId: 4711,
      clientId: 'from-the-future',
    })
  })

  test('what a running broker answered to ApiVersions reads', () => {
    const lines = goldenLines<{ responseVersion: number; responseHex: string; json: Tree }>(
      'messages/captured.jsonl',
    )
    expect(lines.length).toBe(7)
    for (const { responseVersion, responseHex, json } of lines) {
      const { response } = decodeResponse(ApiVersions, responseVersion, bodyOf(responseHex))
      expect(response).toEqual(expectedValue(ApiVersions.response.fields, json))
    }
  })
})

describe('request headers', () => {
  const headerOf = (hex: string) => readRequestHeader(new Reader(Buffer.from(hex, 'hex')))

  test.each([
    ['ends in the key', '00'],
    ['ends in the version', '000c00'],
    ['ends in the correlation id', '000c0000000000'],
    ['has no client id', '000c000000000001'],
    ['has a client id that is longer than the frame', '000c0000000000010005414243'],
    ['has no tags though its version is flexible', '00120063000000010000'],
    ['has tags that end early', '000c0004000000010000011203'],
    ['has an unknown key', '7fff0000000000010000'],
    ['has a removed key', '00070000000000010000'],
    ['has a negative key', 'ffff0000000000010000'],
  ])('one that %s throws ProtocolError', (_, hex) => {
    expect(() => headerOf(hex)).toThrow(ProtocolError)
  })

  test.each(['0012006300000001000000', '000cffff000000010000'])(
    'a version that is not known is no mistake of ours: %s',
    (hex) => expect(() => decodeRequestFrame(Buffer.from(hex, 'hex'))).toThrow(ProtocolError),
  )

  test('any negative client id length is none', () => {
    expect(headerOf('000c000000000001fffe').clientId).toBe('')
  })

  test('a client id that is not UTF-8 is repaired', () => {
    expect(headerOf('000c0000000000010003ff4142').clientId).toBe('\ufffdAB')
  })

  test('unknown tags are skipped, twice and out of order too', () => {
    const header = headerOf('000c000400000001000003' + '0701aa' + '0702bbcc' + '0100')
    expect(header).toMatchObject({ api: Heartbeat, apiVersion: 4 })
  })
})

describe('response frames', () => {
  const partition = (partitionIndex: number, records: Buffer) => {
    return { partitionIndex, errorCode: 0, highWatermark: 9, records }
  }

  test('refer to large records and copy small ones', () => {
    const small = Buffer.alloc(REFERENCE_BYTES - 1, 's')
    const large = Buffer.alloc(REFERENCE_BYTES, 'L')
    const partitions = [partition(0, small), partition(1, large), partition(2, small)]
    const response = { responses: [{ topic: 'topic', partitions }] }
    const writer = new Writer()
    writeResponse(writer, Fetch, 11, 1, response)
    const encoded = writer.take()
    expect(encoded.chunks).toHaveLength(3)
    expect(encoded.chunks[1]).toBe(large)
    const bytes = Buffer.concat(encoded.chunks, encoded.byteLength)
    expect(bytes.readInt32BE()).toBe(encoded.byteLength - 4)
    const decoded = decodeResponse(Fetch, 11, bytes.subarray(4)).response
    expect(decoded.responses[0]!.partitions.map(({ records }) => records)).toEqual([
      small,
      large,
      small,
    ])
  })

  test('follow each other in one chunk until they are taken', () => {
    const writer = new Writer()
    for (const correlationId of [1, 2]) {
      writeResponse(writer, Heartbeat, 4, correlationId, { errorCode: correlationId })
    }
    const { chunks, byteLength } = writer.take()
    expect(chunks).toHaveLength(1)
    expect(byteLength).toBe(32)
    const frame = (correlationId: number) =>
      `0000000c0000000${correlationId}0000000000000${correlationId}00`
    expect(hexOf({ chunks, byteLength })).toBe(frame(1) + frame(2))
    expect(writer.take()).toEqual({ chunks: [], byteLength: 0 })
  })

  test('that do not fit a slab continue in the next, their size filled in where it stands', () => {
    const writer = new Writer()
    const records = Buffer.alloc(5000, 'r')
    const partitions = Array.from({ length: 40 }, (_, index) => partition(index, records))
    const response = { responses: [{ topic: 'topic', partitions }] }
    for (let round = 0; round < 3; round++) writeResponse(writer, Fetch, 11, round, response)
    const { chunks, byteLength } = writer.take()
    expect(chunks.length).toBeGreaterThan(3)
    const bytes = Buffer.concat(chunks, byteLength)
    const size = bytes.readInt32BE()
    expect(bytes.length).toBe(3 * (size + 4))
    const last = decodeResponse(Fetch, 11, bytes.subarray(2 * (size + 4) + 4))
    expect(last.correlationId).toBe(2)
    expect(last.response.responses[0]!.partitions[39]!.records).toEqual(records)
  })

  test('that cannot be encoded leave nothing behind', () => {
    const writer = new Writer()
    writeResponse(writer, Heartbeat, 4, 1, { errorCode: 1 })
    const partitions = [partition(0, Buffer.alloc(REFERENCE_BYTES))]
    const tooLong = { topic: 'x'.repeat(40_000), partitions: [] }
    const responses = [{ topic: 'topic', partitions }, tooLong]
    expect(() => writeResponse(writer, Fetch, 11, 2, { responses })).toThrow(ProtocolError)
    writeResponse(writer, Heartbeat, 4, 3, { errorCode: 3 })
    expect(writer.take().byteLength).toBe(32)
  })
})
