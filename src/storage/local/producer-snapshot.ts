import { dataViewOf, decrementSequence } from '../../protocol/records/batch.ts'
import { crc32c } from '../../protocol/records/crc32c.ts'
import { readInt64, writeInt64 } from '../../protocol/records/int64.ts'
import { ProducerEntry } from './producer-state.ts'

/**
 * A producer snapshot file (reference: log-storage.md section 3): version int16, crc uint32 of what
 * follows, count int32, entries. Only the last batch of each producer is kept.
 */
const VERSION = 1
const HEADER_BYTES = 10
const CRC_AT = 2
const COUNT_AT = 6
const ENTRY_BYTES = 46

export function encodeProducerSnapshot(entries: Iterable<ProducerEntry>): Uint8Array {
  const all = [...entries]
  const bytes = new Uint8Array(HEADER_BYTES + all.length * ENTRY_BYTES)
  const view = dataViewOf(bytes)
  view.setInt16(0, VERSION)
  view.setInt32(COUNT_AT, all.length)
  all.forEach((entry, index) => {
    const at = HEADER_BYTES + index * ENTRY_BYTES
    const last = entry.batches.at(-1)
    writeInt64(view, at, entry.producerId)
    view.setInt16(at + 8, entry.producerEpoch)
    view.setInt32(at + 10, last?.lastSequence ?? -1)
    writeInt64(view, at + 14, last?.lastOffset ?? -1)
    view.setInt32(at + 22, last ? last.lastOffset - last.baseOffset : 0)
    writeInt64(view, at + 26, entry.lastTimestampMs)
    view.setInt32(at + 34, entry.coordinatorEpoch)
    writeInt64(view, at + 38, entry.currentTxnFirstOffset)
  })
  view.setUint32(CRC_AT, crc32c(bytes, COUNT_AT))
  return bytes
}

/** Undefined when the file is damaged or of another version. */
export function decodeProducerSnapshot(bytes: Uint8Array): ProducerEntry[] | undefined {
  if (bytes.length < HEADER_BYTES) return undefined
  const view = dataViewOf(bytes)
  const count = view.getInt32(COUNT_AT)
  if (view.getInt16(0) !== VERSION || bytes.length !== HEADER_BYTES + count * ENTRY_BYTES) {
    return undefined
  }
  if (view.getUint32(CRC_AT) !== crc32c(bytes, COUNT_AT)) return undefined
  const entries: ProducerEntry[] = []
  for (let index = 0; index < count; index++) {
    entries.push(readEntry(view, HEADER_BYTES + index * ENTRY_BYTES))
  }
  return entries
}

function readEntry(view: DataView, at: number): ProducerEntry {
  const entry = new ProducerEntry(readInt64(view, at))
  entry.producerEpoch = view.getInt16(at + 8)
  entry.lastTimestampMs = readInt64(view, at + 26)
  entry.coordinatorEpoch = view.getInt32(at + 34)
  entry.currentTxnFirstOffset = readInt64(view, at + 38)
  const lastOffset = readInt64(view, at + 14)
  if (lastOffset >= 0) {
    const lastSequence = view.getInt32(at + 10)
    const offsetDelta = view.getInt32(at + 22)
    entry.batches.push({
      // Appends of a coordinator have no sequences.
      baseSequence: lastSequence < 0 ? -1 : decrementSequence(lastSequence, offsetDelta),
      lastSequence,
      baseOffset: lastOffset - offsetDelta,
      lastOffset,
      timestampMs: entry.lastTimestampMs,
    })
  }
  return entry
}
