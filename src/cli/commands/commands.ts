import yargs from 'yargs'
import { ConnectionError } from '../../client/connection-error.ts'
import { errorName, KafkaError } from '../../protocol/error-code.ts'
import { EXIT_CODE_SIGNAL_BASE, ExitCode, StartError } from '../exit-code.ts'
import { version } from '../version.ts'
import { declareBroker } from './broker.ts'
import {
  type Action,
  type ActionOptions,
  type Choose,
  type CommandContext,
  type Input,
  type Parser,
  usage,
} from './command-context.ts'
import { COMMANDS } from './command-names.ts'
import { declareConfig } from './config.ts'
import { declareConsume } from './consume.ts'
import { declareDoctor } from './doctor.ts'
import { declareGroup } from './group.ts'
import { completeNames } from './name-completion.ts'
import { Output, type Stream } from './output.ts'
import { declarePing } from './ping.ts'
import { declareProduce } from './produce.ts'
import { declareRun } from './run.ts'
import { declareStop } from './stop.ts'
import { declareTail } from './tail.ts'
import { declareTopic } from './topic.ts'

/** Options that may be given more than once, and positional lists; `_` holds what is no option. */
const LISTS: ReadonlySet<string> = new Set([
  '_',
  '--',
  'topics',
  'topic',
  'config',
  'c',
  'delete-config',
  'header',
  'H',
  'keys',
  'pairs',
  'groups',
  'delete',
  'override',
])

/** What the process gives a command. */
export interface World {
  readonly stdin: Input
  readonly stdout: Stream
  readonly stderr: Stream
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Runs one of the commands; resolves with the exit code. Throws `StartError`. */
export async function runCommand(args: readonly string[], world: World = process): Promise<number> {
  const names = await completeNames(args, world.env)
  if (names.length > 0) {
    world.stdout.write(`${names.join('\n')}\n`)
    return ExitCode.OK
  }
  const chosen = await parse(args)
  if (!chosen) return ExitCode.OK
  const interruption = interruptible(chosen.options.handlesSignals === true)
  const { signal } = interruption
  const out = new Output(world.stdout)
  out.gone.addEventListener('abort', () => interruption.stop(ExitCode.OK))
  const context: CommandContext = {
    // Opened only by those who read it.
    get input() {
      return world.stdin
    },
    out,
    err: world.stderr,
    env: world.env,
    signal,
  }
  try {
    return (await chosen.action(context)) ?? interruption.exitCode ?? ExitCode.OK
  } catch (error) {
    // What fails after Ctrl-C fails because of it.
    if (interruption.exitCode !== undefined) return interruption.exitCode
    throw clientError(error)
  } finally {
    interruption.end()
  }
}

interface Chosen {
  readonly action: Action
  readonly options: ActionOptions
}

/** What the arguments ask for; undefined when that was --help or --version. */
async function parse(args: readonly string[]): Promise<Chosen | undefined> {
  let chosen: Chosen | undefined
  const parser = declare(args, (action, options = {}) => {
    chosen = { action, options }
  })
  const given: Readonly<Record<string, unknown>> = await parser.parseAsync()
  if (given['help'] === true || given['version'] === true) return undefined
  for (const [name, text] of Object.entries(given)) {
    if (Array.isArray(text) && !LISTS.has(name)) throw usage(`--${name} is given twice`)
  }
  return chosen
}

function declare(args: readonly string[], choose: Choose): Parser {
  const parser: Parser = yargs([...args])
    .scriptName('dohle')
    .usage('$0 COMMAND [options]')
    .completion('completion', COMMANDS['completion'])
    .version(version)
    .help()
    .alias('h', 'help')
    .parserConfiguration({
      'dot-notation': false,
      'camel-case-expansion': false,
      'parse-positional-numbers': false,
      'populate--': true,
    })
    .strict()
    .demandCommand(1)
    .detectLocale(false)
    .wrap(Math.min(100, process.stdout.columns ?? 100))
    .showHelpOnFail(false)
    .exitProcess(false)
    .fail((message, error) => {
      if (error instanceof StartError) throw error
      const text = (message ?? String(error)).replaceAll('\n', ' ').trim()
      throw usage(`${text} (see dohle ${args[0] ?? ''} --help)`)
    })
  const declarations = [
    declarePing,
    declareStop,
    declareBroker,
    declareTopic,
    declareProduce,
    declareConsume,
    declareTail,
    declareGroup,
    declareConfig,
    declareDoctor,
    declareRun,
  ]
  return declarations.reduce((declared, declare) => declare(declared, choose), parser)
}

/** Outcomes that are no fault of dohle, as one line. */
function clientError(error: unknown): unknown {
  const options = { cause: error }
  if (error instanceof ConnectionError) {
    const hint = error.fault === 'unreachable' ? '. Start a broker with: dohle' : ''
    return new StartError(ExitCode.UNREACHABLE, `${error.message}${hint}`, options)
  }
  if (error instanceof KafkaError) {
    const text = `${errorName(error.errorCode)}: ${error.message}`
    return new StartError(ExitCode.REFUSED, text, options)
  }
  return error
}

const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const
/** One Ctrl-C may come by several ways. */
const SAME_SIGNAL_MS = 1_000

/** The first signal asks the command to end, a later one ends it. */
function interruptible(leaveSignals: boolean) {
  const abort = new AbortController()
  let exitCode: number | undefined
  let firstAtMs: number | undefined
  const stop = (code: number) => {
    exitCode ??= code
    abort.abort()
  }
  const signals = leaveSignals ? [] : Object.entries(SIGNALS)
  const listeners = signals.map(([name, number]) => {
    const listener = () => {
      firstAtMs ??= Date.now()
      if (Date.now() - firstAtMs > SAME_SIGNAL_MS) process.exit(EXIT_CODE_SIGNAL_BASE + number)
      stop(EXIT_CODE_SIGNAL_BASE + number)
    }
    process.on(name, listener)
    return () => process.off(name, listener)
  })
  return {
    signal: abort.signal,
    get exitCode() {
      return exitCode
    },
    stop,
    end: () => {
      for (const remove of listeners) remove()
    },
  }
}
