import { type Uuid, ZERO_UUID } from '../base/uuid.ts'
import { Produce } from '../protocol/apis/00-produce.ts'
import { InitProducerId } from '../protocol/apis/22-init-producer-id.ts'
import { ErrorCode, KafkaError } from '../protocol/error-code.ts'
import { buildBatch, type HeaderInput, type RecordInput } from '../protocol/records/builder.ts'
import type { Compression } from '../protocol/records/compression/compression.ts'
import { brokerError, throwIfError } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import { ConnectionError } from './connection-error.ts'
import { partitionOfKey } from './partitioner.ts'
import { retry } from './retry.ts'

export interface OutgoingRecord {
  readonly topic: string
  /** By the key when left out; without a key one after the other. */
  readonly partition?: number | undefined
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: readonly HeaderInput[] | undefined
  /** Now when left out. */
  readonly timestamp?: number | undefined
}

/** Records that a broker has taken. */
export interface Delivery {
  readonly topic: string
  readonly partition: number
  readonly records: readonly RecordInput[]
  /** Of the first; the others follow. -1 with acks=0, where nobody says. */
  readonly baseOffset: number
}

export interface ProducerOptions {
  /** -1 all in-sync replicas, 1 the leader, 0 nobody confirms. */
  readonly acks?: -1 | 0 | 1
  readonly compression?: Compression
  readonly compressionLevel?: number | undefined
  /** Records of a batch before compression; a larger one goes alone. */
  readonly batchBytes?: number
  /** Not sent or not confirmed yet; beyond it `send` waits. */
  readonly bufferBytes?: number
  /** How long the broker may take for its replicas. */
  readonly timeoutMs?: number
  readonly onDelivery?: (delivery: Delivery) => void
  /** Called once when a record cannot be delivered; `send` and `flush` reject from then on. */
  readonly onFailure?: (error: Error) => void
}

const BATCH_BYTES = 256 * 1024
const BUFFER_BYTES = 16 * 1024 * 1024
const REPLICAS_TIMEOUT_MS = 30_000
/** Room for lengths, deltas and the like: an estimate. */
const RECORD_OVERHEAD_BYTES = 24

/** How long to wait for a topic that the first send to it is to make. */
const NEW_TOPIC_TIMEOUT_MS = 5_000

interface Lane {
  readonly topic: string
  readonly partition: number
  waiting: RecordInput[]
  sizes: number[]
  /** First sequence number of the next batch. */
  sequence: number
  isSending: boolean
}

/** Where the records of a topic that have no key go now, and how much went there. */
interface Stay {
  readonly partition: number
  bytes: number
}

/**
 * Sends records: collected into batches per partition, one batch in flight in each, so that their
 * order is kept; idempotent where the broker allows it, so that a repeated batch is stored once.
 * The first record that cannot be delivered ends it: everything after rejects with that error.
 */
export class Producer {
  readonly #cluster: Cluster
  readonly #options: ProducerOptions
  readonly #lanes = new Map<string, Lane>()
  readonly #stays = new Map<string, Stay>()
  #identity: Promise<ProducerIdentity> | undefined
  #bufferedBytes = 0
  #failure: Error | undefined
  #sendScheduled = false
  #waiters: (() => void)[] = []

  constructor(cluster: Cluster, options: ProducerOptions = {}) {
    this.#cluster = cluster
    this.#options = options
  }

  /** A promise only when there is no room, or the topic is not known yet: to be awaited then. */
  send(record: OutgoingRecord): Promise<void> | undefined {
    const hasRoom = this.#bufferedBytes <= (this.#options.bufferBytes ?? BUFFER_BYTES)
    const topic = this.#cluster.seenTopic(record.topic)
    if (!hasRoom || this.#failure || !topic) return this.#sendSlowly(record)
    this.#enqueue(record, this.#partitionOf(record, topic.partitions.length))
    return undefined
  }

  /** Resolves when everything sent so far is delivered; rejects with what went wrong. */
  async flush(): Promise<void> {
    this.#sendAll()
    while (this.#bufferedBytes > 0 && !this.#failure) await this.#change()
    if (this.#failure) throw this.#failure
  }

  async #sendSlowly(record: OutgoingRecord): Promise<void> {
    const limit = this.#options.bufferBytes ?? BUFFER_BYTES
    while (this.#bufferedBytes > limit && !this.#failure) await this.#change()
    if (this.#failure) throw this.#failure
    const { clock } = this.#cluster
    const { partitions } = await retry(
      { clock, timeoutMs: NEW_TOPIC_TIMEOUT_MS, alsoPassing: isNewTopic },
      () => this.#cluster.cachedTopic(record.topic, { allowAutoTopicCreation: true }),
    )
    this.#enqueue(record, this.#partitionOf(record, partitions.length))
  }

  #partitionOf({ topic, partition, key }: OutgoingRecord, partitionCount: number): number {
    if (partition !== undefined) return partition
    if (key !== null) return partitionOfKey(key, partitionCount)
    const stay = this.#stays.get(topic)
    if (stay && stay.bytes < this.#batchBytes && stay.partition < partitionCount) {
      return stay.partition
    }
    const next = stay ? stay.partition + 1 : Math.floor(Math.random() * partitionCount)
    this.#stays.set(topic, { partition: next % partitionCount, bytes: 0 })
    return next % partitionCount
  }

  get #batchBytes(): number {
    return this.#options.batchBytes ?? BATCH_BYTES
  }

  #enqueue(record: OutgoingRecord, partition: number): void {
    const { topic, key, value, headers } = record
    const size = sizeOf(record)
    const lane = this.#lane(topic, partition)
    lane.waiting.push({
      key,
      value,
      headers,
      timestamp: record.timestamp ?? this.#cluster.clock.nowMs(),
    })
    lane.sizes.push(size)
    this.#bufferedBytes += size
    const stay = this.#stays.get(topic)
    if (stay?.partition === partition) stay.bytes += size
    this.#scheduleSend()
  }

  #lane(topic: string, partition: number): Lane {
    const name = `${partition} ${topic}`
    let lane = this.#lanes.get(name)
    if (!lane) {
      lane = { topic, partition, waiting: [], sizes: [], sequence: 0, isSending: false }
      this.#lanes.set(name, lane)
    }
    return lane
  }

  /** What comes in one turn of the loop goes out together. */
  #scheduleSend(): void {
    if (this.#sendScheduled) return
    this.#sendScheduled = true
    setImmediate(() => {
      this.#sendScheduled = false
      this.#sendAll()
    })
  }

  #sendAll(): void {
    for (const lane of this.#lanes.values()) {
      if (!lane.isSending && lane.waiting.length > 0) void this.#drain(lane)
    }
  }

  /** Never rejects. */
  async #drain(lane: Lane): Promise<void> {
    lane.isSending = true
    while (lane.waiting.length > 0 && !this.#failure) {
      const { records, bytes } = takeBatch(lane, this.#batchBytes)
      try {
        await this.#deliver(lane, records)
      } catch (error) {
        this.#fail(error instanceof Error ? error : new Error(String(error)))
      }
      this.#bufferedBytes -= bytes
      this.#changed()
    }
    lane.isSending = false
  }

  #fail(error: Error): void {
    if (this.#failure) return
    this.#failure = error
    this.#options.onFailure?.(error)
  }

  async #deliver(lane: Lane, records: readonly RecordInput[]): Promise<void> {
    try {
      const baseOffset = await this.#store(lane, records)
      lane.sequence = nextSequence(lane.sequence, records.length)
      const { topic, partition } = lane
      this.#options.onDelivery?.({ topic, partition, records, baseOffset })
    } catch (error) {
      const tooLarge =
        error instanceof KafkaError && error.errorCode === ErrorCode.MESSAGE_TOO_LARGE
      if (!tooLarge || records.length < 2) throw error
      // The topic takes smaller batches than we make.
      const half = Math.ceil(records.length / 2)
      await this.#deliver(lane, records.slice(0, half))
      await this.#deliver(lane, records.slice(half))
    }
  }

  async #store(lane: Lane, records: readonly RecordInput[]): Promise<number> {
    const { compression = 'none', compressionLevel, acks = -1 } = this.#options
    const identity = acks === -1 ? await this.#identify() : NO_IDENTITY
    const batch = buildBatch({
      records,
      compression,
      compressionLevel,
      ...identity,
      ...(identity !== NO_IDENTITY && { baseSequence: lane.sequence }),
    })
    return await this.#cluster.retry(
      () => this.#produce(lane, batch),
      // A batch with a sequence is stored once, however often it is sent.
      (error) => identity !== NO_IDENTITY && error instanceof ConnectionError,
    )
  }

  /** Answers the offset of the first record. */
  async #produce({ topic, partition }: Lane, records: Buffer): Promise<number> {
    const { acks = -1, timeoutMs = REPLICAS_TIMEOUT_MS } = this.#options
    const { leaderId, topicId } = await this.#cluster.leaderOf(topic, partition)
    const connection = await this.#cluster.node(leaderId)
    const request = {
      acks,
      timeoutMs,
      topicData: [{ name: topic, topicId, partitionData: [{ index: partition, records }] }],
    }
    if (acks === 0) {
      await connection.send(Produce, request, versionLimit(topicId))
      return -1
    }
    const options = { waitMs: timeoutMs, ...versionLimit(topicId) }
    const response = await connection.request(Produce, request, options)
    const answer = response.responses[0]?.partitionResponses[0]
    if (!answer) throw new KafkaError('UNKNOWN_SERVER_ERROR', 'an answer without the partition')
    if (answer.errorCode === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) return answer.baseOffset
    if (answer.errorCode !== ErrorCode.NONE) {
      const detail = answer.recordErrors[0]?.batchIndexErrorMessage
      throw brokerError(answer.errorCode, answer.errorMessage ?? detail)
    }
    return answer.baseOffset
  }

  async #identify(): Promise<ProducerIdentity> {
    this.#identity ??= this.#initProducerId()
    return await this.#identity
  }

  async #initProducerId(): Promise<ProducerIdentity> {
    const connection = await this.#cluster.any()
    if (!connection.supports(InitProducerId)) return NO_IDENTITY
    return await this.#cluster.retry(async () => {
      const any = await this.#cluster.any()
      const request = { transactionalId: null, transactionTimeoutMs: 60_000 }
      const response = await any.request(InitProducerId, request)
      if (response.errorCode === ErrorCode.CLUSTER_AUTHORIZATION_FAILED) return NO_IDENTITY
      throwIfError(response.errorCode)
      return { producerId: response.producerId, producerEpoch: response.producerEpoch }
    })
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve))
  }

  #changed(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const resolve of waiters) resolve()
  }
}

interface ProducerIdentity {
  readonly producerId?: number
  readonly producerEpoch?: number
}

const NO_IDENTITY: ProducerIdentity = {}

/** A topic that is being made is not known yet, or has no leader yet. */
function isNewTopic(error: unknown): boolean {
  return error instanceof KafkaError && error.errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
}

/** A broker that told no topic ids does not know them in requests either. */
function versionLimit(topicId: Uuid): { maxVersion?: number } {
  return topicId === ZERO_UUID ? { maxVersion: 12 } : {}
}

/** At least one record, and no more than `bytesMax` if there are several. */
function takeBatch(lane: Lane, bytesMax: number): { records: RecordInput[]; bytes: number } {
  let count = 0
  let bytes = 0
  while (count < lane.sizes.length && (count === 0 || bytes + lane.sizes[count]! <= bytesMax)) {
    bytes += lane.sizes[count]!
    count++
  }
  lane.sizes.splice(0, count)
  return { records: lane.waiting.splice(0, count), bytes }
}

function nextSequence(sequence: number, count: number): number {
  return (sequence + count) % 2 ** 31
}

function sizeOf({ key, value, headers = [] }: OutgoingRecord): number {
  let size = RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0)
  for (const header of headers) size += 16 + header.key.length + (header.value?.length ?? 0)
  return size
}
