import yargs from 'yargs'
import { BROKERS_MAX } from '../settings/tables/dohle.ts'
import { commandList } from './commands/command-names.ts'
import { ExitCode, StartError } from './exit-code.ts'
import { parseTopicOption, type TopicOption } from './topic-option.ts'
import { version } from './version.ts'

export const DEFAULT_PORT = 9092
export const DEFAULT_DATA_DIRECTORY = './.dohle'

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Options that may be given more than once; `_` holds what is no option. */
const REPEATABLE: ReadonlySet<string> = new Set(['topic', 'override', '_'])

/** What the command line says; `undefined` where it says nothing, so that a file may. */
export interface StartOptions {
  readonly port: number | undefined
  /** How many are presented, on that port and those after it. */
  readonly brokers: number | undefined
  readonly host: string | undefined
  readonly dataDirectory: string | undefined
  readonly memory: boolean
  /** What a new data directory gets; one that is there must have it. */
  readonly clusterId: string | undefined
  readonly topics: readonly TopicOption[]
  readonly configFile: string | undefined
  /** In the order given; later ones win. */
  readonly overrides: readonly (readonly [name: string, value: string])[]
  readonly mode: 'dev' | 'prod' | undefined
  readonly logLevel: LogLevel
  /** Every request with its answer, decoded, as a line of the log. */
  readonly logRequests: boolean
  /** Of the control API; undefined: none. */
  readonly controlPort: number | undefined
}

/**
 * Reads the arguments. `undefined` when they asked for --help or --version, which is printed.
 * Throws `StartError` (USAGE) naming the argument at fault.
 */
export async function parseCommandLine(args: readonly string[]): Promise<StartOptions | undefined> {
  const parser = declare(args)
  const given = await parser.parseAsync()
  if (given['help'] === true || given['version'] === true) return undefined
  for (const [name, text] of Object.entries(given)) {
    if (Array.isArray(text) && !REPEATABLE.has(name)) throw usage(`--${name} is given twice`)
  }
  const words = given._.map(String)
  if (words.length > 0 && !(words.length === 1 && words[0] === 'start')) {
    throw usage(`'${words.join(' ')}' is not a command of dohle`)
  }
  return startOptions(given)
}

/** What yargs makes of `START_OPTIONS`. */
export interface StartArguments {
  readonly port: string | undefined
  readonly brokers: string | undefined
  readonly host: string | undefined
  readonly data: string | undefined
  readonly memory: boolean | undefined
  readonly 'cluster-id': string | undefined
  readonly topic: readonly string[] | undefined
  readonly config: string | undefined
  readonly override: readonly string[] | undefined
  readonly mode: 'dev' | 'prod' | undefined
  readonly 'log-level': LogLevel | undefined
  readonly 'log-requests': boolean | undefined
  readonly 'control-port': string | undefined
  readonly http: string | undefined
}

/** Throws `StartError` (USAGE) naming the argument at fault. */
export function startOptions(given: StartArguments): StartOptions {
  if (given.memory && given.data !== undefined) {
    throw usage('--memory keeps nothing and --data keeps it: give one of them')
  }
  return {
    port: given.port === undefined ? undefined : parsePort(given.port),
    brokers: given.brokers === undefined ? undefined : parseBrokers(given.brokers),
    host: given.host,
    dataDirectory: given.data,
    memory: given.memory ?? false,
    clusterId: given['cluster-id'] === undefined ? undefined : parseClusterId(given['cluster-id']),
    topics: uniqueTopics(given.topic ?? []),
    configFile: given.config,
    overrides: [
      ...(given.http === undefined ? [] : [[HTTP_LISTENER, given.http] as const]),
      ...(given.override ?? []).map(parseOverride),
    ],
    mode: given.mode,
    logLevel: given['log-level'] ?? 'info',
    logRequests: given['log-requests'] ?? false,
    controlPort:
      given['control-port'] === undefined
        ? undefined
        : parsePort(given['control-port'], '--control-port'),
  }
}

const HTTP_LISTENER = 'dohle.http.listener'

/** The options of `start`, which other commands take too. */
export const START_OPTIONS = {
  port: value(`port of the Kafka listener, 0 for a free one [${DEFAULT_PORT}]`),
  brokers: value('brokers to present, each with the next id and port [1]'),
  host: value('address to listen on [localhost, IPv4 and IPv6]'),
  data: value(`data directory [${DEFAULT_DATA_DIRECTORY}]`),
  memory: { type: 'boolean', describe: 'keep everything in memory, nothing on disk' },
  'cluster-id': value('cluster id of a new data directory; one that is there must have it'),
  topic: values('topic to have at start, as name:partitions[:replicas][:compact]; repeatable'),
  config: value("Kafka's server.properties, as it is"),
  override: values('a setting over those of the file, as key=value; repeatable'),
  mode: { ...value('set of defaults [dev]'), choices: ['dev', 'prod'] as const },
  'log-level': { ...value('least level logged [info]'), choices: LOG_LEVELS },
  'log-requests': { type: 'boolean', describe: 'log every request and its answer, decoded' },
  http: value('where /livez, /readyz and /metrics are served, as PORT or HOST:PORT [nowhere]'),
  'control-port': value('port of the API for tests (faults, clean state), 0 for a free one'),
} as const

function declare(args: readonly string[]) {
  return yargs(args)
    .scriptName('dohle')
    .usage('$0 [options]\n\nStarts a Kafka-compatible broker; Ctrl-C stops it.')
    .options(START_OPTIONS)
    .example('$0', 'a durable broker on localhost:9092')
    .example('$0 --port 0 --memory --topic orders:3', 'a throw-away one on a free port')
    .epilogue(commandList())
    .version(version)
    .help()
    .alias('h', 'help')
    .alias('v', 'version')
    .parserConfiguration({ 'dot-notation': false })
    .strictOptions()
    .detectLocale(false)
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .showHelpOnFail(false)
    .exitProcess(false)
    .fail((message, error) => {
      throw error instanceof StartError ? error : usage(message ?? String(error))
    })
}

function value(describe: string) {
  return { type: 'string', requiresArg: true, describe } as const
}

function values(describe: string) {
  return { ...value(describe), array: true, nargs: 1 } as const
}

function usage(message: string): StartError {
  return new StartError(
    ExitCode.USAGE,
    `${message.replaceAll('\n', ' ').trim()} (see dohle --help)`,
  )
}

function parsePort(text: string, option = '--port'): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : -1
  if (port < 0 || port > 65_535) throw usage(`${option} ${text}: use a number from 0 to 65535`)
  return port
}

function parseBrokers(text: string): number {
  const count = /^\d{1,2}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= BROKERS_MAX) return count
  throw usage(`--brokers ${text}: use a number from 1 to ${BROKERS_MAX}`)
}

/** As kafka-storage.sh random-uuid prints them. */
function parseClusterId(text: string): string {
  if (!/^[\w-]{22}$/.test(text)) throw usage(`--cluster-id ${text}: use 22 letters, digits, - or _`)
  return text
}

function parseOverride(text: string): readonly [string, string] {
  const equals = text.indexOf('=')
  if (equals < 1) throw usage(`--override ${text}: use key=value`)
  return [text.slice(0, equals).trim(), text.slice(equals + 1).trim()]
}

function uniqueTopics(texts: readonly string[]): TopicOption[] {
  const topics = new Map<string, TopicOption>()
  for (const topic of texts.map(parseTopicOption)) {
    if (topics.has(topic.name)) throw usage(`--topic ${topic.name} is given twice`)
    topics.set(topic.name, topic)
  }
  return [...topics.values()]
}
