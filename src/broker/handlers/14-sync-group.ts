import { SyncGroup } from '../../protocol/apis/14-sync-group.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import { handler } from '../handler.ts'

type Response = ResponseOf<typeof SyncGroup>

/** From here on a member says which protocol it believes in. */
const PROTOCOL_SINCE = 5

/** Answered when the leader has brought the assignment. Rules: coordinator/group/classic-requests.ts. */
export const syncGroup = handler(
  SyncGroup,
  [0, 5],
  (request, { apiVersion }, broker) => {
    const { protocolType, protocolName } = request
    if (apiVersion >= PROTOCOL_SINCE && (protocolType === null || protocolName === null)) {
      return inError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    }
    return broker.groups.submit<Response>(request.groupId, (coordinator, to, nowMs) =>
      coordinator.syncGroup(request, to, nowMs),
    )
  },
  { errorResponse: (_request, { errorCode }) => inError(errorCode) },
)

function inError(errorCode: ErrorCode): Response {
  return { errorCode, assignment: Buffer.alloc(0) }
}
