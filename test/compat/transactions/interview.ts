import { Produce } from '../../../src/protocol/apis/00-produce.ts'
import { ListOffsets } from '../../../src/protocol/apis/02-list-offsets.ts'
import { OffsetFetch } from '../../../src/protocol/apis/09-offset-fetch.ts'
import { FindCoordinator } from '../../../src/protocol/apis/10-find-coordinator.ts'
import { JoinGroup } from '../../../src/protocol/apis/11-join-group.ts'
import { SyncGroup } from '../../../src/protocol/apis/14-sync-group.ts'
import { CreateTopics } from '../../../src/protocol/apis/19-create-topics.ts'
import { InitProducerId } from '../../../src/protocol/apis/22-init-producer-id.ts'
import { AddPartitionsToTxn } from '../../../src/protocol/apis/24-add-partitions-to-txn.ts'
import { AddOffsetsToTxn } from '../../../src/protocol/apis/25-add-offsets-to-txn.ts'
import { EndTxn } from '../../../src/protocol/apis/26-end-txn.ts'
import { WriteTxnMarkers } from '../../../src/protocol/apis/27-write-txn-markers.ts'
import { TxnOffsetCommit } from '../../../src/protocol/apis/28-txn-offset-commit.ts'
import { DescribeProducers } from '../../../src/protocol/apis/61-describe-producers.ts'
import { DescribeTransactions } from '../../../src/protocol/apis/65-describe-transactions.ts'
import { ListTransactions } from '../../../src/protocol/apis/66-list-transactions.ts'
import { ConsumerGroupHeartbeat } from '../../../src/protocol/apis/68-consumer-group-heartbeat.ts'
import { errorName } from '../../../src/protocol/error-code.ts'
import {
  ATTRIBUTES_AT,
  CRC_AT,
  RECORD_COUNT_AT,
  RECORDS_AT,
} from '../../../src/protocol/records/batch.ts'
import { buildBatch, buildControlBatch } from '../../../src/protocol/records/builder.ts'
import { crc32c } from '../../../src/protocol/records/crc32c.ts'
import type { Api, DecodedOf, EncodableOf } from '../../../src/protocol/schema.ts'
import type { WireClient } from '../wire-client.ts'

interface Producer {
  readonly transactionalId: string
  producerId: number
  producerEpoch: number
}

/**
 * Asks the transaction APIs everything that a client could ask, and writes down the answers. Names
 * carry `tag`, which the text does not show; producer ids are numbered in the order of appearance.
 */
export class Interview {
  readonly #client: WireClient
  readonly #tag: string
  readonly #lines: string[] = []
  readonly #ids = new Map<number, string>()
  readonly #topicIds = new Map<string, string>()

  constructor(client: WireClient, tag: string) {
    this.#client = client
    this.#tag = tag
  }

  get text(): string {
    return `${this.#lines.join('\n')}\n`
  }

  title(text: string): void {
    this.#lines.push(...(this.#lines.length > 0 ? [''] : []), `# ${text}`)
  }

  #say(question: string, answer: string): void {
    this.#lines.push(`${question} -> ${answer}`.replaceAll(this.#tag, ''))
  }

  /** The name that the broker knows. */
  name(text: string): string {
    return text === '' ? '' : text + this.#tag
  }

  #pid(producerId: number): string {
    if (producerId < 0) return 'none'
    const known = this.#ids.get(producerId)
    if (known) return known
    const name = `p${this.#ids.size + 1}`
    this.#ids.set(producerId, name)
    return name
  }

  #who({ transactionalId, producerId, producerEpoch }: Producer): string {
    return `${transactionalId || "''"} ${this.#pid(producerId)}/${producerEpoch}`
  }

  producer(transactionalId: string): Producer {
    return { transactionalId: this.name(transactionalId), producerId: -1, producerEpoch: -1 }
  }

  async #ask<A extends Api>(
    api: A,
    version: number,
    request: EncodableOf<A['request']>,
  ): Promise<DecodedOf<A['response']>> {
    return this.#client.ask(api, version, request)
  }

  async createTopic(topic: string, partitions: number): Promise<void> {
    const response = await this.#ask(CreateTopics, 7, {
      topics: [
        {
          name: this.name(topic),
          numPartitions: partitions,
          replicationFactor: 1,
          assignments: [],
          configs: [],
        },
      ],
      timeoutMs: 10_000,
    })
    this.#topicIds.set(topic, response.topics[0]!.topicId)
    for (;;) {
      const partitionIndexes = Array.from({ length: partitions }, (_, index) => index)
      const request = { topics: [{ name: this.name(topic), partitionIndexes }] }
      const { topics } = await this.#ask(DescribeProducers, 0, request)
      if (topics[0]!.partitions.every(({ errorCode }) => errorCode === 0)) return
      await pause(20)
    }
  }

  async find(key: string, keyType: number): Promise<void> {
    for (;;) {
      const { errorCode } = await this.#ask(FindCoordinator, 3, { key: this.name(key), keyType })
      if (errorCode !== 15) return
      await pause(100)
    }
  }

  /** `quiet`: asks until the answer is not that something is under way. */
  async init(
    producer: Producer,
    options: { version?: number; timeoutMs?: number; given?: [number, number]; quiet?: true } = {},
  ): Promise<void> {
    const { version = 4, timeoutMs = 60_000, given, quiet } = options
    const request = {
      transactionalId: producer.transactionalId,
      transactionTimeoutMs: timeoutMs,
      ...(given && { producerId: given[0], producerEpoch: given[1] }),
    }
    let answer = await this.#ask(InitProducerId, version, request)
    while (quiet && (answer.errorCode === 51 || answer.errorCode === 14)) {
      await pause(20)
      answer = await this.#ask(InitProducerId, version, request)
    }
    const { errorCode, producerId, producerEpoch } = answer
    const shown = given ? ` given ${this.#pid(given[0])}/${given[1]}` : ''
    const timeout = timeoutMs === 60_000 ? '' : ` timeout ${timeoutMs}`
    this.#say(
      `init v${version} ${producer.transactionalId || "''"}${timeout}${shown}`,
      `${errorName(errorCode)} ${this.#pid(producerId)}/${producerEpoch}`,
    )
    if (errorCode !== 0) return
    producer.producerId = producerId
    producer.producerEpoch = producerEpoch
  }

  /** For a producer without a transactional id. */
  async initIdempotent(version: number, given?: [number, number]): Promise<void> {
    const answer = await this.#ask(InitProducerId, version, {
      transactionalId: null,
      transactionTimeoutMs: -5,
      ...(given && { producerId: given[0], producerEpoch: given[1] }),
    })
    const { errorCode, producerId, producerEpoch } = answer
    const shown = given ? ` given ${this.#pid(given[0])}/${given[1]}` : ''
    this.#say(
      `init v${version} null${shown}`,
      `${errorName(errorCode)} ${this.#pid(producerId)}/${producerEpoch}`,
    )
  }

  /** Goes on initialising until the epoch is reached. */
  async raiseEpoch(producer: Producer, producerEpoch: number): Promise<void> {
    const request = { transactionalId: producer.transactionalId, transactionTimeoutMs: 60_000 }
    while (producer.producerEpoch < producerEpoch) {
      const count = Math.min(producerEpoch - producer.producerEpoch, 500)
      const asked = Array.from({ length: count }, () =>
        this.#client.ask(InitProducerId, 4, request),
      )
      for (const answer of await Promise.all(asked)) {
        if (answer.errorCode === 0) Object.assign(producer, answer)
      }
    }
  }

  async add(
    producer: Producer,
    topics: Record<string, readonly number[]>,
    version = 3,
    verifyOnly = false,
  ): Promise<void> {
    const { transactionalId, producerId, producerEpoch } = producer
    const asked = Object.entries(topics).map(([topic, partitions]) => ({
      name: topic.startsWith('__') ? topic : this.name(topic),
      partitions,
    }))
    const response = await this.#ask(
      AddPartitionsToTxn,
      version,
      version < 4
        ? {
            v3AndBelowTransactionalId: transactionalId,
            v3AndBelowProducerId: producerId,
            v3AndBelowProducerEpoch: producerEpoch,
            v3AndBelowTopics: asked,
          }
        : {
            transactions: [
              { transactionalId, producerId, producerEpoch, verifyOnly, topics: asked },
            ],
          },
    )
    const results =
      version < 4
        ? response.resultsByTopicV3AndBelow
        : response.resultsByTransaction.flatMap(({ topicResults }) => topicResults)
    const answers = results.flatMap(({ name, resultsByPartition }) =>
      resultsByPartition.map(
        ({ partitionIndex, partitionErrorCode }) =>
          `${name}-${partitionIndex} ${errorName(partitionErrorCode)}`,
      ),
    )
    const verb = verifyOnly ? 'verify' : 'add'
    const partitions = Object.entries(topics).flatMap(([topic, indexes]) =>
      indexes.map((index) => `${topic}-${index}`),
    )
    this.#say(
      `${verb} v${version} ${this.#who(producer)} ${partitions.join(' ') || 'nothing'}`,
      answers.sort().join(', ') || errorName(response.errorCode),
    )
  }

  async addOffsets(producer: Producer, group: string, version = 3): Promise<void> {
    const request = { ...producer, groupId: this.name(group) }
    const { errorCode } = await this.#ask(AddOffsetsToTxn, version, request)
    this.#say(
      `add offsets v${version} ${this.#who(producer)} ${group || "''"}`,
      errorName(errorCode),
    )
  }

  async produce(
    producer: Producer,
    version: number,
    topic: string,
    baseSequence: number,
    options: {
      partition?: number
      transactional?: boolean
      control?: true
      /** What is wrong with the batch. */
      fault?: 'checksum' | 'size' | 'count'
      /** Of the record; now, if not given. */
      timestampMs?: number
      quiet?: true
    } = {},
  ): Promise<void> {
    const { partition = 0, transactional = true, control, fault, quiet } = options
    const { transactionalId, producerId, producerEpoch } = producer
    const header = { producerId, producerEpoch, baseSequence, transactional }
    const records = () => {
      const timestamp = options.timestampMs ?? Date.now()
      if (control) return buildControlBatch('COMMIT', Buffer.alloc(6), { ...header, timestamp })
      const value = Buffer.from('value'.padEnd(fault === 'size' ? 1_100_000 : 5))
      const batch = buildBatch({ ...header, records: [{ key: null, value, timestamp }] })
      if (fault === 'checksum') batch[RECORDS_AT] = 0xff
      if (fault === 'count') {
        batch.writeInt32BE(2, RECORD_COUNT_AT)
        batch.writeUInt32BE(crc32c(batch, ATTRIBUTES_AT), CRC_AT)
      }
      return batch
    }
    for (;;) {
      const response = await this.#ask(Produce, version, {
        transactionalId: transactional ? transactionalId : null,
        acks: -1,
        timeoutMs: 10_000,
        topicData: [
          {
            name: this.name(topic),
            topicId: this.#topicIds.get(topic)!,
            partitionData: [{ index: partition, records: records() }],
          },
        ],
      })
      const { errorCode, baseOffset, errorMessage } = response.responses[0]!.partitionResponses[0]!
      // Kafka takes a moment to lead a new topic.
      if (quiet && (errorCode === 51 || errorCode === 19 || errorCode === 6)) continue
      const kind = `${transactional ? '' : ' idempotent'}${control ? ' control' : ''}${fault ? ` wrong ${fault}` : ''}`
      this.#say(
        `produce v${version} ${this.#who(producer)} ${topic}-${partition} ${baseSequence}${kind}`,
        `${errorName(errorCode)} ${baseOffset}${errorMessage === null ? '' : ` "${errorMessage}"`}`,
      )
      return
    }
  }

  async commitOffsets(
    producer: Producer,
    version: number,
    group: string,
    topic: string,
    options: {
      generation?: number
      memberId?: string
      /** How the text shows the member, whose id is new each time. */
      shownAs?: string
      instanceId?: string
      partition?: number
      metadata?: string
      quiet?: true
    } = {},
  ): Promise<void> {
    const { generation = -1, memberId = '', partition = 0, metadata = 'note', quiet } = options
    const { instanceId = null, shownAs = memberId } = options
    for (;;) {
      const { topics } = await this.#ask(TxnOffsetCommit, version, {
        ...producer,
        groupId: this.name(group),
        generationIdOrMemberEpoch: generation,
        memberId,
        groupInstanceId: instanceId,
        topics: [
          {
            name: this.name(topic),
            partitions: [
              { partitionIndex: partition, committedOffset: 7, committedMetadata: metadata },
            ],
          },
        ],
      })
      const { errorCode } = topics[0]!.partitions[0]!
      if (quiet && errorCode === 51) continue
      const member = generation < 0 && memberId === '' ? '' : ` ${shownAs}@${generation}`
      const instance = instanceId === null ? '' : ` instance ${instanceId}`
      const size = metadata === 'note' ? '' : ` metadata ${metadata.length}`
      this.#say(
        `commit offsets v${version} ${this.#who(producer)} ${group || "''"} ` +
          `${topic}-${partition}${member}${instance}${size}`,
        errorName(errorCode),
      )
      return
    }
  }

  /** Joins a classic group as its only member, a static one. */
  async joinClassic(group: string, groupInstanceId: string) {
    const groupId = this.name(group)
    const joined = await this.#ask(JoinGroup, 5, {
      groupId,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      memberId: '',
      groupInstanceId,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: Buffer.alloc(0) }],
    })
    const { memberId, generationId } = joined
    const assignments = [{ memberId, assignment: Buffer.alloc(0) }]
    const member = { groupId, memberId, groupInstanceId, generationId }
    await this.#ask(SyncGroup, 3, { ...member, assignments })
    return { memberId, generation: generationId }
  }

  /** Joins a consumer group (KIP-848). */
  async joinConsumer(group: string, topic: string) {
    const { memberId, memberEpoch } = await this.#ask(ConsumerGroupHeartbeat, 0, {
      groupId: this.name(group),
      memberId: '',
      memberEpoch: 0,
      rebalanceTimeoutMs: 30_000,
      subscribedTopicNames: [this.name(topic)],
      topicPartitions: [],
    })
    return { memberId: memberId ?? '', generation: memberEpoch }
  }

  async fetchOffset(group: string, topic: string, requireStable: boolean): Promise<void> {
    const { groups } = await this.#ask(OffsetFetch, 8, {
      groups: [
        {
          groupId: this.name(group),
          topics: [{ name: this.name(topic), partitionIndexes: [0] }],
        },
      ],
      requireStable,
    })
    const { errorCode, committedOffset } = groups[0]!.topics[0]!.partitions[0]!
    this.#say(
      `offset of ${group} ${topic}-0${requireStable ? ' stable' : ''}`,
      `${errorName(errorCode)} ${committedOffset}`,
    )
  }

  async end(
    producer: Producer,
    version: number,
    outcome: 'commit' | 'abort',
    options: { quiet?: true; keep?: true } = {},
  ): Promise<void> {
    const who = this.#who(producer)
    for (;;) {
      const request = { ...producer, committed: outcome === 'commit' }
      const answer = await this.#ask(EndTxn, version, request)
      const { errorCode, producerId, producerEpoch } = answer
      if (options.quiet && errorCode === 51) continue
      const next = version >= 5 ? ` ${this.#pid(producerId)}/${producerEpoch}` : ''
      this.#say(`end v${version} ${who} ${outcome}`, `${errorName(errorCode)}${next}`)
      if (errorCode === 0 && version >= 5 && !options.keep) {
        producer.producerId = producerId
        producer.producerEpoch = producerEpoch
      }
      return
    }
  }

  /** Waits until nothing is under way any more. */
  async settle(transactionalId: string): Promise<void> {
    for (;;) {
      const state = await this.#describe(transactionalId)
      if (!/^Prepare/.test(state.transactionState)) return
      await pause(20)
    }
  }

  async until(transactionalId: string, wanted: string): Promise<void> {
    for (;;) {
      const { transactionState } = await this.#describe(transactionalId)
      if (transactionState === wanted) return
      await pause(100)
    }
  }

  /** Until no more than `count` partitions are left in the transaction. */
  async untilPartitions(transactionalId: string, count: number): Promise<void> {
    for (;;) {
      const { topics } = await this.#describe(transactionalId)
      if (topics.flatMap(({ partitions }) => partitions).length <= count) return
      await pause(20)
    }
  }

  async #describe(transactionalId: string) {
    const request = { transactionalIds: [this.name(transactionalId)] }
    const { transactionStates } = await this.#ask(DescribeTransactions, 0, request)
    return transactionStates[0]!
  }

  async describe(transactionalId: string): Promise<void> {
    const state = await this.#describe(transactionalId)
    const partitions = state.topics.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => `${topic}-${partition}`),
    )
    const started = state.transactionStartTimeMs > 1000 ? 'then' : state.transactionStartTimeMs
    this.#say(
      `describe ${transactionalId || "''"}`,
      `${errorName(state.errorCode)} "${state.transactionState}" ` +
        `${this.#pid(state.errorCode === 0 ? state.producerId : -1)}/${state.producerEpoch} ` +
        `timeout ${state.transactionTimeoutMs} started ${started} [${partitions.sort().join(' ')}]`,
    )
  }

  async list(
    version: number,
    filter: Partial<EncodableOf<typeof ListTransactions.request>>,
  ): Promise<void> {
    const response = await this.#ask(ListTransactions, version, {
      stateFilters: [],
      producerIdFilters: [],
      ...filter,
    })
    const mine = response.transactionStates
      .filter(({ transactionalId }) => transactionalId.endsWith(this.#tag))
      .map((one) => `${one.transactionalId} ${this.#pid(one.producerId)} ${one.transactionState}`)
    const { errorCode, unknownStateFilters } = response
    const ids = filter.producerIdFilters?.map((id) => this.#pid(id))
    const shown = JSON.stringify({ ...filter, ...(ids && { producerIdFilters: ids }) })
    this.#say(
      `list v${version} ${shown}`,
      `${errorName(errorCode)} unknown [${unknownStateFilters}] ${mine.sort().join(', ')}`,
    )
  }

  async producers(topic: string, partitions: readonly number[]): Promise<void> {
    const name = topic.startsWith('__') || /[^a-z]/.test(topic) ? topic : this.name(topic)
    const { topics } = await this.#ask(DescribeProducers, 0, {
      topics: [{ name, partitionIndexes: partitions }],
    })
    for (const { partitionIndex, errorCode, errorMessage, activeProducers } of topics[0]!
      .partitions) {
      const shown = activeProducers
        .map(
          (one) =>
            `${this.#pid(one.producerId)}/${one.producerEpoch} sequence ${one.lastSequence} ` +
            `coordinator ${one.coordinatorEpoch} open ${one.currentTxnStartOffset}`,
        )
        .sort()
      this.#say(
        `producers of ${topic}-${partitionIndex}`,
        `${errorName(errorCode)} ${errorMessage === null ? '' : `"${errorMessage}" `}[${shown.join(', ')}]`,
      )
    }
  }

  async marker(
    producer: Producer,
    outcome: 'commit' | 'abort',
    topics: Record<string, readonly number[]>,
    options: { version?: number; coordinatorEpoch?: number; transactionVersion?: number } = {},
  ): Promise<void> {
    const { version = 1, coordinatorEpoch = 0, transactionVersion } = options
    const { producerId, producerEpoch } = producer
    const { markers } = await this.#ask(WriteTxnMarkers, version, {
      markers: [
        {
          producerId,
          producerEpoch,
          transactionResult: outcome === 'commit',
          topics: Object.entries(topics).map(([topic, partitionIndexes]) => ({
            name: topic.startsWith('__') ? topic : this.name(topic),
            partitionIndexes,
          })),
          coordinatorEpoch,
          ...(transactionVersion !== undefined && { transactionVersion }),
        },
      ],
    })
    const answers = markers.flatMap((one) =>
      one.topics.flatMap(({ name, partitions }) =>
        partitions.map(
          ({ partitionIndex, errorCode }) => `${name}-${partitionIndex} ${errorName(errorCode)}`,
        ),
      ),
    )
    const level = transactionVersion === undefined ? '' : ` level ${transactionVersion}`
    this.#say(
      `marker v${version} ${outcome} ${this.#who(producer)} coordinator ${coordinatorEpoch}${level}`,
      answers.sort().join(', '),
    )
  }

  async ends(topic: string): Promise<void> {
    const offsets: number[] = []
    for (const isolationLevel of [0, 1]) {
      const { topics } = await this.#ask(ListOffsets, 5, {
        replicaId: -1,
        isolationLevel,
        topics: [{ name: this.name(topic), partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
      })
      offsets.push(topics[0]!.partitions[0]!.offset)
    }
    this.#say(`${topic}-0`, `end ${offsets[0]} stable ${offsets[1]}`)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
