import {
  type BrokerSettingName,
  brokerSettings,
  camelCase,
  type ValuesOf,
} from './broker-settings.ts'
import { ConfigError, canonicalText, parseValue, valueOrUndefined } from './parse-value.ts'
import type { Setting, SettingValue } from './setting.ts'
import type { Settings, SettingTexts } from './settings.ts'
import { groupConfigTable } from './tables/group-configs.ts'

export type GroupSettingName = keyof typeof groupConfigTable

const NOTHING: SettingTexts = new Map()

export const groupSettingsByName: ReadonlyMap<string, Setting> = new Map(
  Object.entries(groupConfigTable),
)

/** The broker setting that a group config falls back to; undefined when it has none. */
export function groupFallback(name: string): BrokerSettingName | undefined {
  const candidate = `group.${name}`
  return candidate in brokerSettings ? (candidate as BrokerSettingName) : undefined
}

/** The broker's smallest or largest value of a group config, where it has one. */
function bound(name: string, which: 'min' | 'max'): BrokerSettingName | undefined {
  // The only one whose bound does not keep the whole name.
  if (name === 'streams.num.standby.replicas') {
    return which === 'max' ? 'group.streams.max.standby.replicas' : undefined
  }
  const dot = name.indexOf('.')
  const candidate = `group.${name.slice(0, dot)}.${which}${name.slice(dot)}`
  return candidate in brokerSettings ? (candidate as BrokerSettingName) : undefined
}

/** The text that holds for a group: its own, else the broker's, else the default. */
export function groupConfigText(
  settings: Settings,
  overrides: SettingTexts,
  name: GroupSettingName,
): string {
  const setting: Setting = groupConfigTable[name]
  const fallback = groupFallback(name)
  const text =
    overrides.get(name) ??
    (fallback && (settings.text(fallback) ?? brokerSettings[fallback].defaultText)) ??
    setting.defaultText
  return canonicalText(setting, text ?? '')
}

/** Configs of one group by camel case names: `consumerSessionTimeoutMs`. */
export type GroupConfig = ValuesOf<typeof groupConfigTable>

/**
 * Every config of a group with what holds for it now. A value that was stored before the broker's
 * bounds changed is moved to the nearest one.
 */
export function resolveGroupConfig(settings: Settings, overrides: SettingTexts): GroupConfig {
  const values: Record<string, SettingValue> = {}
  for (const name of Object.keys(groupConfigTable) as GroupSettingName[]) {
    const value = parsed(settings, overrides, name)
    values[camelCase(name)] = typeof value === 'number' ? clamp(settings, name, value) : value
  }
  return values as GroupConfig
}

function parsed(settings: Settings, overrides: SettingTexts, name: GroupSettingName): SettingValue {
  const setting: Setting = groupConfigTable[name]
  const own = overrides.get(name)
  const value = own === undefined ? undefined : valueOrUndefined(name, setting, own)
  if (value !== undefined) return value
  return parseValue(name, setting, groupConfigText(settings, NOTHING, name))
}

function clamp(settings: Settings, name: string, value: number): number {
  const min = bound(name, 'min')
  const max = bound(name, 'max')
  const atLeast = min ? Math.max(value, settings.get(min) as number) : value
  return max ? Math.min(atLeast, settings.get(max) as number) : atLeast
}

/** Checks all configs that a group is to have. Throws `ConfigError`. */
export function checkGroupConfigs(settings: Settings, configs: SettingTexts): void {
  for (const name of configs.keys()) {
    if (!groupSettingsByName.has(name)) throw new ConfigError(`Unknown group config name: ${name}`)
  }
  const values = new Map<string, number>()
  for (const [name, setting] of groupSettingsByName) {
    const text = configs.get(name) ?? groupConfigText(settings, configs, name as GroupSettingName)
    const value = parseValue(name, setting, text)
    if (typeof value === 'number') values.set(name, value)
  }
  for (const [name, value] of values) checkBounds(settings, name, value)
  for (const kind of ['consumer', 'share', 'streams']) {
    const session = `${kind}.session.timeout.ms`
    const heartbeat = `${kind}.heartbeat.interval.ms`
    if (values.get(session)! <= values.get(heartbeat)!) {
      throw new ConfigError(`${session} must be greater than ${heartbeat}`)
    }
  }
}

function checkBounds(settings: Settings, name: string, value: number): void {
  const min = bound(name, 'min')
  if (min && value < (settings.get(min) as number)) {
    throw new ConfigError(`${name} must be greater than or equal to ${min}`)
  }
  const max = bound(name, 'max')
  if (max && value > (settings.get(max) as number)) {
    throw new ConfigError(`${name} must be less than or equal to ${max}`)
  }
}
