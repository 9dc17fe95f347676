import { readFileSync } from 'node:fs'
import { listenersWithoutHost, resolveListeners } from '../settings/listeners.ts'
import {
  type LoadedSettings,
  loadSettings,
  type SettingProblem,
} from '../settings/load-settings.ts'
import { protectionProblems } from '../settings/protection.ts'
import { DEFAULT_DATA_DIRECTORY, DEFAULT_PORT, type StartOptions } from './command-line.ts'
import { ExitCode, StartError } from './exit-code.ts'

/**
 * Settings of the file, under those of the environment, under those of the command line. Throws
 * `StartError` (CONFIGURATION).
 */
export function loadConfiguration(
  options: StartOptions,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): LoadedSettings {
  const file = options.configFile === undefined ? undefined : readConfigFile(options.configFile)
  const given = { environment, ...(file && { file }) }
  const { where } = loadSettings(given)
  const loaded = loadSettings({ ...given, flags: flagsOf(options, (name) => where.has(name)) })
  const errors = loaded.errors.length > 0 ? loaded.errors : unprotected(loaded)
  const [first, ...others] = errors
  if (first) {
    const more = others.length > 0 ? ` (and ${others.length} more)` : ''
    throw new StartError(ExitCode.CONFIGURATION, `${describeProblem(first)}${more}`)
  }
  return { ...loaded, warnings: [...loaded.warnings, ...narrowed(loaded)] }
}

function narrowed({ settings, where }: LoadedSettings): SettingProblem[] {
  return listenersWithoutHost(settings).map((name) => ({
    name: 'listeners',
    value: undefined,
    where: where.get('listeners') ?? '',
    message:
      `listener ${name} names no host: it is on loopback only, ` +
      'and on all interfaces with dohle.insecure=true',
  }))
}

function unprotected({ settings, where }: LoadedSettings): SettingProblem[] {
  return protectionProblems(settings, resolveListeners(settings)).map(({ name, message }) => {
    return { name, value: undefined, where: where.get(name) ?? '', message }
  })
}

/** `server.properties line 3: Invalid value ... (allowed: ...)`. */
export function describeProblem({ where, message }: SettingProblem): string {
  return where ? `${where}: ${message}` : message
}

function readConfigFile(path: string): { path: string; text: string } {
  try {
    return { path, text: readFileSync(path, 'utf8') }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const reason = {
      ENOENT: 'there is no such file',
      EACCES: 'no permission',
      EISDIR: 'a directory',
    }
    throw new StartError(
      ExitCode.CONFIGURATION,
      `cannot read --config ${path}: ${reason[code as keyof typeof reason] ?? code}`,
      { cause: error },
    )
  }
}

/** The command line in Kafka's words; what is said nowhere gets our defaults. */
function flagsOf(options: StartOptions, isGiven: (name: string) => boolean): Map<string, string> {
  const flags = new Map<string, string>()
  if (options.mode !== undefined) flags.set('dohle.mode', options.mode)
  if (options.memory) flags.set('dohle.memory', 'true')
  else if (options.dataDirectory !== undefined) flags.set('log.dirs', options.dataDirectory)
  else if (!isGiven('log.dirs') && !isGiven('log.dir'))
    flags.set('log.dirs', DEFAULT_DATA_DIRECTORY)
  if (options.port !== undefined || options.host !== undefined) {
    const address = listener(options.host ?? 'localhost', options.port ?? DEFAULT_PORT)
    flags.set('listeners', address)
    // What the file advertises belongs to its own listeners.
    if (isGiven('advertised.listeners')) flags.set('advertised.listeners', address)
  }
  if (options.brokers !== undefined) flags.set('dohle.brokers', String(options.brokers))
  if (options.topics.length > 0) flags.set('dohle.topics', options.topics.map(topicText).join(','))
  for (const [name, value] of options.overrides) flags.set(name, value)
  return flags
}

function listener(host: string, port: number): string {
  return `PLAINTEXT://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function topicText(topic: StartOptions['topics'][number]): string {
  const { name, partitions, replicationFactor, compact } = topic
  const factor = replicationFactor === undefined ? '' : `:${replicationFactor}`
  return `${name}:${partitions}${factor}${compact ? ':compact' : ''}`
}
