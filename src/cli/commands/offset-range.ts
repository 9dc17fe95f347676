import type { Cluster } from '../../client/cluster.ts'
import type { Position } from '../../client/fetcher.ts'
import {
  EARLIEST,
  type Isolation,
  LATEST,
  listOffsets,
  type TopicPartition,
} from '../../client/list-offsets.ts'
import { parseDuration } from './duration.ts'

/** A place in a partition. */
export type Place =
  | { readonly at: 'start' | 'end' }
  | { readonly at: 'offset'; readonly offset: number }
  /** So many offsets after the start, or before the end. */
  | { readonly at: 'after start' | 'before end'; readonly count: number }
  | { readonly at: 'time'; readonly timestamp: number }

export interface OffsetRange {
  readonly from: Place
  /** The first offset not wanted; undefined: whatever comes. */
  readonly to: Place | undefined
}

/**
 * Reads where to begin and where to stop: `start`, `end`, `42`, `+5` after the start, `-10` before
 * the end, `@TIME`; and ranges of such with a colon between, either side left out: `10:20`, `:end`,
 * `-10:end`, `@-1h:@-30m`, `@2024-02-14:1h`. Throws `RangeError` in words for the user.
 */
export function parseOffsetRange(text: string, nowMs: number): OffsetRange {
  const whole = placeOf(text, nowMs)
  if (whole) return { from: whole, to: undefined }
  for (let colon = text.indexOf(':'); colon >= 0; colon = text.indexOf(':', colon + 1)) {
    const range = rangeOf(text.slice(0, colon), text.slice(colon + 1), nowMs)
    if (range) return range
  }
  throw new RangeError(
    `'${text}' is no offset: use start, end, a number, +N, -N, @TIME, or two of them as FROM:TO`,
  )
}

function rangeOf(first: string, second: string, nowMs: number): OffsetRange | undefined {
  // In `@:t` and `@t1:t2` the sign in front stands for both sides.
  const isTime = first.startsWith('@')
  const from: Place | undefined =
    first === '' || first === '@' ? { at: 'start' } : placeOf(first, nowMs)
  if (!from) return undefined
  if (second === '') return { from, to: undefined }
  const isBare = isTime && !second.startsWith('@') && second !== 'end'
  const to = isBare ? timeAfter(first.slice(1), second, from, nowMs) : placeOf(second, nowMs)
  return to && { from, to }
}

/** The end of a range of times; a duration counts from the first time, if that is one. */
function timeAfter(
  firstText: string,
  text: string,
  first: Place,
  nowMs: number,
): Place | undefined {
  const isAbsolute = first.at === 'time' && relativeMs(firstText) === undefined
  const timestamp = timeOf(text, isAbsolute ? first.timestamp : nowMs)
  return timestamp === undefined ? undefined : { at: 'time', timestamp }
}

function placeOf(text: string, nowMs: number): Place | undefined {
  if (text === 'start' || text === 'end') return { at: text }
  const [, sign, digits] = /^([+-]?)(\d{1,16})$/.exec(text) ?? []
  if (digits !== undefined) {
    const count = Number(digits)
    if (sign === '+') return { at: 'after start', count }
    if (sign === '-') return { at: 'before end', count }
    return { at: 'offset', offset: count }
  }
  if (!text.startsWith('@')) return undefined
  const timestamp = timeOf(text.slice(1), nowMs)
  return timestamp === undefined ? undefined : { at: 'time', timestamp }
}

/** Milliseconds since the epoch; durations count from `baseMs`. */
function timeOf(text: string, baseMs: number): number | undefined {
  if (/^\d{13}$/.test(text)) return Number(text)
  if (/^\d{9,10}$/.test(text)) return Number(text) * 1_000
  if (/^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)) {
    const timestamp = Date.parse(text)
    return Number.isNaN(timestamp) ? undefined : timestamp
  }
  const relative = relativeMs(text)
  return relative === undefined ? undefined : baseMs + relative
}

function relativeMs(text: string): number | undefined {
  const duration = parseDuration(text.replace(/^[+-]/, ''))
  return duration === undefined ? undefined : text.startsWith('-') ? -duration : duration
}

/** Turns a range into offsets of these partitions; where to begin lies within their logs. */
export async function resolveRange(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  { from, to }: OffsetRange,
  isolation: Isolation = 'read_uncommitted',
): Promise<Position[]> {
  const [starts, ends] = await Promise.all([
    listOffsets(cluster, partitions, EARLIEST),
    listOffsets(cluster, partitions, LATEST, isolation),
  ])
  const resolve = async (place: Place): Promise<number[]> => {
    const times =
      place.at === 'time'
        ? await listOffsets(cluster, partitions, place.timestamp, isolation)
        : undefined
    return partitions.map((_, index) =>
      offsetOf(place, starts[index]!, ends[index]!, times?.[index] ?? -1),
    )
  }
  const offsets = await resolve(from)
  const endOffsets = to && (await resolve(to))
  return partitions.map(({ topic, partition }, index) => ({
    topic,
    partition,
    offset: Math.min(Math.max(offsets[index]!, starts[index]!), ends[index]!),
    // May lie ahead: then it is waited for.
    endOffset: endOffsets?.[index],
  }))
}

function offsetOf(place: Place, start: number, end: number, atTime: number): number {
  switch (place.at) {
    case 'start':
      return start
    case 'end':
      return end
    case 'offset':
      return place.offset
    case 'after start':
      return start + place.count
    case 'before end':
      return Math.max(end - place.count, start)
    case 'time':
      return atTime < 0 ? end : atTime
  }
}
