import type { OutgoingRecord } from '../../client/producer.ts'
import type { HeaderInput } from '../../protocol/records/builder.ts'
import { parseTemplate, type TemplatePart } from './format-template.ts'
import type { Destination } from './record-json.ts'

/**
 * Takes records out of a stream of bytes by a template, the inverse of record-format.ts: text goes
 * up to what follows it in the template, or has its size in front (`%K{big32}%k`). Only the size
 * letters, %t, %k, %v, %p, %d, %H and %h have a meaning here.
 */
export class RecordReader {
  readonly #steps: readonly Step[]
  readonly #destination: Destination
  #bytes: Buffer = Buffer.alloc(0)

  /** Throws `SyntaxError` for a template that cannot be read by. */
  constructor(template: string, destination: Destination) {
    this.#steps = compile(parseTemplate(template))
    this.#destination = destination
    if (this.#steps.length === 0) throw new SyntaxError('the format is empty')
  }

  /** The records that are complete with these bytes. Throws `SyntaxError` where none can be. */
  push(bytes: Buffer): OutgoingRecord[] {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
    return this.#read(false)
  }

  /** What is left: the last record may lack the text that ends it. */
  end(): OutgoingRecord[] {
    const records = this.#read(true)
    if (this.#bytes.length > 0) throw new SyntaxError('the input ends inside a record')
    return records
  }

  #read(isEnd: boolean): OutgoingRecord[] {
    const records: OutgoingRecord[] = []
    const input = new Input(this.#bytes, isEnd)
    while (input.at < this.#bytes.length) {
      const start = input.at
      const draft: Draft = { sizes: new Map(), headers: [] }
      if (!readSteps(this.#steps, input, draft)) {
        input.at = start
        break
      }
      // A template that takes nothing would go on for ever.
      if (input.at === start) throw new SyntaxError('the format reads nothing')
      records.push(this.#record(draft))
    }
    this.#bytes = this.#bytes.subarray(input.at)
    return records
  }

  #record(draft: Draft): OutgoingRecord {
    const topic = this.#destination.topic ?? draft.topic
    if (topic === undefined) throw new SyntaxError('no topic is given, and the format has no %t')
    return {
      topic,
      partition: this.#destination.partition ?? draft.partition,
      timestamp: draft.timestamp,
      key: draft.key ?? null,
      value: draft.value ?? null,
      headers: draft.headers,
    }
  }
}

interface Draft {
  topic?: string
  partition?: number
  timestamp?: number
  key?: Buffer
  value?: Buffer
  headers: HeaderInput[]
  /** By letter. */
  readonly sizes: Map<string, number>
}

class Input {
  readonly bytes: Buffer
  readonly isEnd: boolean
  at = 0

  constructor(bytes: Buffer, isEnd: boolean) {
    this.bytes = bytes
    this.isEnd = isEnd
  }

  /** Undefined when they are not all there. */
  take(count: number): Buffer | undefined {
    if (this.at + count > this.bytes.length) return undefined
    this.at += count
    return this.bytes.subarray(this.at - count, this.at)
  }

  /** Up to `stop`, which stays; up to the end of the input when there is none. */
  takeUntil(stop: Buffer | undefined): Buffer | undefined {
    const found = stop === undefined ? -1 : this.bytes.indexOf(stop, this.at)
    if (found < 0 && !this.isEnd) return undefined
    return this.take((found < 0 ? this.bytes.length : found) - this.at)
  }
}

/** False when more bytes are needed. */
type Step = (input: Input, draft: Draft) => boolean

function readSteps(steps: readonly Step[], input: Input, draft: Draft): boolean {
  return steps.every((step) => step(input, draft))
}

/** Whose size a letter says. */
const SIZE_OF: Readonly<Record<string, string>> = { T: 't', K: 'k', V: 'v' }

function compile(parts: readonly TemplatePart[]): Step[] {
  const sized = new Set<string>()
  return parts.map((part, index) => {
    if ('text' in part) return literalStep(part.text)
    const { letter, modifier } = part
    const next = parts[index + 1]
    const stop = next && 'text' in next ? next.text : undefined
    const isLast = next === undefined
    if (letter === 'h') return headersStep(modifier)
    if ('tkv'.includes(letter)) {
      const size = sized.has(letter) ? letter : sizeIn(modifier)
      if (size === undefined && stop === undefined && !isLast) {
        throw new SyntaxError(`'%${letter}' in the format: its size, or some text, has to follow`)
      }
      return textStep(letter, { size, stop, decode: decoder(modifier, letter) })
    }
    if (SIZE_OF[letter]) sized.add(SIZE_OF[letter])
    else if (!'pdH'.includes(letter)) {
      throw new SyntaxError(`'%${letter}' in the format cannot be read from input`)
    }
    return numberStep(letter, modifier)
  })
}

function literalStep(text: Buffer): Step {
  return (input) => {
    const found = input.bytes.subarray(input.at, input.at + text.length)
    if (found.equals(text)) {
      input.at += text.length
      return true
    }
    const isPart = text.subarray(0, found.length).equals(found)
    if (isPart && !input.isEnd) return false
    // The last line may have no end.
    if (isPart && found.length === 0) return true
    throw new SyntaxError(
      `'${text}' was expected where '${found.toString().replaceAll('\n', '\\n')}' is`,
    )
  }
}

type Size = string | number | undefined

/** `%v{12}`: exactly so many bytes. */
function sizeIn(modifier: string | undefined): number | undefined {
  return modifier !== undefined && /^\d+$/.test(modifier) ? Number(modifier) : undefined
}

interface TextOptions {
  /** A number of bytes, or the letter whose size was read. */
  readonly size: Size
  readonly stop: Buffer | undefined
  readonly decode: (bytes: Buffer) => Buffer
}

function textStep(letter: string, { size, stop, decode }: TextOptions): Step {
  return (input, draft) => {
    const count = typeof size === 'string' ? draft.sizes.get(size)! : size
    const raw = count === undefined ? input.takeUntil(stop) : input.take(count)
    if (raw === undefined) return false
    const bytes = decode(raw)
    if (letter === 't') draft.topic = bytes.toString('utf8')
    else if (letter === 'k') draft.key = bytes
    else draft.value = bytes
    return true
  }
}

function decoder(modifier: string | undefined, letter: string): (bytes: Buffer) => Buffer {
  if (modifier === undefined || /^\d+$/.test(modifier)) return (bytes) => bytes
  const check = (text: string, pattern: RegExp) => {
    if (!pattern.test(text)) throw new SyntaxError(`'${text}' is not ${modifier}`)
    return text
  }
  switch (modifier) {
    case 'hex':
      return (bytes) => Buffer.from(check(bytes.toString(), /^(?:[0-9a-fA-F]{2})*$/), 'hex')
    case 'base64':
    case 'base64raw':
      return (bytes) => Buffer.from(check(bytes.toString(), /^[A-Za-z0-9+/]*=*$/), 'base64')
    case 'json':
      return (bytes) => Buffer.from(String(JSON.parse(bytes.toString('utf8'))))
    default:
      throw new SyntaxError(`'%${letter}{${modifier}}': no such way to read text`)
  }
}

function numberStep(letter: string, modifier: string | undefined): Step {
  const read = modifier === undefined || modifier === 'ascii' ? readDigits : binaryNumber(modifier)
  return (input, draft) => {
    const value = read(input)
    if (value === undefined) return false
    if (letter === 'p') draft.partition = value
    else if (letter === 'd') draft.timestamp = value
    else if (value < 0) throw new SyntaxError(`${value} is no size`)
    else draft.sizes.set(SIZE_OF[letter] ?? letter, value)
    return true
  }
}

function readDigits(input: Input): number | undefined {
  let end = input.at
  while (end < input.bytes.length && /[-0-9]/.test(String.fromCharCode(input.bytes[end]!))) end++
  if (end === input.bytes.length && !input.isEnd) return undefined
  const text = input.bytes.subarray(input.at, end).toString()
  if (!/^-?\d{1,15}$/.test(text)) throw new SyntaxError(`a number was expected, not '${text}'`)
  input.at = end
  return Number(text)
}

function binaryNumber(modifier: string): (input: Input) => number | undefined {
  const [, order, bits] = /^(big|little)(8|16|32|64)$/.exec(modifier) ?? []
  const byteCount = modifier === 'byte' ? 1 : Number(bits) / 8
  if (Number.isNaN(byteCount)) {
    throw new SyntaxError(`'{${modifier}}': no such way to read a number`)
  }
  return (input) => {
    const bytes = input.take(byteCount)
    if (!bytes) return undefined
    const big = order === 'little' ? Buffer.from(bytes).reverse() : bytes
    return Number(BigInt(`0x${big.toString('hex')}`))
  }
}

/** As many headers as %H said, one if it said nothing. */
function headersStep(modifier: string | undefined): Step {
  if (modifier === undefined) throw new SyntaxError("'%h' needs a format in braces: %h{%k=%v;}")
  const steps = compile(parseTemplate(modifier))
  return (input, draft) => {
    const count = draft.sizes.get('H') ?? 1
    for (let i = 0; i < count; i++) {
      const header: Draft = { sizes: new Map(), headers: [] }
      if (!readSteps(steps, input, header)) return false
      const key = header.key?.toString('utf8') ?? ''
      draft.headers.push({ key, value: header.value ?? null })
    }
    return true
  }
}
