import type { Allowed } from './allowed.ts'
import type { Password } from './password.ts'

/** Kafka's types of configuration values. */
export type SettingType =
  | 'boolean'
  | 'string'
  | 'int'
  | 'short'
  | 'long'
  | 'double'
  | 'list'
  | 'class'
  | 'password'

export type SettingValue = boolean | string | number | readonly string[] | Password | null

export type Importance = 'high' | 'medium' | 'low'

/** Who may change a setting while the broker runs. */
export type Scope =
  /** Only the file, the environment and the command line. */
  | 'read-only'
  /** AlterConfigs, for one broker or for all. */
  | 'cluster-wide'
  /** AlterConfigs, for one broker only. */
  | 'per-broker'

/**
 * One row of the tables in `tables/`: a setting of Kafka, or one of dohle's own (name begins with
 * `dohle.`). `T` is the type of the parsed value.
 */
export interface Setting<T extends SettingValue = SettingValue> {
  readonly type: SettingType
  /** As Kafka prints it; null is Kafka's null, undefined that a value is required. */
  readonly defaultText: string | null | undefined
  /** What is allowed beyond the type. */
  readonly allowed: Allowed
  readonly importance: Importance
  readonly doc: string
  readonly scope: Scope
  /** Not shown by DescribeConfigs. */
  readonly internal: boolean
  /** Whether it changes what dohle does. Otherwise it is read, checked and shown, no more. */
  readonly effect: boolean
  /** Only carries the type of the value; never set. */
  readonly value?: T
}

/** A trait of a row that is not the usual one; see the constants below. */
type Trait = Partial<Pick<Setting, 'scope' | 'internal' | 'effect'>>

/** May be changed at run time, for one broker or for all. */
export const dynamic: Trait = { scope: 'cluster-wide' }
/** May be changed at run time, for one broker only. */
export const dynamicPerBroker: Trait = { scope: 'per-broker' }
/** Hidden from DescribeConfigs. */
export const internal: Trait = { internal: true }
/** Accepted, checked and shown, but without effect in dohle. */
export const unused: Trait = { effect: false }

/** Kafka's largest long, which a number cannot hold. */
export const LONG_MAX = '9223372036854775807'

/** Default of a setting that has none and must be given. */
export const required = undefined

function row<Value extends SettingValue>(type: SettingType) {
  return <Default extends string | number | boolean | null | undefined>(
    defaultValue: Default,
    allowed: Allowed,
    importance: Importance,
    doc: string,
    ...traits: Trait[]
  ): Setting<null extends Default ? Value | null : Value> => ({
    type,
    defaultText: defaultValue == null ? defaultValue : String(defaultValue),
    allowed,
    importance,
    doc,
    ...Object.assign({ scope: 'read-only', internal: false, effect: true }, ...traits),
  })
}

export const boolean = row<boolean>('boolean')
export const string = row<string>('string')
export const int = row<number>('int')
export const short = row<number>('short')
/** Parsed to a number; beyond 2^53 it saturates. */
export const long = row<number>('long')
export const double = row<number>('double')
/** Comma separated. */
export const list = row<readonly string[]>('list')
/** Name of a Java class. */
export const className = row<string>('class')
export const password = row<Password>('password')
