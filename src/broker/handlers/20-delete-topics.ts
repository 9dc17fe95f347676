import { ZERO_UUID } from '../../base/uuid.ts'
import { DeleteTopics } from '../../protocol/apis/20-delete-topics.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import type { TopicToDelete } from '../delete-topics.ts'
import { handler } from '../handler.ts'
import { settled } from '../settled.ts'

/** Rules: admin-and-config.md section 2. */
export const deleteTopics = handler(
  DeleteTopics,
  [1, 6],
  (request, { apiVersion }, broker) => {
    if (!broker.settings.deleteTopicEnable) {
      // Clients older than KIP-322 do not know the code.
      throw new KafkaError(apiVersion < 3 ? 'INVALID_REQUEST' : 'TOPIC_DELETION_DISABLED')
    }
    return settled(broker.topics.delete(topicsOf(request)), (deleted) => ({
      responses: deleted.map(({ name, topicId, error }) => ({
        name,
        topicId,
        errorCode: error?.errorCode ?? ErrorCode.NONE,
        errorMessage: error?.detail ?? null,
      })),
    }))
  },
  {
    errorResponse: (request, error) => ({
      responses: topicsOf(request).map((topic) => ({ ...topic, ...error })),
    }),
  },
)

function topicsOf({ topics, topicNames }: RequestOf<typeof DeleteTopics>): TopicToDelete[] {
  return [...topics, ...topicNames.map((name) => ({ name, topicId: ZERO_UUID }))]
}
