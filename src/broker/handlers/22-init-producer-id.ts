import { InitProducerId } from '../../protocol/apis/22-init-producer-id.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'

const NO_PRODUCER_ID = -1
const NO_PRODUCER_EPOCH = -1

/** Gives an idempotent producer a new id; one with a transactional id keeps its own. */
export const initProducerId = handler(
  InitProducerId,
  [0, 5],
  (request, _context, broker) => {
    const { transactionalId, producerId, producerEpoch } = request
    if ((producerId === NO_PRODUCER_ID) !== (producerEpoch === NO_PRODUCER_EPOCH)) {
      throw new KafkaError('INVALID_REQUEST')
    }
    if (transactionalId === '') throw new KafkaError('INVALID_REQUEST')
    // There is no transaction coordinator.
    if (transactionalId !== null) throw new KafkaError('COORDINATOR_NOT_AVAILABLE')
    const next = broker.producerIds.next()
    return next instanceof Promise ? next.then(answer) : answer(next)
  },
  {
    errorResponse: (_request, { errorCode }) => ({
      throttleTimeMs: 0,
      errorCode,
      producerId: NO_PRODUCER_ID,
      producerEpoch: NO_PRODUCER_EPOCH,
    }),
  },
)

function answer(producerId: number) {
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId, producerEpoch: 0 }
}
