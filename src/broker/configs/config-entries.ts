import {
  brokerSettingsByName,
  knownSettingsByName,
  listedSettingNames,
} from '../../settings/broker-settings.ts'
import { clientMetricsSettingsByName } from '../../settings/client-metrics-settings.ts'
import {
  type GroupSettingName,
  groupConfigText,
  groupFallback,
  groupSettingsByName,
} from '../../settings/group-settings.ts'
import { canonicalText } from '../../settings/parse-value.ts'
import type { Setting, SettingType } from '../../settings/setting.ts'
import type { SettingSource, Settings, SettingTexts } from '../../settings/settings.ts'
import { replicationQuotaSettings } from '../../settings/tables/plugins.ts'
import {
  type TopicSettingName,
  topicConfigText,
  topicFallbacks,
  topicSettingsByName,
} from '../../settings/topic-settings.ts'
import { brokerSynonyms } from './broker-synonyms.ts'
import { ConfigSource, configSourceOf } from './config-source.ts'

/**
 * The configs of a resource as DescribeConfigs shows them: values in canonical text, where they
 * come from, and everything that stands behind them (admin-and-config.md section 3).
 */
export interface ConfigEntry {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  readonly configSource: number
  readonly isSensitive: boolean
  readonly synonyms: readonly ConfigSynonym[]
  readonly configType: number
  readonly documentation: string | null
}

export interface ConfigSynonym {
  readonly name: string
  readonly value: string | null
  readonly source: number
}

const UNKNOWN_TYPE = 0

const TYPE_CODES: Readonly<Record<SettingType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
}

/** Names the client did not ask for are left out before anything is computed. */
export type Wanted = (name: string) => boolean

export function topicEntries(
  settings: Settings,
  overrides: SettingTexts,
  wanted: Wanted,
): ConfigEntry[] {
  return entriesOf(topicSettingsByName, overrides, wanted, (name, setting) => {
    const value = topicConfigText(settings, overrides, name as TopicSettingName)
    const own = overrides.has(name) ? [{ name, value, source: ConfigSource.TOPIC }] : []
    const fallback = topicFallbacks(name)[0]
    const behind = fallback ? brokerConfigSynonyms(settings, fallback.name) : []
    return entry(name, value, setting, [...own, ...behind])
  })
}

export function groupEntries(
  settings: Settings,
  overrides: SettingTexts,
  wanted: Wanted,
): ConfigEntry[] {
  return entriesOf(groupSettingsByName, overrides, wanted, (name, setting) => {
    const value = groupConfigText(settings, overrides, name as GroupSettingName)
    const own = overrides.has(name) ? [{ name, value, source: ConfigSource.GROUP }] : []
    const fallback = groupFallback(name)
    const behind = fallback
      ? brokerConfigSynonyms(settings, fallback)
      : [{ name, value: setting.defaultText ?? null, source: ConfigSource.DEFAULT }]
    return entry(name, value, setting, [...own, ...behind])
  })
}

export function clientMetricsEntries(overrides: SettingTexts, wanted: Wanted): ConfigEntry[] {
  return entriesOf(clientMetricsSettingsByName, overrides, wanted, (name, setting) => {
    const own = overrides.get(name)
    const value = own === undefined ? (setting.defaultText ?? '') : canonicalText(setting, own)
    const source = ConfigSource.CLIENT_METRICS
    return entry(name, value, setting, own === undefined ? [] : [{ name, value, source }])
  })
}

/** Every setting of this broker, and every other name that was set: Kafka passes them to plugins. */
export function brokerEntries(settings: Settings, wanted: Wanted): ConfigEntry[] {
  const names = new Set([...listedSettingNames, ...namesSet(settings)])
  return Array.from(names)
    .filter((name) => wanted(name) && !isOurs(name))
    .map((name) => brokerEntry(settings, name, knownSettingsByName.get(name)))
}

/** What AlterConfigs has set for all brokers, and nothing else. */
export function clusterDefaultEntries(settings: Settings, wanted: Wanted): ConfigEntry[] {
  return Array.from(settings.layer('dynamic-default'))
    .filter(([name]) => wanted(name))
    .map(([name, text]) => {
      const setting = knownSettingsByName.get(name)
      const synonyms = brokerConfigSynonyms(settings, name)
      const source = ConfigSource.DYNAMIC_DEFAULT_BROKER
      const own = synonyms.filter((synonym) => synonym.source === source)
      return { ...entry(name, isSecret(setting) ? null : text, setting, own), ...rights(name) }
    })
}

function brokerEntry(settings: Settings, name: string, setting: Setting | undefined): ConfigEntry {
  const text = settings.text(name) ?? setting?.defaultText ?? null
  const value = text === null || !setting ? text : canonicalText(setting, text)
  const shown = isSecret(setting) ? null : value
  return { ...entry(name, shown, setting, brokerConfigSynonyms(settings, name)), ...rights(name) }
}

function rights(name: string): { readOnly: boolean } {
  return { readOnly: (brokerSettingsByName.get(name)?.scope ?? 'read-only') === 'read-only' }
}

function entry(
  name: string,
  value: string | null,
  setting: Setting | undefined,
  synonyms: readonly ConfigSynonym[],
): ConfigEntry {
  return {
    name,
    value,
    readOnly: false,
    configSource: synonyms[0]?.source ?? ConfigSource.DEFAULT,
    isSensitive: isSecret(setting),
    synonyms,
    configType: setting ? TYPE_CODES[setting.type] : UNKNOWN_TYPE,
    documentation: setting?.doc ?? null,
  }
}

/** What Kafka does not know may be a secret of a plugin's. */
function isSecret(setting: Setting | undefined): boolean {
  return setting === undefined || setting.type === 'password'
}

function entriesOf(
  table: ReadonlyMap<string, Setting>,
  overrides: SettingTexts,
  wanted: Wanted,
  describe: (name: string, setting: Setting) => ConfigEntry,
): ConfigEntry[] {
  const entries: ConfigEntry[] = []
  for (const [name, setting] of table) {
    if ((setting.internal && !overrides.has(name)) || !wanted(name)) continue
    entries.push(describe(name, setting))
  }
  return entries
}

const STRONGEST_FIRST: readonly (readonly SettingSource[])[] = [
  ['dynamic'],
  ['dynamic-default'],
  ['flag', 'environment', 'file', 'mode'],
]

/**
 * Everything that decides a broker setting, strongest first. Kafka cuts off what stands before the
 * first entry of the very name, so a retention set in hours does not show up under log.retention.ms.
 */
function brokerConfigSynonyms(settings: Settings, name: string): ConfigSynonym[] {
  const names = brokerSynonyms(name)
  const secret = isSecret(knownSettingsByName.get(names.at(-1)!))
  const synonyms: ConfigSynonym[] = []
  for (const sources of STRONGEST_FIRST) {
    for (const synonym of names) {
      const layer = sources.find((source) => settings.layer(source).has(synonym))
      if (!layer) continue
      const value = secret ? null : settings.layer(layer).get(synonym)!
      synonyms.push({ name: synonym, value, source: configSourceOf(layer) })
    }
  }
  for (const synonym of names) {
    const value = kafkaDefault(synonym)
    if (value != null) synonyms.push({ name: synonym, value, source: ConfigSource.DEFAULT })
  }
  const first = synonyms.findIndex((synonym) => synonym.name === name)
  return first === -1 ? [] : synonyms.slice(first)
}

/** Quotas of replication are no part of Kafka's own table: their defaults do not show. */
const withoutDefault: ReadonlySet<string> = new Set(Object.keys(replicationQuotaSettings))

function kafkaDefault(name: string): string | null | undefined {
  return withoutDefault.has(name) ? undefined : knownSettingsByName.get(name)?.defaultText
}

function namesSet(settings: Settings): Set<string> {
  const { staticTexts } = settings
  const dynamic = [...settings.layer('dynamic-default').keys(), ...settings.layer('dynamic').keys()]
  return new Set([...staticTexts.keys(), ...dynamic])
}

function isOurs(name: string): boolean {
  return name.startsWith('dohle.')
}
