import { javaDouble } from './java-double.ts'
import type { SettingValue } from './setting.ts'

/** What a value must be beyond its type; words and order of checks are Kafka's. */
export interface Allowed {
  /** For people: `at least 1`, `one of: compact, delete`; empty when anything goes. */
  readonly text: string
  /** Of lists: an item that comes again is dropped, as Kafka does since 4.2. */
  readonly distinctItems?: boolean
  /** The whole error message, or undefined when the value is fine. Null is not checked here. */
  check(name: string, value: NonNullable<SettingValue>): string | undefined
}

/** Kafka's sentence for a value that is not allowed. */
export function invalidValue(name: string, value: unknown, why: string): string {
  const shown = Array.isArray(value) ? `[${value.join(', ')}]` : value
  return `Invalid value ${shown} for configuration ${name}: ${why}`
}

function rule(
  text: string,
  check: (name: string, value: NonNullable<SettingValue>) => string | undefined,
): Allowed {
  return { text, check }
}

export const anything = rule('', () => undefined)

export const atLeast = (min: number) => between(min, Number.POSITIVE_INFINITY)

export const between = (min: number, max: number) => range(min, max, String)

/** As `between` for a double, which Java shows with a point. */
export const betweenDoubles = (min: number, max: number) => range(min, max, javaDouble)

function range(min: number, max: number, shown: (value: number) => string): Allowed {
  const text = max === Number.POSITIVE_INFINITY ? `at least ${min}` : `from ${min} to ${max}`
  return rule(text, (name, value) => {
    const number = value as number
    const invalid = (why: string) => invalidValue(name, shown(number), `Value must be ${why}`)
    if (number < min) return invalid(`at least ${min}`)
    return number > max ? invalid(`no more than ${max}`) : undefined
  })
}

/** Levels of gzip: 1 to 9, or -1 for the library's own default. */
export const gzipLevel = rule('from 1 to 9, or -1', (name, value) =>
  value === -1 || ((value as number) >= 1 && (value as number) <= 9)
    ? undefined
    : invalidValue(name, value, 'Value must be between 1 and 9 or equal to -1'),
)

export const nonEmpty = rule('not empty', (name, value) =>
  value === '' ? invalidValue(name, value, 'String must be non-empty') : undefined,
)

export function oneOf(...words: string[]): Allowed {
  const text = words.join(', ')
  return rule(`one of: ${text}`, (name, value) =>
    words.includes(value as string)
      ? undefined
      : invalidValue(name, value, `String must be one of: ${text}`),
  )
}

export function oneOfIgnoringCase(...words: string[]): Allowed {
  const text = words.join(', ')
  return rule(`one of: ${text}`, (name, value) =>
    words.includes(String(value).toUpperCase())
      ? undefined
      : invalidValue(name, value, `String must be one of (case insensitive): ${text}`),
  )
}

function listRule(words: readonly string[] | undefined, mayBeEmpty: boolean): Allowed {
  const named = words ? oneOf(...words) : anything
  const valid = words ? `[${words.join(', ')}]` : 'any non-empty value'
  const text = [...(mayBeEmpty ? [] : ['not empty']), named.text].filter(Boolean).join('; ')
  const check: Allowed['check'] = (name, value) => {
    const items = value as readonly string[]
    if (items.length === 0 && !mayBeEmpty) {
      return `Configuration '${name}' must not be empty. Valid values include: ${valid}`
    }
    if (items.includes('')) return `Configuration '${name}' values must not be empty.`
    for (const item of items) {
      const problem = named.check(name, item)
      if (problem) return problem
    }
    return undefined
  }
  return { text, distinctItems: true, check }
}

export const distinct = listRule(undefined, true)
export const distinctNotEmpty = listRule(undefined, false)
export const listOf = (...words: string[]) => listRule(words, true)
export const listOfNotEmpty = (...words: string[]) => listRule(words, false)

/** `*`, or partition:broker pairs; Kafka lets empty ones pass. */
export const throttledReplicas = rule('* or partition:broker pairs', (name, value) => {
  const items = value as readonly string[]
  const fine =
    (items.length === 1 && items[0] === '*') ||
    items.every((item) => /^(?:[0-9]+:[0-9]+)?$/.test(item))
  return fine
    ? undefined
    : invalidValue(
        name,
        value,
        `${name} must be the literal '*' or a list of replicas in the following format: ` +
          '[partitionId]:[brokerId],[partitionId]:[brokerId],...',
      )
})

/** ISO 8601 as java.time.Duration reads it, and not negative. */
const DURATION =
  /^P(?=.)(?:\+?\d+D)?(?:T(?=.)(?:\+?\d+H)?(?:\+?\d+M)?(?:\+?\d+(?:[.,]\d{0,9})?S)?)?$/i

/** Where a share group begins: `latest`, `earliest`, `by_duration:PT1H`. */
export const offsetReset = rule('latest, earliest or by_duration:<PnDTnHnMn.nS>', (name, value) => {
  const text = value as string
  const duration = text.startsWith('by_duration:') ? text.slice('by_duration:'.length) : undefined
  const fine = text === 'latest' || text === 'earliest' || (duration && DURATION.test(duration))
  return fine
    ? undefined
    : invalidValue(
        name,
        value,
        `Invalid value \`${text}\` for configuration ${name}. The value must be either ` +
          "'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'.",
      )
})

const HOST_PORT = /^\[?[0-9a-zA-Z\-%._:]*\]?:[0-9]+$/

/** `host:port` entries. */
export const hostPorts = rule('host:port entries', (name, value) => {
  const bad = (value as readonly string[]).find((entry) => !HOST_PORT.test(entry))
  return bad === undefined
    ? undefined
    : `Failed to parse host name from ${bad} for the configuration ${name}. ` +
        'Each entry should be in the form "{host}:{port}"'
})

/** `id@host:port` entries. */
export const quorumVoters = rule('id@host:port entries', (name, value) => {
  const form = 'Each entry should be in the form `{id}@{host}:{port}`.'
  for (const entry of value as readonly string[]) {
    const parts = entry.split('@')
    if (parts.length !== 2) return `Invalid configuration value for ${name}. ${form}`
    if (!/^\d+$/.test(parts[0]!)) {
      return `Failed to parse voter ID as an integer from ${entry} for the configuration ${name}. ${form}`
    }
    if (!HOST_PORT.test(parts[1]!)) {
      return `Failed to parse host name from entry ${entry} for the configuration ${name}. ${form}`
    }
  }
  return undefined
})
