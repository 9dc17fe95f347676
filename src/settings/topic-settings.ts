import type { BrokerSettingName, ValueOf, ValuesOf } from './broker-settings.ts'
import { brokerSettings, camelCase } from './broker-settings.ts'
import { canonicalText, parseValue, valueOrUndefined } from './parse-value.ts'
import type { Setting, SettingValue } from './setting.ts'
import type { Settings, SettingTexts } from './settings.ts'
import { topicTable } from './tables/topics.ts'

export type TopicSettingName = keyof typeof topicTable

const topicSettingNames = Object.keys(topicTable) as TopicSettingName[]
const NOTHING: SettingTexts = new Map()

export const topicSettingsByName: ReadonlyMap<string, Setting> = new Map(Object.entries(topicTable))

/** A broker setting that a topic falls back to, and what its unit is in that of the topic's. */
export interface TopicFallback {
  readonly name: BrokerSettingName
  readonly factor: number
}

function same(name: BrokerSettingName): readonly TopicFallback[] {
  return [{ name, factor: 1 }]
}

/** First one set wins. Topic configs without an entry have only their own default. */
const fallbacks: Partial<Record<TopicSettingName, readonly TopicFallback[]>> = {
  'segment.bytes': same('log.segment.bytes'),
  'segment.ms': [...same('log.roll.ms'), { name: 'log.roll.hours', factor: 3_600_000 }],
  'segment.jitter.ms': [
    ...same('log.roll.jitter.ms'),
    { name: 'log.roll.jitter.hours', factor: 3_600_000 },
  ],
  'segment.index.bytes': same('log.index.size.max.bytes'),
  'flush.messages': same('log.flush.interval.messages'),
  'flush.ms': [...same('log.flush.interval.ms'), ...same('log.flush.scheduler.interval.ms')],
  'retention.bytes': same('log.retention.bytes'),
  'retention.ms': [
    ...same('log.retention.ms'),
    { name: 'log.retention.minutes', factor: 60_000 },
    { name: 'log.retention.hours', factor: 3_600_000 },
  ],
  'max.message.bytes': same('message.max.bytes'),
  'index.interval.bytes': same('log.index.interval.bytes'),
  'delete.retention.ms': same('log.cleaner.delete.retention.ms'),
  'min.compaction.lag.ms': same('log.cleaner.min.compaction.lag.ms'),
  'max.compaction.lag.ms': same('log.cleaner.max.compaction.lag.ms'),
  'file.delete.delay.ms': same('log.segment.delete.delay.ms'),
  'min.cleanable.dirty.ratio': same('log.cleaner.min.cleanable.ratio'),
  'cleanup.policy': same('log.cleanup.policy'),
  'unclean.leader.election.enable': same('unclean.leader.election.enable'),
  'min.insync.replicas': same('min.insync.replicas'),
  'compression.type': same('compression.type'),
  'compression.gzip.level': same('compression.gzip.level'),
  'compression.lz4.level': same('compression.lz4.level'),
  'compression.zstd.level': same('compression.zstd.level'),
  preallocate: same('log.preallocate'),
  'message.timestamp.type': same('log.message.timestamp.type'),
  'message.timestamp.before.max.ms': same('log.message.timestamp.before.max.ms'),
  'message.timestamp.after.max.ms': same('log.message.timestamp.after.max.ms'),
  'local.retention.ms': same('log.local.retention.ms'),
  'local.retention.bytes': same('log.local.retention.bytes'),
}

/** Broker settings that `name` falls back to, in order. */
export function topicFallbacks(name: string): readonly TopicFallback[] {
  return fallbacks[name as TopicSettingName] ?? []
}

/** The text that holds for a topic: its own, else the broker's, else the default; canonical. */
export function topicConfigText(
  settings: Settings,
  overrides: SettingTexts,
  name: TopicSettingName,
): string | null {
  const setting: Setting = topicTable[name]
  const own = overrides.get(name)
  if (own !== undefined) return canonicalText(setting, own)
  for (const { name: fallback, factor } of topicFallbacks(name)) {
    const text = settings.text(fallback) ?? brokerSettings[fallback].defaultText
    if (text == null) continue
    if (factor !== 1) return inMilliseconds(text, factor)
    const canonical = canonicalText(setting, text)
    return fallback === 'log.retention.ms' ? noLimit(canonical) : canonical
  }
  return setting.defaultText ?? null
}

/** Kafka takes any negative retention of the broker as no limit. */
function noLimit(text: string): string {
  return text.startsWith('-') ? '-1' : text
}

function inMilliseconds(text: string, factor: number): string {
  return noLimit(String(BigInt(text.trim().replace(/^\+/, '')) * BigInt(factor)))
}

/** Effective configs of one topic by camel case names: `maxMessageBytes`, `cleanupPolicy`. */
export type TopicConfig = ValuesOf<typeof topicTable>

/** Every config of a topic with what holds for it now. */
export function resolveTopicConfig(settings: Settings, overrides: SettingTexts): TopicConfig {
  const values: Record<string, SettingValue> = {}
  for (const name of topicSettingNames) {
    values[camelCase(name)] = topicConfigValue(settings, overrides, name)
  }
  return values as TopicConfig
}

/**
 * The same, from what holds for a topic without configs of its own: most topics have few or none,
 * and there may be many.
 */
export function overrideTopicConfig(defaults: TopicConfig, overrides: SettingTexts): TopicConfig {
  if (overrides.size === 0) return defaults
  const values: Record<string, SettingValue> = { ...defaults }
  for (const [name, text] of overrides) {
    const setting = topicSettingsByName.get(name)
    const value = setting && valueOrUndefined(name, setting, text)
    if (value !== undefined) values[camelCase(name)] = value
  }
  return values as TopicConfig
}

/** One config of a topic with what holds for it now. */
export function topicConfigValue<Name extends TopicSettingName>(
  settings: Settings,
  overrides: SettingTexts,
  name: Name,
): ValueOf<(typeof topicTable)[Name]> {
  const setting: Setting = topicTable[name]
  for (const layer of [overrides, NOTHING]) {
    const text = topicConfigText(settings, layer, name)
    const value = text === null ? null : valueOrUndefined(name, setting, text)
    if (value !== undefined) return value as ValueOf<(typeof topicTable)[Name]>
  }
  return parseValue(name, setting, setting.defaultText!) as ValueOf<(typeof topicTable)[Name]>
}
