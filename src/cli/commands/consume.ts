import type { Cluster, TopicInfo } from '../../client/cluster.ts'
import { Fetcher } from '../../client/fetcher.ts'
import { GroupConsumer } from '../../client/group-consumer.ts'
import type { Isolation, TopicPartition } from '../../client/list-offsets.ts'
import {
  type Choose,
  CLIENT_OPTIONS,
  type ClientArguments,
  type CommandContext,
  flag,
  openCluster,
  type Parser,
  parseCount,
  usage,
  value,
} from './command-context.ts'
import { type OffsetRange, parseOffsetRange, resolveRange } from './offset-range.ts'
import { type ReadOptions, RecordPrinter, readPositions, untilAborted } from './record-printer.ts'

const OPTIONS = {
  ...CLIENT_OPTIONS,
  json: flag('one JSON object on each line: what is printed without --format'),
  format: { ...value("how to print a record, as '%p/%o %k=%v\\n' [json]"), alias: 'f' },
  offset: { ...value('where to begin, and to stop: see below [start]'), alias: 'o' },
  num: { ...value('how many records'), alias: 'n' },
  partitions: { ...value('these partitions, as 0,2 [all]'), alias: 'p' },
  group: { ...value('as a member of this group, from where it has come to'), alias: 'g' },
  exit: { ...flag('stop at the end instead of waiting for more'), alias: 'e' },
  regex: { ...flag('the topics are regular expressions'), alias: 'r' },
  'read-committed': flag('nothing of transactions that are open or were aborted'),
  timestamps: { ...flag('with the time of each record in its JSON'), alias: 'T' },
} as const

export interface ConsumeArguments extends ClientArguments {
  readonly format: string | undefined
  readonly offset: string | undefined
  readonly num: string | undefined
  readonly partitions: string | undefined
  readonly group: string | undefined
  readonly exit: boolean | undefined
  readonly regex: boolean | undefined
  readonly 'read-committed': boolean | undefined
  readonly timestamps: boolean | undefined
}

const OFFSETS = `Offsets: start, end, 42, +5 (after the start), -10 (before the end), @TIME, and ranges
of them, FROM:TO, either side left out: 10:20, :end, -10:end, @-1h:@-30m. A TIME is in milliseconds
or seconds since 1970, 2024-02-14, 2024-02-14T09:00:00Z, or -1h30m from now.`

export function declareConsume(parser: Parser, choose: Choose): Parser {
  return parser.command(
    'consume <topics..>',
    'print records',
    (consume) =>
      consume
        .options(OPTIONS)
        .positional('topics', { type: 'string', array: true })
        .example('$0 consume orders -n 5', 'the first five')
        .example('$0 consume orders -o -10 -e', 'the last ten of each partition')
        .example("$0 consume orders -f '%p/%o %k=%v\\n'", 'in a shape of your own')
        .epilogue(OFFSETS),
    (args) => choose((context) => consume(args.topics ?? [], args, context)),
  )
}

async function consume(
  topics: readonly string[],
  args: ConsumeArguments,
  context: CommandContext,
): Promise<undefined> {
  const limit = args.num === undefined ? undefined : parseCount(args.num, '--num')
  const isolation: Isolation = args['read-committed'] ? 'read_committed' : 'read_uncommitted'
  const printer = new RecordPrinter({ ...args, limit }, context)
  const partitions = args.partitions === undefined ? undefined : parsePartitions(args.partitions)
  const range = parseRange(args)
  if (args.group !== undefined && (partitions || range?.to)) {
    throw usage('consume: a group decides which partitions are read: --group goes without them')
  }
  const cluster = openCluster(args, context)
  try {
    const names = await untilAborted(topicNames(cluster, topics, args), context.signal)
    const options = { isolation, resetToStart: true }
    if (args.group !== undefined) {
      const initial = range?.from.at === 'end' ? 'end' : 'start'
      const group = { ...options, groupId: args.group, topics: names, initial } as const
      await readAsGroup(new GroupConsumer(cluster, group), printer, { args, context })
      return
    }
    const all = await Promise.all(names.map((name) => cluster.topic(name)))
    const wanted = all.flatMap((topic) => partitionsOf(topic, partitions))
    const positions = await untilAborted(
      resolveRange(cluster, wanted, range ?? { from: { at: 'start' }, to: undefined }, isolation),
      context.signal,
    )
    const fetcher = new Fetcher(cluster, options)
    await readPositions(fetcher, positions, { printer, context })
  } finally {
    printer.end()
    cluster.close()
  }
}

function parsePartitions(text: string): number[] {
  return text.split(',').map((one) => parseCount(one.trim(), '--partitions', 0))
}

/** --exit is `TO` at the present end. */
function parseRange(args: ConsumeArguments): OffsetRange | undefined {
  try {
    const range = args.offset === undefined ? undefined : parseOffsetRange(args.offset, Date.now())
    if (!args.exit || args.group !== undefined || range?.to) return range
    return { from: range?.from ?? { at: 'start' }, to: { at: 'end' } }
  } catch (error) {
    if (error instanceof RangeError) throw usage(`--offset: ${error.message}`)
    throw error
  }
}

async function topicNames(
  cluster: Cluster,
  topics: readonly string[],
  { regex }: ConsumeArguments,
): Promise<readonly string[]> {
  if (!regex) return [...new Set(topics)]
  const patterns = topics.map((text) => {
    try {
      return new RegExp(`^(?:${text})$`)
    } catch (error) {
      throw usage(`'${text}' is no regular expression: ${String(error)}`)
    }
  })
  const names = (await cluster.allTopics())
    .filter(({ isInternal }) => !isInternal)
    .map(({ name }) => name)
    .filter((name) => patterns.some((pattern) => pattern.test(name)))
  if (names.length === 0) throw usage(`no topic is called like ${topics.join(' or ')}`)
  return names
}

function partitionsOf(
  { name: topic, partitions }: TopicInfo,
  wanted: readonly number[] | undefined,
): TopicPartition[] {
  const missing = wanted?.find((one) => !partitions.some(({ partition }) => partition === one))
  if (missing !== undefined) {
    throw usage(`${topic} has no partition ${missing}: it has ${partitions.length}`)
  }
  return partitions
    .filter(({ partition }) => !wanted || wanted.includes(partition))
    .map(({ partition }) => ({ topic, partition }))
}

const COMMIT_INTERVAL_MS = 5_000

async function readAsGroup(
  consumer: GroupConsumer,
  printer: RecordPrinter,
  { args, context }: ReadOptions & { readonly args: ConsumeArguments },
): Promise<void> {
  let committedAtMs = Date.now()
  try {
    while (!context.signal.aborted && !printer.isFull) {
      const fetched = await untilAborted(consumer.poll(), context.signal)
      for (const one of fetched) {
        const nextOffset = await printer.print(one)
        consumer.markDone(one, nextOffset)
        if (printer.isFull) break
      }
      if (Date.now() - committedAtMs > COMMIT_INTERVAL_MS) {
        await consumer.commit()
        committedAtMs = Date.now()
      }
      if (args.exit && consumer.isCaughtUp) break
    }
  } finally {
    await consumer.close()
  }
}
