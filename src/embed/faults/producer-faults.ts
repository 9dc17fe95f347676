import type { Broker } from '../../broker/broker.ts'
import { InitProducerId } from '../../protocol/apis/22-init-producer-id.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import { buildMarkerBatch } from '../../protocol/records/builder.ts'
import type { RunningBroker } from '../../server/run-broker.ts'
import { transactionBroker } from '../led-by.ts'
import { LocalCalls } from '../local-calls.ts'
import { throwIfRefused } from '../refusal.ts'
import { waitUntil } from '../wait-until.ts'

/** A producer that has written to a partition without transactions. */
export interface ProducerMatch {
  readonly topic: string
  /** 0 when left out. */
  readonly partition?: number
  /** The one that wrote last when left out. */
  readonly producerId?: number
}

interface Fenced {
  readonly producerId: number
  readonly producerEpoch: number
}

const ABORT_PATIENCE_MS = 5_000

/** As another instance with the same id does when it starts. */
export async function fenceTransactionalId(
  running: RunningBroker,
  transactionalId: string,
): Promise<Fenced> {
  const request = { transactionalId, transactionTimeoutMs: 60_000 }
  const calls = new LocalCalls(running)
  return await waitUntil({
    timeoutMs: ABORT_PATIENCE_MS,
    check: async () => {
      const { errorCode, ...fenced } = await calls.call(
        InitProducerId,
        4,
        request,
        transactionBroker(running, transactionalId),
      )
      // The transaction that is open is aborted first.
      if (errorCode === ErrorCode.CONCURRENT_TRANSACTIONS) return undefined
      throwIfRefused(errorCode, `transactional id ${transactionalId}`)
      const { producerId, producerEpoch } = fenced
      return { producerId, producerEpoch }
    },
    explain: () => `the transaction of ${transactionalId} to be aborted`,
  })
}

/** Writes a marker of a newer epoch. */
export async function fenceProducer(
  { engine, clock }: Broker,
  { topic, partition = 0, producerId }: ProducerMatch,
): Promise<Fenced> {
  const image = engine.metadata.image.topicsByName.get(topic)
  if (!image?.partitions[partition]) {
    throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `${topic}-${partition} is not there`)
  }
  const where = { topicId: image.topicId, partition }
  const known = engine.log
    .producers(where)
    .filter((one) => producerId === undefined || one.producerId === producerId)
    .toSorted((one, other) => other.lastTimestampMs - one.lastTimestampMs)
  const [producer] = known
  if (!producer) {
    throw new KafkaError('UNKNOWN_PRODUCER_ID', `no such producer wrote to ${topic}-${partition}`)
  }
  const nowMs = clock.nowMs()
  const fenced = {
    producerId: producer.producerId,
    producerEpoch: producer.producerEpoch + 1,
  }
  const { coordinatorEpoch } = producer
  const marker = { ...fenced, coordinatorEpoch: Math.max(0, coordinatorEpoch), timestamp: nowMs }
  const batch = buildMarkerBatch('ABORT', marker)
  const [result] = await engine.log.append([{ ...where, batch, origin: 'coordinator' }], { nowMs })
  throwIfRefused(result!.errorCode, `${topic}-${partition}`)
  return fenced
}
