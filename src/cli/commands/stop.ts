import { resolve } from 'node:path'
import { DEFAULT_PORT } from '../command-line.ts'
import { ExitCode, StartError } from '../exit-code.ts'
import { speaksKafka } from '../port-owner.ts'
import { type RunFile, readRunFile, readRunFiles } from '../run-file.ts'
import {
  type Choose,
  type CommandContext,
  flag,
  type Parser,
  parseCount,
  timeoutOf,
  value,
} from './command-context.ts'
import { formatDuration } from './duration.ts'
import { untilAborted } from './record-printer.ts'

const OPTIONS = {
  port: value(`the port it listens on [${DEFAULT_PORT}]`),
  data: value('its data directory, instead of the port'),
  all: flag('every dohle of this user'),
  timeout: value('how long it may take, as 20s [30s]'),
  json: flag('print JSON'),
} as const

interface Arguments {
  readonly port: string | undefined
  readonly data: string | undefined
  readonly all: boolean | undefined
  readonly timeout: string | undefined
  readonly json: boolean | undefined
}

export function declareStop(parser: Parser, choose: Choose): Parser {
  return parser.command(
    'stop',
    'stop a dohle of this machine',
    (stop) => stop.options(OPTIONS).conflicts('all', ['port', 'data']).conflicts('port', 'data'),
    (args) => choose((context) => stop(args, context)),
  )
}

const POLL_MS = 50

async function stop(args: Arguments, context: CommandContext): Promise<undefined> {
  const timeoutMs = timeoutOf(args.timeout)
  const runs = findRuns(args)
  for (const run of runs) await sendStop(run)
  const deadlineMs = Date.now() + timeoutMs
  for (const { port, pid } of runs) {
    while (readRunFile(port)?.pid === pid) {
      if (Date.now() > deadlineMs) {
        const text = `pid ${pid} did not stop within ${formatDuration(timeoutMs)}`
        throw new StartError(ExitCode.NOT_IN_TIME, text)
      }
      await untilAborted(new Promise((wake) => setTimeout(wake, POLL_MS)), context.signal)
    }
    if (!args.json) context.out.line(`stopped the dohle on port ${port} (pid ${pid})`)
  }
  if (args.json) context.out.json(runs)
}

/** A process that was killed leaves its note behind, and its number may be another's by now. */
async function sendStop({ port, pid }: Run): Promise<void> {
  // Of several brokers any will do: some may have been taken down.
  for (const run of readRunFiles()) {
    if (run.pid !== pid || !(await speaksKafka(run.port, run.host))) continue
    process.kill(pid, 'SIGTERM')
    return
  }
  throw notRunning(`pid ${pid}, noted as the dohle on port ${port}, does not answer there`)
}

type Run = RunFile & { readonly port: number }

function findRuns(args: Arguments): Run[] {
  if (args.all) return onePerProcess(readRunFiles())
  if (args.data !== undefined) {
    const wanted = resolve(args.data)
    const run = readRunFiles().find(({ dataDirectory }) => dataDirectory === wanted)
    if (!run) throw notRunning(`no dohle of this user has its data in ${args.data}`)
    return [run]
  }
  const port = args.port === undefined ? DEFAULT_PORT : parseCount(args.port, '--port', 1, 65_535)
  const run = readRunFile(port)
  if (!run) throw notRunning(`no dohle of this user listens on port ${port}`)
  return [{ ...run, port }]
}

function onePerProcess(runs: readonly Run[]): Run[] {
  return runs.filter(({ pid }, index) => runs.findIndex((one) => one.pid === pid) === index)
}

function notRunning(message: string): StartError {
  return new StartError(ExitCode.UNREACHABLE, message)
}
