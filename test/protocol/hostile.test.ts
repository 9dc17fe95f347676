import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Produce } from '../../src/protocol/apis/00-produce.ts'
import { Fetch } from '../../src/protocol/apis/01-fetch.ts'
import { Metadata } from '../../src/protocol/apis/03-metadata.ts'
import { Heartbeat } from '../../src/protocol/apis/12-heartbeat.ts'
import { CreateTopics } from '../../src/protocol/apis/19-create-topics.ts'
import { apiByKey } from '../../src/protocol/apis/index.ts'
import { decodeBody, encodeBody } from '../../src/protocol/body.ts'
import { ProtocolError } from '../../src/protocol/bytes/protocol-error.ts'
import { MAX_ELEMENTS } from '../../src/protocol/bytes/reader.ts'
import type { Message } from '../../src/protocol/schema.ts'
import { type GoldenMessage, goldenLines } from './golden.ts'

interface GoldenBody extends GoldenMessage {
  readonly key: number
  readonly type: 'request' | 'response'
}

const golden = goldenLines<GoldenBody>('messages/messages.jsonl').map((line) => ({
  ...line,
  message: apiByKey(line.key)![line.type] as Message,
  bytes: Buffer.from(line.hex, 'hex'),
}))

/** The error that reading gives, if any. */
function failureOf(message: Message, version: number, bytes: Buffer): unknown {
  try {
    decodeBody(message, version, bytes)
    return undefined
  } catch (error) {
    return error
  }
}

describe('bytes that are broken', () => {
  // Two hundred thousand errors: their stacks would take most of the time.
  const { stackTraceLimit } = Error
  beforeAll(() => {
    Error.stackTraceLimit = 0
  })
  afterAll(() => {
    Error.stackTraceLimit = stackTraceLimit
  })

  test('a message cut anywhere is a ProtocolError', () => {
    for (const { message, version, bytes, fill } of golden) {
      if (fill !== 'populated') continue
      for (let length = 0; length < bytes.length; length++) {
        const error = failureOf(message, version, bytes.subarray(0, length))
        if (!(error instanceof ProtocolError)) {
          expect.fail(`${message.name} v${version} cut to ${length} bytes: ${error}`)
        }
      }
    }
  })

  test.each([0x01, 0x80, 0xff])('any byte changed by %d gives a value or ProtocolError', (bits) => {
    for (const { message, version, bytes, fill } of golden) {
      if (fill !== 'nullsInner' && fill !== 'unknownTags' && fill !== 'defaults') continue
      const changed = Buffer.from(bytes)
      for (let position = 0; position < bytes.length; position++) {
        changed[position] = bytes[position]! ^ bits
        const error = failureOf(message, version, changed)
        if (error !== undefined && !(error instanceof ProtocolError)) {
          expect.fail(`${message.name} v${version} changed at ${position}: ${error}`)
        }
        changed[position] = bytes[position]!
      }
    }
  })

  test('the error says which field and where', () => {
    const read = (hex: string) => () => decodeBody(Heartbeat.request, 0, Buffer.from(hex, 'hex'))
    expect(read('0001')).toThrow(
      'HeartbeatRequest v0 groupId needs 1 bytes at position 2, but 0 are left',
    )
    expect(read('000141000000')).toThrow(
      'HeartbeatRequest v0 generationId needs 4 bytes at position 3, but 3 are left',
    )
    expect(read('ffff')).toThrow('HeartbeatRequest v0 groupId is null, ending at position 2')
  })
})

describe('as Apache Kafka takes them', () => {
  const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

  test('bytes behind a complete body are ignored', () => {
    const bytes = Buffer.concat([encodeBody(Heartbeat.response, 1, { errorCode: 7 }), hex('abcd')])
    expect(decodeBody(Heartbeat.response, 1, bytes).errorCode).toBe(7)
  })

  test('any value but 0 is true', () => {
    const request = { topics: [], allowAutoTopicCreation: true }
    const bytes = encodeBody(Metadata.request, 4, request)
    bytes[bytes.length - 1] = 0x80
    expect(decodeBody(Metadata.request, 4, bytes)).toMatchObject(request)
  })

  test('any negative count is null, where null may be', () => {
    expect(decodeBody(Metadata.request, 1, hex('fffffffe')).topics).toBeNull()
    expect(failureOf(Metadata.request, 0, hex('fffffffe'))).toBeInstanceOf(ProtocolError)
  })

  test('text that is not UTF-8 is repaired', () => {
    const request = decodeBody(Metadata.request, 0, hex('00000001 0003 ff41c3'))
    expect(request.topics![0]!.name).toBe('\ufffdA\ufffd')
  })

  test('a compact string of more than 32767 bytes is refused', () => {
    const stringOf = (length: number) => {
      const text = Buffer.alloc(length, 'a')
      const size = length + 1
      const varint = [(size & 0x7f) | 0x80, ((size >> 7) & 0x7f) | 0x80, size >> 14]
      return Buffer.concat([Buffer.from(varint), text, hex('00000000 01 00 00')])
    }
    expect(failureOf(Heartbeat.request, 4, stringOf(32_767))).toBeUndefined()
    expect(failureOf(Heartbeat.request, 4, stringOf(32_768))).toBeInstanceOf(ProtocolError)
  })

  test('unknown tags are skipped, twice and out of order too', () => {
    const body = hex('02 67 00000007 02 6d 00')
    const plain = decodeBody(Heartbeat.request, 4, Buffer.concat([body, hex('00')]))
    const tags = hex('03 0901aa 0902bbbb 0300')
    expect(decodeBody(Heartbeat.request, 4, Buffer.concat([body, tags]))).toEqual(plain)
  })

  const fetchV12 = (tags: string) => {
    const request = { maxWaitMs: 1, minBytes: 1, topics: [], forgottenTopicsData: [], rackId: '' }
    const bytes = encodeBody(Fetch.request, 12, request)
    return Buffer.concat([bytes.subarray(0, -1), hex(tags)])
  }

  test('a known tag twice keeps the last', () => {
    const request = decodeBody(Fetch.request, 12, fetchV12('02 0002 0261 0002 0262'))
    expect(request.clusterId).toBe('b')
  })

  test('a known tag that the version lacks is refused', () => {
    const replicaState = '01 0d 00000001 0000000000000002 00'
    expect(failureOf(Fetch.request, 12, fetchV12(`01 ${replicaState}`))).toBeInstanceOf(
      ProtocolError,
    )
  })
})

describe('memory and time are bounded by the bytes', () => {
  const cheaply = (message: Message, version: number, bytes: Buffer) => {
    const before = process.memoryUsage()
    const startMs = performance.now()
    const error = failureOf(message, version, bytes)
    const after = process.memoryUsage()
    expect(error).toBeInstanceOf(ProtocolError)
    expect(performance.now() - startMs).toBeLessThan(200)
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(1 << 20)
    expect(after.heapUsed - before.heapUsed).toBeLessThan(8 << 20)
  }
  const COUNTS = ['7fffffff', '10000000', '00100000', '00000100']

  test.each(COUNTS)('a count of 0x%s in front of nothing costs nothing', (count) => {
    const padding = '00'.repeat(40)
    cheaply(Metadata.request, 0, Buffer.from(count, 'hex'))
    cheaply(CreateTopics.request, 0, Buffer.from(count + padding, 'hex'))
    cheaply(Produce.request, 3, Buffer.from(`ffff000100000001${count}${padding}`, 'hex'))
  })

  test.each(['ffffffff07', 'ffffffff0f', 'ffffff7f'])(
    'a compact count of 0x%s in front of nothing costs nothing',
    (count) => {
      cheaply(CreateTopics.request, 5, Buffer.from(count, 'hex'))
      cheaply(Produce.request, 9, Buffer.from(`00000100000001${count}00`, 'hex'))
    },
  )

  test('a length beyond the end costs nothing', () => {
    const beforeRecords = '0000000100000001 00000001 0001 41 00000001 00000000'
    const body = Buffer.from(`${beforeRecords}7fffffff00`.replaceAll(' ', ''), 'hex')
    cheaply(Produce.request, 2, body.subarray(2))
  })

  test('more elements than any client sends are refused before they are read', () => {
    const topicsOf = (count: number) => {
      const bytes = Buffer.alloc(4 + 2 * count)
      bytes.writeInt32BE(count)
      return bytes
    }
    const largest = decodeBody(Metadata.request, 0, topicsOf(MAX_ELEMENTS))
    expect(largest.topics).toHaveLength(MAX_ELEMENTS)
    cheaply(Metadata.request, 0, topicsOf(MAX_ELEMENTS + 1))
  })

  test('elements of nested arrays count together', () => {
    const replicaNodes = Array.from({ length: 1024 }, () => 1)
    const partition = { errorCode: 0, partitionIndex: 0, leaderId: 1, replicaNodes, isrNodes: [] }
    const topic = { errorCode: 0, name: 't', partitions: [partition] }
    const responseOf = (topics: number) =>
      encodeBody(Metadata.response, 0, { brokers: [], topics: Array(topics).fill(topic) })
    expect(failureOf(Metadata.response, 0, responseOf(1000))).toBeUndefined()
    expect(String(failureOf(Metadata.response, 0, responseOf(1024)))).toContain(
      `exceeds ${MAX_ELEMENTS} elements`,
    )
  })

  test('endless tags end with the bytes', () => {
    const tags = Buffer.alloc(200_000)
    Buffer.from('ffffffff07', 'hex').copy(tags, 9)
    Buffer.from('026700000007026100', 'hex').copy(tags)
    cheaply(Heartbeat.request, 4, tags)
  })
})
