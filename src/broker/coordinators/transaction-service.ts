import { TransactionCoordinator } from '../../coordinator/transaction/transaction-coordinator.ts'
import type {
  AllocateProducerId,
  TransactionAsk,
  WriteMarkers,
} from '../../coordinator/transaction/transaction-effect.ts'
import {
  decodeTransactionRecord,
  encodeTransactionRecord,
  type TransactionRecord,
} from '../../coordinator/transaction/transaction-records.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { Tell } from './coordinator-partition.ts'
import { type CoordinatorBroker, CoordinatorTopic } from './coordinator-topic.ts'
import type { ProducerIds } from './producer-ids.ts'
import { TransactionAdmission } from './transaction-admission.ts'
import { type OffsetTransactions, TransactionMarkers } from './transaction-markers.ts'

/** What the service needs of a broker. */
export type TransactionServiceBroker = CoordinatorBroker & {
  readonly producerIds: ProducerIds
  readonly groups: OffsetTransactions
}

/** The services of all brokers of the process, by broker id; more may come. */
export interface CoordinatorPeers {
  readonly groups: ReadonlyMap<number, OffsetTransactions>
  readonly transactions: ReadonlyMap<number, TransactionService>
}

export interface TransactionServiceOptions {
  /** Where several brokers are in one process: coordinators elsewhere in it are asked directly. */
  readonly peers?: CoordinatorPeers | undefined
  /** For tests. */
  readonly defer?: (callback: () => void) => void
}

type TellCoordinator = Tell<TransactionRecord, TransactionAsk>

/**
 * The transactional ids that this broker coordinates: those whose partition of
 * `__transaction_state` it leads.
 */
export class TransactionService extends CoordinatorTopic<
  TransactionCoordinator,
  TransactionRecord,
  TransactionAsk
> {
  readonly markers: TransactionMarkers
  readonly admission: TransactionAdmission
  readonly #broker: TransactionServiceBroker

  constructor(broker: TransactionServiceBroker, options: TransactionServiceOptions = {}) {
    super(broker, {
      store: broker.engine.transactions,
      create: (partition) => new TransactionCoordinator(this.#contextOf(partition)),
      encode: (record) => encodeTransactionRecord(record, this.transactionVersion),
      decode: ({ key, value }) => decodeTransactionRecord(asBuffer(key), value && asBuffer(value)),
      answer: (what, tell) => this.#answer(what, tell),
      pipelined: true,
      ...(options.defer && { defer: options.defer }),
    })
    this.#broker = broker
    const { peers } = options
    const offsets = peers ? this.#offsetsOf(peers) : broker.groups
    this.markers = new TransactionMarkers(broker, offsets)
    this.admission = new TransactionAdmission(peers ? this.#transactionsOf(peers) : this, broker)
  }

  /** Groups live with the broker that leads their partition, which need not be this one. */
  #offsetsOf({ groups }: CoordinatorPeers): OffsetTransactions {
    const { topicName } = this.#broker.groups
    const of = (partition: number) => this.#ofLeader(groups, topicName, partition)
    return {
      topicName,
      endTransaction: (partition, ...end) => of(partition).endTransaction(partition, ...end),
    }
  }

  #transactionsOf({ transactions }: CoordinatorPeers): Pick<TransactionService, 'read' | 'submit'> {
    const of = (id: string) => this.#ofLeader(transactions, this.topicName, this.partitionOf(id))
    return {
      read: (id) => of(id).read(id),
      submit: (id, decide) => of(id).submit(id, decide),
    }
  }

  #ofLeader<Service>(
    services: ReadonlyMap<number, Service>,
    topicName: string,
    partition: number,
  ): Service {
    const topic = this.#broker.engine.metadata.image.topicsByName.get(topicName)
    const service = services.get(topic?.partitions[partition]?.leader ?? -1)
    if (!service) throw new KafkaError('NOT_COORDINATOR')
    return service
  }

  #contextOf(partition: number) {
    const topic = () => this.image
    return {
      settings: this.#broker.settings,
      get coordinatorEpoch() {
        return topic()?.partitions[partition]?.leaderEpoch ?? 0
      },
      transactionVersion: () => this.transactionVersion,
    }
  }

  /** The finalized level of the feature. */
  get transactionVersion(): number {
    return this.#broker.engine.metadata.image.features.get('transaction.version') ?? 0
  }

  /** Throws INVALID_REQUEST for the one name that is no transactional id. */
  override partitionOf(transactionalId: string): number {
    if (transactionalId === '') throw new KafkaError('INVALID_REQUEST')
    return super.partitionOf(transactionalId)
  }

  #answer(what: TransactionAsk, tell: TellCoordinator): void {
    if (what.type === 'write markers') this.#writeMarkers(what, tell)
    else this.#allocate(what, tell)
  }

  #allocate(what: AllocateProducerId, tell: TellCoordinator): void {
    const allocated = (producerId: number) => tell((nowMs) => what.allocated(producerId, nowMs))
    const next = this.#broker.producerIds.next()
    if (next instanceof Promise) {
      next.then(allocated, (error: unknown) => {
        this.#broker.log.error({ err: error }, 'no producer ids could be reserved')
        tell((nowMs) => what.failed(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, nowMs))
      })
    } else allocated(next)
  }

  #writeMarkers(what: WriteMarkers, tell: TellCoordinator): void {
    const { marker, partitions, written } = what
    const failed = (error: unknown) => {
      this.#broker.log.error({ ...marker, err: error }, 'transaction markers not written')
      // No partition was heard of, so all of them are told again.
      tell((nowMs) => written([], nowMs))
    }
    try {
      const results = this.markers.write(marker, partitions, this.#broker.clock.nowMs())
      if (results instanceof Promise) {
        results.then((settled) => tell((nowMs) => written(settled, nowMs)), failed)
      } else tell((nowMs) => written(results, nowMs))
    } catch (error) {
      failed(error)
    }
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
