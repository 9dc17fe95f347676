import type { FetchedRecord } from '../../client/fetched-records.ts'
import type { Fetched } from '../../client/fetcher.ts'
import { compressionName } from '../../protocol/records/compression/compression.ts'
import { bracketed, parseTemplate, type TemplatePart } from './format-template.ts'
import { type NumberFormat, numberFormat } from './number-format.ts'
import { goTimeFormat, timeFormat } from './time-format.ts'
import { unpackFormat } from './unpack.ts'

/** A record with where it came from. */
export interface ShownFetched extends FetchedRecord {
  readonly from: Fetched
  /** How many were shown, this one included. */
  readonly count: number
}

export type RecordFormat = (shown: ShownFetched) => Buffer

/**
 * What prints records by a template (docs/CLI.md lists the letters). Throws `SyntaxError` in words
 * for the user.
 */
export function recordFormat(template: string): RecordFormat {
  const formats = parseTemplate(template).map((part) =>
    'text' in part ? () => part.text : letterFormat(part),
  )
  return (shown) => Buffer.concat(formats.map((format) => format(shown)))
}

type Letter = Exclude<TemplatePart, { text: Buffer }>

const NOTHING = Buffer.alloc(0)

const TEXTS: Readonly<Record<string, (shown: ShownFetched) => Uint8Array | null>> = {
  t: ({ from }) => Buffer.from(from.topic),
  k: ({ record }) => record.key,
  v: ({ record }) => record.value,
}

const NUMBERS: Readonly<Record<string, (shown: ShownFetched) => number>> = {
  T: ({ from }) => Buffer.byteLength(from.topic),
  K: ({ record }) => record.key?.length ?? 0,
  V: ({ record }) => record.value?.length ?? 0,
  H: ({ record }) => record.headers.length,
  p: ({ from }) => from.partition,
  o: ({ record }) => record.offset,
  e: ({ batch }) => (batch.magic === 2 ? batch.partitionLeaderEpoch : -1),
  x: ({ batch }) => (batch.magic === 2 ? batch.producerId : -1),
  y: ({ batch }) => (batch.magic === 2 ? batch.producerEpoch : -1),
  i: ({ count }) => count,
  '[': ({ from }) => from.logStartOffset,
  '|': ({ from }) => from.lastStableOffset,
  ']': ({ from }) => from.highWatermark,
}

/** kcat's letters for what rpk has others for. */
const ALIASES: Readonly<Record<string, string>> = { s: 'v', S: 'V' }

function letterFormat({ letter: given, modifier }: Letter): RecordFormat {
  const letter = ALIASES[given] ?? given
  const text = TEXTS[letter]
  if (text) {
    const format = textFormat(modifier, given)
    return (shown) => format(text(shown))
  }
  const number = NUMBERS[letter]
  if (number) {
    const format = numberOf(modifier, given)
    return (shown) => format(number(shown))
  }
  switch (letter) {
    case 'd':
      return timestampFormat(modifier)
    case 'h':
      return headersFormat(modifier)
    case 'a':
      return attributeFormat(modifier)
    default:
      throw new SyntaxError(`'%${given}' in the format is no letter of a record`)
  }
}

function numberOf(modifier: string | undefined, letter: string): NumberFormat {
  const format = numberFormat(modifier)
  if (!format) throw new SyntaxError(`'%${letter}{${modifier}}': no such way to show a number`)
  return format
}

type TextFormat = (bytes: Uint8Array | null) => Buffer

function textFormat(modifier: string | undefined, letter: string): TextFormat {
  const format = bytesFormat(modifier)
  if (!format) throw new SyntaxError(`'%${letter}{${modifier}}': no such way to show text`)
  return (bytes) => {
    if (bytes === null) return NOTHING
    return format(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))
  }
}

function bytesFormat(modifier: string | undefined): ((bytes: Buffer) => Buffer) | undefined {
  switch (modifier) {
    case undefined:
      return (bytes) => bytes
    case 'hex':
      return (bytes) => Buffer.from(bytes.toString('hex'))
    case 'base64':
      return (bytes) => Buffer.from(bytes.toString('base64'))
    case 'base64raw':
      return (bytes) => Buffer.from(bytes.toString('base64').replace(/=+$/, ''))
    case 'json':
      return (bytes) => Buffer.from(JSON.stringify(bytes.toString('utf8')))
    default: {
      const brackets = bracketed(modifier)
      return brackets?.word === 'unpack' ? unpackFormat(brackets.text) : undefined
    }
  }
}

function timestampFormat(modifier: string | undefined): RecordFormat {
  const number = numberFormat(modifier)
  if (number) return ({ record }) => number(record.timestamp)
  const brackets = bracketed(modifier!)
  if (brackets?.word !== 'strftime' && brackets?.word !== 'go') {
    throw new SyntaxError(`'%d{${modifier}}': use strftime[...], go[...] or a way to show numbers`)
  }
  const format = brackets.word === 'go' ? goTimeFormat(brackets.text) : timeFormat(brackets.text)
  return ({ record }) => Buffer.from(format(record.timestamp))
}

/** Each header by a template of its own, in which %k, %K, %v and %V are the header's. */
function headersFormat(modifier: string | undefined): RecordFormat {
  if (modifier === undefined) {
    return ({ record }) =>
      Buffer.from(record.headers.map(({ key, value }) => `${key}=${textOf(value)}`).join(','))
  }
  const parts = parseTemplate(modifier).map((part) => {
    if ('text' in part) return () => part.text
    const letter = ALIASES[part.letter] ?? part.letter
    if (letter === 'k' || letter === 'v') {
      const format = textFormat(part.modifier, part.letter)
      return (key: Buffer, value: Uint8Array | null) => format(letter === 'k' ? key : value)
    }
    if (letter === 'K' || letter === 'V') {
      const format = numberOf(part.modifier, part.letter)
      return (key: Buffer, value: Uint8Array | null) =>
        format(letter === 'K' ? key.length : (value?.length ?? 0))
    }
    throw new SyntaxError(`'%${part.letter}' in the format is no letter of a header`)
  })
  return ({ record }) =>
    Buffer.concat(
      record.headers.flatMap(({ key, value }) =>
        parts.map((format) => format(Buffer.from(key), value)),
      ),
    )
}

function textOf(value: Uint8Array | null): string {
  return value === null ? '' : Buffer.from(value).toString('utf8')
}

const ATTRIBUTES: Readonly<Record<string, (shown: ShownFetched) => number>> = {
  compression: ({ batch }) => (batch.magic === 2 ? batch.compression : 0),
  'timestamp-type': ({ batch }) =>
    batch.magic === 2 ? (batch.timestampType === 'LogAppendTime' ? 1 : 0) : -1,
  'transactional-bit': ({ batch }) => (batch.magic === 2 && batch.isTransactional ? 1 : 0),
  'control-bit': ({ batch }) => (batch.magic === 2 && batch.isControl ? 1 : 0),
}

function attributeFormat(modifier: string | undefined): RecordFormat {
  const [name = '', way] = (modifier ?? '').split(';')
  const attribute = ATTRIBUTES[name]
  if (!attribute) {
    throw new SyntaxError(`'%a{${modifier ?? ''}}': use ${Object.keys(ATTRIBUTES).join(', ')}`)
  }
  if (name === 'compression' && way === undefined) {
    return (shown) => Buffer.from(compressionName(attribute(shown)) ?? 'unknown')
  }
  const format = numberOf(way, 'a')
  return (shown) => format(attribute(shown))
}
