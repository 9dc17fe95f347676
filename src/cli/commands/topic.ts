import { formatUuid, ZERO_UUID } from '../../base/uuid.ts'
import type { Cluster, TopicInfo } from '../../client/cluster.ts'
import { alterConfigs, type ConfigEntry, describeConfigs } from '../../client/config-admin.ts'
import { EARLIEST, LATEST, listOffsets } from '../../client/list-offsets.ts'
import { createPartitions, createTopic, deleteTopic } from '../../client/topic-admin.ts'
import { ErrorCode as Code, type ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import {
  type Choose,
  CLIENT_OPTIONS,
  type ClientArguments,
  type CommandContext,
  flag,
  type Parser,
  parseCount,
  parsePairs,
  usage,
  value,
  values,
  withCluster,
} from './command-context.ts'

export function declareTopic(parser: Parser, choose: Choose): Parser {
  return parser.command('topic', 'list, create, describe, alter and delete topics', (topic) =>
    topic
      .command(
        ['list', 'ls'],
        'print the names of the topics',
        (list) =>
          list.options({
            ...CLIENT_OPTIONS,
            internal: flag('also those that Kafka keeps for itself'),
          }),
        (args) => choose((context) => listTopics(args, context)),
      )
      .command(
        'create <topics..>',
        'make topics: orders, orders:3 for three partitions, users:1:compact',
        (create) => create.options(CREATE_OPTIONS).positional('topics', NAMES),
        (args) => choose((context) => createTopics(args.topics ?? [], args, context)),
      )
      .command(
        ['describe <topics..>', 'info <topics..>'],
        'show partitions, offsets and changed settings',
        (describe) => describe.options(CLIENT_OPTIONS).positional('topics', NAMES),
        (args) => choose((context) => describeTopics(args.topics ?? [], args, context)),
      )
      .command(
        'alter <topic>',
        'add partitions, change settings',
        (alter) =>
          alter.options(ALTER_OPTIONS).positional('topic', { type: 'string', demandOption: true }),
        (args) => choose((context) => alterTopic(args.topic, args, context)),
      )
      .command(
        ['delete <topics..>', 'rm <topics..>'],
        'delete topics with everything in them',
        (remove) =>
          remove
            .options({ ...CLIENT_OPTIONS, 'if-exists': flag('a topic that is not there is fine') })
            .positional('topics', NAMES),
        (args) => choose((context) => deleteTopics(args.topics ?? [], args, context)),
      )
      .demandCommand(1, 'topic: use list, create, describe, alter or delete'),
  )
}

const NAMES = { type: 'string', array: true } as const

const CREATE_OPTIONS = {
  ...CLIENT_OPTIONS,
  partitions: { ...value("number of partitions [the broker's default]"), alias: 'p' },
  replicas: { ...value("replication factor [the broker's default]"), alias: 'r' },
  config: { ...values('a setting of the topic, as key=value; repeatable'), alias: 'c' },
  'if-not-exists': flag('a topic that is there is fine'),
} as const

const ALTER_OPTIONS = {
  ...CLIENT_OPTIONS,
  partitions: { ...value('how many partitions there are to be; only ever more'), alias: 'p' },
  config: { ...values('a setting, as key=value; repeatable'), alias: 'c' },
  'delete-config': values('a setting that takes its default again; repeatable'),
} as const

async function listTopics(
  args: ClientArguments & { readonly internal: boolean | undefined },
  context: CommandContext,
): Promise<undefined> {
  const all = await withCluster(args, context, (cluster) => cluster.allTopics())
  const topics = all.filter(({ isInternal }) => args.internal || !isInternal)
  if (args.json) context.out.json(topics.map(summary))
  else for (const { name } of topics) context.out.line(name)
}

function summary({ name, topicId, isInternal, partitions }: TopicInfo) {
  return {
    name,
    topicId: topicId === ZERO_UUID ? null : formatUuid(topicId),
    internal: isInternal,
    partitions: partitions.length,
    replicationFactor: partitions[0]?.replicas.length ?? 0,
  }
}

interface CreateArguments extends ClientArguments {
  readonly partitions: string | undefined
  readonly replicas: string | undefined
  readonly config: readonly string[] | undefined
  readonly 'if-not-exists': boolean | undefined
}

async function createTopics(
  names: readonly string[],
  args: CreateArguments,
  context: CommandContext,
): Promise<undefined> {
  const configs = parsePairs(args.config ?? [], '--config')
  const replicationFactor = args.replicas && parseCount(args.replicas, '--replicas', 1, 32_767)
  const topics = names.map((text) => ({ ...parseTopic(text, args.partitions), text }))
  await withCluster(args, context, async (cluster) => {
    const made: TopicInfo[] = []
    for (const { name, partitions, isCompacted } of topics) {
      const all = isCompacted ? new Map([...configs, ['cleanup.policy', 'compact']]) : configs
      const isNew = await unless(args['if-not-exists'], Code.TOPIC_ALREADY_EXISTS, () =>
        createTopic(cluster, {
          name,
          partitions,
          replicationFactor: replicationFactor || undefined,
          configs: all,
        }),
      )
      // A moment may pass until every broker knows of it.
      const info = await cluster.retry(() => cluster.topic(name), isUnknownTopic)
      made.push(info)
      if (args.json) continue
      const count = info.partitions.length
      const what = `${count} ${count === 1 ? 'partition' : 'partitions'}`
      context.out.line(isNew ? `created ${name} with ${what}` : `${name} is there, with ${what}`)
    }
    if (args.json) context.out.json(made.map(summary))
  })
}

/** `orders`, `orders:3`, `users:1:compact`, as the option --topic of the broker has it. */
function parseTopic(text: string, defaultCount: string | undefined) {
  const [name = '', count = defaultCount, policy, ...more] = text.split(':')
  if (name === '' || more.length > 0 || (policy !== undefined && policy !== 'compact')) {
    throw usage(`'${text}' is no topic: use orders, orders:3 or orders:3:compact`)
  }
  const partitions =
    count === undefined ? undefined : parseCount(count, `the partitions of ${name}:`)
  return { name, partitions, isCompacted: policy === 'compact' }
}

const isUnknownTopic = (error: unknown) =>
  error instanceof KafkaError && error.errorCode === Code.UNKNOWN_TOPIC_OR_PARTITION

/** False when `work` failed with this code, and that is fine. */
async function unless(
  isFine: boolean | undefined,
  errorCode: ErrorCode,
  work: () => Promise<void>,
): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (isFine && error instanceof KafkaError && error.errorCode === errorCode) return false
    throw error
  }
}

async function describeTopics(
  names: readonly string[],
  args: ClientArguments,
  context: CommandContext,
): Promise<undefined> {
  await withCluster(args, context, async (cluster) => {
    const described = []
    for (const name of names) described.push(await describeTopic(cluster, name))
    if (args.json) context.out.json(described.map(asJson))
    else {
      described.forEach((topic, index) => {
        if (index > 0) context.out.line('')
        printTopic(topic, context)
      })
    }
  })
}

interface Described {
  readonly info: TopicInfo
  readonly configs: readonly ConfigEntry[]
  readonly starts: readonly number[]
  readonly ends: readonly number[]
}

async function describeTopic(cluster: Cluster, name: string): Promise<Described> {
  const info = await cluster.topic(name)
  const partitions = info.partitions.map(({ partition }) => ({ topic: name, partition }))
  const [configs, starts, ends] = await Promise.all([
    describeConfigs(cluster, { type: 'topic', name }),
    listOffsets(cluster, partitions, EARLIEST),
    listOffsets(cluster, partitions, LATEST),
  ])
  return { info, configs: configs.filter(({ isDefault }) => !isDefault), starts, ends }
}

function asJson({ info, configs, starts, ends }: Described) {
  return {
    ...summary(info),
    partitions: info.partitions.map((partition, index) => ({
      partition: partition.partition,
      leader: partition.leaderId,
      leaderEpoch: partition.leaderEpoch,
      replicas: partition.replicas,
      isr: partition.isr,
      startOffset: starts[index],
      endOffset: ends[index],
    })),
    configs: Object.fromEntries(configs.map(({ name, value: text }) => [name, text])),
  }
}

function printTopic({ info, configs, starts, ends }: Described, { out }: CommandContext): void {
  const { partitions, replicationFactor, topicId } = summary(info)
  const id = topicId === null ? '' : `, id ${topicId}`
  out.line(`${info.name}: partitions ${partitions}, replication factor ${replicationFactor}${id}`)
  for (const { name, value: text } of configs) out.line(`  ${name}=${text ?? ''}`)
  out.table(
    ['PARTITION', 'LEADER', 'REPLICAS', 'ISR', 'START', 'END'],
    info.partitions.map(({ partition, leaderId, replicas, isr }, index) => [
      partition,
      leaderId,
      replicas.join(','),
      isr.join(','),
      starts[index]!,
      ends[index]!,
    ]),
  )
}

interface AlterArguments extends ClientArguments {
  readonly partitions: string | undefined
  readonly config: readonly string[] | undefined
  readonly 'delete-config': readonly string[] | undefined
}

async function alterTopic(
  name: string,
  args: AlterArguments,
  context: CommandContext,
): Promise<undefined> {
  const count =
    args.partitions === undefined ? undefined : parseCount(args.partitions, '--partitions')
  const changes = [
    ...[...parsePairs(args.config ?? [], '--config')].map(
      ([key, text]) => ({ name: key, op: 'set', value: text }) as const,
    ),
    ...(args['delete-config'] ?? []).map((key) => ({ name: key, op: 'delete' }) as const),
  ]
  if (count === undefined && changes.length === 0) {
    throw usage('topic alter: nothing to change: use --partitions, --config or --delete-config')
  }
  await withCluster(args, context, async (cluster) => {
    if (changes.length > 0) await alterConfigs(cluster, { type: 'topic', name }, changes)
    if (count !== undefined) await createPartitions(cluster, name, count)
    if (args.json) context.out.json([{ name, altered: true }])
    else context.out.line(`altered ${name}`)
  })
}

async function deleteTopics(
  names: readonly string[],
  args: ClientArguments & { readonly 'if-exists': boolean | undefined },
  context: CommandContext,
): Promise<undefined> {
  await withCluster(args, context, async (cluster) => {
    const results: { name: string; deleted: boolean }[] = []
    for (const name of names) {
      const deleted = await unless(args['if-exists'], Code.UNKNOWN_TOPIC_OR_PARTITION, () =>
        deleteTopic(cluster, name),
      )
      results.push({ name, deleted })
      if (!args.json) context.out.line(deleted ? `deleted ${name}` : `${name} is not there`)
    }
    if (args.json) context.out.json(results)
  })
}
