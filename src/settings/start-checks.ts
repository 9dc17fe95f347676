import type { BrokerSettingName } from './broker-settings.ts'
import { parseHttpListener } from './http-listener.ts'
import { resolveListeners } from './listeners.ts'
import { checkCordoned, logFolders } from './log-folders.ts'
import { ConfigError } from './parse-value.ts'
import type { Settings } from './settings.ts'
import { checkPortsOfBrokers } from './several-brokers.ts'

export interface StartProblem {
  readonly name: BrokerSettingName
  readonly message: string
}

/** Values that are each allowed but do not go together (admin-and-config.md section 6). */
export function startProblems(settings: Settings): StartProblem[] {
  return [
    ...ruleProblems(settings),
    ...rangeProblems(settings),
    ...cordonProblems(settings),
    ...listenerProblems(settings),
    ...httpProblems(settings),
  ]
}

function cordonProblems(settings: Settings): StartProblem[] {
  return problemsOf('cordoned.log.dirs', () => checkCordoned(settings.cordonedLogDirs, settings))
}

/** [holds, setting, what to say when it does not]. */
type Rule = readonly [boolean, BrokerSettingName, string]

function ruleProblems(settings: Settings): StartProblem[] {
  const notZero = (value: number | null) => value === null || value === -1 || value >= 1
  const rules: Rule[] = [
    [settings.nodeId >= 0, 'node.id', 'node.id must be at least 0'],
    [
      settings.brokerId === -1 || settings.brokerId === settings.nodeId,
      'broker.id',
      `You must set node.id to the same value as broker.id (${settings.brokerId})`,
    ],
    [
      settings.processRoles.includes('broker'),
      'process.roles',
      'dohle is always a broker: process.roles must contain broker',
    ],
    [
      settings.brokers === 1 || settings.memory || logFolders(settings).length === 1,
      'log.dirs',
      'dohle.brokers: several brokers of one process share one folder, so log.dirs must name exactly one',
    ],
    [
      notZero(settings.logRetentionMs) && notZero(settings.logRetentionMinutes),
      'log.retention.ms',
      'log.retention.ms must be unlimited (-1) or, equal or greater than 1',
    ],
    [
      (settings.logRollMs ?? 1) >= 1,
      'log.roll.ms',
      'log.roll.ms must be greater than or equal to 1',
    ],
    [
      (settings.logRollJitterMs ?? 0) >= 0,
      'log.roll.jitter.ms',
      'log.roll.jitter.ms must be greater than or equal to 0',
    ],
    [
      settings.queuedMaxRequestBytes <= 0 ||
        settings.queuedMaxRequestBytes >= settings.socketRequestMaxBytes,
      'queued.max.request.bytes',
      'queued.max.request.bytes must be larger or equal to socket.request.max.bytes',
    ],
    [
      settings.maxConnectionsPerIp > 0 || settings.maxConnectionsPerIpOverrides !== '',
      'max.connections.per.ip',
      'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides is set.',
    ],
    [
      settings.connectionFailedAuthenticationDelayMs < settings.connectionsMaxIdleMs,
      'connection.failed.authentication.delay.ms',
      'connection.failed.authentication.delay.ms must always be less than connections.max.idle.ms',
    ],
    [
      settings.logCleanerDedupeBufferSize / Math.max(1, settings.logCleanerThreads) > 1024 * 1024,
      'log.cleaner.dedupe.buffer.size',
      'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.',
    ],
    [
      settings.groupMinSessionTimeoutMs <= settings.groupMaxSessionTimeoutMs,
      'group.min.session.timeout.ms',
      'group.min.session.timeout.ms must be less than or equals to group.max.session.timeout.ms',
    ],
  ]
  return rules.filter(([holds]) => !holds).map(([, name, message]) => ({ name, message }))
}

/** Settings with a smallest and largest value of their own. */
const RANGES = [
  'consumer.session.timeout.ms',
  'consumer.heartbeat.interval.ms',
  'consumer.assignment.interval.ms',
  'share.session.timeout.ms',
  'share.heartbeat.interval.ms',
  'share.assignment.interval.ms',
  'share.delivery.count.limit',
  'share.record.lock.duration.ms',
  'share.partition.max.record.locks',
  'streams.session.timeout.ms',
  'streams.heartbeat.interval.ms',
  'streams.assignment.interval.ms',
] as const

function rangeProblems(settings: Settings): StartProblem[] {
  const problems: StartProblem[] = []
  for (const range of RANGES) {
    const [kind, rest] = [range.slice(0, range.indexOf('.')), range.slice(range.indexOf('.') + 1)]
    const name = `group.${range}` as BrokerSettingName
    const minName = `group.${kind}.min.${rest}` as BrokerSettingName
    const maxName = `group.${kind}.max.${rest}` as BrokerSettingName
    const value = settings.get(name) as number
    if (value < (settings.get(minName) as number)) {
      problems.push({ name, message: `${name} must be greater than or equal to ${minName}` })
    }
    if (value > (settings.get(maxName) as number)) {
      problems.push({ name, message: `${name} must be less than or equal to ${maxName}` })
    }
  }
  for (const kind of ['consumer', 'share', 'streams'] as const) {
    const heartbeat = settings.get(`group.${kind}.heartbeat.interval.ms`)
    if (heartbeat < settings.get(`group.${kind}.session.timeout.ms`)) continue
    const name = `group.${kind}.heartbeat.interval.ms` as const
    const message = `${name} must be less than group.${kind}.session.timeout.ms`
    problems.push({ name, message })
  }
  return problems
}

function listenerProblems(settings: Settings): StartProblem[] {
  const problems = problemsOf('listeners', () => resolveListeners(settings))
  if (problems.length > 0 || settings.brokers === 1) return problems
  return problemsOf('dohle.brokers', () => checkPortsOfBrokers(settings))
}

function httpProblems({ httpListener }: Settings): StartProblem[] {
  if (httpListener === null) return []
  return problemsOf('dohle.http.listener', () => parseHttpListener(httpListener))
}

function problemsOf(name: BrokerSettingName, check: () => void): StartProblem[] {
  try {
    check()
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return [{ name, message: error.message }]
  }
}
