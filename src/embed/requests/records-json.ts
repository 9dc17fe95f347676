import { batches } from '../../protocol/records/batch.ts'
import { controlRecord } from '../../protocol/records/iterate.ts'
import { recordsOf } from '../../protocol/records/legacy.ts'
import { decodedValue } from '../record-values.ts'
import type { Json } from './json.ts'

/** What record bytes hold, or why that cannot be said and how many there are. */
export function recordsJson(bytes: Uint8Array): Json {
  const found: Json[] = []
  try {
    for (const batch of batches(bytes)) {
      found.push(batch.magic === 2 ? batchJson(batch) : { records: recordList(batch) })
    }
    return found
  } catch (error) {
    // A fetch may end with a part of a batch.
    const reason = error instanceof Error ? error.message : String(error)
    return [...found, { unreadable: reason, sizeBytes: bytes.byteLength }]
  }
}

type Batch = Parameters<typeof recordsOf>[0]

function batchJson(batch: Batch): Json {
  const { baseOffset, producerId, producerEpoch, baseSequence, isTransactional } = batch
  return {
    baseOffset,
    ...(producerId >= 0 && { producerId, producerEpoch, baseSequence }),
    ...(isTransactional && { isTransactional }),
    ...(batch.isControl
      ? { control: controlRecord(batch)?.type ?? 'unknown' }
      : { records: recordList(batch) }),
  }
}

function recordList(batch: Batch): Json {
  return Array.from(recordsOf(batch), ({ offset, timestamp, key, value, headers }) => ({
    offset,
    timestamp,
    key: textOf(key),
    value: textOf(value),
    ...(headers.length > 0 && {
      headers: headers.map((header) => ({ key: header.key, value: textOf(header.value) })),
    }),
  }))
}

/** JSON values are shown as such; bytes that are no text in base64. */
function textOf(bytes: Uint8Array | null): Json {
  const value = decodedValue(bytes, 'auto')
  if (Buffer.isBuffer(value)) return { base64: value.toString('base64') }
  // What JSON.parse gave, a string or null.
  return value as Json
}
