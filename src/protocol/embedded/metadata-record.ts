import { encodeWith } from '../body.ts'
import { ProtocolError } from '../bytes/protocol-error.ts'
import { Reader } from '../bytes/reader.ts'
import { read, write } from '../codec.ts'
import { type Decoded, type EncodableOf, type Fields, type Message, message } from '../schema.ts'

/**
 * A kind of record in `__cluster_metadata`. On disk: unsigned varints frame version (1), `id` and
 * version, then the fields, always flexible.
 */
export interface MetadataRecordType<Name extends string = string, F extends Fields = Fields>
  extends Message<F> {
  readonly id: number
  readonly name: Name
}

export function metadataRecord<const Name extends string, const F extends Fields>(declaration: {
  readonly id: number
  readonly name: Name
  readonly versions: readonly [min: number, max: number]
  readonly fields: F
}): MetadataRecordType<Name, F> {
  const { id, name, ...rest } = declaration
  return { ...message({ name, flexibleSince: 0, ...rest }), id, name }
}

/** A record as it was read: a union over its kinds, told apart by `type`. */
export type DecodedMetadataRecord<R extends MetadataRecordType = MetadataRecordType> =
  R extends MetadataRecordType<infer Name, infer F>
    ? { readonly type: Name; readonly version: number; readonly value: Decoded<F> }
    : never

const FRAME_VERSION = 1

export function encodeMetadataRecord<R extends MetadataRecordType>(
  type: R,
  version: number,
  value: EncodableOf<R>,
): Buffer {
  return encodeWith((writer) => {
    writer.uvarint(FRAME_VERSION)
    writer.uvarint(type.id)
    writer.uvarint(version)
    write<R>(type, version, writer, value)
  })
}

/** Throws ProtocolError for kinds and versions that are not known: metadata cannot be skipped. */
export function decodeMetadataRecord<R extends MetadataRecordType>(
  types: readonly R[],
  bytes: Buffer,
): DecodedMetadataRecord<R> {
  const reader = new Reader(bytes)
  const frameVersion = reader.uvarint('metadata record frame version')
  if (frameVersion !== FRAME_VERSION) {
    throw new ProtocolError(`metadata record frame version ${frameVersion} is not known`)
  }
  const id = reader.uvarint('metadata record type')
  const version = reader.uvarint('metadata record version')
  const type = types.find((candidate) => candidate.id === id)
  if (type === undefined) throw new ProtocolError(`metadata record type ${id} is not known`)
  const [min, max] = type.versions
  if (version < min || version > max) {
    throw new ProtocolError(`${type.name} version ${version} is not known`)
  }
  // The compiler cannot see that the parts belong to one member of the union.
  const value: unknown = read(type, version, reader)
  return { type: type.name, version, value } as DecodedMetadataRecord<R>
}
