import { describe, expect, test } from 'vitest'
import { apis } from '../../src/protocol/apis/index.ts'
import { decodeBody, encodeBody } from '../../src/protocol/body.ts'
import { Reader } from '../../src/protocol/bytes/reader.ts'
import { read } from '../../src/protocol/codec.ts'
import type { Message } from '../../src/protocol/schema.ts'
import { expectedHex, expectedValue, type GoldenMessage, goldenLines } from './golden.ts'

interface GoldenBody extends GoldenMessage {
  readonly api: string
  readonly key: number
  readonly type: 'request' | 'response'
  readonly flexible: boolean
}

/** What the line of Kafka that declarations follow calls otherwise than the one that wrote the bytes. */
const RENAMED: { readonly [message: string]: { readonly [golden: string]: string } } = {
  TxnOffsetCommitRequest: { generationId: 'generationIdOrMemberEpoch' },
  StreamsGroupHeartbeatResponse: { acceptableRecoveryLag: 'acceptableRecoveryLagLegacy' },
}

function renamed(message: Message, line: GoldenBody): GoldenBody {
  const names = RENAMED[message.name]
  if (names === undefined) return line
  const entries = Object.entries(line.json).map(([name, value]) => [names[name] ?? name, value])
  return { ...line, json: Object.fromEntries(entries) }
}

/**
 * A follower's high watermark beyond 2^53-1 reads as "none", which is the field's default, and is
 * then not written. No broker with such offsets exists.
 */
function isCutToDefault(message: Message, line: GoldenBody): boolean {
  return (
    message.name === 'FetchRequest' && /"highWatermark":"\d{16}/.test(JSON.stringify(line.json))
  )
}

const byMessage = new Map<Message, GoldenBody[]>()
for (const line of goldenLines<GoldenBody>('messages/messages.jsonl')) {
  const message = apis.find(({ key }) => key === line.key)![line.type]
  byMessage.set(message, [...(byMessage.get(message) ?? []), renamed(message, line)])
}

test('the golden messages are all there', () => {
  expect([...byMessage.values()].flat()).toHaveLength(3711)
})

describe.each([...byMessage].map(([message, lines]) => ({ name: message.name, message, lines })))(
  '$name',
  ({ message, lines }) => {
    test('reads the bytes of Apache Kafka, to the last one', () => {
      for (const line of lines) {
        const reader = new Reader(Buffer.from(line.hex, 'hex'))
        const value = read(message, line.version, reader)
        const context = `v${line.version} ${line.fill}`
        expect(value, context).toEqual(expectedValue(message.fields, line.json))
        expect(reader.position, context).toBe(reader.end)
      }
    })

    test('writes the bytes of Apache Kafka', () => {
      for (const line of lines.filter(({ fill }) => fill !== 'unknownTags')) {
        const value = expectedValue(message.fields, line.json)
        const bytes = encodeBody(message, line.version, value)
        const context = `v${line.version} ${line.fill}`
        if (isCutToDefault(message, line)) {
          expect(decodeBody(message, line.version, bytes), context).toEqual(value)
        } else {
          expect(bytes.toString('hex'), context).toBe(expectedHex(message.fields, line))
        }
      }
    })
  },
)
