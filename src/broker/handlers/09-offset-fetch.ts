import { ZERO_UUID } from '../../base/uuid.ts'
import type {
  OffsetFetchGroup,
  OffsetFetchGroupResponse,
} from '../../coordinator/group/offset-requests.ts'
import { OffsetFetch } from '../../protocol/apis/09-offset-fetch.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

type Request = RequestOf<typeof OffsetFetch>
type Response = ResponseOf<typeof OffsetFetch>

/** The error stands at the top from here on, at every partition below. */
const TOP_LEVEL_ERROR_SINCE = 2
/** Several groups in one request from here on. */
const GROUPS_SINCE = 8
/** Topics are named by id from here on. */
const IDS_SINCE = 10

/** Reads offsets of groups; their rules are in coordinator/group/offset-requests.ts. */
export const offsetFetch = handler(
  OffsetFetch,
  [0, 10],
  (request, { apiVersion }, broker) => {
    const groups = groupsOf(request, apiVersion).map((group) =>
      apiVersion >= IDS_SINCE
        ? fetchById(group, request.requireStable, broker)
        : fetchByName(group, request.requireStable, broker),
    )
    return answer(groups, apiVersion)
  },
  {
    errorResponse: (request, { errorCode }, apiVersion) =>
      answer(
        groupsOf(request, apiVersion).map((group) => inError(group, errorCode)),
        apiVersion,
      ),
  },
)

function groupsOf(request: Request, apiVersion: number): readonly OffsetFetchGroup[] {
  if (apiVersion >= GROUPS_SINCE) return request.groups
  const topics = request.topics?.map((topic) => ({ ...topic, topicId: ZERO_UUID })) ?? null
  return [{ groupId: request.groupId, memberId: null, memberEpoch: -1, topics }]
}

function fetchByName(
  group: OffsetFetchGroup,
  requireStable: boolean,
  broker: Broker,
): OffsetFetchGroupResponse {
  try {
    return broker.groups.read(group.groupId).offsetFetch(group, requireStable)
  } catch (error) {
    if (error instanceof KafkaError) return inError(group, error.errorCode)
    throw error
  }
}

/** Ids that no topic has are answered here; topics without an id are left out of "all". */
function fetchById(
  group: OffsetFetchGroup,
  requireStable: boolean,
  broker: Broker,
): OffsetFetchGroupResponse {
  const { topicsById, topicsByName } = broker.engine.metadata.image
  const unknown = group.topics?.filter(({ topicId }) => !topicsById.has(topicId)) ?? []
  const known =
    group.topics?.flatMap((topic) => {
      const image = topicsById.get(topic.topicId)
      return image ? [{ ...topic, name: image.name }] : []
    }) ?? null
  const response = fetchByName({ ...group, topics: known }, requireStable, broker)
  if (response.errorCode !== ErrorCode.NONE) return response
  const topics = response.topics.flatMap((topic) => {
    const topicId = topicsByName.get(topic.name ?? '')?.topicId
    return topicId === undefined ? [] : [{ ...topic, topicId }]
  })
  const refused = partitionsInError(unknown, ErrorCode.UNKNOWN_TOPIC_ID)
  return { ...response, topics: [...topics, ...refused] }
}

type Topics = NonNullable<OffsetFetchGroup['topics']>

function partitionsInError(topics: Topics, errorCode: number): OffsetFetchGroupResponse['topics'] {
  return topics.map(({ name, topicId, partitionIndexes }) => ({
    name,
    topicId,
    partitions: partitionIndexes.map((partitionIndex) => ({
      partitionIndex,
      committedOffset: -1,
      metadata: '',
      errorCode,
    })),
  }))
}

function inError({ groupId, topics }: OffsetFetchGroup, errorCode: number) {
  return { groupId, errorCode, topics: [], asked: topics ?? [] }
}

function answer(
  groups: readonly (OffsetFetchGroupResponse & { asked?: Topics })[],
  apiVersion: number,
): Response {
  if (apiVersion >= GROUPS_SINCE) {
    return {
      groups: groups.map(({ groupId, topics, errorCode }) => ({
        groupId,
        topics,
        errorCode: errorCode ?? 0,
      })),
    }
  }
  const { errorCode = 0, topics, asked = [] } = groups[0]!
  const named = errorCode !== 0 && apiVersion < TOP_LEVEL_ERROR_SINCE
  return {
    errorCode,
    topics: (named ? partitionsInError(asked, errorCode) : topics).map(
      ({ name = '', partitions }) => ({
        name,
        partitions,
      }),
    ),
  }
}
