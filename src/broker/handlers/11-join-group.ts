import { JoinGroup } from '../../protocol/apis/11-join-group.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import { clientOf } from '../coordinators/group-service.ts'
import { handler } from '../handler.ts'

type Response = ResponseOf<typeof JoinGroup>

/** Below, a protocol name cannot be null. */
const NULLABLE_PROTOCOL_SINCE = 7

/**
 * Answered when the rebalance is through, which may take minutes. A client that hangs up meanwhile
 * stays a member until its session or the rebalance ends, as in Kafka. Rules:
 * coordinator/group/classic-join.ts.
 */
export const joinGroup = handler(
  JoinGroup,
  [0, 9],
  (request, context, broker) => {
    const pending = broker.groups.submit<Response>(request.groupId, (coordinator, to, nowMs) =>
      coordinator.joinGroup(request, clientOf(context), to, nowMs),
    )
    return pending instanceof Promise
      ? pending.then((response) => forVersion(response, context.apiVersion))
      : forVersion(pending, context.apiVersion)
  },
  {
    errorResponse: ({ memberId }, { errorCode }, apiVersion) =>
      forVersion({ errorCode, memberId, protocolName: null, leader: '', members: [] }, apiVersion),
  },
)

function forVersion(response: Response, apiVersion: number): Response {
  return apiVersion < NULLABLE_PROTOCOL_SINCE && response.protocolName === null
    ? { ...response, protocolName: '' }
    : response
}
