/**
 * The quick look at the records of a produced batch: one pass without an object per record, for
 * batches in which nothing is unusual, which are all but a few. Everything else, broken or merely
 * odd, is left to the exact and slow walk of validate.ts.
 */
export interface RecordScan {
  /** Smallest and largest timestamp delta; valid after a scan that succeeded. */
  minTimestampDelta: number
  maxTimestampDelta: number
}

/** Beyond this a timestamp delta is for the slow walk: 2^41 ms are 70 years. */
const MAX_DELTA_BYTES = 6

/**
 * True when `bytes[start, end)` is exactly `count` records with offset deltas 0, 1, 2..., every
 * length fits, and every record has a key if `needKeys`. Fills `scan`.
 *
 * Varints are read in place: a call per varint would double the cost. Reads may go past a broken
 * record's end by a few bytes, but what they find there cannot make the scan succeed.
 */
export function scanRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  needKeys: boolean,
  scan: RecordScan,
): boolean {
  let at = start
  let minDelta = 0
  let maxDelta = 0
  for (let i = 0; i < count; i++) {
    // A record has at least 7 bytes, of which at most one lies past a varint that is cut there.
    if (end - at < 7) return false
    let value = bytes[at++]!
    if (value > 0x7f) {
      const second = bytes[at++]!
      value = (value & 0x7f) | ((second & 0x7f) << 7)
      if (second > 0x7f) {
        const third = bytes[at++]!
        value |= (third & 0x7f) << 14
        if (third > 0x7f) {
          const fourth = bytes[at++]!
          if (fourth > 0x7f) return false
          value |= fourth << 21
        }
      }
    }
    if (value & 1) return false
    const recordEnd = at + (value >>> 1)
    if (recordEnd > end) return false
    at++

    value = bytes[at++]!
    if (value > 0x7f) {
      value &= 0x7f
      let unit = 0x80
      let byte: number
      let size = 1
      do {
        if (++size > MAX_DELTA_BYTES) return false
        byte = bytes[at++]!
        value += (byte & 0x7f) * unit
        unit *= 0x80
      } while (byte > 0x7f)
      const delta = value % 2 === 0 ? value / 2 : -(value + 1) / 2
      if (delta > maxDelta) maxDelta = delta
      else if (delta < minDelta) minDelta = delta
    } else {
      const delta = (value >>> 1) ^ -(value & 1)
      if (delta > maxDelta) maxDelta = delta
      else if (delta < minDelta) minDelta = delta
    }
    if (i === 0) minDelta = maxDelta = minDelta + maxDelta

    // The offset delta, which must be i.
    let expected = i << 1
    while (expected > 0x7f) {
      if (bytes[at++] !== ((expected & 0x7f) | 0x80)) return false
      expected >>>= 7
    }
    if (bytes[at++] !== expected) return false

    for (let part = 0; part < 2; part++) {
      value = bytes[at++]!
      if (value > 0x7f) {
        const second = bytes[at++]!
        value = (value & 0x7f) | ((second & 0x7f) << 7)
        if (second > 0x7f) {
          const third = bytes[at++]!
          value |= (third & 0x7f) << 14
          if (third > 0x7f) {
            const fourth = bytes[at++]!
            if (fourth > 0x7f) return false
            value |= fourth << 21
          }
        }
      }
      if (value & 1) {
        // Only -1 is an ordinary way to say null.
        if (value !== 1 || (needKeys && part === 0)) return false
      } else {
        at += value >>> 1
        if (at >= recordEnd) return false
      }
    }

    if (bytes[at] === 0) at++
    else at = skipHeaders(bytes, at, recordEnd)
    if (at !== recordEnd) return false
  }
  scan.minTimestampDelta = minDelta
  scan.maxTimestampDelta = maxDelta
  return at === end
}

/** Position after the headers, or -1. */
function skipHeaders(bytes: Uint8Array, position: number, end: number): number {
  let at = position
  let count = bytes[at++]!
  // More than 63 headers are unusual.
  if (count > 0x7f || count & 1) return -1
  for (count = count >>> 1; count > 0; count--) {
    for (let part = 0; part < 2; part++) {
      if (at >= end) return -1
      let value = bytes[at++]!
      if (value > 0x7f) {
        if (at >= end) return -1
        const second = bytes[at++]!
        if (second > 0x7f) return -1
        value = (value & 0x7f) | (second << 7)
      }
      if (value & 1) {
        if (value !== 1 || part === 0) return -1
      } else {
        at += value >>> 1
        if (at > end) return -1
      }
    }
  }
  return at
}
