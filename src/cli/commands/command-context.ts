import type { Argv } from 'yargs'
import { parseBrokerAddresses } from '../../client/broker-address.ts'
import { Cluster } from '../../client/cluster.ts'
import { ExitCode, StartError } from '../exit-code.ts'
import { version } from '../version.ts'
import { parseDuration } from './duration.ts'
import type { Output, Stream } from './output.ts'

/** Standard input; `fd` where it may be a file. */
export type Input = NodeJS.ReadableStream & {
  readonly isTTY?: boolean
  readonly fd?: number
  destroy(): unknown
}

/** What a command has to do with the world. */
export interface CommandContext {
  readonly input: Input
  readonly out: Output
  /** Standard error: hints and progress, never results. */
  readonly err: Stream
  readonly env: Readonly<Record<string, string | undefined>>
  /** Aborted by Ctrl-C and its like, and when nobody reads the output any more. */
  readonly signal: AbortSignal
}

/** Resolves with the exit code, 0 when it says nothing. */
export type Action = (context: CommandContext) => Promise<number | undefined>
export interface ActionOptions {
  /** The action has its own way with signals: `signal` is not aborted by them. */
  readonly handlesSignals?: boolean
}
/** Parsing picks one action; it runs when all arguments are known to be right. */
export type Choose = (action: Action, options?: ActionOptions) => void
export type Parser = Argv

export function value(describe: string) {
  return { type: 'string', requiresArg: true, describe } as const
}

export function values(describe: string) {
  return { ...value(describe), array: true, nargs: 1 } as const
}

export function flag(describe: string) {
  return { type: 'boolean', describe } as const
}

export const CLIENT_OPTIONS = {
  'bootstrap-server': {
    ...value('brokers to ask, host:port,... [$KAFKA_BOOTSTRAP_SERVERS or localhost:9092]'),
    alias: ['b', 'brokers'],
  },
  timeout: value('how long to try, as 20s or 1m30s [30s]'),
  json: flag('print JSON'),
} as const

export interface ClientArguments {
  readonly 'bootstrap-server': string | undefined
  readonly timeout: string | undefined
  readonly json: boolean | undefined
}

export function usage(message: string): StartError {
  return new StartError(ExitCode.USAGE, message)
}

const TIMEOUT_MS = 30_000
const CONNECT_TIMEOUT_MS = 5_000

export function timeoutOf(text: string | undefined): number {
  if (text === undefined) return TIMEOUT_MS
  const ms = parseDuration(text)
  if (ms === undefined) throw usage(`--timeout ${text}: use a time as 20s, 500ms or 1m30s`)
  return ms
}

export function bootstrapServers(args: ClientArguments, env: CommandContext['env']): string {
  const { KAFKA_BOOTSTRAP_SERVERS: servers, KAFKA_BROKERS: brokers } = env
  return args['bootstrap-server'] ?? (servers || brokers || 'localhost:9092')
}

/** A client of the brokers that the arguments, or the environment, name. */
export function openCluster(args: ClientArguments, context: CommandContext): Cluster {
  const timeoutMs = timeoutOf(args.timeout)
  try {
    return new Cluster({
      bootstrap: parseBrokerAddresses(bootstrapServers(args, context.env)),
      clientId: 'dohle',
      softwareVersion: version,
      connectTimeoutMs: Math.min(CONNECT_TIMEOUT_MS, timeoutMs),
      requestTimeoutMs: timeoutMs,
      retryTimeoutMs: timeoutMs,
    })
  } catch (error) {
    if (error instanceof RangeError) throw usage(error.message)
    throw error
  }
}

/** For work that may simply end when it is interrupted. */
export async function withCluster<T>(
  args: ClientArguments,
  context: CommandContext,
  work: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const cluster = openCluster(args, context)
  const close = () => cluster.close()
  context.signal.addEventListener('abort', close)
  try {
    return await work(cluster)
  } finally {
    context.signal.removeEventListener('abort', close)
    cluster.close()
  }
}

/** `key=value` pairs. Throws `StartError`. */
export function parsePairs(texts: readonly string[], option: string): Map<string, string> {
  return new Map(
    texts.map((text) => {
      const equals = text.indexOf('=')
      if (equals < 1) throw usage(`${option} ${text}: use key=value`)
      return [text.slice(0, equals).trim(), text.slice(equals + 1)]
    }),
  )
}

/** A whole number from `min` to `max`. Throws `StartError`. */
export function parseCount(text: string, option: string, min = 1, max = 2 ** 31 - 1): number {
  const count = /^\d{1,10}$/.test(text) ? Number(text) : -1
  if (count < min || count > max) throw usage(`${option} ${text}: use a whole number from ${min}`)
  return count
}
