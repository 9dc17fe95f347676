import { type Uuid, ZERO_UUID } from '../base/uuid.ts'
import { Fetch } from '../protocol/apis/01-fetch.ts'
import { ErrorCode, KafkaError } from '../protocol/error-code.ts'
import type { DecodedOf } from '../protocol/schema.ts'
import { brokerError, throwIfError } from './broker-error.ts'
import { sleep } from './client-clock.ts'
import type { Cluster } from './cluster.ts'
import { type Decoded, decodeFetched, type FetchedRecord } from './fetched-records.ts'
import {
  EARLIEST,
  type Isolation,
  isolationLevel,
  listOffsets,
  nameOf,
  type TopicPartition,
} from './list-offsets.ts'
import { RETRY_BACKOFF_MS } from './retry.ts'

/** Where to begin, and with `endOffset` where to stop: the first offset not wanted any more. */
export interface Position extends TopicPartition {
  readonly offset: number
  readonly endOffset?: number | undefined
}

/** What one partition answered; without records where only the position or the end moved. */
export interface Fetched extends TopicPartition {
  readonly records: readonly FetchedRecord[]
  /** The offset to go on from. */
  readonly nextOffset: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly logStartOffset: number
}

export interface FetcherOptions {
  readonly isolation?: Isolation
  readonly maxWaitMs?: number
  readonly maxBytes?: number
  readonly partitionMaxBytes?: number
  /** A position outside of the log: goes on at the log's start when true, else rejects. */
  readonly resetToStart?: boolean
}

const MAX_WAIT_MS = 500
const MAX_BYTES = 16 * 1024 * 1024
const PARTITION_MAX_BYTES = 4 * 1024 * 1024

interface Reading extends TopicPartition {
  offset: number
  readonly endOffset: number | undefined
}

type Answer = DecodedOf<(typeof Fetch)['response']>['responses'][number]['partitions'][number]

interface Arrival {
  readonly leaderId: number
  /** The assignment that it was asked for. */
  readonly turn: number
  /** Topics that were asked, for answers with ids alone. */
  readonly names: ReadonlyMap<Uuid, string>
  readonly response: DecodedOf<(typeof Fetch)['response']>
}

/**
 * Reads partitions from their leaders: one request at a time to each broker, the next one asked
 * while its records are looked at. Follows leaders as they move.
 */
export class Fetcher {
  readonly #cluster: Cluster
  readonly #options: FetcherOptions
  readonly #readings = new Map<string, Reading>()
  readonly #pending = new Map<number, Promise<Arrival>>()
  /** Since the last answer that was good. */
  #failingSinceMs: number | undefined
  /** To be thrown by the next poll. */
  #failure: unknown
  /** Counts assignments: answers to what an earlier one asked are dropped. */
  #turn = 0

  constructor(cluster: Cluster, options: FetcherOptions = {}) {
    this.#cluster = cluster
    this.#options = options
  }

  /** Reads these and no others. */
  assign(positions: readonly Position[]): void {
    this.#turn++
    this.#pending.clear()
    this.#failure = undefined
    this.#readings.clear()
    for (const { topic, partition, offset, endOffset } of positions) {
      if (endOffset !== undefined && offset >= endOffset) continue
      this.#readings.set(nameOf({ topic, partition }), { topic, partition, offset, endOffset })
    }
  }

  /** Every partition has come to its end. */
  get isDone(): boolean {
    return this.#readings.size === 0
  }

  /**
   * What arrives next, from one broker; nothing after the longest wait, or when the last partition
   * has come to its end. Rejects when a partition cannot be read, or a broker has not answered for
   * as long as the cluster repeats things.
   */
  async poll(): Promise<readonly Fetched[]> {
    if (this.isDone) return []
    try {
      if (this.#failure) throw this.#failure
      await this.#ask()
      const arrival = await Promise.race(this.#pending.values())
      this.#pending.delete(arrival.leaderId)
      const fetched = arrival.turn === this.#turn ? await this.#accept(arrival) : []
      // A failure of this comes back with the next poll.
      await this.#ask().catch(() => {})
      if (fetched.length > 0) this.#failingSinceMs = undefined
      return fetched
    } catch (error) {
      await this.#overcome(error)
      return []
    }
  }

  /** Failures that may pass are waited out, with new metadata each time. */
  async #overcome(error: unknown): Promise<void> {
    this.#failure = undefined
    this.#pending.clear()
    this.#cluster.forgetTopics()
    const { clock, retryTimeoutMs } = this.#cluster
    this.#failingSinceMs ??= clock.nowMs()
    const isLate = clock.nowMs() - this.#failingSinceMs > retryTimeoutMs
    if (!this.#cluster.mayPass(error) || isLate) throw error
    await sleep(clock, RETRY_BACKOFF_MS)
  }

  /** Asks every leader that is not asked at the moment. */
  async #ask(): Promise<void> {
    const turn = this.#turn
    const byLeader = new Map<number, Reading[]>()
    for (const reading of [...this.#readings.values()]) {
      const { leaderId } = await this.#cluster.leaderOf(reading.topic, reading.partition)
      const own = byLeader.get(leaderId)
      if (own) own.push(reading)
      else byLeader.set(leaderId, [reading])
    }
    for (const [leaderId, readings] of byLeader) {
      if (this.#pending.has(leaderId)) continue
      const arrival = this.#fetch(leaderId, readings, turn)
      // Whoever polls next hears of it.
      arrival.catch(() => {})
      this.#pending.set(leaderId, arrival)
    }
  }

  async #fetch(leaderId: number, readings: readonly Reading[], turn: number): Promise<Arrival> {
    const connection = await this.#cluster.node(leaderId)
    const topics = await this.#topicsOf(readings)
    const hasIds = topics.every(({ topicId }) => topicId !== ZERO_UUID)
    const maxWaitMs = this.#options.maxWaitMs ?? MAX_WAIT_MS
    const request = {
      maxWaitMs,
      minBytes: 1,
      maxBytes: this.#options.maxBytes ?? MAX_BYTES,
      isolationLevel: isolationLevel(this.#options.isolation ?? 'read_uncommitted'),
      topics,
    }
    const response = await connection.request(Fetch, request, {
      waitMs: maxWaitMs,
      ...(!hasIds && { maxVersion: 12 }),
    })
    const names = new Map(topics.map(({ topic, topicId }) => [topicId, topic]))
    return { leaderId, turn, names, response }
  }

  /** Positions move here and not before: what nobody took is asked for again. */
  async #accept({ names, response }: Arrival): Promise<Fetched[]> {
    throwIfError(response.errorCode)
    const fetched: Fetched[] = []
    for (const { topic: given, topicId, partitions } of response.responses) {
      const topic = given === '' ? (names.get(topicId) ?? '') : given
      for (const answer of partitions) {
        const reading = this.#readings.get(nameOf({ topic, partition: answer.partitionIndex }))
        if (!reading) continue
        try {
          fetched.push(await this.#take(reading, answer))
        } catch (error) {
          // The others are fine: theirs first, then this.
          this.#failure ??= error
        }
      }
    }
    if (this.#failure && fetched.length === 0) throw this.#failure
    return fetched
  }

  async #topicsOf(readings: readonly Reading[]) {
    const topics = new Map<string, Reading[]>()
    for (const reading of readings) {
      const own = topics.get(reading.topic)
      if (own) own.push(reading)
      else topics.set(reading.topic, [reading])
    }
    return await Promise.all(
      [...topics].map(async ([topic, own]) => ({
        topic,
        topicId: (await this.#cluster.cachedTopic(topic)).topicId,
        partitions: own.map(({ partition, offset }) => ({
          partition,
          fetchOffset: offset,
          partitionMaxBytes: this.#options.partitionMaxBytes ?? PARTITION_MAX_BYTES,
        })),
      })),
    )
  }

  async #take(reading: Reading, answer: Answer): Promise<Fetched> {
    const { topic, partition, endOffset } = reading
    const { records, nextOffset } = await this.#decode(reading, answer)
    const isAtEnd = endOffset !== undefined && nextOffset >= endOffset
    reading.offset = isAtEnd ? endOffset : nextOffset
    // Read last goes to the end of the line, so that no partition starves another.
    this.#readings.delete(nameOf(reading))
    if (!isAtEnd) this.#readings.set(nameOf(reading), reading)
    return {
      topic,
      partition,
      records: isAtEnd ? records.filter(({ record }) => record.offset < endOffset) : records,
      nextOffset: reading.offset,
      highWatermark: answer.highWatermark,
      lastStableOffset: answer.lastStableOffset,
      logStartOffset: answer.logStartOffset,
    }
  }

  async #decode(reading: Reading, answer: Answer): Promise<Decoded> {
    const { topic, partition, offset } = reading
    const place = `${topic} partition ${partition}`
    if (answer.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      if (!this.#options.resetToStart) {
        throw new KafkaError('OFFSET_OUT_OF_RANGE', `${place} has no offset ${offset}`)
      }
      const [start = 0] = await listOffsets(this.#cluster, [reading], EARLIEST)
      return { records: [], nextOffset: start }
    }
    if (answer.errorCode !== ErrorCode.NONE) throw brokerError(answer.errorCode)
    if (!answer.records?.length) return { records: [], nextOffset: offset }
    try {
      return decodeFetched(answer.records, offset, answer.abortedTransactions ?? [])
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error)
      throw new KafkaError('CORRUPT_MESSAGE', `${place} at offset ${offset}: ${text}`)
    }
  }
}
