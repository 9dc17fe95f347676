/**
 * int64 as a `number`: two 32-bit halves, saturating at +-(2^53-1). Exact for every offset,
 * timestamp and producer id of a real log; see design rule "int64 is a number".
 */
const HIGH_UNIT = 0x1_0000_0000
/** From this high half on, a value is beyond 2^53-1. */
const HIGH_LIMIT = 0x20_0000

export function readInt64(view: DataView, position: number): number {
  const high = view.getInt32(position)
  const low = view.getUint32(position + 4)
  if (high >= HIGH_LIMIT) return Number.MAX_SAFE_INTEGER
  if (high < -HIGH_LIMIT) return Number.MIN_SAFE_INTEGER
  return Math.max(high * HIGH_UNIT + low, Number.MIN_SAFE_INTEGER)
}

export function writeInt64(view: DataView, position: number, value: number): void {
  const high = Math.floor(value / HIGH_UNIT)
  view.setInt32(position, high)
  view.setUint32(position + 4, value - high * HIGH_UNIT)
}
