import { OffsetCommit } from '../../protocol/apis/08-offset-commit.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { clientOf } from '../coordinators/group-service.ts'
import { mergeAnswers, sortTopics } from '../coordinators/group-topics.ts'
import { handler } from '../handler.ts'

type Response = ResponseOf<typeof OffsetCommit>

/** Topics are named by id from here on. */
const IDS_SINCE = 10

/**
 * Stores offsets of a group. Partitions that do not exist are answered here; the group's rules are
 * in coordinator/group/offset-requests.ts (groups.md section 4).
 */
export const offsetCommit = handler(
  OffsetCommit,
  [0, 10],
  (request, context, broker) => {
    const byId = context.apiVersion >= IDS_SINCE
    const { known, refused } = sortTopics(request.topics, byId, broker)
    const answer = (topics: Response['topics']): Response => ({
      throttleTimeMs: 0,
      topics: mergeAnswers(refused, topics, byId),
    })
    if (known.length === 0) return answer([])
    const pending = broker.groups.submit<Pick<Response, 'topics'>>(
      request.groupId,
      (coordinator, to, nowMs) =>
        coordinator.offsetCommit({ ...request, topics: known }, clientOf(context), to, nowMs),
    )
    return pending instanceof Promise
      ? pending.then(({ topics }) => answer(topics))
      : answer(pending.topics)
  },
  { errorResponse: (request, { errorCode }) => ({ topics: inError(request, errorCode) }) },
)

function inError(request: RequestOf<typeof OffsetCommit>, errorCode: number): Response['topics'] {
  return request.topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  }))
}
