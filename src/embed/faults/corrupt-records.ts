import { LOG_OVERHEAD_BYTES, MAGIC_AT } from '../../protocol/records/batch.ts'

/** A format that no client knows. */
const UNKNOWN_MAGIC = 9

/** A damaged copy of the batches that a fetch found. */
export function corruptRecords(records: Uint8Array, how: 'bit' | 'magic' | 'cut'): Buffer {
  const copy = Buffer.from(records)
  const firstBytes = Math.min(copy.length, LOG_OVERHEAD_BYTES + copy.readInt32BE(8))
  switch (how) {
    case 'bit':
      // The end of the last record's headers, or its value when it has none.
      copy[firstBytes - 2]! ^= 1
      return copy
    case 'magic':
      copy[MAGIC_AT] = UNKNOWN_MAGIC
      return copy
    case 'cut':
      return copy.subarray(0, firstBytes >> 1)
  }
}
