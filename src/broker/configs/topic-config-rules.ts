import { KafkaError } from '../../protocol/error-code.ts'
import { ConfigError, parseValue } from '../../settings/parse-value.ts'
import type { Settings } from '../../settings/settings.ts'
import { topicConfigValue, topicSettingsByName } from '../../settings/topic-settings.ts'

/** Java's DataOutput cannot write longer strings, so Kafka cannot store them. */
const MAX_VALUE_BYTES = 32_767

export function checkValueSize(value: string): void {
  if (Buffer.byteLength(value) <= MAX_VALUE_BYTES) return
  throw new KafkaError(
    'INVALID_CONFIG',
    'The configuration value cannot be added because it exceeds the maximum value size of ' +
      `${MAX_VALUE_BYTES} bytes.`,
  )
}

/**
 * Checks all configs that a topic is to have: names, values, and whether they go together. Throws
 * INVALID_CONFIG. A null value is what a client sent, never what is stored.
 */
export function checkTopicConfigs(
  configs: ReadonlyMap<string, string | null>,
  settings: Settings,
): asserts configs is ReadonlyMap<string, string> {
  const nulls = [...configs].filter(([, value]) => value === null).map(([name]) => name)
  if (nulls.length > 0) {
    const names = nulls.join(',')
    throw new KafkaError('INVALID_CONFIG', `Null value not supported for topic configs: ${names}`)
  }
  const overrides = configs as ReadonlyMap<string, string>
  for (const [name, value] of overrides) {
    if (!topicSettingsByName.has(name)) {
      throw new KafkaError('INVALID_CONFIG', `Unknown topic config name: ${name}`)
    }
    checkValueSize(value)
  }
  try {
    for (const [name, setting] of topicSettingsByName) {
      const value = overrides.get(name)
      if (value !== undefined) parseValue(name, setting, value)
    }
  } catch (error) {
    if (error instanceof ConfigError) throw new KafkaError('INVALID_CONFIG', error.message)
    throw error
  }
  checkTogether(overrides, settings)
}

function checkTogether(overrides: ReadonlyMap<string, string>, settings: Settings): void {
  if (overrides.size === 0) return
  const minLag = topicConfigValue(settings, overrides, 'min.compaction.lag.ms')
  const maxLag = topicConfigValue(settings, overrides, 'max.compaction.lag.ms')
  if (minLag > maxLag) {
    throw new KafkaError(
      'INVALID_CONFIG',
      `conflict topic config setting min.compaction.lag.ms (${minLag}) > ` +
        `max.compaction.lag.ms (${maxLag})`,
    )
  }
  const isRemote = topicConfigValue(settings, overrides, 'remote.storage.enable')
  if (isRemote && !settings.remoteLogStorageSystemEnable) {
    throw new KafkaError(
      'INVALID_CONFIG',
      'Tiered Storage functionality is disabled in the broker. ' +
        'Topic cannot be configured with remote log storage.',
    )
  }
}
