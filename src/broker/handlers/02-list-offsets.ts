import { ListOffsets } from '../../protocol/apis/02-list-offsets.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { IsolationLevel, OffsetAndTimestamp, TopicPartition } from '../../storage/engine.ts'
import type { PartitionImage, TopicImage } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import { handler, type RequestContext } from '../handler.ts'
import { isolationLevel } from '../isolation.ts'
import { checkLeaderEpoch, ledPartition } from '../partitions.ts'

type Request = RequestOf<typeof ListOffsets>
type AskedPartition = Request['topics'][number]['partitions'][number]
type Found = ResponseOf<typeof ListOffsets>['topics'][number]['partitions'][number]

/** Timestamps that stand for a place in the log, and the version each came with. */
const LATEST = -1
const EARLIEST = -2
const MAX_TIMESTAMP = -3
const EARLIEST_LOCAL = -4
const LATEST_TIERED = -5
const EARLIEST_PENDING_UPLOAD = -6
const sinceVersion = new Map([
  [LATEST, 0],
  [EARLIEST, 0],
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
])

/** Rules: log-storage.md section 12. */
export const listOffsets = handler(
  ListOffsets,
  [0, 11],
  (request, context, broker) => {
    const isolation = isolationLevel(request.isolationLevel)
    const duplicates = context.apiVersion > 0 ? findDuplicates(request) : undefined
    const asked = request.topics.filter(({ partitions }) => partitions.length > 0)
    const topics = asked.map(({ name, partitions }) => {
      const topic = broker.engine.metadata.image.topicsByName.get(name)
      const twice = duplicates?.get(name)
      const found = partitions
        .filter(({ partitionIndex }) => !twice?.has(partitionIndex))
        .map((asked) => find(asked, topic, isolation, context, broker))
      return { name, partitions: twice ? [...refuse(twice), ...found] : found }
    })
    return isSettled(topics) ? { topics } : settle(topics)
  },
  {
    errorResponse: (request, { errorCode }) => ({
      topics: request.topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
      })),
    }),
  },
)

/** Once, however often it was asked for. */
function refuse(partitionIndexes: ReadonlySet<number>): Found[] {
  return Array.from(partitionIndexes, (partitionIndex) => ({
    partitionIndex,
    errorCode: ErrorCode.INVALID_REQUEST,
  }))
}

interface Topic<Partition> {
  readonly name: string
  readonly partitions: readonly Partition[]
}

function isSettled(
  topics: readonly Topic<Found | Promise<Found>>[],
): topics is readonly Topic<Found>[] {
  return topics.every(({ partitions }) => !partitions.some((found) => found instanceof Promise))
}

async function settle(topics: readonly Topic<Found | Promise<Found>>[]) {
  const settled: Topic<Found>[] = []
  for (const { name, partitions } of topics) {
    settled.push({ name, partitions: await Promise.all(partitions) })
  }
  return { topics: settled }
}

/** Partitions that are asked for more than once, by topic; undefined when there are none. */
function findDuplicates(request: Request): Map<string, Set<number>> | undefined {
  const seen = new Map<string, Set<number>>()
  let duplicates: Map<string, Set<number>> | undefined
  for (const { name, partitions } of request.topics) {
    const indexes = seen.get(name) ?? new Set()
    seen.set(name, indexes)
    for (const { partitionIndex } of partitions) {
      if (!indexes.has(partitionIndex)) {
        indexes.add(partitionIndex)
        continue
      }
      duplicates ??= new Map()
      const twice = duplicates.get(name) ?? new Set()
      duplicates.set(name, twice.add(partitionIndex))
    }
  }
  return duplicates
}

function find(
  asked: AskedPartition,
  topic: TopicImage | undefined,
  isolation: IsolationLevel,
  context: RequestContext,
  broker: Broker,
): Found | Promise<Found> {
  const { partitionIndex, timestamp } = asked
  if (timestamp < 0 && !(sinceVersion.get(timestamp)! <= context.apiVersion)) {
    return { partitionIndex, errorCode: ErrorCode.UNSUPPORTED_VERSION }
  }
  const led = ledPartition(broker, topic, partitionIndex)
  if (typeof led === 'number') return { partitionIndex, errorCode: led }
  const errorCode = checkLeaderEpoch(asked.currentLeaderEpoch, led)
  if (errorCode !== ErrorCode.NONE) return { partitionIndex, errorCode }
  const where = { topicId: topic!.topicId, partition: partitionIndex }
  if (context.apiVersion === 0) return findOldStyle(asked, where, context.nowMs, broker)
  const found = lookUp(timestamp, where, led, isolation, broker)
  if (!(found instanceof Promise)) return answer(partitionIndex, found)
  return found.then((value) => answer(partitionIndex, value))
}

function answer(partitionIndex: number, found: OffsetAndTimestamp): Found {
  const { errorCode, offset, timestampMs, leaderEpoch } = found
  return { partitionIndex, errorCode, offset, timestamp: timestampMs, leaderEpoch }
}

function lookUp(
  timestamp: number,
  where: TopicPartition,
  led: PartitionImage,
  isolation: IsolationLevel,
  { engine: { log } }: Broker,
): OffsetAndTimestamp | Promise<OffsetAndTimestamp> {
  if (timestamp >= 0) return log.offsetForTimestamp(where, timestamp, isolation)
  if (timestamp === MAX_TIMESTAMP) return log.offsetOfMaxTimestamp(where, isolation)
  if (timestamp === LATEST_TIERED || timestamp === EARLIEST_PENDING_UPLOAD) {
    // There is no tiered storage.
    return { errorCode: ErrorCode.NONE, offset: -1, timestampMs: -1, leaderEpoch: -1 }
  }
  const { errorCode, logStartOffset, highWatermark, lastStableOffset } = log.bounds(where)
  if (errorCode !== ErrorCode.NONE)
    return { errorCode, offset: -1, timestampMs: -1, leaderEpoch: -1 }
  if (timestamp === LATEST) {
    const offset = isolation === 'read_committed' ? lastStableOffset : highWatermark
    return { errorCode, offset, timestampMs: -1, leaderEpoch: led.leaderEpoch }
  }
  return {
    errorCode,
    offset: logStartOffset,
    timestampMs: -1,
    leaderEpoch: log.earliestEpoch(where),
  }
}

/** Version 0: starts of segments, newest first, and the log's end. */
function findOldStyle(
  { partitionIndex, timestamp, maxNumOffsets }: AskedPartition,
  where: TopicPartition,
  nowMs: number,
  { engine: { log } }: Broker,
): Found {
  const { errorCode, logStartOffset, highWatermark } = log.bounds(where)
  if (errorCode !== ErrorCode.NONE) return { partitionIndex, errorCode }
  const segments = log.segmentOffsets(where).map(({ offset, timestampMs }) => ({
    offset: Math.max(offset, logStartOffset),
    timestampMs,
  }))
  // The end of the log counts as a segment start of now when the last segment has records.
  if (segments.length === 0 || highWatermark > segments[0]!.offset) {
    segments.unshift({ offset: highWatermark, timestampMs: nowMs })
  }
  const first = firstOldStyle(segments, timestamp)
  const oldStyleOffsets = segments
    .slice(first, first + Math.max(0, maxNumOffsets))
    .map(({ offset }) => offset)
  return { partitionIndex, errorCode, oldStyleOffsets }
}

function firstOldStyle(segments: readonly { timestampMs: number }[], timestamp: number): number {
  if (timestamp === LATEST) return 0
  if (timestamp === EARLIEST) return segments.length - 1
  const index = segments.findIndex(({ timestampMs }) => timestampMs <= timestamp)
  return index < 0 ? segments.length : index
}
