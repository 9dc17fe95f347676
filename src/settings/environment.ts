import { ConfigError } from './parse-value.ts'

const PREFIXES = ['KAFKA_CFG_', 'KAFKA_'] as const

/** Variables of Kafka's images and scripts that are not settings. */
const NOT_SETTINGS = new Set([
  'KAFKA_BROKERS',
  'KAFKA_BOOTSTRAP_SERVERS',
  'KAFKA_CREATE_TOPICS',
  'KAFKA_HEAP_OPTS',
  'KAFKA_OPTS',
  'KAFKA_JMX_OPTS',
  'KAFKA_JMX_PORT',
  'KAFKA_JMX_HOSTNAME',
  'KAFKA_GC_LOG_OPTS',
  'KAFKA_JVM_PERFORMANCE_OPTS',
  'KAFKA_LOG4J_OPTS',
  'KAFKA_LOG4J_LOGGERS',
  'KAFKA_LOG4J_ROOT_LOGLEVEL',
  'KAFKA_TOOLS_LOG4J_LOGLEVEL',
  'KAFKA_CLUSTER_ID',
  'KAFKA_VERSION',
  'KAFKA_SCALA_VERSION',
  'KAFKA_HOME',
  'KAFKA_DEBUG',
])

/**
 * The setting that a variable stands for, as Apache Kafka's images name them: `KAFKA_LOG_DIRS` is
 * `log.dirs`, with `__` for an underscore and `___` for a dash. Undefined when it stands for none.
 */
export function settingOfVariable(variable: string): string | undefined {
  if (NOT_SETTINGS.has(variable)) return undefined
  const prefix = PREFIXES.find((one) => variable.startsWith(one))
  if (!prefix || variable.length === prefix.length) return undefined
  return variable
    .slice(prefix.length)
    .toLowerCase()
    .replace(/___|__|_/g, (run) => ({ ___: '-', __: '_', _: '.' })[run] ?? run)
}

/** How a setting is written as a variable. */
export function variableOfSetting(name: string): string {
  const text = name.replace(/[-_.]/g, (mark) => ({ '-': '___', _: '__', '.': '_' })[mark] ?? mark)
  return `KAFKA_${text.toUpperCase()}`
}

/** Topics to have at start, as images of Kafka that are much used take them. */
export const CREATE_TOPICS = 'KAFKA_CREATE_TOPICS'

/**
 * `orders:3:1,users:1:1:compact`, which is name, partitions, replication factor and cleanup policy,
 * as `dohle.topics` lists them. Throws `ConfigError` for what that cannot say.
 */
export function topicsOfVariable(text: string): string {
  const topics = text
    .split(/[,\n]/)
    .map((topic) => topic.trim())
    .filter((topic) => topic !== '')
  return topics.map(topicOf).join(',')
}

function topicOf(text: string): string {
  const [name = '', partitions = '1', factor, policy = 'delete', ...more] = text.split(':')
  const isFactor = factor === undefined || /^[1-9]\d?$/.test(factor)
  const isPolicy = policy === 'delete' || policy === 'compact'
  if (name === '' || !/^[1-9]\d{0,4}$/.test(partitions) || !isFactor || !isPolicy) {
    throw wrongTopic(text, 'use name:partitions:replication factor[:compact]')
  }
  if (more.length > 0) throw wrongTopic(text, 'nothing may follow the cleanup policy')
  const replicas = factor === undefined ? '' : `:${factor}`
  return `${name}:${partitions}${replicas}${policy === 'compact' ? ':compact' : ''}`
}

function wrongTopic(text: string, reason: string): ConfigError {
  return new ConfigError(`'${text}' is not a topic to create: ${reason} (as in orders:3:1)`)
}
