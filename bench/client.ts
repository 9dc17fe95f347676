import { setTimeout as delay } from 'node:timers/promises'
import { Connection } from '../src/client/connection.ts'
import { Produce } from '../src/protocol/apis/00-produce.ts'
import { Fetch } from '../src/protocol/apis/01-fetch.ts'
import { FindCoordinator } from '../src/protocol/apis/10-find-coordinator.ts'
import { JoinGroup } from '../src/protocol/apis/11-join-group.ts'
import { SyncGroup } from '../src/protocol/apis/14-sync-group.ts'
import { CreateTopics } from '../src/protocol/apis/19-create-topics.ts'
import { DeleteTopics } from '../src/protocol/apis/20-delete-topics.ts'
import { InitProducerId } from '../src/protocol/apis/22-init-producer-id.ts'
import { AddPartitionsToTxn } from '../src/protocol/apis/24-add-partitions-to-txn.ts'
import { EndTxn } from '../src/protocol/apis/26-end-txn.ts'
import { ErrorCode, errorName } from '../src/protocol/error-code.ts'
import { buildBatch } from '../src/protocol/records/builder.ts'

const GROUP = 0
const TRANSACTION = 1
/** A coordinator that is not there after so many tries will not come. */
const TRIES_MAX = 10_000

/**
 * One client in this process for what is asked one thing at a time: the same code and the same
 * requests for both brokers.
 */
export class BenchClient {
  readonly #connection: Connection

  private constructor(connection: Connection) {
    this.#connection = connection
  }

  static async open(port: number): Promise<BenchClient> {
    const options = {
      clientId: 'bench',
      softwareVersion: '1',
      connectTimeoutMs: 60_000,
      requestTimeoutMs: 120_000,
    }
    return new BenchClient(await Connection.open({ host: '127.0.0.1', port }, options))
  }

  close(): void {
    this.#connection.close()
  }

  /**
   * A record is in each partition, unless it is not to be. The files are removed soon after the topic
   * is deleted, so that no load pays for the one before.
   */
  async createTopic(name: string, numPartitions: number, { isFilled = true } = {}): Promise<void> {
    const topic = {
      name,
      numPartitions,
      replicationFactor: 1,
      assignments: [],
      configs: [{ name: 'file.delete.delay.ms', value: '100' }],
    }
    const request = { topics: [topic], timeoutMs: 60_000, validateOnly: false }
    const { topics } = await this.#connection.request(CreateTopics, request, { maxVersion: 5 })
    const errorCode = topics[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR
    if (errorCode !== ErrorCode.NONE) throw new Error(`${name}: ${errorName(errorCode)}`)
    for (let partition = 0; isFilled && partition < numPartitions; partition++) {
      await this.#untilLed(name, partition)
    }
  }

  async #untilLed(topic: string, partition: number): Promise<void> {
    for (;;) {
      const { errorCode } = await this.produce(topic, partition, ['x'])
      if (errorCode === ErrorCode.NONE) return
      await delay(10)
    }
  }

  async deleteTopic(name: string): Promise<void> {
    const request = { topicNames: [name], timeoutMs: 60_000 }
    await this.#connection.request(DeleteTopics, request, { maxVersion: 5 })
  }

  async produce(topic: string, index: number, values: readonly string[]) {
    return await this.#produce(topic, index, {
      records: values.map((value) => recordOf(value)),
    })
  }

  async #produce(
    name: string,
    index: number,
    batch: Parameters<typeof buildBatch>[0],
    transactionalId: string | null = null,
  ) {
    const partitionData = [{ index, records: buildBatch(batch) }]
    const topicData = [{ name, partitionData }]
    const request = { transactionalId, acks: -1, timeoutMs: 60_000, topicData }
    const { responses } = await this.#connection.request(Produce, request, { maxVersion: 11 })
    return responses[0]!.partitionResponses[0]!
  }

  async fetch(topic: string, partition: number, fetchOffset: number, maxWaitMs: number) {
    const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1024 * 1024 }]
    const request = { maxWaitMs, minBytes: 1, topics: [{ topic, partitions }] }
    const options = { maxVersion: 11, waitMs: maxWaitMs }
    const { responses } = await this.#connection.request(Fetch, request, options)
    return responses[0]!.partitions[0]!
  }

  /** Group with one member; what its heartbeats say. */
  async joinGroup(
    groupId: string,
  ): Promise<{ groupId: string; generationId: number; memberId: string }> {
    await this.#findCoordinator(groupId, GROUP)
    const joined = await this.#connection.request(
      JoinGroup,
      {
        groupId,
        sessionTimeoutMs: 300_000,
        rebalanceTimeoutMs: 60_000,
        memberId: '',
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
      },
      { maxVersion: 3 },
    )
    const { generationId, memberId } = joined
    const assignments = [{ memberId, assignment: Buffer.alloc(0) }]
    const request = { groupId, generationId, memberId, assignments }
    const { errorCode } = await this.#connection.request(SyncGroup, request, { maxVersion: 3 })
    if (errorCode !== ErrorCode.NONE) throw new Error(`${groupId}: ${errorName(errorCode)}`)
    return { groupId, generationId, memberId }
  }

  /** Commits transactions of 100 records, one after the other; microseconds of each. */
  async transactions(topic: string, count: number): Promise<number[]> {
    const transactionalId = `bench-${topic}`
    const { producerId, producerEpoch } = await this.#initProducer(transactionalId)
    const records = Array.from({ length: 100 }, () => recordOf('x'.repeat(100)))
    const tookUs: number[] = []
    for (let sent = 0; sent < count; sent++) {
      const since = performance.now()
      const who = { transactionalId, producerId, producerEpoch }
      await this.#patiently(async () => {
        const topics = [{ name: topic, partitions: [0] }]
        const request = { ...v3(who), v3AndBelowTopics: topics }
        const added = await this.#connection.request(AddPartitionsToTxn, request, { maxVersion: 3 })
        return added.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode
      })
      const header = { producerId, producerEpoch, baseSequence: sent * 100, transactional: true }
      const { errorCode } = await this.#produce(topic, 0, { ...header, records }, transactionalId)
      if (errorCode !== ErrorCode.NONE) throw new Error(`in a transaction: ${errorName(errorCode)}`)
      await this.#patiently(async () => {
        const request = { ...who, committed: true }
        return (await this.#connection.request(EndTxn, request, { maxVersion: 3 })).errorCode
      })
      tookUs.push((performance.now() - since) * 1000)
    }
    return tookUs
  }

  async #initProducer(
    transactionalId: string,
  ): Promise<{ producerId: number; producerEpoch: number }> {
    await this.#findCoordinator(transactionalId, TRANSACTION)
    const request = { transactionalId, transactionTimeoutMs: 60_000 }
    let answer = { producerId: -1, producerEpoch: -1 }
    await this.#patiently(async () => {
      const got = await this.#connection.request(InitProducerId, request, { maxVersion: 3 })
      answer = got
      return got.errorCode
    })
    return answer
  }

  /** The first time this is asked a broker makes the topic where it keeps such things. */
  async #findCoordinator(key: string, keyType: number): Promise<void> {
    await this.#patiently(async () => {
      const options = { maxVersion: 3 }
      return (await this.#connection.request(FindCoordinator, { key, keyType }, options)).errorCode
    })
  }

  /** As clients do while a coordinator finishes what came before. */
  async #patiently(ask: () => Promise<number>): Promise<void> {
    for (let tries = 0; ; tries++) {
      const errorCode = await ask()
      if (errorCode === ErrorCode.NONE) return
      const retriable: readonly number[] = [
        ErrorCode.CONCURRENT_TRANSACTIONS,
        ErrorCode.COORDINATOR_NOT_AVAILABLE,
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
        ErrorCode.NOT_COORDINATOR,
      ]
      if (!retriable.includes(errorCode) || tries > TRIES_MAX) throw new Error(errorName(errorCode))
      await delay(1)
    }
  }
}

function v3(who: { transactionalId: string; producerId: number; producerEpoch: number }) {
  return {
    v3AndBelowTransactionalId: who.transactionalId,
    v3AndBelowProducerId: who.producerId,
    v3AndBelowProducerEpoch: who.producerEpoch,
  }
}

function recordOf(value: string) {
  return { key: null, value: Buffer.from(value), timestamp: Date.now() }
}

/** Microseconds from the send of a record to its arrival at a consumer that waits for it. */
export async function endToEnd(port: number, topic: string, count: number): Promise<number[]> {
  const [producer, consumer] = await Promise.all([BenchClient.open(port), BenchClient.open(port)])
  const { baseOffset } = await producer.produce(topic, 0, ['first'])
  const tookUs: number[] = []
  for (let sent = 1; sent <= count; sent++) {
    const arriving = consumer.fetch(topic, 0, baseOffset + sent, 5_000)
    const since = performance.now()
    await Promise.all([producer.produce(topic, 0, ['x'.repeat(100)]), arriving])
    tookUs.push((performance.now() - since) * 1000)
  }
  producer.close()
  consumer.close()
  return tookUs
}
