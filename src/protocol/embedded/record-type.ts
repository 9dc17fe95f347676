import { type Decoded, type Encodable, type Fields, type Message, message } from '../schema.ts'

/**
 * A kind of record in an internal topic. Its key is int16 `id`, then the key's fields, never
 * flexible; its value is int16 version, then the value's fields; a null value is a tombstone
 * (reference: groups.md, section 12).
 */
export interface RecordType<Key extends Fields = Fields, Value extends Fields = Fields> {
  readonly id: number
  readonly name: string
  readonly key: Message<Key>
  readonly value: Message<Value>
}

export function recordType<const Key extends Fields, const Value extends Fields>(declaration: {
  readonly id: number
  readonly name: string
  readonly key: Key
  readonly value: {
    readonly versions: readonly [min: number, max: number]
    readonly flexibleSince?: number
    readonly fields: Value
  }
}): RecordType<Key, Value> {
  const { id, name, key, value } = declaration
  return {
    id,
    name,
    key: message({ name: `${name}Key`, versions: [0, 0], fields: key }),
    value: message({ name: `${name}Value`, ...value }),
  }
}

/** What reading a key gives: `KeyOf<typeof OffsetCommitRecord>`. */
export type KeyOf<R extends RecordType> =
  R extends RecordType<infer Key, Fields> ? Decoded<Key> : never
export type ValueOf<R extends RecordType> =
  R extends RecordType<Fields, infer Value> ? Decoded<Value> : never
/** What writing a value takes. */
export type EncodableValueOf<R extends RecordType> =
  R extends RecordType<Fields, infer Value> ? Encodable<Value> : never
