import { parseDurationMs } from '../base/duration.ts'
import { ConfigError } from '../settings/parse-value.ts'

/** Milliseconds of `7d`, `1h30m`, `250ms`; a number is milliseconds. Throws `ConfigError`. */
export function durationMs(duration: number | string): number {
  if (typeof duration === 'number' && duration >= 0) return duration
  const ms = parseDurationMs(String(duration))
  if (ms === undefined) {
    throw new ConfigError(`'${duration}' is not a duration, such as 500ms, 30s, 10m, 2h, 7d`)
  }
  return ms
}
