import { type Fields, type Message, message } from '../schema.ts'

/**
 * A kind of record in `__cluster_metadata`. On disk: unsigned varints frame version (1), `id` and
 * version, then the fields, always flexible.
 */
export interface MetadataRecordType<F extends Fields = Fields> extends Message<F> {
  readonly id: number
}

export function metadataRecord<const F extends Fields>(declaration: {
  readonly id: number
  readonly name: string
  readonly versions: readonly [min: number, max: number]
  readonly fields: F
}): MetadataRecordType<F> {
  const { id, ...rest } = declaration
  return { id, ...message({ ...rest, flexibleSince: 0 }) }
}
