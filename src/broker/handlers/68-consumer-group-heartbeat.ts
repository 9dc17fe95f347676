import type { ConsumerHeartbeatResponse } from '../../coordinator/group/consumer-heartbeat.ts'
import { ConsumerGroupHeartbeat } from '../../protocol/apis/68-consumer-group-heartbeat.ts'
import { KafkaError } from '../../protocol/error-code.ts'
import { clientOf } from '../coordinators/group-service.ts'
import { handler } from '../handler.ts'

/**
 * Joins, keeps and leaves a consumer group (KIP-848). v1 subscribes by regular expression, and the
 * member brings its id. Rules: coordinator/group/consumer-heartbeat.ts.
 */
export const consumerGroupHeartbeat = handler(
  ConsumerGroupHeartbeat,
  [0, 1],
  (request, context, { groups }) => {
    if (!groups.allowsConsumerProtocol) throw new KafkaError('UNSUPPORTED_VERSION')
    return groups.submit<ConsumerHeartbeatResponse>(request.groupId, (coordinator, to, nowMs) =>
      coordinator.consumerGroupHeartbeat(request, clientOf(context), to, nowMs),
    )
  },
  {
    errorResponse: (_request, { errorCode, errorMessage }) => ({
      throttleTimeMs: 0,
      errorCode,
      errorMessage,
      memberEpoch: 0,
      heartbeatIntervalMs: 0,
    }),
  },
)
