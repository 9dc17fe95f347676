import { fstatSync } from 'node:fs'
import { type Delivery, type OutgoingRecord, Producer } from '../../client/producer.ts'
import type { HeaderInput } from '../../protocol/records/builder.ts'
import { ExitCode, StartError } from '../exit-code.ts'
import {
  type Choose,
  CLIENT_OPTIONS,
  type ClientArguments,
  type CommandContext,
  flag,
  type Input,
  openCluster,
  type Parser,
  parseCount,
  usage,
  value,
  values,
} from './command-context.ts'
import { Progress } from './progress.ts'
import { type Destination, parseRecordLine } from './record-json.ts'
import { RecordReader } from './record-reader.ts'

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

const OPTIONS = {
  ...CLIENT_OPTIONS,
  json: flag('each line is a record as consume prints it; prints where each went'),
  format: { ...value("how records stand in the input ['%v\\n'; json]"), alias: 'f' },
  key: { ...value('the key of all records'), alias: 'k' },
  header: { ...values('a header of all records, as key:value; repeatable'), alias: 'H' },
  partition: { ...value('the partition of all records [by their keys]'), alias: 'p' },
  repartition: flag('partitions that the input names do not count: keys decide'),
  compression: { ...value('codec of the batches [none]'), choices: CODECS, alias: 'z' },
  acks: { ...value('who confirms: all replicas, the leader (1), nobody (0) [all]') },
  tombstone: { ...flag('empty values are tombstones: null'), alias: 'Z' },
} as const

interface Arguments extends ClientArguments {
  readonly format: string | undefined
  readonly key: string | undefined
  readonly header: readonly string[] | undefined
  readonly partition: string | undefined
  readonly repartition: boolean | undefined
  readonly compression: (typeof CODECS)[number] | undefined
  readonly acks: string | undefined
  readonly tombstone: boolean | undefined
}

export function declareProduce(parser: Parser, choose: Choose): Parser {
  return parser.command(
    'produce [topic]',
    'send records from standard input',
    (produce) =>
      produce
        .options(OPTIONS)
        .positional('topic', { type: 'string', describe: 'where they go, if they do not say so' })
        .example('echo hello | $0 produce orders', 'a line is a value')
        .example("$0 produce orders -f '%k %v\\n'", 'key and value on each line')
        .example('$0 consume a -e | $0 produce b --json --repartition', 'copy a topic'),
    (args) => choose((context) => produce(args.topic, args, context)),
  )
}

async function produce(
  topic: string | undefined,
  args: Arguments,
  context: CommandContext,
): Promise<undefined> {
  const partition =
    args.partition === undefined ? undefined : parseCount(args.partition, '--partition', 0)
  if (partition !== undefined && args.repartition) {
    throw usage('produce: --partition and --repartition both say where records go')
  }
  const reader = openReader(args, { topic, partition })
  const dress = dresser(args)
  const acks = parseAcks(args.acks)
  if (context.input.isTTY) context.err.write('a record on each line; Ctrl-D ends\n')
  const report = new Report(args, context)
  const cluster = openCluster(args, context)
  // What was read before Ctrl-C is sent still, what comes after a failure is not read any more.
  const stopReading = () => void context.input.destroy()
  context.signal.addEventListener('abort', stopReading)
  try {
    const producer = new Producer(cluster, {
      acks,
      compression: args.compression ?? 'none',
      onDelivery: (delivery) => report.delivered(delivery),
      onFailure: stopReading,
    })
    await sendAll(context.input, reader, report, (record) => producer.send(dress(record)))
    await producer.flush()
  } finally {
    report.end()
    stopReading()
    cluster.close()
  }
}

async function sendAll(
  input: Input,
  reader: Reader,
  report: Report,
  send: (record: OutgoingRecord) => Promise<void> | undefined,
): Promise<void> {
  try {
    for await (const chunk of input) {
      const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
      report.read(bytes.length)
      for (const record of reader.push(bytes)) {
        const waiting = send(record)
        if (waiting) await waiting
      }
    }
  } catch (error) {
    if (isCutShort(error)) return
    throw error
  }
  for (const record of reader.end()) await send(record)
}

/** The input was closed on this side. */
function isCutShort(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE'
}

interface Reader {
  push(bytes: Buffer): OutgoingRecord[]
  end(): OutgoingRecord[]
}

function openReader(args: Arguments, destination: Destination): Reader {
  const isJson = args.json || args.format === 'json'
  if (args.json && args.format !== undefined && args.format !== 'json') {
    throw usage('produce: --json and --format both say how records stand in the input')
  }
  try {
    const reader = isJson
      ? new LineReader(destination)
      : new RecordReader(args.format ?? '%v\\n', destination)
    if (!isJson && destination.topic === undefined && !args.format?.includes('%t')) {
      throw usage('produce: to which topic?')
    }
    return inWords(reader)
  } catch (error) {
    if (error instanceof SyntaxError) throw usage(`--format: ${error.message}`)
    throw error
  }
}

/** What is wrong with the input is no fault of dohle. */
function inWords(reader: Reader): Reader {
  const guarded = (read: () => OutgoingRecord[]) => {
    try {
      return read()
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      throw new StartError(ExitCode.USAGE, `standard input: ${error.message}`, { cause: error })
    }
  }
  return {
    push: (bytes) => guarded(() => reader.push(bytes)),
    end: () => guarded(() => reader.end()),
  }
}

const NEWLINE = 10

class LineReader implements Reader {
  readonly #destination: Destination
  #rest: Buffer = Buffer.alloc(0)
  #line = 0

  constructor(destination: Destination) {
    this.#destination = destination
  }

  push(bytes: Buffer): OutgoingRecord[] {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    const records: OutgoingRecord[] = []
    let start = 0
    for (let end = all.indexOf(NEWLINE); end >= 0; end = all.indexOf(NEWLINE, start)) {
      this.#take(all.subarray(start, end), records)
      start = end + 1
    }
    this.#rest = all.subarray(start)
    return records
  }

  end(): OutgoingRecord[] {
    const records: OutgoingRecord[] = []
    this.#take(this.#rest, records)
    return records
  }

  #take(bytes: Buffer, records: OutgoingRecord[]): void {
    this.#line++
    const text = bytes.toString('utf8')
    if (text.trim() === '') return
    try {
      records.push(parseRecordLine(text, this.#destination))
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      throw new SyntaxError(`line ${this.#line}: ${error.message}`)
    }
  }
}

/** What the options say of all records. */
function dresser(args: Arguments): (record: OutgoingRecord) => OutgoingRecord {
  const headers = (args.header ?? []).map(parseHeader)
  const key = args.key === undefined ? undefined : Buffer.from(args.key)
  const { repartition, tombstone } = args
  if (headers.length === 0 && key === undefined && !tombstone && !repartition) {
    return (record) => record
  }
  return (record) => ({
    ...record,
    partition: repartition ? undefined : record.partition,
    key: key ?? record.key,
    value: tombstone && record.value?.length === 0 ? null : record.value,
    headers: [...(record.headers ?? []), ...headers],
  })
}

function parseHeader(text: string): HeaderInput {
  const [, key, content] = /^([^:=]+)[:=](.*)$/s.exec(text) ?? []
  if (key === undefined) throw usage(`--header ${text}: use key:value`)
  return { key, value: Buffer.from(content ?? '') }
}

function parseAcks(text: string | undefined): -1 | 0 | 1 {
  switch (text) {
    case undefined:
    case 'all':
    case '-1':
      return -1
    case '1':
      return 1
    case '0':
      return 0
    default:
      throw usage(`--acks ${text}: use all, 1 or 0`)
  }
}

/** Says where records went: each as JSON, or all together on standard error. */
class Report {
  readonly #isJson: boolean
  readonly #context: CommandContext
  readonly #progress: Progress
  readonly #inputBytes: number | undefined
  #readBytes = 0
  readonly #counts = new Map<string, number>()

  constructor(args: Arguments, context: CommandContext) {
    this.#isJson = args.json === true
    this.#context = context
    this.#progress = new Progress(context.err, !context.input.isTTY)
    this.#inputBytes = sizeOf(context.input)
  }

  read(byteCount: number): void {
    this.#readBytes += byteCount
    const share = this.#inputBytes && Math.min(this.#readBytes / this.#inputBytes, 1)
    this.#progress.update(share, `${this.#total} records sent`)
  }

  delivered({ topic, partition, records, baseOffset }: Delivery): void {
    this.#counts.set(topic, (this.#counts.get(topic) ?? 0) + records.length)
    if (!this.#isJson) return
    const lines = records.map((_, index) => {
      const offset = baseOffset < 0 ? null : baseOffset + index
      return `${JSON.stringify({ topic, partition, offset })}\n`
    })
    void this.#context.out.write(lines.join(''))
  }

  end(): void {
    this.#progress.end()
    if (this.#isJson) return
    for (const [topic, count] of this.#counts) {
      this.#context.err.write(`${count} ${count === 1 ? 'record' : 'records'} to ${topic}\n`)
    }
  }

  get #total(): number {
    return [...this.#counts.values()].reduce((sum, count) => sum + count, 0)
  }
}

/** Undefined when it is no file: nobody knows how much there is. */
function sizeOf({ fd }: Input): number | undefined {
  if (fd === undefined) return undefined
  try {
    const stats = fstatSync(fd)
    return stats.isFile() && stats.size > 0 ? stats.size : undefined
  } catch {
    return undefined
  }
}
