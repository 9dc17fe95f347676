import { invalidValue } from './allowed.ts'
import { javaDouble } from './java-double.ts'
import { Password } from './password.ts'
import type { Setting, SettingType, SettingValue } from './setting.ts'

/** A value that a setting cannot have. `message` is Kafka's. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

/** The value that `text` stands for, checked against type and range. Throws `ConfigError`. */
export function parseValue<T extends SettingValue>(
  name: string,
  setting: Setting<T>,
  text: string,
): T {
  const parsed = parseType(name, setting.type, text)
  const value =
    setting.allowed.distinctItems && Array.isArray(parsed) ? [...new Set(parsed)] : parsed
  const problem = setting.allowed.check(name, value)
  if (problem !== undefined) throw new ConfigError(problem)
  // The row's builder ties `type` to T.
  return value as T
}

/**
 * The value, or undefined when it is not allowed: a store that another release wrote may hold such
 * texts, and then it is as if they were not set.
 */
export function valueOrUndefined<T extends SettingValue>(
  name: string,
  setting: Setting<T>,
  text: string,
): T | undefined {
  try {
    return parseValue(name, setting, text)
  } catch (error) {
    if (error instanceof ConfigError) return undefined
    throw error
  }
}

/**
 * The text of a value as DescribeConfigs shows it: trimmed, numbers without frills. A text that is
 * not of the setting's type stays as it is.
 */
export function canonicalText(setting: Setting, text: string): string {
  const trimmed = javaTrim(text)
  switch (setting.type) {
    case 'boolean':
      return trimmed.toLowerCase()
    case 'short':
    case 'int':
    case 'long':
      return /^[+-]?\d+$/.test(trimmed) ? BigInt(trimmed.replace(/^\+/, '')).toString() : trimmed
    case 'double':
      return javaDouble(parseDouble(trimmed) ?? Number.NaN)
    case 'list': {
      const items = splitList(trimmed)
      return (setting.allowed.distinctItems ? [...new Set(items)] : items).join(',')
    }
    default:
      return trimmed
  }
}

function parseType(name: string, type: SettingType, text: string): NonNullable<SettingValue> {
  const trimmed = javaTrim(text)
  switch (type) {
    case 'boolean':
      if (/^(true|false)$/i.test(trimmed)) return trimmed.toLowerCase() === 'true'
      throw new ConfigError(invalidValue(name, text, 'Expected value to be either true or false'))
    case 'short':
    case 'int':
    case 'long':
    case 'double': {
      const value = type === 'double' ? parseDouble(trimmed) : parseInteger(trimmed, BITS[type])
      if (value !== undefined) return value
      throw new ConfigError(invalidValue(name, text, `Not a number of type ${type.toUpperCase()}`))
    }
    case 'list':
      return splitList(trimmed)
    case 'password':
      return new Password(trimmed)
    default:
      return trimmed
  }
}

/** What Java's `String.trim` takes off. */
function javaTrim(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && text.charCodeAt(start) <= 0x20) start++
  while (end > start && text.charCodeAt(end - 1) <= 0x20) end--
  return text.slice(start, end)
}

/**
 * A text without anything is an empty list; blanks around items do not count. Without a regular expression:
 * one that may begin with blanks takes a second over 32,000 of them, and a request may hold many such.
 */
export function splitList(text: string): readonly string[] {
  const trimmed = javaTrim(text)
  if (trimmed === '') return []
  const items = trimmed.split(',')
  return items.map((item, index) => {
    const begun = index > 0 ? item.trimStart() : item
    return index < items.length - 1 ? begun.trimEnd() : begun
  })
}

/** As Java's `split` leaves them out. */
export function withoutEmptyEnd(items: readonly string[]): readonly string[] {
  return items.slice(0, items.findLastIndex((item) => item !== '') + 1)
}

const BITS = { short: 15n, int: 31n, long: 63n } as const

/** Undefined when not an integer of that many bits; saturates beyond 2^53 - 1. */
function parseInteger(text: string, bits: bigint): number | undefined {
  if (!/^[+-]?\d{1,64}$/.test(text)) return undefined
  const value = BigInt(text.replace(/^\+/, ''))
  if (value >= 1n << bits || value < -(1n << bits)) return undefined
  return Math.min(Math.max(Number(value), Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)
}

function parseDouble(text: string): number | undefined {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?[fd]?$/i.test(text)) {
    return Number(text.replace(/[fd]$/i, ''))
  }
  return /^[+-]?(NaN|Infinity)$/.test(text) ? Number(text.replace(/^[+-](?=NaN)/, '')) : undefined
}
