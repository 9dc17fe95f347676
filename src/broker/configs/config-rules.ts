import { RE2JS, RE2JSException } from 're2js'
import { KafkaError } from '../../protocol/error-code.ts'
import { brokerSettingsByName } from '../../settings/broker-settings.ts'
import {
  clientMetricsSettingsByName,
  PUSH_INTERVAL_MS_MAX,
  PUSH_INTERVAL_MS_MIN,
  parseClientMatch,
} from '../../settings/client-metrics-settings.ts'
import { checkGroupConfigs } from '../../settings/group-settings.ts'
import { ConfigError, parseValue } from '../../settings/parse-value.ts'
import type { Setting } from '../../settings/setting.ts'
import type { Settings } from '../../settings/settings.ts'
import { ConfigResourceType, type MetadataImage } from '../../storage/metadata-store.ts'
import { topicNameProblem } from '../topics/topic-name.ts'
import { baseOfListenerSetting } from './broker-synonyms.ts'
import { checkBrokerValues } from './broker-value-rules.ts'
import { checkThreadCounts } from './thread-count-rules.ts'
import { checkTopicConfigs, checkValueSize } from './topic-config-rules.ts'

/**
 * Whether a resource may have these configs, all of them together. Throws `KafkaError` in the words
 * of Kafka (admin-and-config.md section 3).
 */

export type Configs = ReadonlyMap<string, string>

export interface ConfigProposal {
  readonly name: string
  /** What is stored now. */
  readonly current: Configs
  /** What would be stored. */
  readonly next: Configs
  /** What the request names. */
  readonly asked: readonly string[]
}

function invalidRequest(message: string): KafkaError {
  return new KafkaError('INVALID_REQUEST', message)
}

function translated(error: 'INVALID_CONFIG' | 'INVALID_REQUEST', check: () => void): void {
  try {
    check()
  } catch (thrown) {
    if (thrown instanceof ConfigError) throw new KafkaError(error, thrown.message)
    throw thrown
  }
}

function checkTopicProposal(
  { name, next }: ConfigProposal,
  image: MetadataImage,
  settings: Settings,
): void {
  if (name === '') throw invalidRequest('Default topic resources are not allowed.')
  const problem = topicNameProblem(name)
  if (problem) throw new KafkaError('INVALID_TOPIC_EXCEPTION', problem)
  checkTopicConfigs(next, settings)
  if (image.topicsByName.has(name)) return
  throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `The topic '${name}' does not exist.`)
}

function checkGroupProposal(
  { name, next }: ConfigProposal,
  _image: MetadataImage,
  settings: Settings,
): void {
  if (name === '') throw invalidRequest('Default group resources are not allowed.')
  translated('INVALID_CONFIG', () => checkGroupConfigs(settings, next))
}

function checkClientMetricsProposal({ name, next }: ConfigProposal): void {
  if (name === '') throw invalidRequest("Subscription name can't be empty")
  for (const [key, value] of next) {
    const setting = clientMetricsSettingsByName.get(key)
    if (!setting) throw invalidRequest(`Unknown client metrics configuration: ${key}`)
    translated('INVALID_CONFIG', () => checkClientMetric(key, parseValue(key, setting, value)))
  }
}

function checkClientMetric(key: string, value: Setting['value']): void {
  if (typeof value === 'number') {
    if (value >= PUSH_INTERVAL_MS_MIN && value <= PUSH_INTERVAL_MS_MAX) return
    throw invalidRequest(
      `Invalid value ${value} for interval.ms, interval must be between ${PUSH_INTERVAL_MS_MIN} ` +
        `and ${PUSH_INTERVAL_MS_MAX} (1 hour)`,
    )
  }
  if (key !== 'match' || !Array.isArray(value)) return
  for (const item of value as readonly string[]) {
    const match = parseClientMatch(item)
    if (!match || !isPattern(match.pattern)) {
      throw new ConfigError(`Illegal client matching pattern: ${item}`)
    }
  }
}

/** Patterns run on an engine that is linear in the text. */
function isPattern(text: string): boolean {
  try {
    RE2JS.compile(text)
    return true
  } catch (error) {
    if (error instanceof RE2JSException) return false
    throw error
  }
}

function checkBrokerProposal(
  proposal: ConfigProposal,
  image: MetadataImage,
  settings: Settings,
): void {
  const { name, next } = proposal
  translated('INVALID_REQUEST', () => {
    checkDynamic(next)
    checkTypes(next)
    if (name === '') checkClusterWide(next)
    checkBrokerValues(next, settings)
    checkThreadCounts(next, settings)
  })
  const elr = (image.features.get('eligible.leader.replicas.version') ?? 0) > 0
  if (elr) checkMinInsyncReplicas(proposal)
}

function refuse(what: string, names: readonly string[]): void {
  if (names.length > 0) throw new ConfigError(`${what}: [${names.join(', ')}]`)
}

/** Security settings that a running broker takes only per listener. */
const PER_LISTENER_ONLY = new Set([
  'ssl.keystore.type',
  'ssl.keystore.location',
  'ssl.keystore.password',
  'ssl.key.password',
  'ssl.keystore.key',
  'ssl.keystore.certificate.chain',
  'ssl.truststore.type',
  'ssl.truststore.location',
  'ssl.truststore.password',
  'ssl.truststore.certificates',
])

/** Listener settings that may also be set for all brokers. */
const CLUSTER_WIDE_PER_LISTENER = new Set([
  'max.connection.creation.rate',
  'max.connections',
  'num.network.threads',
])

/** Names that Kafka does not know are a plugin's: accepted as they are. */
function checkDynamic(next: Configs): void {
  const names = Array.from(next.keys())
  refuse(
    'Cannot update these configs dynamically',
    names.filter((name) => {
      const base = baseOfListenerSetting(name) ?? name
      return brokerSettingsByName.get(base)?.scope === 'read-only'
    }),
  )
  refuse(
    'These security configs can be dynamically updated only per-listener using the listener prefix',
    names.filter((name) => PER_LISTENER_ONLY.has(name)),
  )
}

function checkTypes(next: Configs): void {
  for (const [name, value] of next) {
    const base = baseOfListenerSetting(name) ?? name
    const setting = brokerSettingsByName.get(base)
    if (setting) parseValue(base, setting, value)
  }
}

function checkClusterWide(next: Configs): void {
  refuse(
    'Cannot update these configs at default cluster level, broker id must be specified',
    Array.from(next.keys()).filter((name) => {
      const base = baseOfListenerSetting(name)
      if (base !== undefined) return !CLUSTER_WIDE_PER_LISTENER.has(base)
      return brokerSettingsByName.get(name)?.scope === 'per-broker'
    }),
  )
}

const MIN_INSYNC_REPLICAS = 'min.insync.replicas'

/** With eligible leader replicas the number must be the same on all brokers (KIP-966). */
function checkMinInsyncReplicas({ name, current, next, asked }: ConfigProposal): void {
  if (name === '') {
    if (next.has(MIN_INSYNC_REPLICAS) || !current.has(MIN_INSYNC_REPLICAS)) return
    throw new KafkaError(
      'INVALID_CONFIG',
      'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.',
    )
  }
  const isTouched =
    asked.includes(MIN_INSYNC_REPLICAS) ||
    next.get(MIN_INSYNC_REPLICAS) !== current.get(MIN_INSYNC_REPLICAS)
  if (name === '' || !isTouched) return
  throw new KafkaError(
    'INVALID_CONFIG',
    'Broker-level min.insync.replicas cannot be altered while ELR is enabled.',
  )
}

type Check = (proposal: ConfigProposal, image: MetadataImage, settings: Settings) => void

const checks: ReadonlyMap<number, Check> = new Map([
  [ConfigResourceType.TOPIC, checkTopicProposal],
  [ConfigResourceType.BROKER, checkBrokerProposal],
  [ConfigResourceType.GROUP, checkGroupProposal],
  [ConfigResourceType.CLIENT_METRICS, checkClientMetricsProposal],
])

export function checkProposal(
  resourceType: number,
  proposal: ConfigProposal,
  image: MetadataImage,
  settings: Settings,
): void {
  const check = checks.get(resourceType)
  if (!check) throw invalidRequest(`Unknown resource type ${resourceType}`)
  check(proposal, image, settings)
  checkValueSize(proposal.name)
  for (const texts of proposal.next) texts.forEach(checkValueSize)
}
