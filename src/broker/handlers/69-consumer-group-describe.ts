import type { DescribedConsumerGroup } from '../../coordinator/group/group-admin.ts'
import { ConsumerGroupDescribe } from '../../protocol/apis/69-consumer-group-describe.ts'
import { KafkaError } from '../../protocol/error-code.ts'
import { allGroupOperations, OPERATIONS_NOT_ASKED } from '../authorized-operations.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

/** Rules: groups.md section 7. */
export const consumerGroupDescribe = handler(
  ConsumerGroupDescribe,
  [0, 1],
  (request, _context, broker) => {
    const { includeAuthorizedOperations: asked } = request
    return {
      throttleTimeMs: 0,
      groups: request.groupIds.map((groupId) => {
        const group = describe(groupId, broker)
        const operations = asked && group.errorCode === 0
        return {
          ...group,
          authorizedOperations: operations ? allGroupOperations : OPERATIONS_NOT_ASKED,
        }
      }),
    }
  },
  {
    errorResponse: (request, { errorCode, errorMessage }) => ({
      throttleTimeMs: 0,
      groups: request.groupIds.map((groupId) => inError(groupId, errorCode, errorMessage)),
    }),
  },
)

function describe(groupId: string, { groups }: Broker): DescribedConsumerGroup {
  try {
    if (!groups.allowsConsumerProtocol) throw new KafkaError('UNSUPPORTED_VERSION')
    if (groupId === '') throw new KafkaError('INVALID_GROUP_ID')
    return groups.read(groupId).describeConsumerGroup(groupId)
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return inError(groupId, error.errorCode, error.detail ?? null)
  }
}

function inError(
  groupId: string,
  errorCode: number,
  errorMessage: string | null,
): DescribedConsumerGroup {
  return {
    errorCode,
    errorMessage,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
  }
}
