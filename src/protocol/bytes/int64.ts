/**
 * int64 as a `number`, made of two 32-bit halves: a tenth of the cost of BigInt on Node 20. What is
 * beyond +-(2^53-1) reads as that limit, and the limit is written as +-2^63's nearest int64: the
 * extremes that Kafka means when it says "no limit" survive a round trip, everything a real log
 * holds is exact, and the numbers between are cut to an extreme.
 */
const HIGH_UNIT = 0x1_0000_0000
const MAX = Number.MAX_SAFE_INTEGER
const MIN = Number.MIN_SAFE_INTEGER

export function readInt64(view: DataView, position: number): number {
  const value = view.getInt32(position) * HIGH_UNIT + view.getUint32(position + 4)
  return value > MAX ? MAX : Math.max(value, MIN)
}

export function writeInt64(view: DataView, position: number, value: number): void {
  if (value >= MAX) {
    view.setInt32(position, 0x7fff_ffff)
    view.setUint32(position + 4, 0xffff_ffff)
    return
  }
  if (value <= MIN) {
    view.setUint32(position, 0x8000_0000)
    view.setUint32(position + 4, 0)
    return
  }
  const high = Math.floor(value / HIGH_UNIT)
  view.setInt32(position, high)
  view.setUint32(position + 4, value - high * HIGH_UNIT)
}
