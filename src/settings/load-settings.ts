import { brokerSettingsByName } from './broker-settings.ts'
import {
  CREATE_TOPICS,
  settingOfVariable,
  topicsOfVariable,
  variableOfSetting,
} from './environment.ts'
import { modeDefaults } from './mode.ts'
import { ConfigError, parseValue } from './parse-value.ts'
import { parseProperties } from './properties.ts'
import type { Setting } from './setting.ts'
import { createSettings, type Settings } from './settings.ts'
import { startProblems } from './start-checks.ts'

export interface SettingsInput {
  /** Kafka's server.properties. */
  readonly file?: { readonly path: string; readonly text: string }
  /** Variables of the process; those that begin with KAFKA_ are settings. */
  readonly environment?: Readonly<Record<string, string | undefined>>
  /** From the command line or from code, by Kafka's names. */
  readonly flags?: ReadonlyMap<string, string>
}

/** Something to tell the person who wrote a setting. */
export interface SettingProblem {
  readonly name: string
  /** Undefined when it concerns several settings or must not be shown. */
  readonly value: string | undefined
  /** `server.properties line 3`, `KAFKA_LOG_DIRS`, `command line`; empty when it is a default. */
  readonly where: string
  readonly message: string
}

export interface LoadedSettings {
  readonly settings: Settings
  /** Wrong values: the broker must not start. */
  readonly errors: readonly SettingProblem[]
  /** Unknown names, and known ones that have no effect here. */
  readonly warnings: readonly SettingProblem[]
  /** Where each setting was given, by name; for `config print`. */
  readonly where: ReadonlyMap<string, string>
}

interface Entry {
  readonly name: string
  readonly value: string
  readonly where: string
}

/** Merges defaults < mode < file < environment < flags, and checks every value given. */
export function loadSettings(input: SettingsInput): LoadedSettings {
  const environment = input.environment ?? {}
  const created = createdTopics(environment)
  const layers = {
    file: fileEntries(input.file),
    environment: [...created.entries, ...environmentEntries(environment)],
    flag: [...(input.flags ?? [])].map(([name, value]) => ({ name, value, where: 'command line' })),
  }
  const entries = [...layers.file, ...layers.environment, ...layers.flag]
  const errors: SettingProblem[] = [...created.problems]
  const warnings: SettingProblem[] = []
  const bad = new Set<Entry>()
  for (const entry of entries) {
    const problem = providerProblem(entry) ?? valueProblem(entry)
    if (problem) bad.add(entry) && errors.push(problem)
    else warnings.push(...doubts(entry))
  }
  const texts = (layer: readonly Entry[]) =>
    new Map(layer.filter((entry) => !bad.has(entry)).map(({ name, value }) => [name, value]))
  const lastOf = (setting: string) =>
    entries.findLast((entry) => entry.name === setting && !bad.has(entry))?.value
  const mode = lastOf('dohle.mode') === 'prod' ? 'prod' : 'dev'
  const settings = createSettings(
    withBothIds({
      mode: new Map(modeDefaults(mode, Number(lastOf('dohle.brokers') ?? 1))),
      file: texts(layers.file),
      environment: texts(layers.environment),
      flag: texts(layers.flag),
    }),
  )
  const where = new Map(entries.map((entry) => [entry.name, entry.where]))
  for (const { name, message } of errors.length > 0 ? [] : startProblems(settings)) {
    errors.push({ name, value: undefined, where: where.get(name) ?? '', message })
  }
  return { settings, errors, warnings, where }
}

type StaticLayers = Record<'mode' | 'file' | 'environment' | 'flag', Map<string, string>>

/** `broker.id` is an older name of `node.id`: with one of them given, Kafka has both. */
function withBothIds(layers: StaticLayers): StaticLayers {
  const strongestFirst = [layers.flag, layers.environment, layers.file]
  const older = strongestFirst.find((layer) => Number(layer.get('broker.id') ?? -1) !== -1)
  const newer = strongestFirst.find((layer) => layer.has('node.id'))
  if (older && !newer) older.set('node.id', older.get('broker.id')!)
  const holder = newer ?? layers.mode
  if (!older) holder.set('broker.id', holder.get('node.id')!)
  return layers
}

function fileEntries(file: SettingsInput['file']): Entry[] {
  if (!file) return []
  return parseProperties(file.text).map(({ key, value, line }) => ({
    name: key,
    value,
    where: `${file.path} line ${line}`,
  }))
}

function environmentEntries(environment: Readonly<Record<string, string | undefined>>): Entry[] {
  const entries: Entry[] = []
  for (const [variable, value] of Object.entries(environment)) {
    const name = settingOfVariable(variable)
    if (name !== undefined && value !== undefined) entries.push({ name, value, where: variable })
  }
  // Of two that say the same setting Kafka's own name wins, wherever they stand.
  return entries.sort((a, b) => Number(isBitnami(b.where)) - Number(isBitnami(a.where)))
}

function isBitnami(variable: string): boolean {
  return variable.startsWith('KAFKA_CFG_')
}

/** What KAFKA_CREATE_TOPICS asks for; KAFKA_DOHLE_TOPICS, which is more exact, wins over it. */
function createdTopics(environment: Readonly<Record<string, string | undefined>>): {
  entries: Entry[]
  problems: SettingProblem[]
} {
  const text = environment[CREATE_TOPICS]
  if (text === undefined) return { entries: [], problems: [] }
  try {
    const value = topicsOfVariable(text)
    return { entries: [{ name: 'dohle.topics', value, where: CREATE_TOPICS }], problems: [] }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const { message } = error
    const problem = { name: 'dohle.topics', value: text, where: CREATE_TOPICS, message }
    return { entries: [], problems: [problem] }
  }
}

/** As Kafka writes a value that is to be looked up elsewhere (KIP-297). */
const PROVIDED = /\$\{[^}:]+:[^}]*\}/

/** Taken literally, such a value would be a wrong one that nobody notices. */
function providerProblem({ name, value, where }: Entry): SettingProblem | undefined {
  const isProvider = name === 'config.providers' || name.startsWith('config.providers.')
  if (!isProvider && !PROVIDED.test(value)) return undefined
  const variable = variableOfSetting(name)
  const message = isProvider
    ? `${name}: config providers are not built; write the values themselves, or use variables`
    : `${name} asks a config provider for its value, which is not built; write the value itself, ` +
      `or give it as the variable ${variable}`
  return { name, value: undefined, where, message }
}

/** The row of a name; one with a listener's prefix has the row of what follows. */
function settingOf(name: string): Setting | undefined {
  const own = brokerSettingsByName.get(name)
  if (own) return own
  const base =
    /^listener\.name\.[^.]+\.(?:(?:plain|scram-sha-256|scram-sha-512|oauthbearer|gssapi)\.)?(.+)$/
  const match = base.exec(name)
  return match ? brokerSettingsByName.get(match[1]!) : undefined
}

function valueProblem({ name, value, where }: Entry): SettingProblem | undefined {
  const setting = settingOf(name)
  if (!setting) return undefined
  try {
    parseValue(name, setting, value)
    return undefined
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const { text } = setting.allowed
    const allowed = `allowed: ${setting.type}${text && `, ${text}`}`
    const shown = setting.type === 'password' ? undefined : value
    return { name, value: shown, where, message: `${error.message} (${allowed})` }
  }
}

function doubts({ name, value, where }: Entry): SettingProblem[] {
  const setting = settingOf(name)
  if (!setting) {
    const near = nearestName(name)
    const hint = near ? `; did you mean ${near}?` : ''
    return [{ name, value: undefined, where, message: `${name} is not a setting${hint}` }]
  }
  if (setting.effect) return []
  const shown = setting.type === 'password' ? undefined : value
  return [{ name, value: shown, where, message: `${name} has no effect in dohle` }]
}

function nearestName(name: string): string | undefined {
  let nearest: string | undefined
  let nearestDistance = 3
  for (const candidate of brokerSettingsByName.keys()) {
    if (Math.abs(candidate.length - name.length) >= nearestDistance) continue
    const distance = editDistance(name, candidate)
    if (distance < nearestDistance) {
      nearest = candidate
      nearestDistance = distance
    }
  }
  return nearest
}

/** Letters to insert, delete or replace to get from one to the other. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let i = 1; i <= from.length; i++) {
    const next = [i]
    for (let j = 1; j <= to.length; j++) {
      const replaced = row[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, replaced))
    }
    row = next
  }
  return row[to.length]!
}
