import { DescribeLogDirs } from '../../protocol/apis/35-describe-log-dirs.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { isCordoned } from '../../settings/log-folders.ts'
import type { LogDirectory } from '../../storage/engine.ts'
import type { TopicImage } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

/** Rules: admin-and-config.md section 9. */
export const describeLogDirs = handler(
  DescribeLogDirs,
  [0, 5],
  (request, _context, broker) => {
    const topics = replicasOf(request, broker)
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      results: broker.engine.directories().map((directory) => ({
        ...(directory.isOffline ? OFFLINE : { errorCode: ErrorCode.NONE, topics: inside(topics, directory) }), // biome-ignore format: one line
        logDir: directory.path,
        totalBytes: directory.totalBytes,
        usableBytes: directory.usableBytes,
        isCordoned: isCordoned(broker.settings, directory.path),
      })),
    }
  },
  { errorResponse: (_, { errorCode }) => ({ throttleTimeMs: 0, errorCode, results: [] }) },
)

const OFFLINE = { errorCode: ErrorCode.KAFKA_STORAGE_ERROR, topics: [] }

interface Replica {
  readonly path: string
  readonly partition: {
    readonly partitionIndex: number
    readonly partitionSize: number
    readonly offsetLag: number
    readonly isFutureKey: boolean
  }
}

interface TopicReplicas {
  readonly name: string
  readonly replicas: readonly Replica[]
}

function inside(topics: readonly TopicReplicas[], { path }: LogDirectory) {
  return topics
    .map(({ name, replicas }) => ({
      name,
      partitions: replicas.filter((one) => one.path === path).map(({ partition }) => partition),
    }))
    .filter(({ partitions }) => partitions.length > 0)
}

function replicasOf(
  { topics }: RequestOf<typeof DescribeLogDirs>,
  broker: Broker,
): TopicReplicas[] {
  const { topicsByName } = broker.engine.metadata.image
  const asked =
    topics === null
      ? Array.from(topicsByName.values(), (topic) => ({ topic, partitions: allOf(topic) }))
      : topics.flatMap(({ topic: name, partitions }) => {
          const topic = topicsByName.get(name)
          return topic ? [{ topic, partitions }] : []
        })
  return asked.map(({ topic, partitions }) => ({
    name: topic.name,
    replicas: [...new Set(partitions)]
      .filter((partition) => topic.partitions[partition]?.replicas.includes(broker.brokerId))
      .flatMap((partition) => replicasOfPartition(topic, partition, broker)),
  }))
}

function allOf({ partitions }: TopicImage): readonly number[] {
  return partitions.map(({ partition }) => partition)
}

/** The replica, and the one that is to take its place. */
function replicasOfPartition(
  { topicId }: TopicImage,
  partitionIndex: number,
  { engine }: Broker,
): Replica[] {
  const partition = { topicId, partition: partitionIndex }
  const place = engine.placeOf(partition)
  if (!place) return []
  const { path, future } = place
  const { sizeBytes, highWatermark, logEndOffset } = engine.log.bounds(partition)
  const current = {
    partitionIndex,
    partitionSize: sizeBytes,
    offsetLag: Math.max(0, highWatermark - logEndOffset),
    isFutureKey: false,
  }
  if (!future) return [{ path, partition: current }]
  const coming = {
    partitionIndex,
    partitionSize: future.sizeBytes,
    offsetLag: Math.max(0, logEndOffset - future.logEndOffset),
    isFutureKey: true,
  }
  return [
    { path, partition: current },
    { path: future.path, partition: coming },
  ]
}
