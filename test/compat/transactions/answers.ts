import { Produce } from '../../../src/protocol/apis/00-produce.ts'
import { ListOffsets } from '../../../src/protocol/apis/02-list-offsets.ts'
import { OffsetFetch } from '../../../src/protocol/apis/09-offset-fetch.ts'
import { FindCoordinator } from '../../../src/protocol/apis/10-find-coordinator.ts'
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
import { errorName } from '../../../src/protocol/error-code.ts'
import { buildBatch } from '../../../src/protocol/records/builder.ts'
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

  /** Goes on initialising until the epoch is reached. */
  async raiseEpoch(producer: Producer, producerEpoch: number): Promise<void> {
    const { transactionalId } = producer
    while (producer.producerEpoch < producerEpoch) {
      const request = { transactionalId, transactionTimeoutMs: 60_000 }
      const answer = await this.#ask(InitProducerId, 4, request)
      if (answer.errorCode === 0) Object.assign(producer, answer)
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
    options: { partition?: number; transactional?: boolean; quiet?: true } = {},
  ): Promise<void> {
    const { partition = 0, transactional = true, quiet } = options
    const { transactionalId, producerId, producerEpoch } = producer
    const records = () =>
      buildBatch({
        records: [{ key: null, value: Buffer.from('value'), timestamp: Date.now() }],
        producerId,
        producerEpoch,
        baseSequence,
        transactional,
      })
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
      const kind = transactional ? '' : ' idempotent'
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
    options: { generation?: number; memberId?: string; partition?: number; quiet?: true } = {},
  ): Promise<void> {
    const { generation = -1, memberId = '', partition = 0, quiet } = options
    for (;;) {
      const { topics } = await this.#ask(TxnOffsetCommit, version, {
        ...producer,
        groupId: this.name(group),
        generationIdOrMemberEpoch: generation,
        memberId,
        groupInstanceId: null,
        topics: [
          {
            name: this.name(topic),
            partitions: [
              { partitionIndex: partition, committedOffset: 7, committedMetadata: 'note' },
            ],
          },
        ],
      })
      const { errorCode } = topics[0]!.partitions[0]!
      if (quiet && errorCode === 51) continue
      const member = generation < 0 && memberId === '' ? '' : ` ${memberId}@${generation}`
      this.#say(
        `commit offsets v${version} ${this.#who(producer)} ${group || "''"} ${topic}-${partition}${member}`,
        errorName(errorCode),
      )
      return
    }
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

/** What becomes of a producer id whose epochs are used up: it takes 32767 requests to get there. */
export async function interviewAboutEpochs(client: WireClient, tag: string): Promise<string> {
  const it = new Interview(client, tag)
  await it.createTopic('orders', 1)
  await it.find('tx', 1)
  const tx = it.producer('tx')
  it.title('the last epoch, ended')
  await it.init(tx, { quiet: true })
  await it.raiseEpoch(tx, 32_766)
  const last = { ...tx }
  await it.produce(tx, 12, 'orders', 0)
  await it.end(tx, 5, 'commit')
  await it.settle('tx')
  await it.describe('tx')
  await it.producers('orders', [0])
  await it.end(last, 5, 'commit', { keep: true })
  await it.end(last, 5, 'abort', { keep: true })
  await it.end(tx, 5, 'commit')
  await it.end(tx, 5, 'abort')
  await it.settle('tx')
  await it.end(last, 5, 'commit', { keep: true })
  it.title('the last epoch, fenced')
  await it.raiseEpoch(tx, 32_766)
  await it.produce(tx, 12, 'orders', 0)
  const fenced = { ...tx }
  await it.init(tx)
  await it.settle('tx')
  await it.describe('tx')
  await it.producers('orders', [0])
  await it.init(tx, { given: [fenced.producerId, fenced.producerEpoch] })
  await it.init(tx, { given: [tx.producerId, tx.producerEpoch] })
  await it.init(tx)
  it.title('the last epoch, with nothing open')
  await it.raiseEpoch(tx, 32_766)
  const idle = { ...tx }
  await it.init(tx, { given: [idle.producerId, 32_766] })
  await it.init(tx, { given: [idle.producerId, 32_766] })
  await it.init(tx, { given: [idle.producerId, 32_765] })
  await it.describe('tx')
  return it.text
}

/** The whole interview. */
export async function interview(client: WireClient, tag: string): Promise<string> {
  const it = new Interview(client, tag)
  await it.createTopic('orders', 3)
  await it.createTopic('other', 1)
  for (const id of ['tx', 'v', 'w', 'x', 'y', 'z']) await it.find(id, 1)
  await it.find('group', 0)
  await initialising(it)
  await classic(it)
  await epochBump(it)
  await verification(it)
  await offsets(it)
  await fencing(it)
  await administration(it)
  await markers(it)
  return it.text
}

async function initialising(it: Interview): Promise<void> {
  it.title('InitProducerId')
  const tx = it.producer('tx')
  await it.init(it.producer(''))
  await it.init(tx, { timeoutMs: 0 })
  await it.init(tx, { timeoutMs: -1 })
  await it.init(tx, { timeoutMs: 900_001 })
  await it.init(tx, { given: [900_500_006, -1] })
  await it.init(tx, { given: [-1, 5] })
  await it.init(tx, { quiet: true })
  await it.init(tx)
  const { producerId } = tx
  await it.init(tx, { given: [producerId, 1] })
  await it.init(tx, { given: [producerId, 1] })
  await it.init(tx, { given: [producerId, 0] })
  await it.init(tx, { given: [producerId, 0], version: 3 })
  await it.init(tx, { given: [producerId, 9] })
  await it.init(tx, { given: [900_500_000, 2] })
  await it.init(it.producer('y'), { given: [900_500_001, 7] })
  await it.init(tx, { version: 0 })
  await it.describe('tx')
}

async function classic(it: Interview): Promise<void> {
  it.title('AddPartitionsToTxn and EndTxn up to version 4')
  const v = it.producer('v')
  await it.add(v, { orders: [0] })
  await it.end(v, 4, 'commit')
  await it.init(v, { quiet: true })
  await it.end(v, 4, 'commit')
  await it.end(v, 4, 'abort')
  await it.add(v, { orders: [0, 9] })
  await it.add(v, { orders: [0], nowhere: [0] })
  await it.add(v, { __consumer_offsets: [0] })
  await it.add(v, { __transaction_state: [0] })
  await it.add({ ...v, transactionalId: '' }, { orders: [0] })
  await it.add({ ...v, producerId: 900_500_002 }, { orders: [0] })
  await it.add({ ...v, producerEpoch: 4 }, { orders: [0] }, 1)
  await it.add({ ...v, producerEpoch: 4 }, { orders: [0] }, 2)
  await it.add(v, {})
  await it.describe('v')
  await it.add(v, { orders: [0, 1] })
  await it.add(v, { orders: [1] })
  await it.describe('v')
  await it.produce(v, 9, 'orders', 0)
  await it.produce(v, 9, 'orders', 0, { partition: 1 })
  await it.produce(v, 9, 'orders', 0, { partition: 2 })
  await it.produce(v, 9, 'orders', 1, { transactional: false })
  await it.ends('orders')
  await it.end({ ...v, transactionalId: '' }, 4, 'commit')
  await it.end({ ...v, transactionalId: it.name('nobody') }, 4, 'commit')
  await it.end({ ...v, producerId: 900_500_002 }, 4, 'commit')
  await it.end({ ...v, producerEpoch: 3 }, 4, 'commit')
  await it.end({ ...v, producerEpoch: 3 }, 1, 'commit')
  await it.end(v, 4, 'commit')
  await it.settle('v')
  await it.ends('orders')
  await it.describe('v')
  await it.end(v, 4, 'commit')
  await it.end(v, 4, 'abort')
  await it.add(v, { orders: [0] }, 0)
  await it.produce(v, 3, 'orders', 1)
  await it.end(v, 0, 'abort')
  await it.settle('v')
  await it.end(v, 4, 'abort')
  await it.end(v, 4, 'commit')
  await it.ends('orders')
  await it.produce(v, 9, 'orders', 2, { transactional: false })
}

async function epochBump(it: Interview): Promise<void> {
  it.title('EndTxn version 5')
  const w = it.producer('w')
  await it.init(w, { quiet: true })
  const zero = { ...w }
  await it.end(w, 5, 'commit')
  await it.end(w, 5, 'abort')
  await it.settle('w')
  await it.end(zero, 5, 'abort', { keep: true })
  await it.end(zero, 5, 'commit', { keep: true })
  await it.describe('w')
  await it.produce(w, 12, 'orders', 0)
  const one = { ...w }
  await it.end(zero, 5, 'commit', { keep: true })
  await it.end({ ...w, producerEpoch: 5 }, 5, 'commit')
  await it.end({ ...w, producerId: 900_500_003 }, 5, 'commit')
  await it.end(w, 5, 'commit')
  await it.settle('w')
  await it.end(one, 5, 'commit', { keep: true })
  await it.end(one, 5, 'abort', { keep: true })
  await it.end(w, 5, 'commit')
  const two = { ...w }
  await it.end(w, 5, 'abort')
  await it.settle('w')
  await it.end(two, 5, 'abort', { keep: true })
  await it.end(two, 5, 'commit', { keep: true })
  await it.end(one, 5, 'abort', { keep: true })
  await it.end(w, 5, 'commit')
  await it.describe('w')
  it.title('the two generations in turn')
  await it.add(w, { orders: [0] })
  await it.produce(w, 12, 'orders', 0)
  await it.end(w, 4, 'commit')
  await it.settle('w')
  await it.end({ ...w, producerEpoch: w.producerEpoch - 1 }, 5, 'commit', { keep: true })
  await it.end(w, 5, 'commit', { keep: true })
  await it.produce(w, 12, 'orders', 1)
  await it.end(w, 4, 'abort')
  await it.settle('w')
  await it.describe('w')
  await it.end(w, 5, 'abort')
  await it.settle('w')
  await it.end(w, 4, 'abort')
}

async function verification(it: Interview): Promise<void> {
  it.title('records for a transaction')
  const x = it.producer('x')
  await it.init(x, { quiet: true })
  await it.produce(x, 3, 'orders', 0)
  await it.produce(x, 10, 'orders', 0)
  await it.produce(x, 11, 'orders', 0)
  await it.produce(x, 12, 'orders', 3, { partition: 1 })
  await it.produce(x, 12, 'orders', 0, { partition: 1 })
  await it.produce(x, 12, 'orders', 0, { partition: 1 })
  await it.produce(x, 12, 'orders', 5, { partition: 1 })
  await it.produce(x, 11, 'orders', 1, { partition: 1 })
  await it.produce(x, 13, 'orders', 0, { partition: 2 })
  await it.produce({ ...x, producerEpoch: 1 }, 12, 'orders', 0)
  await it.produce({ ...x, producerId: 900_500_004 }, 12, 'orders', 0)
  await it.produce({ ...x, producerId: 900_500_004 }, 11, 'orders', 0)
  await it.produce({ ...x, transactionalId: it.name('nobody') }, 12, 'orders', 0)
  await it.produce({ ...x, transactionalId: '' }, 12, 'orders', 0)
  await it.add(x, { orders: [0, 1] }, 4, true)
  await it.add(x, { orders: [0, 1] }, 5, true)
  await it.add(x, { orders: [0, 9] }, 4, true)
  await it.add({ ...x, producerEpoch: 7 }, { orders: [1] }, 4, true)
  await it.add({ ...x, transactionalId: '' }, { orders: [1] }, 4, true)
  await it.add(x, { __consumer_offsets: [0] }, 4)
  await it.describe('x')
  const before = { ...x }
  await it.end(x, 5, 'abort')
  await it.settle('x')
  await it.produce(before, 12, 'orders', 1, { partition: 1 })
  await it.produce(before, 12, 'orders', 0)
  await it.produce(x, 12, 'orders', 1, { partition: 1, quiet: true })
  await it.produce(x, 12, 'orders', 0, { partition: 1, quiet: true })
  await it.end(x, 5, 'commit')
  await it.settle('x')
}

async function offsets(it: Interview): Promise<void> {
  it.title('offsets in a transaction')
  const y = it.producer('y')
  await it.init(y)
  await it.addOffsets(y, 'group', 0)
  await it.addOffsets({ ...y, producerEpoch: 9 }, 'group', 1)
  await it.addOffsets({ ...y, producerEpoch: 9 }, 'group', 2)
  await it.addOffsets({ ...y, transactionalId: '' }, 'group')
  await it.addOffsets({ ...y, transactionalId: it.name('nobody') }, 'group')
  await it.commitOffsets(y, 3, 'group', 'orders')
  await it.fetchOffset('group', 'orders', false)
  await it.fetchOffset('group', 'orders', true)
  await it.commitOffsets(y, 3, 'group', 'orders', { generation: 1 })
  await it.commitOffsets(y, 3, 'group', 'orders', { generation: 1, memberId: 'm' })
  await it.commitOffsets(y, 3, 'group', 'orders', { memberId: 'm' })
  await it.commitOffsets(y, 3, 'elsewhere', 'orders', { generation: 1, memberId: 'm' })
  await it.commitOffsets(y, 3, 'group', 'nowhere')
  await it.commitOffsets(y, 3, 'group', 'orders', { partition: 9 })
  await it.commitOffsets(y, 3, '', 'orders')
  await it.commitOffsets({ ...y, producerEpoch: 9 }, 3, 'group', 'orders')
  await it.end(y, 4, 'commit')
  await it.settle('y')
  await it.fetchOffset('group', 'orders', true)
  await it.commitOffsets(y, 0, 'group', 'other')
  await it.commitOffsets(y, 3, 'group', 'other')
  await it.commitOffsets(y, 4, 'group', 'other')
  await it.commitOffsets({ ...y, transactionalId: it.name('nobody') }, 4, 'group', 'other')
  await it.commitOffsets({ ...y, transactionalId: it.name('nobody') }, 5, 'group', 'other')
  await it.commitOffsets({ ...y, producerEpoch: 9 }, 5, 'group', 'other')
  await it.commitOffsets(y, 5, 'group', 'other')
  await it.describe('y')
  await it.end(y, 5, 'abort')
  await it.settle('y')
  await it.fetchOffset('group', 'other', true)
}

async function fencing(it: Interview): Promise<void> {
  it.title('a second producer of the same id')
  const z = it.producer('z')
  await it.init(z, { quiet: true })
  const first = { ...z }
  await it.produce(z, 12, 'other', 0)
  await it.init(z)
  await it.init(z, { quiet: true })
  await it.end(first, 5, 'commit', { keep: true })
  await it.end(first, 4, 'commit')
  await it.produce(first, 12, 'other', 1)
  await it.produce(first, 11, 'other', 1)
  await it.add(first, { other: [0] })
  await it.ends('other')
  await it.init(z, { given: [first.producerId, first.producerEpoch] })
  it.title('a transaction that takes too long')
  await it.init(z, { timeoutMs: 300, quiet: true })
  const late = { ...z }
  await it.produce(z, 12, 'other', 0)
  await it.ends('other')
  await it.until('z', 'CompleteAbort')
  await it.ends('other')
  await it.describe('z')
  await it.produce(late, 12, 'other', 1)
  await it.end(late, 5, 'commit', { keep: true })
  await it.end(late, 5, 'abort', { keep: true })
  await it.end(late, 4, 'commit')
  await it.add(late, { other: [0] })
  await it.init(z, { given: [late.producerId, late.producerEpoch] })
  await it.describe('z')
}

async function administration(it: Interview): Promise<void> {
  it.title('lists and descriptions')
  const x = it.producer('x')
  await it.init(x, { quiet: true })
  await it.produce(x, 12, 'orders', 0, { quiet: true })
  await it.list(0, {})
  await it.list(0, { stateFilters: ['Ongoing'] })
  await it.list(0, { stateFilters: ['Ongoing', 'Bogus'] })
  await it.list(0, { stateFilters: ['Bogus'] })
  await it.list(0, { stateFilters: ['Dead', 'PrepareEpochFence', 'ongoing'] })
  await it.list(0, { producerIdFilters: [x.producerId] })
  await it.list(0, { producerIdFilters: [900_500_005] })
  await it.list(1, { durationFilter: 600_000 })
  await it.list(1, { durationFilter: -2 })
  await it.list(2, { transactionalIdPattern: '' })
  await it.list(2, { transactionalIdPattern: 'x' })
  await it.list(2, { transactionalIdPattern: '[xy].*' })
  await it.list(2, { transactionalIdPattern: '[x' })
  await it.list(2, { transactionalIdPattern: '(?=x).*' })
  await it.describe('x')
  await it.describe('nobody')
  await it.describe('')
  await it.producers('other', [0, 7])
  await it.producers('nowhere', [0])
  await it.producers('bad name', [0])
  await it.producers('__transaction_state', [0])
  await it.end(x, 5, 'commit')
  await it.settle('x')
}

async function markers(it: Interview): Promise<void> {
  it.title('markers from outside')
  await it.createTopic('hung', 1)
  const v = it.producer('v')
  await it.init(v, { quiet: true })
  await it.produce(v, 12, 'hung', 0, { quiet: true })
  await it.produce(v, 12, 'hung', 1)
  await it.producers('hung', [0])
  await it.marker(v, 'abort', { hung: [0, 5], nowhere: [0] })
  await it.producers('hung', [0])
  await it.ends('hung')
  await it.marker(v, 'abort', { hung: [0] })
  await it.marker({ ...v, producerEpoch: v.producerEpoch - 1 }, 'abort', { hung: [0] })
  await it.marker(v, 'commit', { hung: [0] }, { coordinatorEpoch: 5 })
  await it.marker(v, 'commit', { hung: [0] }, { coordinatorEpoch: 4 })
  await it.produce(v, 12, 'hung', 2)
  const second = { version: 2, transactionVersion: 2, coordinatorEpoch: 5 }
  await it.marker(v, 'abort', { hung: [0] }, second)
  await it.marker({ ...v, producerEpoch: v.producerEpoch + 1 }, 'abort', { hung: [0] }, second)
  await it.marker({ ...v, producerEpoch: v.producerEpoch + 1 }, 'abort', { hung: [0] }, second)
  await it.marker(v, 'abort', { hung: [0] }, second)
  await it.producers('hung', [0])
  await it.ends('hung')
}
