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
    let length = bytes[at++]!
    if (length > 0x7f) {
      length = (length & 0x7f) | (bytes[at++]! << 7)
      if (length > 0x3fff) {
        length = (length & 0x3fff) | (bytes[at++]! << 14)
        if (length > 0x1fffff) {
          length = (length & 0x1fffff) | (bytes[at++]! << 21)
          if (length > 0xfffffff) return false
        }
      }
    }
    if (length & 1) return false
    const recordEnd = at + (length >>> 1)
    if (recordEnd > end) return false
    at++

    let delta = bytes[at++]!
    if (delta > 0x7f) {
      delta = longVarint(bytes, at - 1)
      if (delta < 0) return false
      while (bytes[at++]! > 0x7f);
      delta = delta % 2 === 0 ? delta / 2 : -(delta + 1) / 2
    } else {
      delta = (delta >>> 1) ^ -(delta & 1)
    }
    if (i === 0) minDelta = maxDelta = delta
    else if (delta > maxDelta) maxDelta = delta
    else if (delta < minDelta) minDelta = delta

    // The offset delta, which must be i.
    let expected = i << 1
    while (expected > 0x7f) {
      if (bytes[at++] !== ((expected & 0x7f) | 0x80)) return false
      expected >>>= 7
    }
    if (bytes[at++] !== expected) return false

    let keyLength = bytes[at++]!
    if (keyLength > 0x7f) {
      keyLength = (keyLength & 0x7f) | (bytes[at++]! << 7)
      // A key of 8 KiB or more is unusual.
      if (keyLength > 0x3fff) return false
    }
    if ((keyLength & 1) === 0) at += keyLength >>> 1
    else if (keyLength !== 1 || needKeys) return false
    if (at >= recordEnd) return false

    let valueLength = bytes[at++]!
    if (valueLength > 0x7f) {
      valueLength = (valueLength & 0x7f) | (bytes[at++]! << 7)
      if (valueLength > 0x3fff) {
        valueLength = (valueLength & 0x3fff) | (bytes[at++]! << 14)
        if (valueLength > 0x1fffff) {
          valueLength = (valueLength & 0x1fffff) | (bytes[at++]! << 21)
          if (valueLength > 0xfffffff) return false
        }
      }
    }
    if ((valueLength & 1) === 0) at += valueLength >>> 1
    else if (valueLength !== 1) return false
    if (at >= recordEnd) return false

    if (bytes[at] === 0) at++
    else at = skipHeaders(bytes, at, recordEnd)
    if (at !== recordEnd) return false
  }
  scan.minTimestampDelta = minDelta
  scan.maxTimestampDelta = maxDelta
  return at === end
}

/** An unsigned varint of several bytes, or -1 when it is longer than a plausible delta. */
function longVarint(bytes: Uint8Array, position: number): number {
  let value = 0
  let unit = 1
  for (let i = 0; i < MAX_DELTA_BYTES; i++) {
    const byte = bytes[position + i]!
    value += (byte & 0x7f) * unit
    if (byte < 0x80) return value
    unit *= 0x80
  }
  return -1
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
