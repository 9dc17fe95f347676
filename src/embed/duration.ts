import { ConfigError } from '../settings/parse-value.ts'

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** Milliseconds of `7d`, `1h30m`, `250ms`; a number is milliseconds. Throws `ConfigError`. */
export function durationMs(duration: number | string): number {
  if (typeof duration === 'number' && duration >= 0) return duration
  const text = String(duration)
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw new ConfigError(`'${text}' is not a duration, such as 500ms, 30s, 10m, 2h, 7d`)
  }
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit!]!, 0)
}
