import { ZERO_UUID } from '../../base/uuid.ts'
import { DeleteTopics } from '../../protocol/apis/20-delete-topics.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { handler } from '../handler.ts'
import { mutationQuota } from '../quotas/mutation-quota.ts'
import { settled } from '../settled.ts'
import type { TopicToDelete } from '../topics/delete-topics.ts'

/** From this version on clients know THROTTLING_QUOTA_EXCEEDED. */
const STRICT_SINCE = 5

/** Rules: admin-and-config.md section 2. */
export const deleteTopics = handler(
  DeleteTopics,
  [0, 6],
  (request, context, broker) => {
    const { apiVersion } = context
    if (!broker.settings.deleteTopicEnable) {
      // Clients older than KIP-322 do not know the code.
      throw new KafkaError(apiVersion < 3 ? 'INVALID_REQUEST' : 'TOPIC_DELETION_DISABLED')
    }
    const quota = mutationQuota(context, broker, STRICT_SINCE)
    const done = broker.topics.delete(topicsOf(request), { charge: quota?.charge })
    return settled(done, (deleted) => ({
      throttleTimeMs: quota?.throttleTimeMs ?? 0,
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
