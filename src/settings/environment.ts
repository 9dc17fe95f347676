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
