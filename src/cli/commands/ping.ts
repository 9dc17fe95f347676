import type { Cluster } from '../../client/cluster.ts'
import { ConnectionError } from '../../client/connection-error.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import { ExitCode, StartError } from '../exit-code.ts'
import {
  bootstrapServers,
  type Choose,
  CLIENT_OPTIONS,
  type ClientArguments,
  type CommandContext,
  type Parser,
  timeoutOf,
  values,
  withCluster,
} from './command-context.ts'
import { formatDuration } from './duration.ts'
import { Progress } from './progress.ts'
import { untilAborted } from './record-printer.ts'

export function declarePing(parser: Parser, choose: Choose): Parser {
  return parser
    .command(
      'ping',
      'ask a broker whether it answers',
      (ping) => ping.options(CLIENT_OPTIONS),
      (args) => choose((context) => ping(args, context)),
    )
    .command(
      'wait',
      'wait until a broker answers, and topics are there',
      (wait) =>
        wait
          .options({ ...CLIENT_OPTIONS, topic: values('a topic that has to be there; repeatable') })
          .example('$0 wait --topic orders --timeout 20s && npm test', ''),
      (args) => choose((context) => waitUntilReady(args, context)),
    )
}

interface Answer {
  readonly broker: string
  readonly clusterId: string | null
  readonly nodes: number
  readonly tookMs: number
}

async function ping(args: ClientArguments, context: CommandContext): Promise<undefined> {
  const answer = await ask(args, context)
  if (args.json) context.out.json(answer)
  else {
    const nodes = answer.nodes === 1 ? '1 broker' : `${answer.nodes} brokers`
    const cluster = `cluster ${answer.clusterId ?? 'without id'}, ${nodes}`
    context.out.line(`${answer.broker} answers in ${formatDuration(answer.tookMs)} (${cluster})`)
  }
}

async function ask(
  args: ClientArguments,
  context: CommandContext,
  check: (cluster: Cluster) => Promise<void> = async () => {},
): Promise<Answer> {
  return await withCluster(args, context, async (cluster) => {
    const startedAtMs = performance.now()
    const { clusterId, nodes } = await cluster.describe()
    const tookMs = Math.round(performance.now() - startedAtMs)
    await check(cluster)
    const broker = bootstrapServers(args, context.env)
    return { broker, clusterId, nodes: nodes.length, tookMs }
  })
}

const RETRY_MS = 100
/** One try must not take all the time there is. */
const TRY_TIMEOUT = '2s'

async function waitUntilReady(
  args: ClientArguments & { readonly topic: readonly string[] | undefined },
  context: CommandContext,
): Promise<undefined> {
  const timeoutMs = timeoutOf(args.timeout)
  const startedAtMs = Date.now()
  const progress = new Progress(context.err)
  const servers = bootstrapServers(args, context.env)
  const once = timeoutMs < 2_000 ? args : { ...args, timeout: TRY_TIMEOUT }
  try {
    for (;;) {
      let missing: string
      try {
        const answer = await untilAborted(
          ask(once, context, (cluster) => requireTopics(cluster, args.topic ?? [])),
          context.signal,
        )
        const waitedMs = Date.now() - startedAtMs
        if (args.json) context.out.json({ ...answer, topics: args.topic ?? [], waitedMs })
        return
      } catch (error) {
        missing = whatIsMissing(error)
      }
      const waitedMs = Date.now() - startedAtMs
      if (waitedMs + RETRY_MS > timeoutMs) {
        const text = `not ready within ${formatDuration(timeoutMs)}: ${missing}`
        throw new StartError(ExitCode.NOT_IN_TIME, text)
      }
      progress.update(undefined, `waiting for ${servers}: ${missing}`)
      await untilAborted(new Promise((resolve) => setTimeout(resolve, RETRY_MS)), context.signal)
    }
  } finally {
    progress.end()
  }
}

async function requireTopics(cluster: Cluster, topics: readonly string[]): Promise<void> {
  for (const name of topics) {
    const { partitions } = await cluster.topic(name)
    const orphan = partitions.find(({ leaderId }) => leaderId < 0)
    if (orphan) {
      const text = `${name} partition ${orphan.partition} has no leader`
      throw new KafkaError('LEADER_NOT_AVAILABLE', text)
    }
  }
}

/** What is not there yet; anything that will not come is thrown on. */
function whatIsMissing(error: unknown): string {
  if (error instanceof ConnectionError) return error.message
  if (!(error instanceof KafkaError)) throw error
  if (error.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) {
    return `${error.message.split(':')[0]} is not there`
  }
  if (error.errorCode === ErrorCode.INVALID_TOPIC_EXCEPTION) throw error
  return error.message
}
