import { isUtf8 } from 'node:buffer'
import type { OutgoingRecord } from '../../client/producer.ts'
import type { HeaderInput } from '../../protocol/records/builder.ts'
import type { RecordView } from '../../protocol/records/iterate.ts'
import { elementsOf, isJson, membersOf, onOneLine } from './json-text.ts'

/**
 * Records as one line of JSON each, the same shape out of `consume` and `tail` and into `produce`:
 *
 *   {"topic":"orders","partition":1,"offset":0,"key":"u1","value":{"id":1},"headers":{}}
 *
 * A value that is JSON itself, but no string and not null, stands there as it is, so that no number
 * is rounded (only line breaks between its parts go); any other text is a string; null is null. Keys
 * alike, but numbers and booleans are strings. Bytes that are no text are base64, and `keyEncoding`, `valueEncoding` or
 * `headersEncoding` says so.
 */
export interface ShownRecord {
  readonly topic: string
  readonly partition: number
  readonly record: RecordView
}

export interface JsonOptions {
  /** Adds `timestamp`, in milliseconds. */
  readonly timestamps: boolean
}

export function recordLine(shown: ShownRecord, options: JsonOptions): string {
  const { topic, partition, record } = shown
  const key = dataText(record.key, isContainer)
  const value = dataText(record.value, isNoString)
  const headers = headersText(record)
  const parts = [
    `"topic":${JSON.stringify(topic)}`,
    `"partition":${partition}`,
    `"offset":${record.offset}`,
    ...(options.timestamps ? [`"timestamp":${record.timestamp}`] : []),
    `"key":${key.text}`,
    `"value":${value.text}`,
    `"headers":${headers.text}`,
    ...(key.isBase64 ? ['"keyEncoding":"base64"'] : []),
    ...(value.isBase64 ? ['"valueEncoding":"base64"'] : []),
    ...(headers.isBase64 ? ['"headersEncoding":"base64"'] : []),
  ]
  return `{${parts.join(',')}}`
}

interface DataText {
  readonly text: string
  readonly isBase64: boolean
}

const isContainer = (text: string) => /^\s*[{[]/.test(text)
const isNoString = (text: string) =>
  isContainer(text) || /^(?:[-\d][\d.eE+-]*|true|false)$/.test(text)

function dataText(bytes: Uint8Array | null, mayStandAsItIs: (text: string) => boolean): DataText {
  if (bytes === null) return { text: 'null', isBase64: false }
  const buffer = bufferOf(bytes)
  if (!isUtf8(bytes)) {
    return { text: `"${buffer.toString('base64')}"`, isBase64: true }
  }
  const text = buffer.toString('utf8')
  if (mayStandAsItIs(text) && isJson(text)) return { text: onOneLine(text), isBase64: false }
  return { text: JSON.stringify(text), isBase64: false }
}

/** Several headers of one name become a list under it. */
function headersText(record: RecordView): DataText {
  const { headers } = record
  const isBase64 = headers.some(({ value }) => value !== null && !isUtf8(value))
  const byName = new Map<string, string[]>()
  for (const { key, value } of headers) {
    const encoding = isBase64 ? 'base64' : 'utf8'
    const text = value === null ? 'null' : JSON.stringify(bufferOf(value).toString(encoding))
    const values = byName.get(key)
    if (values) values.push(text)
    else byName.set(key, [text])
  }
  const members = [...byName].map(
    ([name, values]) =>
      `${JSON.stringify(name)}:${values.length === 1 ? values[0] : `[${values.join(',')}]`}`,
  )
  return { text: `{${members.join(',')}}`, isBase64 }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Where a record goes that does not say so itself. */
export interface Destination {
  readonly topic: string | undefined
  readonly partition: number | undefined
}

const NAMES: ReadonlySet<string> = new Set([
  'topic',
  'partition',
  'offset',
  'timestamp',
  'key',
  'value',
  'headers',
  'keyEncoding',
  'valueEncoding',
  'headersEncoding',
])

/**
 * Reads such a line for sending. Only `value` has to be there; the offset is passed over. The
 * destination wins over what the line says. Throws `SyntaxError` in words for the user.
 */
export function parseRecordLine(line: string, destination: Destination): OutgoingRecord {
  const members = new Map(membersOf(line).map(({ name, text }) => [name, text]))
  for (const name of members.keys()) {
    if (!NAMES.has(name)) throw new SyntaxError(`"${name}" is no part of a record`)
  }
  if (!members.has('value')) throw new SyntaxError('there is no "value"')
  const topic = destination.topic ?? textMember(members, 'topic')
  if (topic === undefined) throw new SyntaxError('there is no "topic", and none is given')
  const isBase64 = (name: string) => {
    const encoding = textMember(members, name)
    if (encoding === undefined || encoding === 'base64') return encoding !== undefined
    throw new SyntaxError(`"${name}" is "${encoding}": only base64 is known`)
  }
  return {
    topic,
    partition: destination.partition ?? integerMember(members, 'partition'),
    timestamp: integerMember(members, 'timestamp'),
    key: dataOf(members.get('key'), isBase64('keyEncoding')),
    value: dataOf(members.get('value'), isBase64('valueEncoding')),
    headers: headersOf(members.get('headers'), isBase64('headersEncoding')),
  }
}

function textMember(members: ReadonlyMap<string, string>, name: string): string | undefined {
  const text = members.get(name)
  if (text === undefined) return undefined
  const value: unknown = JSON.parse(text)
  if (typeof value !== 'string') throw new SyntaxError(`"${name}" is no string`)
  return value
}

function integerMember(members: ReadonlyMap<string, string>, name: string): number | undefined {
  const text = members.get(name)
  if (text === undefined) return undefined
  const value = Number(text)
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new SyntaxError(`"${name}" is ${text}: a whole number is needed`)
  }
  return value
}

function dataOf(text: string | undefined, isBase64: boolean): Buffer | null {
  if (text === undefined || text === 'null') return null
  if (!text.startsWith('"')) {
    if (isBase64) throw new SyntaxError(`${text} is not base64`)
    return Buffer.from(text)
  }
  return decoded(JSON.parse(text), isBase64)
}

function decoded(text: string, isBase64: boolean): Buffer {
  if (!isBase64) return Buffer.from(text)
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64').replace(/=+$/, '') !== text.replace(/=+$/, '')) {
    throw new SyntaxError(`"${text}" is not base64`)
  }
  return bytes
}

function headersOf(text: string | undefined, isBase64: boolean): HeaderInput[] {
  if (text === undefined || text === 'null') return []
  return membersOf(text).flatMap(({ name: key, text: values }) =>
    (values.startsWith('[') ? elementsOf(values) : [values]).map((value) => ({
      key,
      value: dataOf(value, isBase64),
    })),
  )
}
