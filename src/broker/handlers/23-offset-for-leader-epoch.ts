import { OffsetForLeaderEpoch } from '../../protocol/apis/23-offset-for-leader-epoch.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { TopicImage } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { checkLeaderEpoch, ledPartition } from '../partitions.ts'

type AskedPartition = RequestOf<typeof OffsetForLeaderEpoch>['topics'][number]['partitions'][number]

/** Where leader epochs end: log-storage.md section 13. */
export const offsetForLeaderEpoch = handler(
  OffsetForLeaderEpoch,
  [0, 4],
  (request, _context, broker) => ({
    topics: request.topics.map(({ topic, partitions }) => {
      const image = broker.engine.metadata.image.topicsByName.get(topic)
      return { topic, partitions: partitions.map((asked) => find(asked, image, broker)) }
    }),
  }),
  {
    errorResponse: (request, { errorCode }) => ({
      topics: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition }) => ({ errorCode, partition })),
      })),
    }),
  },
)

function find(asked: AskedPartition, topic: TopicImage | undefined, broker: Broker) {
  const { partition } = asked
  const led = ledPartition(broker, topic, partition)
  if (typeof led === 'number') return { errorCode: led, partition }
  const errorCode = checkLeaderEpoch(asked.currentLeaderEpoch, led)
  if (errorCode !== ErrorCode.NONE) return { errorCode, partition }
  const { topicId } = topic!
  return {
    partition,
    ...broker.engine.log.epochEndOffset({ topicId, partition }, asked.leaderEpoch),
  }
}
