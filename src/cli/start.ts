import { rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Logger } from 'pino'
import { systemClock } from '../base/clock.ts'
import {
  type LogLevel as KafkaLogLevel,
  rootLoggerLevels,
} from '../broker/configs/logger-levels.ts'
import { createDisk } from '../embed/create-disk.ts'
import { EmbeddedBroker } from '../embed/embedded-broker.ts'
import { BindError } from '../server/bind.ts'
import { type RunningBroker, runBroker } from '../server/run-broker.ts'
import type { LoadedSettings } from '../settings/load-settings.ts'
import { logFolders } from '../settings/log-folders.ts'
import { ConfigError } from '../settings/parse-value.ts'
import type { Settings } from '../settings/settings.ts'
import { StorageError, type StorageErrorKind } from '../storage/engine.ts'
import { addressText, firstLine, readyLines } from './banner.ts'
import {
  DEFAULT_DATA_DIRECTORY,
  DEFAULT_PORT,
  type LogLevel,
  type StartOptions,
} from './command-line.ts'
import { describeProblem, loadConfiguration } from './configuration.ts'
import { ExitCode, StartError } from './exit-code.ts'
import { createLog } from './log.ts'
import { describePortOwner } from './port-owner.ts'
import { controlSocketOf, removeRunFile, writeRunFile } from './run-file.ts'
import { stopSignal } from './stop-signals.ts'
import { version } from './version.ts'

/** Runs a broker until a signal stops it. Throws `StartError` when it cannot be started. */
export async function start(options: StartOptions): Promise<void> {
  const loaded = loadConfiguration(options)
  const output = openOutput(options.logLevel)
  warn(output.log, loaded)
  const { settings } = loaded
  const folders = settings.memory ? null : logFolders(settings).join(', ')
  if (output.isTerminal) {
    output.print(firstLine(folders))
    // The start lines say it all when all goes well.
    if (options.logLevel === 'info') output.log.level = 'warn'
  }

  // Asked for before the start, so that a signal during it is not lost.
  const stop = stopSignal()
  const launched = await launch(loaded, options, output.log, failed(output.log))
  announce(output, launched, folders)
  output.log.level = options.logLevel

  const signal = await stop
  output.log.info({ signal }, 'stopping')
  await launched.stop()
  output.log.info('stopped')
  process.exit(ExitCode.OK)
}

/** As Kafka does: what cannot be kept is not to be served, so the process ends at once. */
function failed(log: Logger): (reason: string) => void {
  return (reason) => {
    log.fatal({ reason }, 'the broker stops')
    process.exit(ExitCode.DIRECTORY_UNUSABLE)
  }
}

/** A broker that answers and that others of the same user can find. */
export interface Launched {
  readonly running: RunningBroker
  /** Of each listener, as `localhost:9092`. */
  readonly addresses: readonly string[]
  /** Of the first listener of each broker, for programs of this machine. */
  readonly localAddresses: readonly string[]
  /** Of the control API; undefined: none. */
  readonly controlUrl: string | undefined
  stop(): Promise<void>
}

/** Throws `StartError` when it cannot be started. */
export async function launch(
  loaded: LoadedSettings,
  options: LaunchOptions,
  log: Logger,
  onFailure?: (reason: string) => void,
): Promise<Launched> {
  const dataDirectory = dataDirectoryOf(loaded.settings)
  const { running, embedded, controlSocket } = await run(loaded.settings, options, log, onFailure)
  if (dataDirectory === DEFAULT_DATA_DIRECTORY) ignoreInGit(dataDirectory)
  const { pid } = process
  const startedAtMs = Date.now()
  const directory = dataDirectory === null ? null : resolve(dataDirectory)
  const all = running.presented.flatMap(({ listeners }) => listeners)
  const control = controlSocket === undefined ? {} : { controlSocket }
  for (const { host: bound, boundPort } of all) {
    const host = localHost(bound)
    writeRunFile(boundPort, { pid, startedAtMs, dataDirectory: directory, host, ...control })
  }
  return {
    running,
    localAddresses: running.presented.map(({ listeners: [first] }) =>
      addressText(localHost(first!.host), first!.boundPort),
    ),
    addresses: all.map(({ host, boundPort }) => addressText(host || 'localhost', boundPort)),
    controlUrl: embedded?.controlUrl,
    stop: async () => {
      await (embedded ?? running).stop()
      for (const { boundPort } of all) removeRunFile(boundPort)
    },
  }
}

/** How programs of this machine reach a listener. */
function localHost(host: string): string {
  return host === '' || host === '0.0.0.0' || host === '::' ? 'localhost' : host
}

interface Output {
  readonly isTerminal: boolean
  readonly log: Logger
  print(text: string): void
}

function openOutput(level: LogLevel): Output {
  const { stdout } = process
  const isTerminal = stdout.isTTY === true
  // Whoever read our output may go away; the broker goes on.
  stdout.on('error', () => {})
  const colors = isTerminal && process.env['NO_COLOR'] === undefined
  return {
    isTerminal,
    log: createLog({ level, readable: isTerminal, colors, out: stdout }),
    print: (text) => stdout.write(text),
  }
}

export function warn(log: Logger, { warnings }: LoadedSettings): void {
  for (const warning of warnings) log.warn({ setting: warning.name }, describeProblem(warning))
}

/** The first, by which others find the broker, as the user wrote it; null when nothing is kept. */
function dataDirectoryOf(settings: Settings): string | null {
  if (settings.memory) return null
  return logFolders(settings)[0] ?? null
}

async function addressError(error: BindError): Promise<StartError> {
  const options = { cause: error }
  if (error.code !== 'EADDRINUSE') return new StartError(ExitCode.ADDRESS, error.message, options)
  const owner = await describePortOwner(error.port)
  const stop = error.port === DEFAULT_PORT ? 'dohle stop' : `dohle stop --port ${error.port}`
  const orStop = owner.startsWith('another dohle') ? `, or: ${stop}` : ''
  const message = `port ${error.port} is taken by ${owner}. Use --port 0 for a free one${orStop}`
  return new StartError(ExitCode.ADDRESS, message, options)
}

const directoryExitCodes: Readonly<Record<StorageErrorKind, ExitCode>> = {
  locked: ExitCode.DIRECTORY_LOCKED,
  mismatch: ExitCode.DIRECTORY_MISMATCH,
  'newer-format': ExitCode.DIRECTORY_MISMATCH,
  corrupt: ExitCode.DIRECTORY_UNUSABLE,
  unreadable: ExitCode.DIRECTORY_UNUSABLE,
}

type LaunchOptions = Pick<StartOptions, 'logLevel' | 'logRequests' | 'controlPort' | 'clusterId'>

async function run(
  settings: Settings,
  options: LaunchOptions,
  log: Logger,
  onFailure: ((reason: string) => void) | undefined,
) {
  const { logLevel, logRequests, controlPort, clusterId } = options
  const loggers = rootLoggerLevels(kafkaLevel(logLevel), (changed) => {
    log.level = changed.toLowerCase()
  })
  const identity = clusterId === undefined ? {} : { clusterId }
  const start = {
    settings,
    clock: systemClock,
    log,
    loggers,
    keepAlive: true,
    ...identity,
    ...(onFailure && { onFailure }),
  }
  try {
    const isOne = settings.brokers === 1
    if (isOne && !logRequests && controlPort === undefined) {
      return { running: await runBroker(start) }
    }
    const disk = createDisk(start)
    const running = await runBroker({ ...start, files: disk })
    const embedded = new EmbeddedBroker(localHost(running.listeners[0]!.host), running, disk)
    if (logRequests) embedded.requests.logTo(log)
    if (controlPort !== undefined) {
      await embedded.startControl({ port: controlPort, keepAlive: true })
    }
    const controlSocket = isOne ? undefined : await openControlSocket(embedded, log)
    return { running, embedded, controlSocket }
  } catch (error) {
    const cause = { cause: error }
    if (error instanceof BindError) throw await addressError(error)
    if (error instanceof ConfigError) {
      throw new StartError(ExitCode.CONFIGURATION, error.message, cause)
    }
    if (error instanceof StorageError) {
      throw new StartError(directoryExitCodes[error.kind], error.message, cause)
    }
    throw error
  }
}

/** For `dohle broker`. Where it cannot be had nothing else fails. */
async function openControlSocket(
  embedded: EmbeddedBroker,
  log: Logger,
): Promise<string | undefined> {
  try {
    const path = controlSocketOf(embedded.port)
    // Whoever had it had the port, too.
    rmSync(path, { force: true })
    await embedded.startControlSocket(path)
    return path
  } catch (error) {
    log.warn({ err: error }, 'brokers cannot be stopped by command')
    return undefined
  }
}

/** Kafka has no level above FATAL. */
function kafkaLevel(level: LogLevel): KafkaLogLevel {
  return level === 'silent' ? 'FATAL' : (level.toUpperCase() as KafkaLogLevel)
}

function announce(output: Output, launched: Launched, folders: string | null): void {
  const { running, addresses } = launched
  // scripts/start.mjs marks where the command begins, after it installed and built.
  const [begin] = performance.getEntriesByName('dohle:start')
  const startMs = performance.now() - (begin?.startTime ?? 0)
  const http = running.http && addressText(running.http.host, running.http.port)
  if (output.isTerminal) {
    output.print(readyLines(addresses, { http, control: launched.controlUrl }, startMs))
    return
  }
  const [first] = running.listeners
  output.log.info(
    {
      version,
      kafka: addresses.join(','),
      port: first?.boundPort,
      ...(launched.controlUrl && { control: launched.controlUrl }),
      dataDirectory: folders,
      clusterId: running.broker.clusterId,
      ...(http && { http }),
      startMs: Math.round(startMs),
    },
    'ready',
  )
}

/** The default directory stands in the user's project, where nobody wants it committed. */
function ignoreInGit(directory: string): void {
  try {
    writeFileSync(join(directory, '.gitignore'), '*\n', { flag: 'wx' })
  } catch {
    // It is there, or cannot be; neither matters to the broker.
  }
}
