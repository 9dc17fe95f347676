import { assert } from '../base/assert.ts'
import { ZERO_UUID } from '../base/uuid.ts'
import type { Field, Fields, Message } from './schema.ts'

/**
 * What the compilers of readers and writers (compile-reader.ts, compile-writer.ts) ask about a
 * field in one version of its message.
 */
export interface Version {
  readonly version: number
  readonly flexible: boolean
}

export function versionOf(message: Message, version: number): Version {
  const { flexibleSince } = message
  return { version, flexible: flexibleSince !== undefined && version >= flexibleSince }
}

/** The version has the field, tagged or not. */
export function isPresent({ options }: Field, { version }: Version): boolean {
  return version >= (options.since ?? 0) && version <= (options.until ?? version)
}

export function isTagged(field: Field, { version }: Version): boolean {
  const { tag, tagSince, since } = field.options
  return tag !== undefined && version >= (tagSince ?? since ?? 0)
}

/** The bytes of the version can say null. */
export function isNullable({ nullable, options }: Field, { version }: Version): boolean {
  return nullable && version >= (options.nullableSince ?? 0)
}

/** A value to encode may lack the field: see `Encodable`. */
export function isOptional({ options }: Field): boolean {
  const { since, until, tag } = options
  return since !== undefined || until !== undefined || tag !== undefined || 'default' in options
}

/** Names and fields in wire order, those of other versions left out. */
export function untagged(fields: Fields, at: Version): [name: string, field: Field][] {
  return Object.entries(fields).filter(([, field]) => isPresent(field, at) && !isTagged(field, at))
}

/** In the order of their tags, as they are written. */
export function tagged(fields: Fields, at: Version): [name: string, field: Field][] {
  return Object.entries(fields)
    .filter(([, field]) => isPresent(field, at) && isTagged(field, at))
    .sort(([, a], [, b]) => a.options.tag! - b.options.tag!)
}

const FIXED_SIZES: Partial<Record<Field['type'], number>> = {
  bool: 1,
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  float64: 8,
  uuid: 16,
}

/** The size in bytes of a type that always has the same. */
export function fixedSize(field: Field): number | undefined {
  return FIXED_SIZES[field.type]
}

/** The size of a struct whose every value has the same; only then, tagged fields there are none. */
export function fixedStructSize(fields: Fields, at: Version): number | undefined {
  if (tagged(fields, at).length > 0) return undefined
  let size = at.flexible ? 1 : 0
  for (const [, field] of untagged(fields, at)) {
    const fieldSize = fixedSize(field)
    if (fieldSize === undefined) return undefined
    size += fieldSize
  }
  return size
}

/** The smallest number of bytes that a value of the field takes in the untagged place. */
export function minSize(field: Field, at: Version): number {
  const fixed = fixedSize(field)
  if (fixed !== undefined) return fixed
  if (field.type === 'struct') {
    return isNullable(field, at) ? 1 : minStructSize(field.fields!, at)
  }
  if (at.flexible) return 1
  return field.type === 'string' ? 2 : 4
}

export function minStructSize(fields: Fields, at: Version): number {
  let size = at.flexible ? 1 : 0
  for (const [, field] of untagged(fields, at)) size += minSize(field, at)
  return size
}

const ZERO_LITERALS: Record<Exclude<Field['type'], 'struct'>, string> = {
  bool: 'false',
  int8: '0',
  int16: '0',
  uint16: '0',
  int32: '0',
  uint32: '0',
  int64: '0',
  float64: '0',
  uuid: JSON.stringify(ZERO_UUID),
  string: "''",
  bytes: 'noBytes',
  records: 'noBytes',
  array: '[]',
}

/** Source text of the value that stands for an absent field. */
export function defaultLiteral(field: Field): string {
  const { options } = field
  if ('default' in options) {
    const isEmptyStruct = field.type === 'struct' && options.default !== null
    return isEmptyStruct ? emptyLiteral(field) : JSON.stringify(options.default)
  }
  if (field.nullable) return 'null'
  return emptyLiteral(field)
}

/** Source text of a field's zero value, null being none. */
export function emptyLiteral(field: Field): string {
  if (field.type !== 'struct') return ZERO_LITERALS[field.type]
  const members = Object.entries(field.fields!).map(
    ([name, member]) => `${checkedName(name)}: ${defaultLiteral(member)}`,
  )
  return `{ ${members.join(', ')} }`
}

/** Names go into generated code: they are constants of ours, and this keeps it so. */
export function checkedName(name: string): string {
  assert(/^[a-zA-Z][a-zA-Z0-9]*$/.test(name), `${JSON.stringify(name)} to be a field name`)
  return name
}
