import {
  type BrokerSettingName,
  type BrokerSettings,
  brokerSettings,
  brokerSettingsByName,
  camelCase,
  type ValueOf,
  type ValuesOf,
} from './broker-settings.ts'
import { parseValue, valueOrUndefined } from './parse-value.ts'
import type { Setting, SettingValue } from './setting.ts'

/** Where a value comes from; later ones win. */
export const settingSources = [
  /** Kafka's default. */
  'default',
  /** What `dohle.mode` sets instead. */
  'mode',
  'file',
  'environment',
  'flag',
  /** AlterConfigs for all brokers. */
  'dynamic-default',
  /** AlterConfigs for this broker. */
  'dynamic',
] as const
export type SettingSource = (typeof settingSources)[number]

/** Texts by setting name. */
export type SettingTexts = ReadonlyMap<string, string>

const NOTHING: SettingTexts = new Map()

/**
 * The broker's settings: every row of the table has a getter in camel case with its parsed value,
 * `settings.numPartitions`, which follows changes at run time. All texts were checked before.
 */
class SettingStore {
  readonly #layers: Record<SettingSource, SettingTexts>
  readonly #values = new Map<string, SettingValue>()
  readonly #listeners = new Set<() => void>()

  constructor(layers: Partial<Record<SettingSource, SettingTexts>>) {
    const empty = Object.fromEntries(settingSources.map((source) => [source, NOTHING]))
    this.#layers = { ...(empty as Record<SettingSource, SettingTexts>), ...layers }
  }

  /** The value of a setting by its Kafka name. */
  get<Name extends BrokerSettingName>(name: Name): ValueOf<BrokerSettings[Name]> {
    let value = this.#values.get(name)
    if (value === undefined) {
      value = this.#parse(name)
      this.#values.set(name, value)
    }
    return value as ValueOf<BrokerSettings[Name]>
  }

  /** The value for one listener: `listener.name.<name>.<setting>` when set, else the setting. */
  forListener<Name extends BrokerSettingName>(
    listener: string,
    name: Name,
  ): ValueOf<BrokerSettings[Name]> {
    const text = this.text(`listener.name.${listener.toLowerCase()}.${name}`)
    if (text === undefined) return this.get(name)
    const setting: Setting = brokerSettings[name]
    return parseValue(name, setting, text) as ValueOf<BrokerSettings[Name]>
  }

  /** The text that holds, from whatever source but the default; undefined when none is set. */
  text(name: string): string | undefined {
    return this.#find(name)?.text
  }

  source(name: string): SettingSource {
    return this.#find(name)?.source ?? 'default'
  }

  /** What one source sets. */
  layer(source: SettingSource): SettingTexts {
    return this.#layers[source]
  }

  /** What the operator set before the start: mode, file, environment and flags in one. */
  get staticTexts(): SettingTexts {
    const { mode, file, environment, flag } = this.#layers
    return new Map([...mode, ...file, ...environment, ...flag])
  }

  /** Replaces what AlterConfigs has set; `texts` were checked. */
  setDynamic(source: 'dynamic-default' | 'dynamic', texts: SettingTexts): void {
    this.#layers[source] = texts
    this.#values.clear()
    for (const listener of this.#listeners) listener()
  }

  /** Calls `listener` after each change at run time. Returns what unsubscribes. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #find(name: string): { text: string; source: SettingSource } | undefined {
    return this.#candidates(name).next().value ?? undefined
  }

  /** What the sources say, the one that wins first. */
  *#candidates(name: string): Generator<{ text: string; source: SettingSource }, undefined> {
    for (let index = settingSources.length - 1; index > 0; index--) {
      const source = settingSources[index]!
      const text = this.#layers[source].get(name)
      if (text !== undefined) yield { text, source }
    }
  }

  #parse(name: BrokerSettingName): SettingValue {
    const setting: Setting = brokerSettings[name]
    for (const { text } of this.#candidates(name)) {
      const value = valueOrUndefined(name, setting, text)
      if (value !== undefined) return value
    }
    return setting.defaultText == null ? null : parseValue(name, setting, setting.defaultText)
  }
}

for (const name of brokerSettingsByName.keys()) {
  Object.defineProperty(SettingStore.prototype, camelCase(name), {
    get(this: SettingStore) {
      return this.get(name as BrokerSettingName)
    },
  })
}

export type Settings = SettingStore & ValuesOf<BrokerSettings>

export function createSettings(layers: Partial<Record<SettingSource, SettingTexts>>): Settings {
  // The loop above has put a getter on the prototype for every name of the table.
  return new SettingStore(layers) as Settings
}
