import { type Uuid, ZERO_UUID } from '../../base/uuid.ts'
import { OffsetDelete } from '../../protocol/apis/47-offset-delete.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import { mergeAnswers, sortTopics } from '../coordinators/group-topics.ts'
import { handler } from '../handler.ts'

type Response = ResponseOf<typeof OffsetDelete>

/** Deletes what a group stored of partitions that its members do not consume (groups.md section 4). */
export const offsetDelete = handler(
  OffsetDelete,
  [0, 0],
  (request, _context, broker) => {
    if (request.groupId === '') throw new KafkaError('INVALID_GROUP_ID')
    const named = request.topics.map((topic) => ({ ...topic, topicId: ZERO_UUID as Uuid }))
    const { known, refused } = sortTopics(named, false, broker)
    const answer = (response: Response): Response =>
      response.errorCode === ErrorCode.NONE
        ? { ...response, topics: mergeAnswers(refused, response.topics, false) }
        : response
    const pending = broker.groups.submit<Response>(request.groupId, (coordinator, to) =>
      coordinator.offsetDelete({ ...request, topics: known }, to),
    )
    return pending instanceof Promise ? pending.then(answer) : answer(pending)
  },
  { errorResponse: (_request, { errorCode }) => ({ errorCode, throttleTimeMs: 0, topics: [] }) },
)
