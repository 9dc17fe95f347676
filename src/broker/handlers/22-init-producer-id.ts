import {
  checkInitProducerId,
  type InitProducerIdRequest,
} from '../../coordinator/transaction/init-producer-id.ts'
import type { ProducerAnswer } from '../../coordinator/transaction/transaction-coordinator.ts'
import { InitProducerId } from '../../protocol/apis/22-init-producer-id.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { settled } from '../settled.ts'

const NO_PRODUCER_ID = -1
const NO_PRODUCER_EPOCH = -1
/** Older clients do not know PRODUCER_FENCED. */
const FENCED_SINCE = 4

/**
 * Gives an idempotent producer a new id; one with a transactional id keeps its own and fences what
 * came before it (reference: transactions.md section 3). v6 (two-phase commit) is not stable yet in
 * Apache Kafka 4.3 and not answered.
 */
export const initProducerId = handler(
  InitProducerId,
  [0, 5],
  (request, { apiVersion }, broker) => {
    const { transactionalId, producerId, producerEpoch } = request
    if ((producerId === NO_PRODUCER_ID) !== (producerEpoch === NO_PRODUCER_EPOCH)) {
      throw new KafkaError('INVALID_REQUEST')
    }
    if (transactionalId === null) return settled(broker.producerIds.next(), newProducer)
    return settled(initTransactions({ ...request, transactionalId }, broker), (answer) => ({
      throttleTimeMs: 0,
      ...answer,
      errorCode:
        answer.errorCode === ErrorCode.PRODUCER_FENCED && apiVersion < FENCED_SINCE
          ? ErrorCode.INVALID_PRODUCER_EPOCH
          : answer.errorCode,
    }))
  },
  { errorResponse: (_request, { errorCode }) => ({ throttleTimeMs: 0, ...refusal(errorCode) }) },
)

function newProducer(producerId: number) {
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, producerId, producerEpoch: 0 }
}

function initTransactions(
  request: InitProducerIdRequest,
  broker: Broker,
): ProducerAnswer | Promise<ProducerAnswer> {
  const errorCode = checkInitProducerId(request, broker.settings)
  if (errorCode !== ErrorCode.NONE) return refusal(errorCode)
  return broker.transactions.submit<ProducerAnswer>(
    request.transactionalId,
    (coordinator, to, nowMs) => coordinator.initProducerId(request, to, nowMs),
  )
}

function refusal(errorCode: ErrorCode): ProducerAnswer {
  return { errorCode, producerId: NO_PRODUCER_ID, producerEpoch: NO_PRODUCER_EPOCH }
}
