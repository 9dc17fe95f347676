import { RE2JS, RE2JSException } from 're2js'
import {
  listTransactions as list,
  unknownStates,
} from '../../coordinator/transaction/transaction-listing.ts'
import { ListTransactions } from '../../protocol/apis/66-list-transactions.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'

/**
 * Lists the transactions that this broker coordinates (reference: transactions.md section 11). v1
 * by duration, v2 by pattern.
 */
export const listTransactions = handler(
  ListTransactions,
  [0, 2],
  (request, { nowMs }, broker) => {
    const filter = {
      stateFilters: new Set(request.stateFilters),
      producerIdFilters: new Set(request.producerIdFilters),
      durationFilter: request.durationFilter,
      matchesId: idMatcher(request.transactionalIdPattern),
    }
    const transactionStates = broker.transactions
      .readAll()
      .flatMap(({ transactions }) => list(transactions.values(), filter, nowMs))
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      unknownStateFilters: unknownStates(filter.stateFilters),
      transactionStates,
    }
  },
  {
    errorResponse: (_request, { errorCode }) => ({
      throttleTimeMs: 0,
      errorCode,
      unknownStateFilters: [],
      transactionStates: [],
    }),
  },
)

/** Patterns come from clients: they run on an engine that is linear in the text. */
function idMatcher(pattern: string | null): (transactionalId: string) => boolean {
  if (pattern === null || pattern === '') return () => true
  try {
    const compiled = RE2JS.compile(pattern)
    return (transactionalId) => compiled.matches(transactionalId)
  } catch (error) {
    if (error instanceof RE2JSException) throw new KafkaError('INVALID_REGULAR_EXPRESSION')
    throw error
  }
}
