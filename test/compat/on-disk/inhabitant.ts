import { Produce } from '../../../src/protocol/apis/00-produce.ts'
import { OffsetCommit } from '../../../src/protocol/apis/08-offset-commit.ts'
import { FindCoordinator } from '../../../src/protocol/apis/10-find-coordinator.ts'
import { CreateTopics } from '../../../src/protocol/apis/19-create-topics.ts'
import { DeleteTopics } from '../../../src/protocol/apis/20-delete-topics.ts'
import { DeleteRecords } from '../../../src/protocol/apis/21-delete-records.ts'
import { InitProducerId } from '../../../src/protocol/apis/22-init-producer-id.ts'
import { AddPartitionsToTxn } from '../../../src/protocol/apis/24-add-partitions-to-txn.ts'
import { AddOffsetsToTxn } from '../../../src/protocol/apis/25-add-offsets-to-txn.ts'
import { EndTxn } from '../../../src/protocol/apis/26-end-txn.ts'
import { TxnOffsetCommit } from '../../../src/protocol/apis/28-txn-offset-commit.ts'
import { CreateAcls } from '../../../src/protocol/apis/30-create-acls.ts'
import { DeleteAcls } from '../../../src/protocol/apis/31-delete-acls.ts'
import { CreatePartitions } from '../../../src/protocol/apis/37-create-partitions.ts'
import { IncrementalAlterConfigs } from '../../../src/protocol/apis/44-incremental-alter-configs.ts'
import { AlterClientQuotas } from '../../../src/protocol/apis/49-alter-client-quotas.ts'
import { AlterUserScramCredentials } from '../../../src/protocol/apis/51-alter-user-scram-credentials.ts'
import { DescribeTransactions } from '../../../src/protocol/apis/65-describe-transactions.ts'
import { errorName } from '../../../src/protocol/error-code.ts'
import { buildBatch, type RecordInput } from '../../../src/protocol/records/builder.ts'
import { WireClient } from '../wire-client.ts'

const TOPIC = 2
const BROKER = 4
const SCRAM_SHA_256 = 1
/** How a rule that lets a user read a topic, or all whose names begin so, is coded. */
const READ_TOPIC = { resourceType: TOPIC, operation: 3, permissionType: 3 }
const PATTERNS = { literal: 3, prefixed: 4 }
const PATIENCE_MS = 60_000

interface Producer {
  readonly transactionalId: string | null
  readonly producerId: number
  readonly producerEpoch: number
}

interface Sequence {
  producer: Producer
  next: number
  /** What was sent last, and where it came to be. */
  last: { batch: () => Buffer; baseOffset: number } | undefined
}

/**
 * Writes to one broker after the other over the same directory, and goes on each time where it was:
 * with the same producer ids and sequences, and with the transaction that it left open.
 */
export class Inhabitant {
  #client!: WireClient
  #stage = 0
  #idempotent: Sequence | undefined
  #left: { producer: Producer; sequence: number } | undefined
  /** Base offset of the last batch in the compacted topic: its active segment. */
  lastKeyed = -1

  /** `keepsLogStart`: what DeleteRecords did is there after the broker's end. */
  async live(bootstrap: string, keepsLogStart: boolean): Promise<void> {
    this.#client = await WireClient.connect(bootstrap)
    try {
      if (this.#stage === 0) await this.#moveIn()
      await this.#topics()
      await this.#credentials()
      await this.#sequences(keepsLogStart)
      await this.#finishWhatWasLeft()
      await this.#transactions()
      await this.#keyed()
      await this.#commit('readers', 10 + this.#stage)
      this.#stage++
    } finally {
      this.#client.close()
    }
  }

  /** Asks until the answer is neither that a broker is not ready nor that something is under way. */
  async #until<T>(what: string, ask: () => Promise<T>, errorOf: (answer: T) => number): Promise<T> {
    const notYet: readonly number[] = [3, 5, 6, 14, 15, 16, 51]
    for (const deadline = Date.now() + PATIENCE_MS; ; ) {
      const answer = await ask()
      const errorCode = errorOf(answer)
      if (errorCode === 0) return answer
      if (!notYet.includes(errorCode) || Date.now() > deadline) {
        throw new Error(`stage ${this.#stage}, ${what}: ${errorName(errorCode)}`)
      }
      await pause(50)
    }
  }

  async #moveIn(): Promise<void> {
    await this.#create('plain', 2, { 'retention.ms': '-1', 'max.message.bytes': '600000' })
    await this.#create('growing', 1)
    await this.#create('ledger', 2)
    // Every append begins a segment, so that there is always something to compact.
    await this.#create('keyed', 1, {
      'cleanup.policy': 'compact',
      'segment.ms': '1',
      'min.cleanable.dirty.ratio': '0.0',
      'delete.retention.ms': '0',
    })
    for (const [key, keyType] of [
      ['readers', 0],
      ['steady', 1],
    ] as const) {
      const ask = () => this.#client.ask(FindCoordinator, 3, { key, keyType })
      await this.#until('find coordinator', ask, ({ errorCode }) => errorCode)
    }
  }

  async #create(name: string, numPartitions: number, configs: Record<string, string> = {}) {
    const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
    const topic = { name, numPartitions, replicationFactor: 1, assignments: [], configs: entries }
    const ask = () => this.#client.ask(CreateTopics, 6, { topics: [topic], validateOnly: false })
    await this.#until(`create ${name}`, ask, ({ topics }) => topics[0]!.errorCode)
  }

  /** One is born, one dies, one grows, one loses its beginning; configs and quotas change. */
  async #topics(): Promise<void> {
    const stage = this.#stage
    await this.#create(`born-${stage}`, 1, { 'retention.bytes': `${1_000_000 + stage}` })
    await this.#produce(`born-${stage}`, 0, this.#batch([text(`born ${stage}`)]))
    if (stage > 0) {
      const names = { topicNames: [`born-${stage - 1}`], timeoutMs: 10_000 }
      const gone = () => this.#client.ask(DeleteTopics, 5, names)
      await this.#until('delete topic', gone, ({ responses }) => responses[0]!.errorCode)
      const more = { name: 'growing', count: stage + 1, assignments: null }
      const grow = () =>
        this.#client.ask(CreatePartitions, 3, {
          topics: [more],
          timeoutMs: 10_000,
          validateOnly: false,
        })
      await this.#until('grow', grow, ({ results }) => results[0]!.errorCode)
    }
    await this.#produce('growing', stage, this.#batch([text('grown')]))
    await this.#configure(TOPIC, 'plain', 'max.message.bytes', `${700_000 + stage}`)
    await this.#configure(BROKER, '', 'log.retention.ms', `${900_000_000 + stage}`)
    const entity = [
      { entityType: 'client-id', entityName: 'somebody' },
      { entityType: 'user', entityName: stage % 2 === 0 ? 'steady' : null },
    ]
    const ops = [{ key: 'consumer_byte_rate', value: 5e8 + stage, remove: false }]
    const quota = () =>
      this.#client.ask(AlterClientQuotas, 1, { entries: [{ entity, ops }], validateOnly: false })
    await this.#until('quota', quota, ({ entries }) => entries[0]!.errorCode)
  }

  async #configure(resourceType: number, resourceName: string, name: string, value: string) {
    const configs = [{ name, configOperation: 0, value }]
    const resources = [{ resourceType, resourceName, configs }]
    const ask = () =>
      this.#client.ask(IncrementalAlterConfigs, 1, { resources, validateOnly: false })
    await this.#until(`set ${name}`, ask, ({ responses }) => responses[0]!.errorCode)
  }

  /** Rules come and go; only for a broker with an authorizer. */
  async changeAcls(bootstrap: string): Promise<void> {
    this.#client = await WireClient.connect(bootstrap)
    try {
      const names = [`rules-${this.#stage}`, 'rules']
      const creations = [PATTERNS.literal, PATTERNS.prefixed].map((resourcePatternType, index) => ({
        ...READ_TOPIC,
        resourceName: names[index]!,
        resourcePatternType,
        principal: `User:reader-${this.#stage}`,
        host: '*',
      }))
      const create = () => this.#client.ask(CreateAcls, 3, { creations })
      await this.#until('rules', create, ({ results }) =>
        Math.max(...results.map(({ errorCode }) => errorCode)),
      )
      const filter = {
        resourceTypeFilter: TOPIC,
        resourceNameFilter: 'rules-0',
        patternTypeFilter: PATTERNS.literal,
        principalFilter: null,
        hostFilter: null,
        operation: 1,
        permissionType: 1,
      }
      if (this.#stage === 0) return
      const remove = () => this.#client.ask(DeleteAcls, 3, { filters: [filter] })
      await this.#until('rules', remove, ({ filterResults }) => filterResults[0]!.errorCode)
    } finally {
      this.#client.close()
    }
  }

  /** One user's credentials change, and another user comes. */
  async #credentials(): Promise<void> {
    const stage = this.#stage
    const upsertions = ['steady', `user-${stage}`].map((name) => ({
      name,
      mechanism: SCRAM_SHA_256,
      iterations: 4_096 + stage,
      salt: Buffer.from(`salt of ${name}`),
      saltedPassword: Buffer.alloc(32, stage + 1),
    }))
    // None is removed: Kafka 4.3.1 may forget all users at its next start when one was.
    const request = { deletions: [], upsertions }
    const ask = () => this.#client.ask(AlterUserScramCredentials, 0, request)
    await this.#until('credentials', ask, ({ results }) =>
      Math.max(...results.map(({ errorCode }) => errorCode)),
    )
  }

  /** An idempotent producer goes on; what it sent last it sends again first. */
  async #sequences(keepsLogStart: boolean): Promise<void> {
    this.#idempotent ??= { producer: await this.#init(null), next: 0, last: undefined }
    const { producer } = this.#idempotent
    const { last } = this.#idempotent
    if (last) {
      const again = await this.#produce('plain', 0, last.batch())
      if (again !== last.baseOffset) throw new Error(`duplicate at ${again}, ${last.baseOffset}`)
    }
    for (const word of ['one', 'two']) {
      const baseSequence = this.#idempotent.next
      const at = Date.now()
      const values = [text(`${word} ${this.#stage}`, at), text(`and ${word}`, at)]
      const batch = () => this.#batch(values, { ...producer, baseSequence })
      const baseOffset = await this.#produce('plain', 0, batch())
      this.#idempotent.next += values.length
      this.#idempotent.last = { batch, baseOffset }
    }
    const compression = (['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)[this.#stage % 5]
    // Enough for a few entries in the indexes.
    const values = Array.from({ length: 20 }, (_, index) => text(`value ${index} `.repeat(50)))
    for (let count = 0; count < 3; count++) await this.#produce('plain', 1, this.#batch(values))
    const baseOffset = await this.#produce('plain', 1, this.#batch(values, { compression }))
    if (keepsLogStart) await this.#deleteRecords('plain', 1, baseOffset + 7)
  }

  async #deleteRecords(name: string, partitionIndex: number, offset: number): Promise<void> {
    const topics = [{ name, partitions: [{ partitionIndex, offset }] }]
    const ask = () => this.#client.ask(DeleteRecords, 2, { topics, timeoutMs: 10_000 })
    await this.#until('delete records', ask, (one) => one.topics[0]!.partitions[0]!.errorCode)
  }

  /** The transaction that was open while the broker changed; the ways it ends alternate. */
  async #finishWhatWasLeft(): Promise<void> {
    const left = this.#left
    if (!left) return
    const { producer, sequence } = left
    await this.#add(producer, 'ledger', 1)
    await this.#write(producer, 'ledger', 1, sequence, 'still open')
    await this.#end(producer, this.#stage % 2 === 0)
  }

  async #transactions(): Promise<void> {
    const stage = this.#stage
    for (const outcome of ['commit', 'abort', 'leave'] as const) {
      const transactionalId = outcome === 'commit' ? 'steady' : `${outcome}-${stage}`
      const producer = await this.#init(transactionalId)
      await this.#add(producer, 'ledger', 0)
      await this.#add(producer, 'ledger', 1)
      await this.#write(producer, 'ledger', 0, 0, `${outcome} ${stage}`)
      await this.#write(producer, 'ledger', 1, 0, `${outcome} ${stage}`)
      await this.#commitIn(producer, `group-${outcome}`, 100 + stage)
      if (outcome === 'leave') this.#left = { producer, sequence: 1 }
      else await this.#end(producer, outcome === 'commit')
    }
  }

  /** Plain, transactional, tombstones: keys come again in each stage, and some go for good. */
  async #keyed(): Promise<void> {
    const stage = this.#stage
    const record = (key: string, value: string | null): RecordInput => ({
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      timestamp: Date.now(),
    })
    for (const outcome of ['commit', 'abort'] as const) {
      const producer = await this.#init(`keyed-${outcome}`)
      await this.#add(producer, 'keyed', 0)
      const values = [record('shared', `${outcome} ${stage}`), record(outcome, `${stage}`)]
      const header = { ...producer, baseSequence: 0, transactional: true }
      await this.#produce('keyed', 0, this.#batch(values, header), producer.transactionalId)
      await this.#end(producer, outcome === 'commit')
    }
    await later()
    await this.#produce('keyed', 0, this.#batch([record('a', `a${stage}`), record('b', 'b')]))
    await later()
    await this.#produce('keyed', 0, this.#batch([record('a', `a${stage}`), record('c', 'c')]))
    await later()
    await this.#produce('keyed', 0, this.#batch([record('b', null), record(`k${stage}`, 'kept')]))
    await later()
    this.lastKeyed = await this.#produce('keyed', 0, this.#batch([record('end', `${stage}`)]))
  }

  #batch(values: readonly RecordInput[], header: object = {}): Buffer {
    return buildBatch({ records: values, ...header })
  }

  async #produce(
    topic: string,
    index: number,
    records: Buffer,
    transactionalId: string | null = null,
  ): Promise<number> {
    const topicData = [{ name: topic, partitionData: [{ index, records }] }]
    const ask = () =>
      this.#client.ask(Produce, 9, { transactionalId, acks: -1, timeoutMs: 10_000, topicData })
    const answer = await this.#until(
      `produce to ${topic}-${index}`,
      ask,
      ({ responses }) => responses[0]!.partitionResponses[0]!.errorCode,
    )
    return answer.responses[0]!.partitionResponses[0]!.baseOffset
  }

  async #init(transactionalId: string | null): Promise<Producer> {
    // As long as a broker allows: a transaction has to outlive a few of them.
    const request = { transactionalId, transactionTimeoutMs: 900_000 }
    const ask = () => this.#client.ask(InitProducerId, 4, request)
    const { producerId, producerEpoch } = await this.#until('init', ask, (one) => one.errorCode)
    return { transactionalId, producerId, producerEpoch }
  }

  async #add(producer: Producer, topic: string, partition: number): Promise<void> {
    const ask = () =>
      this.#client.ask(AddPartitionsToTxn, 3, {
        v3AndBelowTransactionalId: producer.transactionalId ?? '',
        v3AndBelowProducerId: producer.producerId,
        v3AndBelowProducerEpoch: producer.producerEpoch,
        v3AndBelowTopics: [{ name: topic, partitions: [partition] }],
      })
    await this.#until(
      `add ${topic}-${partition} of ${producer.transactionalId}`,
      ask,
      (one) => one.resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode,
    )
  }

  async #write(
    producer: Producer,
    topic: string,
    partition: number,
    sequence: number,
    words: string,
  ) {
    const header = { ...producer, baseSequence: sequence, transactional: true }
    const batch = this.#batch([text(words)], header)
    await this.#produce(topic, partition, batch, producer.transactionalId)
  }

  async #commitIn(producer: Producer, groupId: string, committedOffset: number): Promise<void> {
    const who = { ...producer, transactionalId: producer.transactionalId ?? '', groupId }
    const add = () => this.#client.ask(AddOffsetsToTxn, 3, who)
    await this.#until('add offsets', add, ({ errorCode }) => errorCode)
    const partition = { partitionIndex: 0, committedOffset, committedMetadata: 'in transaction' }
    const topics = [{ name: 'plain', partitions: [partition] }]
    const ask = () =>
      this.#client.ask(TxnOffsetCommit, 3, { ...who, groupInstanceId: null, topics })
    await this.#until('commit in it', ask, (one) => one.topics[0]!.partitions[0]!.errorCode)
  }

  async #commit(groupId: string, committedOffset: number): Promise<void> {
    const partition = { committedOffset, committedLeaderEpoch: 0, committedMetadata: 'note' }
    const topics = [
      { name: 'plain', partitions: [0, 1].map((at) => ({ ...partition, partitionIndex: at })) },
    ]
    const ask = () =>
      this.#client.ask(OffsetCommit, 8, { groupId, memberId: '', groupInstanceId: null, topics })
    await this.#until('commit', ask, (one) => one.topics[0]!.partitions[0]!.errorCode)
  }

  /** Resolves when its markers are everywhere. */
  async #end(producer: Producer, committed: boolean): Promise<void> {
    const transactionalId = producer.transactionalId ?? ''
    const ask = () => this.#client.ask(EndTxn, 3, { ...producer, transactionalId, committed })
    await this.#until(`end ${transactionalId}`, ask, ({ errorCode }) => errorCode)
    const state = () =>
      this.#client.ask(DescribeTransactions, 0, { transactionalIds: [transactionalId] })
    const isUnderWay = 51
    await this.#until(`end of ${transactionalId}`, state, ({ transactionStates }) =>
      /^Complete/.test(transactionStates[0]!.transactionState) ? 0 : isUnderWay,
    )
  }
}

function text(value: string, timestamp = Date.now()): RecordInput {
  return { key: null, value: Buffer.from(value), timestamp }
}

/** The next timestamp is another one. */
function later(): Promise<void> {
  return pause(5)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
