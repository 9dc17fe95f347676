import type { Cluster } from '../../client/cluster.ts'
import {
  type CommittedOffset,
  commitOffsets,
  committedOffsets,
  deleteGroup,
  describeGroup,
  type GroupDescription,
  listGroups,
} from '../../client/group-admin.ts'
import { LATEST, listOffsets, nameOf, type TopicPartition } from '../../client/list-offsets.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import {
  type Choose,
  CLIENT_OPTIONS,
  type ClientArguments,
  type CommandContext,
  flag,
  type Parser,
  parseCount,
  usage,
  value,
  values,
  withCluster,
} from './command-context.ts'
import { type OffsetRange, parseOffsetRange, resolveRange } from './offset-range.ts'

export function declareGroup(parser: Parser, choose: Choose): Parser {
  return parser.command('group', 'list, describe, reset and delete groups', (group) =>
    group
      .command(
        ['list', 'ls'],
        'print the groups and their states',
        (list) => list.options(CLIENT_OPTIONS),
        (args) => choose((context) => printGroups(args, context)),
      )
      .command(
        'describe <groups..>',
        'show members, offsets and how far behind they are',
        (describe) =>
          describe.options(CLIENT_OPTIONS).positional('groups', { type: 'string', array: true }),
        (args) => choose((context) => describeGroups(args.groups ?? [], args, context)),
      )
      .command(
        ['reset <group>', 'seek <group>'],
        'move the offsets of a group that has no members',
        (reset) =>
          reset
            .options(RESET_OPTIONS)
            .positional('group', { type: 'string', demandOption: true })
            .example('$0 group reset g', 'everything once more')
            .example('$0 group seek g --to @-1h --topic orders', 'from an hour ago'),
        (args) => choose((context) => resetGroup(args.group, args, context)),
      )
      .command(
        ['delete <groups..>', 'rm <groups..>'],
        'forget groups that have no members',
        (remove) =>
          remove.options(CLIENT_OPTIONS).positional('groups', { type: 'string', array: true }),
        (args) => choose((context) => deleteGroups(args.groups ?? [], args, context)),
      )
      .demandCommand(1, 'group: use list, describe, reset, seek or delete'),
  )
}

const RESET_OPTIONS = {
  ...CLIENT_OPTIONS,
  to: value('start, end, 42, +5 (after the start), -10 (before the end), @TIME [start]'),
  topic: values('orders, or orders:0,2 for some partitions; repeatable [all it has offsets of]'),
  'dry-run': flag('only show what would be done'),
} as const

async function printGroups(args: ClientArguments, context: CommandContext): Promise<undefined> {
  const { out } = context
  const groups = await withCluster(args, context, listGroups)
  if (args.json) {
    out.json(
      groups.map(({ groupId, protocolType, state, type }) => ({
        group: groupId,
        state,
        type: type.toLowerCase(),
        protocolType,
      })),
    )
  } else {
    out.table(
      ['GROUP', 'STATE', 'TYPE'],
      groups.map(({ groupId, state, type }) => [groupId, state, type.toLowerCase()]),
    )
  }
}

interface Lag extends TopicPartition {
  /** Null when nothing was committed, or the topic is gone. */
  readonly offset: number | null
  readonly endOffset: number | null
  readonly lag: number | null
  readonly memberId: string | null
}

async function describeGroups(
  groupIds: readonly string[],
  args: ClientArguments,
  context: CommandContext,
): Promise<undefined> {
  await withCluster(args, context, async (cluster) => {
    const described = []
    for (const groupId of groupIds) {
      const group = await describeGroup(cluster, groupId)
      described.push({ group, lags: await lagsOf(cluster, group) })
    }
    if (args.json) context.out.json(described.map(({ group, lags }) => asJson(group, lags)))
    else {
      described.forEach(({ group, lags }, index) => {
        if (index > 0) context.out.line('')
        printGroup(group, lags, context)
      })
    }
  })
}

/** Of every partition that has an offset or a member. */
async function lagsOf(cluster: Cluster, group: GroupDescription): Promise<Lag[]> {
  const members = new Map<string, string>()
  for (const { memberId, assignment } of group.members) {
    for (const one of assignment) members.set(nameOf(one), memberId)
  }
  const committed = await committedOffsets(cluster, group.groupId)
  const offsets = new Map(committed.map((one) => [nameOf(one), one.offset]))
  const partitions = new Map<string, TopicPartition>()
  for (const one of [...committed, ...group.members.flatMap(({ assignment }) => assignment)]) {
    partitions.set(nameOf(one), { topic: one.topic, partition: one.partition })
  }
  const all = [...partitions.values()].sort(
    (a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition,
  )
  const ends = await endsOf(cluster, all)
  return all.map((one) => {
    const offset = offsets.get(nameOf(one)) ?? null
    const endOffset = ends.get(nameOf(one)) ?? null
    const lag = offset === null || endOffset === null ? null : Math.max(0, endOffset - offset)
    return { ...one, offset, endOffset, lag, memberId: members.get(nameOf(one)) ?? null }
  })
}

/** Topics that are gone are left out: groups keep offsets of them for a while. */
async function endsOf(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
): Promise<Map<string, number>> {
  const ends = new Map<string, number>()
  for (const topic of new Set(partitions.map((one) => one.topic))) {
    const own = partitions.filter((one) => one.topic === topic)
    try {
      const found = await listOffsets(cluster, own, LATEST)
      own.forEach((one, index) => {
        ends.set(nameOf(one), found[index]!)
      })
    } catch (error) {
      const isGone =
        error instanceof KafkaError && error.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
      if (!isGone) throw error
    }
  }
  return ends
}

function totalLag(lags: readonly Lag[]): number {
  return lags.reduce((sum, { lag }) => sum + (lag ?? 0), 0)
}

function asJson(group: GroupDescription, lags: readonly Lag[]) {
  const { groupId, state, type, protocolType, assignor, coordinator, members } = group
  return {
    group: groupId,
    state,
    type,
    protocolType,
    assignor,
    coordinator,
    lag: totalLag(lags),
    members,
    partitions: lags,
  }
}

function printGroup(group: GroupDescription, lags: readonly Lag[], { out }: CommandContext): void {
  const { groupId, state, type, coordinator, assignor, members } = group
  const how = assignor === '' ? '' : `, assignor ${assignor}`
  out.line(`${groupId}: ${state}, ${type}${how}, coordinator ${coordinator}`)
  out.line(`members ${members.length}, lag ${totalLag(lags)}`)
  if (lags.length === 0) return
  const hosts = new Map(members.map(({ memberId, clientHost }) => [memberId, clientHost]))
  out.table(
    ['TOPIC', 'PARTITION', 'OFFSET', 'END', 'LAG', 'MEMBER', 'HOST'],
    lags.map(({ topic, partition, offset, endOffset, lag, memberId }) => [
      topic,
      partition,
      offset ?? '-',
      endOffset ?? '-',
      lag ?? '-',
      memberId ?? '-',
      (memberId !== null && hosts.get(memberId)) || '-',
    ]),
  )
}

interface ResetArguments extends ClientArguments {
  readonly to: string | undefined
  readonly topic: readonly string[] | undefined
  readonly 'dry-run': boolean | undefined
}

async function resetGroup(
  groupId: string,
  args: ResetArguments,
  context: CommandContext,
): Promise<undefined> {
  const to = parseTarget(args.to ?? 'start')
  const wanted = (args.topic ?? []).map(parseTopicPartitions)
  const moves = await withCluster(args, context, async (cluster) => {
    const committed = await committedOffsets(cluster, groupId)
    const partitions = await partitionsToMove(cluster, committed, wanted)
    if (partitions.length === 0) {
      throw usage(`group ${groupId} has no offsets: say which topics with --topic`)
    }
    const positions = await resolveRange(cluster, partitions, to)
    if (!args['dry-run']) {
      await refuseMembers(cluster, groupId)
      await commitOffsets(cluster, groupId, positions)
    }
    const old = new Map(committed.map((one) => [nameOf(one), one.offset]))
    return positions.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      oldOffset: old.get(nameOf({ topic, partition })) ?? null,
      newOffset: offset,
    }))
  })
  if (args.json) context.out.json(moves)
  else {
    context.out.table(
      ['TOPIC', 'PARTITION', 'OLD', 'NEW'],
      moves.map((move) => [move.topic, move.partition, move.oldOffset ?? '-', move.newOffset]),
    )
  }
}

function parseTarget(text: string): OffsetRange {
  try {
    const range = parseOffsetRange(text, Date.now())
    if (range.to) throw new RangeError(`'${text}' is a range: one place is needed`)
    return range
  } catch (error) {
    if (error instanceof RangeError) throw usage(`--to: ${error.message}`)
    throw error
  }
}

interface Wanted {
  readonly topic: string
  /** All of them when undefined. */
  readonly numbers: readonly number[] | undefined
}

function parseTopicPartitions(text: string): Wanted {
  const [topic = '', list, ...more] = text.split(':')
  if (topic === '' || more.length > 0) throw usage(`--topic ${text}: use orders or orders:0,2`)
  const numbers = list?.split(',').map((one) => parseCount(one.trim(), `--topic ${topic}:`, 0))
  return { topic, numbers }
}

async function partitionsToMove(
  cluster: Cluster,
  committed: readonly CommittedOffset[],
  wanted: readonly Wanted[],
): Promise<TopicPartition[]> {
  const topics =
    wanted.length > 0
      ? wanted
      : [...new Set(committed.map(({ topic }) => topic))].map((topic) => ({
          topic,
          numbers: undefined,
        }))
  const partitions: TopicPartition[] = []
  for (const { topic, numbers } of topics) {
    const { partitions: all } = await cluster.topic(topic)
    for (const partition of numbers ?? all.map((one) => one.partition)) {
      partitions.push({ topic, partition })
    }
  }
  return partitions
}

/** A broker refuses too, but says that the member is unknown. */
async function refuseMembers(cluster: Cluster, groupId: string): Promise<void> {
  const group = await describeGroup(cluster, groupId).catch((error) => {
    const isNew = error instanceof KafkaError && error.errorCode === ErrorCode.GROUP_ID_NOT_FOUND
    if (isNew) return undefined
    throw error
  })
  const count = group?.members.length ?? 0
  if (count === 0) return
  const who = count === 1 ? 'a member: stop it' : `${count} members: stop them`
  throw new KafkaError('NON_EMPTY_GROUP', `${groupId} has ${who} first`)
}

async function deleteGroups(
  groupIds: readonly string[],
  args: ClientArguments,
  context: CommandContext,
): Promise<undefined> {
  await withCluster(args, context, async (cluster) => {
    for (const groupId of groupIds) {
      await deleteGroup(cluster, groupId)
      if (!args.json) context.out.line(`deleted ${groupId}`)
    }
    if (args.json) context.out.json(groupIds.map((group) => ({ group, deleted: true })))
  })
}
