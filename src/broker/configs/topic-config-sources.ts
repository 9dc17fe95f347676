import { type SettingSource, type Settings, settingSources } from '../../settings/settings.ts'
import {
  type TopicSettingName,
  topicConfigText,
  topicFallbacks,
  topicSettingsByName,
} from '../../settings/topic-settings.ts'
import { ConfigSource, configSourceOf } from './config-source.ts'

export interface EffectiveConfig {
  readonly name: string
  readonly value: string | null
  readonly configSource: number
}

/**
 * Every config of a topic with what holds for it and where that comes from, as CreateTopics answers
 * it: by name, a topic's own values as they were given, hidden ones only when set.
 */
export function effectiveTopicConfigs(
  settings: Settings,
  overrides: ReadonlyMap<string, string>,
): EffectiveConfig[] {
  const configs: EffectiveConfig[] = []
  for (const [name, { internal }] of topicSettingsByName) {
    const own = overrides.get(name)
    if (own !== undefined) configs.push({ name, value: own, configSource: ConfigSource.TOPIC })
    else if (!internal) {
      const value = topicConfigText(settings, overrides, name as TopicSettingName)
      configs.push({ name, value, configSource: fallbackSource(settings, name) })
    }
  }
  return configs.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The strongest source in which one of the broker settings that a topic falls back to is set. */
function fallbackSource(settings: Settings, name: string): number {
  const fallbacks = topicFallbacks(name)
  const source = settingSources.findLast((one: SettingSource) =>
    fallbacks.some((fallback) => settings.layer(one).has(fallback.name)),
  )
  return configSourceOf(source ?? 'default')
}
