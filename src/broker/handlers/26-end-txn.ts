import type { ProducerAnswer } from '../../coordinator/transaction/transaction-coordinator.ts'
import { EndTxn } from '../../protocol/apis/26-end-txn.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'
import { settled } from '../settled.ts'

/** The epoch grows with every transaction from here on (KIP-890). */
const EPOCH_BUMP_SINCE = 5
/** Older clients do not know PRODUCER_FENCED. */
const FENCED_SINCE = 2

/** Commits or aborts a transaction (reference: transactions.md section 7). */
export const endTxn = handler(EndTxn, [0, 5], (request, { apiVersion }, broker) => {
  const clientTransactionVersion = apiVersion >= EPOCH_BUMP_SINCE ? 2 : 0
  const ended = broker.transactions.submit<ProducerAnswer>(
    request.transactionalId,
    (coordinator, to, nowMs) =>
      coordinator.endTxn({ ...request, clientTransactionVersion }, to, nowMs),
  )
  return settled(ended, ({ errorCode, producerId, producerEpoch }) => {
    const isOldFence = errorCode === ErrorCode.PRODUCER_FENCED && apiVersion < FENCED_SINCE
    return {
      throttleTimeMs: 0,
      errorCode: isOldFence ? ErrorCode.INVALID_PRODUCER_EPOCH : errorCode,
      producerId,
      producerEpoch,
    }
  })
})
