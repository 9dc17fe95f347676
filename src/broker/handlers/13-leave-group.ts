import { LeaveGroup } from '../../protocol/apis/13-leave-group.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { handler } from '../handler.ts'

type Request = RequestOf<typeof LeaveGroup>
type Response = ResponseOf<typeof LeaveGroup>

/** Several members in one request from here on. */
const MEMBERS_SINCE = 3

/** Below version 3 one member leaves, and its error is the request's. */
export const leaveGroup = handler(LeaveGroup, [0, 5], (request, { apiVersion }, broker) => {
  const leaving = { ...request, members: membersOf(request, apiVersion) }
  const pending = broker.groups.submit<Response>(request.groupId, (coordinator, to, nowMs) =>
    coordinator.leaveGroup(leaving, to, nowMs),
  )
  return pending instanceof Promise
    ? pending.then((response) => forVersion(response, apiVersion))
    : forVersion(pending, apiVersion)
})

function membersOf(request: Request, apiVersion: number): Request['members'] {
  if (apiVersion >= MEMBERS_SINCE) return request.members
  return [{ memberId: request.memberId, groupInstanceId: null, reason: null }]
}

function forVersion(response: Response, apiVersion: number): Response {
  if (apiVersion >= MEMBERS_SINCE) return response
  return { errorCode: response.errorCode || (response.members?.[0]?.errorCode ?? 0) }
}
