import { DescribeGroups } from '../../protocol/apis/15-describe-groups.ts'
import { KafkaError } from '../../protocol/error-code.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import { allGroupOperations, OPERATIONS_NOT_ASKED } from '../authorized-operations.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

type DescribedGroup = ResponseOf<typeof DescribeGroups>['groups'][number]

/** Rules: groups.md section 5. */
export const describeGroups = handler(
  DescribeGroups,
  [0, 6],
  (request, { apiVersion }, broker) => ({
    groups: request.groups.map((groupId) => {
      const group = describe(groupId, apiVersion, broker)
      const isAsked = request.includeAuthorizedOperations && group.errorCode === 0
      const authorizedOperations = isAsked ? allGroupOperations : OPERATIONS_NOT_ASKED
      return { ...group, authorizedOperations }
    }),
  }),
  {
    errorResponse: (request, { errorCode }) => ({
      groups: request.groups.map((groupId) => inError(groupId, errorCode)),
    }),
  },
)

function describe(groupId: string, apiVersion: number, broker: Broker): DescribedGroup {
  try {
    return broker.groups.read(groupId).describeClassicGroup(groupId, apiVersion)
  } catch (error) {
    if (error instanceof KafkaError) return inError(groupId, error.errorCode)
    throw error
  }
}

function inError(groupId: string, errorCode: number): DescribedGroup {
  return { errorCode, groupId, groupState: '', protocolType: '', protocolData: '', members: [] }
}
