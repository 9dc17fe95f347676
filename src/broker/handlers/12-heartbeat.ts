import { Heartbeat } from '../../protocol/apis/12-heartbeat.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import { handler } from '../handler.ts'

/** While groups are being loaded nobody is told to rejoin. */
export const heartbeat = handler(Heartbeat, [0, 4], (request, _context, { groups }) => {
  const { groupId } = request
  if (groupId !== '' && groups.isLoading(groupId)) return { errorCode: ErrorCode.NONE }
  return groups.submit<ResponseOf<typeof Heartbeat>>(groupId, (coordinator, to, nowMs) =>
    coordinator.heartbeat(request, to, nowMs),
  )
})
