import { DeleteGroups } from '../../protocol/apis/42-delete-groups.ts'
import { type ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

/** Deletes groups without members, with all that they stored. A group named twice counts once. */
export const deleteGroups = handler(
  DeleteGroups,
  [0, 2],
  async (request, _context, broker) => {
    const results = []
    for (const groupId of new Set(request.groupsNames)) {
      results.push({ groupId, errorCode: await deleteGroup(groupId, broker) })
    }
    return { throttleTimeMs: 0, results }
  },
  {
    errorResponse: (request, { errorCode }) => ({
      throttleTimeMs: 0,
      results: request.groupsNames.map((groupId) => ({ groupId, errorCode })),
    }),
  },
)

async function deleteGroup(groupId: string, { groups }: Broker): Promise<ErrorCode> {
  try {
    const [errorCode] = await groups.submit<readonly ErrorCode[]>(groupId, (coordinator, to) =>
      coordinator.deleteGroups([groupId], to),
    )
    return errorCode!
  } catch (error) {
    if (error instanceof KafkaError) return error.errorCode
    throw error
  }
}
