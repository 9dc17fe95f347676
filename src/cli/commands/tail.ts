import type { Cluster, TopicInfo } from '../../client/cluster.ts'
import { type Fetched, Fetcher, type Position } from '../../client/fetcher.ts'
import { EARLIEST, LATEST, listOffsets } from '../../client/list-offsets.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import {
  type Choose,
  CLIENT_OPTIONS,
  type ClientArguments,
  type CommandContext,
  flag,
  openCluster,
  type Parser,
  parseCount,
  value,
} from './command-context.ts'
import { RecordPrinter, readPositions, untilAborted } from './record-printer.ts'

const OPTIONS = {
  ...CLIENT_OPTIONS,
  json: flag('one JSON object on each line: what is printed without --format'),
  format: { ...value("how to print a record, as '%p/%o %k=%v\\n' [json]"), alias: 'f' },
  lines: { ...value('how many of the records that are there [10]'), alias: 'n' },
  follow: { ...flag('go on with those that come; --no-follow does not'), default: true },
  timestamps: { ...flag('with the time of each record in its JSON'), alias: 'T' },
} as const

interface TailArguments extends ClientArguments {
  readonly format: string | undefined
  readonly lines: string | undefined
  readonly follow: boolean
  readonly timestamps: boolean | undefined
}

const LINES = 10
const RETRY_MS = 300

export function declareTail(parser: Parser, choose: Choose): Parser {
  return parser.command(
    'tail <topics..>',
    'print the last records, and those that come',
    (tail) => tail.options(OPTIONS).positional('topics', { type: 'string', array: true }),
    (args) => choose((context) => tail(args.topics ?? [], args, context)),
  )
}

async function tail(
  names: readonly string[],
  args: TailArguments,
  context: CommandContext,
): Promise<undefined> {
  const count = args.lines === undefined ? LINES : parseCount(args.lines, '--lines', 0)
  const printer = new RecordPrinter({ ...args, limit: undefined }, context)
  const cluster = openCluster(args, context)
  try {
    const topics: TopicInfo[] = []
    for (const name of new Set(names)) topics.push(await awaitTopic(cluster, name, args, context))
    const ends = await untilAborted(printLast(cluster, topics, { count, printer }), context.signal)
    if (!args.follow) return
    const fetcher = new Fetcher(cluster, { resetToStart: true })
    await readPositions(fetcher, ends, { printer, context })
  } finally {
    printer.end()
    cluster.close()
  }
}

/** One that is not there yet is waited for: the program that makes it may be about to start. */
async function awaitTopic(
  cluster: Cluster,
  name: string,
  { follow }: TailArguments,
  { err, signal }: CommandContext,
): Promise<TopicInfo> {
  let isTold = false
  for (;;) {
    try {
      return await untilAborted(cluster.topic(name), signal)
    } catch (error) {
      const isMissing =
        error instanceof KafkaError && error.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      if (!isMissing || !follow) throw error
      if (!isTold) err.write(`${name} is not there yet: waiting for it\n`)
      isTold = true
    }
    await untilAborted(new Promise((resolve) => setTimeout(resolve, RETRY_MS)), signal)
  }
}

interface LastOptions {
  readonly count: number
  readonly printer: RecordPrinter
}

/** Prints the last records of all partitions together, by their time; answers where to go on. */
async function printLast(
  cluster: Cluster,
  topics: readonly TopicInfo[],
  { count, printer }: LastOptions,
): Promise<Position[]> {
  const partitions = topics.flatMap(({ name: topic, partitions: all }) =>
    all.map(({ partition }) => ({ topic, partition })),
  )
  const [starts, ends] = await Promise.all([
    listOffsets(cluster, partitions, EARLIEST),
    listOffsets(cluster, partitions, LATEST),
  ])
  const fetcher = new Fetcher(cluster, { resetToStart: true })
  fetcher.assign(
    partitions.map((one, index) => ({
      ...one,
      offset: Math.max(starts[index]!, ends[index]! - count),
      endOffset: ends[index]!,
    })),
  )
  const last: Fetched[] = []
  while (!fetcher.isDone) {
    for (const { records, ...from } of await fetcher.poll()) {
      for (const one of records) last.push({ ...from, records: [one] })
    }
  }
  const timeOf = ({ records }: Fetched) => records[0]!.record.timestamp
  last.sort((a, b) => timeOf(a) - timeOf(b))
  for (const one of last.slice(-count || last.length)) await printer.print(one)
  return partitions.map((one, index) => ({ ...one, offset: ends[index]! }))
}
