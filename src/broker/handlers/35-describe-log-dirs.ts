import { DescribeLogDirs } from '../../protocol/apis/35-describe-log-dirs.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { TopicImage } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

/** All replicas of this broker are in one directory. Rules: admin-and-config.md section 9. */
export const describeLogDirs = handler(
  DescribeLogDirs,
  [0, 5],
  (request, _context, broker) => {
    const { engine, settings } = broker
    const topics = sizesOf(request, broker)
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      results: engine.directories().map(({ path, totalBytes, usableBytes }) => ({
        errorCode: ErrorCode.NONE,
        logDir: path,
        topics,
        totalBytes,
        usableBytes,
        isCordoned: settings.cordonedLogDirs.some((one) => one === '*' || one === path),
      })),
    }
  },
  { errorResponse: (_, { errorCode }) => ({ throttleTimeMs: 0, errorCode, results: [] }) },
)

function sizesOf({ topics }: RequestOf<typeof DescribeLogDirs>, broker: Broker) {
  const { topicsByName } = broker.engine.metadata.image
  const asked =
    topics === null
      ? Array.from(topicsByName.values(), (topic) => ({ topic, partitions: allOf(topic) }))
      : topics.flatMap(({ topic: name, partitions }) => {
          const topic = topicsByName.get(name)
          return topic ? [{ topic, partitions }] : []
        })
  return asked
    .map(({ topic, partitions }) => ({
      name: topic.name,
      partitions: [...new Set(partitions)]
        .filter((partition) => topic.partitions[partition]?.replicas.includes(broker.brokerId))
        .map((partition) => sizeOf(topic, partition, broker)),
    }))
    .filter(({ partitions }) => partitions.length > 0)
}

function allOf({ partitions }: TopicImage): readonly number[] {
  return partitions.map(({ partition }) => partition)
}

function sizeOf({ topicId }: TopicImage, partition: number, { engine }: Broker) {
  const { sizeBytes, highWatermark, logEndOffset } = engine.log.bounds({ topicId, partition })
  return {
    partitionIndex: partition,
    partitionSize: sizeBytes,
    offsetLag: Math.max(0, highWatermark - logEndOffset),
    isFutureKey: false,
  }
}
