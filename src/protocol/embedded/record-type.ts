import { encodeVersioned, encodeWith } from '../body.ts'
import { Reader } from '../bytes/reader.ts'
import { read, write } from '../codec.ts'
import { type Decoded, type EncodableOf, type Fields, type Message, message } from '../schema.ts'

/**
 * A kind of record in an internal topic. Its key is int16 `id`, then the key's fields, never
 * flexible; its value is int16 version, then the value's fields; a null value is a tombstone
 * (reference: groups.md, section 12).
 */
export interface RecordType<
  Name extends string = string,
  Key extends Fields = Fields,
  Value extends Fields = Fields,
> {
  readonly id: number
  readonly name: Name
  readonly key: Message<Key>
  readonly value: Message<Value>
}

export function recordType<
  const Name extends string,
  const Key extends Fields,
  const Value extends Fields,
>(declaration: {
  readonly id: number
  readonly name: Name
  readonly key: Key
  readonly value: {
    readonly versions: readonly [min: number, max: number]
    readonly flexibleSince?: number
    readonly fields: Value
  }
}): RecordType<Name, Key, Value> {
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
  R extends RecordType<string, infer Key, Fields> ? Decoded<Key> : never
export type ValueOf<R extends RecordType> =
  R extends RecordType<string, Fields, infer Value> ? Decoded<Value> : never

/** A record as it was read: a union over its kinds, told apart by `type`. */
export type InternalRecord<R extends RecordType = RecordType> =
  R extends RecordType<infer Name, infer Key, infer Value>
    ? {
        readonly type: Name
        readonly key: Decoded<Key>
        /** Null: a tombstone. */
        readonly value: Decoded<Value> | null
      }
    : never

/** Only the versions of values change, so a key needs none. */
export function encodeRecordKey<R extends RecordType>(type: R, key: EncodableOf<R['key']>): Buffer {
  return encodeWith((writer) => {
    writer.int16(type.id)
    write<R['key']>(type.key, 0, writer, key)
  })
}

export function encodeRecordValue<R extends RecordType>(
  type: R,
  version: number,
  value: EncodableOf<R['value']>,
): Buffer {
  return encodeVersioned(type.value, version, value)
}

/**
 * Reads a record of a topic whose kinds are `types`. Undefined when a newer broker wrote it: a kind
 * or a value's version that is not known. Throws ProtocolError for bytes that are no such record.
 */
export function decodeRecord<R extends RecordType>(
  types: readonly R[],
  key: Buffer,
  value: Buffer | null,
): InternalRecord<R> | undefined {
  const reader = new Reader(key)
  const id = reader.int16('record type')
  const type = types.find((candidate) => candidate.id === id)
  if (type === undefined) return undefined
  const decodedKey = read(type.key, 0, reader)
  if (value === null) return internalRecord<R>(type.name, decodedKey, null)
  const valueReader = new Reader(value)
  const version = valueReader.int16(`${type.name} value version`)
  const [min, max] = type.value.versions
  if (version < min || version > max) return undefined
  return internalRecord<R>(type.name, decodedKey, read(type.value, version, valueReader))
}

/** The compiler cannot see that `type`, `key` and `value` belong to one member of the union. */
function internalRecord<R extends RecordType>(
  type: string,
  key: unknown,
  value: unknown,
): InternalRecord<R> {
  return { type, key, value } as InternalRecord<R>
}
