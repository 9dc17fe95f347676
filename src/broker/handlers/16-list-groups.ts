import { ListGroups } from '../../protocol/apis/16-list-groups.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'

/** The groups that this broker coordinates. */
export const listGroups = handler(
  ListGroups,
  [0, 5],
  (request, _context, broker) => ({
    errorCode: ErrorCode.NONE,
    groups: broker.groups.readAll().flatMap((coordinator) => coordinator.listGroups(request)),
  }),
  { errorResponse: (_request, { errorCode }) => ({ errorCode, groups: [] }) },
)
