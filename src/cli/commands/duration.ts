import { parseDurationMs } from '../../base/duration.ts'

/** Whole milliseconds of `20s`, `1m30s`, `500ms`, `2d`, `0`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const ms = text === '0' ? 0 : parseDurationMs(text)
  return ms === undefined ? undefined : Math.round(ms)
}

/** `850 ms`, `12.3 s`, `4 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
