import { type ChildProcess, spawn } from 'node:child_process'
import { START_OPTIONS, type StartArguments, startOptions } from '../command-line.ts'
import { EXIT_CODE_SIGNAL_BASE, StartError } from '../exit-code.ts'
import { type Choose, type Parser, usage } from './command-context.ts'

export function declareRun(parser: Parser, choose: Choose): Parser {
  return parser.command(
    'run',
    'start a broker for as long as another command runs',
    (run) =>
      run
        .options(START_OPTIONS)
        .usage('$0 run [options of start] -- COMMAND ...')
        .example('$0 run --topic orders:3 -- npm run dev', '')
        .epilogue(
          'The command finds the broker in $KAFKA_BROKERS and $KAFKA_BOOTSTRAP_SERVERS, and its ' +
            'control API, if it has one, in $DOHLE_CONTROL_URL. Its exit code is that of run; ' +
            'signals are passed on to it.',
        ),
    (args) => {
      const { '--': command } = args as { '--'?: (string | number)[] }
      choose(() => run(args, (command ?? []).map(String)), { handlesSignals: true })
    },
  )
}

/** As shells have it. */
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126

async function run(args: StartArguments, command: readonly string[]): Promise<number> {
  if (command.length === 0) throw usage('run: which command? dohle run -- COMMAND ...')
  // Standard output belongs to the command, and only trouble is worth a line between its own.
  const { loadConfiguration } = await import('../configuration.ts')
  const { createLog } = await import('../log.ts')
  const { launch, warn } = await import('../start.ts')
  const quiet = args['log-requests'] ? 'info' : 'warn'
  const options = startOptions({ ...args, 'log-level': args['log-level'] ?? quiet })
  const readable = process.stderr.isTTY === true
  const log = createLog({
    level: options.logLevel,
    readable,
    colors: readable && process.env['NO_COLOR'] === undefined,
    out: process.stderr,
  })
  const loaded = loadConfiguration(options)
  warn(log, loaded)
  const launched = await launch(loaded, options, log)
  try {
    // Of several listeners the first is the one for clients of this machine.
    const servers = launched.localAddresses.join(',')
    const control = launched.controlUrl
    return await runToEnd(command, {
      KAFKA_BROKERS: servers,
      KAFKA_BOOTSTRAP_SERVERS: servers,
      ...(control !== undefined && { DOHLE_CONTROL_URL: control }),
    })
  } finally {
    await launched.stop()
  }
}

async function runToEnd(
  [program = '', ...args]: readonly string[],
  variables: Readonly<Record<string, string>>,
): Promise<number> {
  const child = spawn(program, args, {
    stdio: 'inherit',
    env: { ...process.env, ...variables },
    // npm and its like are scripts there.
    shell: process.platform === 'win32',
  })
  const stopForwarding = forwardSignals(child)
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', (error) => reject(spawnError(program, error)))
      child.once('exit', (code, killedBy) => resolve(code ?? exitCodeOf(killedBy)))
    })
  } finally {
    stopForwarding()
  }
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
}

function exitCodeOf(signal: NodeJS.Signals | null): number {
  return EXIT_CODE_SIGNAL_BASE + (SIGNAL_NUMBERS[signal ?? ''] ?? 0)
}

function spawnError(program: string, error: NodeJS.ErrnoException): StartError {
  const isMissing = error.code === 'ENOENT'
  const reason = isMissing ? 'there is no such command' : error.message
  const exitCode = isMissing ? NOT_FOUND : NOT_EXECUTABLE
  return new StartError(exitCode, `cannot run ${program}: ${reason}`, { cause: error })
}

const FORWARDED = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

function forwardSignals(child: ChildProcess): () => void {
  const listeners = FORWARDED.map((name) => {
    // A terminal sends Ctrl-C to both of us; what ends the command ends us.
    const isSent = name === 'SIGINT' && process.stdin.isTTY
    const listener = () => void (isSent || child.kill(name))
    process.on(name, listener)
    return () => process.off(name, listener)
  })
  return () => {
    for (const remove of listeners) remove()
  }
}
