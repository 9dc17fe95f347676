import type { Fields, Message } from '../schema.ts'

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
  return { ...declaration, flexibleSince: 0 }
}
