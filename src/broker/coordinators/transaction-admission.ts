import type { TransactionProducer } from '../../coordinator/transaction/transaction-coordinator.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { Broker } from '../broker.ts'
import type { TransactionService } from './transaction-service.ts'

export interface NamedPartition {
  readonly topic: string
  readonly partition: number
}

/** The coordinators of transactional ids. */
type Asked = Pick<TransactionService, 'read' | 'submit'>

/**
 * Whether a producer's records may join a transaction (reference: transactions.md section 9). In
 * place of Kafka's verification entries, the question and the append happen in one turn of the
 * event loop: between the two no transaction can end.
 */
export class TransactionAdmission {
  readonly #service: Asked
  readonly #broker: Pick<Broker, 'settings' | 'clock' | 'timers'>

  constructor(service: Asked, broker: Pick<Broker, 'settings' | 'clock' | 'timers'>) {
    this.#service = service
    this.#broker = broker
  }

  /** At once: the coordinator's word on each partition, NONE when it is in the transaction. */
  verify(producer: TransactionProducer, partitions: readonly NamedPartition[]): ErrorCode[] {
    try {
      const coordinator = this.#service.read(producer.transactionalId)
      return partitions.map(({ topic, partition }) =>
        coordinator.verifyPartition(producer, topic, partition),
      )
    } catch (error) {
      const errorCode = codeOf(error)
      return partitions.map(() => errorCode)
    }
  }

  /**
   * Adds what is not yet in the transaction, waiting a little for one that is still being ended,
   * then calls `append` with the coordinator's word on each partition. At once when all are in.
   */
  add<Result>(
    producer: TransactionProducer,
    partitions: readonly NamedPartition[],
    retryUntilMs: number,
    append: (errorCodes: ErrorCode[]) => Result | Promise<Result>,
  ): Result | Promise<Result> {
    const verified = this.verify(producer, partitions)
    const missing = partitions.filter((_, index) => verified[index] !== ErrorCode.NONE)
    if (missing.length === 0) return append(verified)
    const settle = (errorCode: ErrorCode): Result | Promise<Result> => {
      const { clock, settings } = this.#broker
      const isBusy = errorCode === ErrorCode.CONCURRENT_TRANSACTIONS
      if (isBusy && clock.nowMs() + settings.addPartitionsToTxnRetryBackoffMs <= retryUntilMs) {
        return this.#pause().then(() => this.add(producer, partitions, retryUntilMs, append))
      }
      // What was in before may have been ended while the rest was added.
      const now = this.verify(producer, partitions)
      if (errorCode === ErrorCode.NONE) return append(now)
      return append(
        now.map((code, index) => (verified[index] === ErrorCode.NONE ? code : errorCode)),
      )
    }
    const added = this.#add(producer, missing)
    return added instanceof Promise ? added.then(settle) : settle(added)
  }

  #add(
    producer: TransactionProducer,
    partitions: readonly NamedPartition[],
  ): ErrorCode | Promise<ErrorCode> {
    const topics = partitions.map(({ topic, partition }) => ({ topic, partitionIds: [partition] }))
    const request = { ...producer, topics, clientTransactionVersion: 2 }
    try {
      const added = this.#service.submit<ErrorCode>(
        producer.transactionalId,
        (coordinator, to, nowMs) => coordinator.addPartitions(request, to, nowMs),
      )
      return added instanceof Promise ? added.catch(codeOf) : added
    } catch (error) {
      return codeOf(error)
    }
  }

  #pause(): Promise<void> {
    const { timers, settings } = this.#broker
    return new Promise((resolve) => {
      timers.after(settings.addPartitionsToTxnRetryBackoffMs, resolve)
    })
  }
}

function codeOf(error: unknown): ErrorCode {
  if (error instanceof KafkaError) return error.errorCode
  throw error
}
