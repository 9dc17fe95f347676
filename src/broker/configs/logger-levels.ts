import { KafkaError } from '../../protocol/error-code.ts'
import type { ConfigEntry, Wanted } from './config-entries.ts'
import { ConfigSource } from './config-source.ts'

/** As Kafka names them. */
const logLevels = ['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'] as const
export type LogLevel = (typeof logLevels)[number]

const ROOT_LOGGER = 'root'

/** The loggers of a broker and what they write; not kept over a restart. */
export interface LoggerLevels {
  readonly levels: ReadonlyMap<string, LogLevel>
  set(logger: string, level: LogLevel): void
}

/** One logger, `root`, that tells `apply` its level. */
export function rootLoggerLevels(
  initial: LogLevel,
  apply: (level: LogLevel) => void,
): LoggerLevels {
  const levels = new Map<string, LogLevel>([[ROOT_LOGGER, initial]])
  return {
    levels,
    set(logger, level) {
      levels.set(logger, level)
      apply(level)
    },
  }
}

export function loggerEntries({ levels }: LoggerLevels, wanted: Wanted): ConfigEntry[] {
  return Array.from(levels)
    .filter(([name]) => wanted(name))
    .map(([name, value]) => ({
      name,
      value,
      readOnly: false,
      configSource: ConfigSource.DYNAMIC_BROKER_LOGGER,
      isSensitive: false,
      synonyms: [],
      configType: 0,
      documentation: '',
    }))
}

const OPERATIONS = ['SET', 'DELETE', 'APPEND', 'SUBTRACT'] as const

/**
 * What IncrementalAlterConfigs asks of a broker's loggers: all changes or, when one is wrong, none.
 * Deleting a level gives the logger that of the root.
 */
export function changeLevels(
  loggers: LoggerLevels,
  changes: readonly {
    readonly name: string
    readonly configOperation: number
    readonly value: string | null
  }[],
  validateOnly: boolean,
): void {
  const levels = changes.map((change) => checkedLevel(loggers, change))
  if (validateOnly) return
  for (const [index, level] of levels.entries()) loggers.set(changes[index]!.name, level)
}

function checkedLevel(
  loggers: LoggerLevels,
  change: { name: string; configOperation: number; value: string | null },
): LogLevel {
  const { name, value } = change
  const operation = OPERATIONS[change.configOperation]
  if (operation !== 'SET' && operation !== 'DELETE') {
    throw new KafkaError(
      'INVALID_REQUEST',
      `${operation ?? 'UNKNOWN'} operation is not allowed for the BROKER_LOGGER resource`,
    )
  }
  if (!loggers.levels.has(name)) {
    throw new KafkaError('INVALID_CONFIG', `Logger ${name} does not exist!`)
  }
  if (operation === 'DELETE') {
    if (name === ROOT_LOGGER) {
      const message = `Removing the log level of the ${ROOT_LOGGER} logger is not allowed`
      throw new KafkaError('INVALID_REQUEST', message)
    }
    return loggers.levels.get(ROOT_LOGGER)!
  }
  const level = logLevels.find((one) => one === value)
  if (level) return level
  throw new KafkaError(
    'INVALID_CONFIG',
    `Cannot set the log level of ${name} to ${value} as it is not a supported log level. ` +
      `Valid log levels are ${[...logLevels].sort().join(', ')}`,
  )
}
