import { Produce } from '../../src/protocol/apis/00-produce.ts'
import { Fetch } from '../../src/protocol/apis/01-fetch.ts'
import { ListOffsets } from '../../src/protocol/apis/02-list-offsets.ts'
import { OffsetFetch } from '../../src/protocol/apis/09-offset-fetch.ts'
import { FindCoordinator } from '../../src/protocol/apis/10-find-coordinator.ts'
import { InitProducerId } from '../../src/protocol/apis/22-init-producer-id.ts'
import { AddPartitionsToTxn } from '../../src/protocol/apis/24-add-partitions-to-txn.ts'
import { AddOffsetsToTxn } from '../../src/protocol/apis/25-add-offsets-to-txn.ts'
import { EndTxn } from '../../src/protocol/apis/26-end-txn.ts'
import { TxnOffsetCommit } from '../../src/protocol/apis/28-txn-offset-commit.ts'
import { DescribeTransactions } from '../../src/protocol/apis/65-describe-transactions.ts'
import { errorName } from '../../src/protocol/error-code.ts'
import { batches } from '../../src/protocol/records/batch.ts'
import { batchOf, valuesOf } from '../storage/batches.ts'
import type { TestBroker } from './test-broker.ts'

/** Which generation of the protocol a client speaks, by the versions that it sends. */
export const generations = {
  classic: { produce: 11, txnOffsetCommit: 4, endTxn: 4, adds: true },
  'epoch bump': { produce: 12, txnOffsetCommit: 5, endTxn: 5, adds: false },
} as const
export type Generation = keyof typeof generations

/** Asks one thing at a time and tells the name of the error; ids and sequences are kept here. */
export class TransactionalClient {
  readonly #broker: TestBroker
  readonly transactionalId: string
  readonly #generation: (typeof generations)[Generation]
  producerId = -1
  producerEpoch = -1
  readonly #sequences = new Map<string, number>()

  constructor(broker: TestBroker, transactionalId: string, generation: Generation) {
    this.#broker = broker
    this.transactionalId = transactionalId
    this.#generation = generations[generation]
  }

  async init(options: { timeoutMs?: number; given?: boolean; version?: number } = {}) {
    await this.#broker.ask(FindCoordinator, 3, { key: this.transactionalId, keyType: 1 })
    const { errorCode, producerId, producerEpoch } = await this.#broker.ask(
      InitProducerId,
      options.version ?? 5,
      {
        transactionalId: this.transactionalId,
        transactionTimeoutMs: options.timeoutMs ?? 60_000,
        ...(options.given && { producerId: this.producerId, producerEpoch: this.producerEpoch }),
      },
    )
    if (errorCode === 0) this.#become(producerId, producerEpoch)
    return errorName(errorCode)
  }

  #become(producerId: number, producerEpoch: number) {
    const isNew = this.producerId !== producerId || this.producerEpoch !== producerEpoch
    this.producerId = producerId
    this.producerEpoch = producerEpoch
    if (isNew) this.#sequences.clear()
  }

  get #producer() {
    const { transactionalId, producerId, producerEpoch } = this
    return { transactionalId, producerId, producerEpoch }
  }

  async add(topic: string, partitions: readonly number[] = [0], version = 3) {
    const { transactionalId, producerId, producerEpoch } = this
    const response = await this.#broker.ask(AddPartitionsToTxn, version, {
      v3AndBelowTransactionalId: transactionalId,
      v3AndBelowProducerId: producerId,
      v3AndBelowProducerEpoch: producerEpoch,
      v3AndBelowTopics: [{ name: topic, partitions }],
    })
    return response.resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) =>
      resultsByPartition.map(({ partitionErrorCode }) => errorName(partitionErrorCode)),
    )
  }

  /** The names of the errors of all `partitions`, which get one record each. */
  async produce(
    topic: string,
    partitions: readonly number[],
    value: string,
    options: { version?: number; baseSequence?: number; transactional?: boolean } = {},
  ) {
    const version = options.version ?? this.#generation.produce
    const transactional = options.transactional ?? true
    const { producerId, producerEpoch } = this
    const image = this.#broker.metadata.image.topicsByName.get(topic)
    const partitionData = partitions.map((index) => {
      const baseSequence = options.baseSequence ?? this.#sequences.get(`${topic}-${index}`) ?? 0
      const timestamp = this.#broker.clock.nowMs()
      const header = { producerId, producerEpoch, baseSequence, transactional, timestamp }
      return { index, records: batchOf({ values: [value], ...header }) }
    })
    const { responses } = await this.#broker.ask(Produce, version, {
      transactionalId: this.transactionalId,
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: topic, topicId: image!.topicId, partitionData }],
    })
    return responses.flatMap(({ partitionResponses }) =>
      partitionResponses.map(({ index, errorCode }) => {
        const key = `${topic}-${index}`
        if (errorCode === 0) this.#sequences.set(key, (this.#sequences.get(key) ?? 0) + 1)
        return errorName(errorCode)
      }),
    )
  }

  /** What clients of this generation do: add, unless produce requests do that, then produce. */
  async send(topic: string, partitions: readonly number[], value: string) {
    if (this.#generation.adds) {
      const refused = (await this.add(topic, partitions)).find((name) => name !== 'NONE')
      if (refused) return refused
    }
    const errors = await this.produce(topic, partitions, value)
    return errors.find((name) => name !== 'NONE') ?? 'NONE'
  }

  async addOffsets(groupId: string, version = 3) {
    const request = { ...this.#producer, groupId }
    const { errorCode } = await this.#broker.ask(AddOffsetsToTxn, version, request)
    return errorName(errorCode)
  }

  async commitOffset(
    groupId: string,
    topic: string,
    committedOffset: number,
    options: { version?: number; transactionalId?: string } = {},
  ) {
    const version = options.version ?? this.#generation.txnOffsetCommit
    const partition = { partitionIndex: 0, committedOffset, committedMetadata: '' }
    const { topics } = await this.#broker.ask(TxnOffsetCommit, version, {
      ...this.#producer,
      ...(options.transactionalId !== undefined && { transactionalId: options.transactionalId }),
      groupId,
      memberId: '',
      groupInstanceId: null,
      topics: [{ name: topic, partitions: [partition] }],
    })
    return errorName(topics[0]!.partitions[0]!.errorCode)
  }

  async sendOffset(groupId: string, topic: string, offset: number) {
    await this.#broker.ask(FindCoordinator, 3, { key: groupId, keyType: 0 })
    if (this.#generation.adds) {
      const added = await this.addOffsets(groupId)
      if (added !== 'NONE') return added
    }
    return this.commitOffset(groupId, topic, offset)
  }

  async end(
    outcome: 'commit' | 'abort',
    options: { version?: number; producerEpoch?: number } = {},
  ) {
    const version = options.version ?? this.#generation.endTxn
    const { errorCode, producerId, producerEpoch } = await this.#broker.ask(EndTxn, version, {
      ...this.#producer,
      ...(options.producerEpoch !== undefined && { producerEpoch: options.producerEpoch }),
      committed: outcome === 'commit',
    })
    if (errorCode === 0 && version >= 5) this.#become(producerId, producerEpoch)
    return errorName(errorCode)
  }
}

/** What consumers see of a topic's partition from its start. */
export async function readTopic(
  broker: TestBroker,
  topic: string,
  isolation: 'committed' | 'uncommitted' = 'committed',
  partition = 0,
): Promise<string[]> {
  const { records } = await readRecords(broker, `${topic}-${partition}`, 0, isolation)
  return records.map(({ value }) => value)
}

/** What consumers see of a partition from an offset on, and where they go on. */
export async function readRecords(
  broker: TestBroker,
  place: string,
  fetchOffset: number,
  isolation: 'committed' | 'uncommitted' = 'committed',
) {
  const [, topic = '', partition = ''] = /^(.+)-(\d+)$/.exec(place) ?? []
  const { responses } = await broker.ask(Fetch, 11, {
    replicaId: -1,
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 10_000_000,
    isolationLevel: isolation === 'committed' ? 1 : 0,
    topics: [
      {
        topic,
        partitions: [{ partition: Number(partition), fetchOffset, partitionMaxBytes: 10_000_000 }],
      },
    ],
  })
  const { records, abortedTransactions } = responses[0]!.partitions[0]!
  const bytes = records ?? Buffer.alloc(0)
  const found = withoutAborted(bytes, abortedTransactions ?? [])
  return {
    records: found
      .filter(({ offset }) => offset >= fetchOffset)
      .map((record) => ({ ...record, partition: place })),
    nextOffset: nextOffsetOf(bytes, fetchOffset),
  }
}

/** As consumers do: from its first offset to its marker an aborted producer's records are skipped. */
function withoutAborted(
  bytes: Buffer,
  aborted: readonly { readonly producerId: number; readonly firstOffset: number }[],
) {
  const found: ReturnType<typeof valuesOf> = []
  const waiting = [...aborted].sort((one, other) => one.firstOffset - other.firstOffset)
  const skipped = new Set<number>()
  for (const batch of batches(bytes)) {
    while (waiting[0] && waiting[0].firstOffset <= batch.lastOffset) {
      skipped.add(waiting.shift()!.producerId)
    }
    if (batch.isControl) skipped.delete(batch.producerId)
    else if (!batch.isTransactional || !skipped.has(batch.producerId)) {
      found.push(...valuesOf(bytes.subarray(batch.position, batch.end)))
    }
  }
  return found
}

function nextOffsetOf(bytes: Buffer, fetchOffset: number): number {
  let next = fetchOffset
  for (const batch of batches(bytes)) next = batch.nextOffset
  return next
}

/** How far a consumer of committed records may read. */
export async function lastStableOffset(broker: TestBroker, topic: string, partition = 0) {
  const { topics } = await broker.ask(ListOffsets, 5, {
    replicaId: -1,
    isolationLevel: 1,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: -1 }] }],
  })
  return topics[0]!.partitions[0]!.offset
}

/** An offset, or the name of an error. */
export async function committedOffset(
  broker: TestBroker,
  groupId: string,
  topic: string,
  requireStable = false,
): Promise<number | string> {
  await broker.ask(FindCoordinator, 3, { key: groupId, keyType: 0 })
  const { groups } = await broker.ask(OffsetFetch, 8, {
    groups: [{ groupId, topics: [{ name: topic, partitionIndexes: [0] }] }],
    requireStable,
  })
  const group = groups[0]!
  if (group.errorCode !== 0) return errorName(group.errorCode)
  const { errorCode, committedOffset } = group.topics[0]!.partitions[0]!
  return errorCode === 0 ? committedOffset : errorName(errorCode)
}

export async function stateOf(broker: TestBroker, transactionalId: string) {
  const request = { transactionalIds: [transactionalId] }
  const { transactionStates } = await broker.ask(DescribeTransactions, 0, request)
  const { errorCode, transactionState } = transactionStates[0]!
  return errorCode === 0 ? transactionState : errorName(errorCode)
}
