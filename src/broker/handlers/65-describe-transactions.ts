import {
  type DescribedTransaction,
  describeError,
  describeTransaction,
} from '../../coordinator/transaction/transaction-listing.ts'
import { DescribeTransactions } from '../../protocol/apis/65-describe-transactions.ts'
import { KafkaError } from '../../protocol/error-code.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'

type Described = ResponseOf<typeof DescribeTransactions>['transactionStates'][number]

/** Tells what the coordinator knows of ids (reference: transactions.md section 11). */
export const describeTransactions = handler(
  DescribeTransactions,
  [0, 0],
  (request, _context, broker) => ({
    throttleTimeMs: 0,
    transactionStates: request.transactionalIds.map((transactionalId) =>
      described(transactionalId, find(transactionalId, broker)),
    ),
  }),
  {
    errorResponse: (request, { errorCode }) => ({
      throttleTimeMs: 0,
      transactionStates: request.transactionalIds.map((transactionalId) =>
        described(transactionalId, describeError(errorCode)),
      ),
    }),
  },
)

function find(transactionalId: string, broker: Broker): DescribedTransaction {
  try {
    const { transactions } = broker.transactions.read(transactionalId)
    return describeTransaction(transactions.get(transactionalId))
  } catch (error) {
    if (error instanceof KafkaError) return describeError(error.errorCode)
    throw error
  }
}

function described(transactionalId: string, transaction: DescribedTransaction): Described {
  const topics = transaction.topics.map(({ topic, partitionIds }) => ({
    topic,
    partitions: partitionIds,
  }))
  return { ...transaction, transactionalId, topics }
}
