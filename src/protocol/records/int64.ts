/**
 * int64 as a `number`: two 32-bit halves, saturating at +-(2^53-1). Exact for every offset,
 * timestamp and producer id of a real log; see design rule "int64 is a number".
 */
const HIGH_UNIT = 0x1_0000_0000
/** From this high half on, a value is beyond 2^53-1. */
const HIGH_LIMIT = 0x20_0000
const MAX_HIGH = 0x7fff_ffff

export function readInt64(view: DataView, position: number): number {
  const high = view.getInt32(position)
  const low = view.getUint32(position + 4)
  if (high >= HIGH_LIMIT) return Number.MAX_SAFE_INTEGER
  if (high < -HIGH_LIMIT) return Number.MIN_SAFE_INTEGER
  return Math.max(high * HIGH_UNIT + low, Number.MIN_SAFE_INTEGER)
}

/** 2^63 and more, what 2^63-1 rounds to, is written as 2^63-1. */
export function writeInt64(view: DataView, position: number, value: number): void {
  const high = Math.floor(value / HIGH_UNIT)
  if (high > MAX_HIGH) {
    view.setInt32(position, MAX_HIGH)
    view.setUint32(position + 4, HIGH_UNIT - 1)
    return
  }
  view.setInt32(position, high)
  view.setUint32(position + 4, value - high * HIGH_UNIT)
}
