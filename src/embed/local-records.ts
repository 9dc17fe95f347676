import { decodeFetched } from '../client/fetched-records.ts'
import { partitionOfKey } from '../client/partitioner.ts'
import { Produce } from '../protocol/apis/00-produce.ts'
import { Metadata } from '../protocol/apis/03-metadata.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import { buildBatch, type RecordInput } from '../protocol/records/builder.ts'
import type { RecordView } from '../protocol/records/iterate.ts'
import type { RunningBroker } from '../server/run-broker.ts'
import type { IsolationLevel, TopicPartition } from '../storage/engine.ts'
import { leaderOf } from './led-by.ts'
import type { LocalCalls } from './local-calls.ts'
import type { LocalTopics } from './local-topics.ts'
import { decodedValue, encodedValue, type ValueFormat, type Writable } from './record-values.ts'
import { throwIfRefused } from './refusal.ts'
import { waitUntil } from './wait-until.ts'

export interface NewRecord {
  readonly key?: Writable
  readonly value?: Writable
  readonly headers?: Readonly<Record<string, Writable>>
  /** By default that of the key, as the Java client chooses it. */
  readonly partition?: number
  /** ms since the epoch; by default the broker's clock. */
  readonly timestamp?: number
}

export interface RecordPlace {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface StoredRecord<Value = unknown> extends RecordPlace {
  /** ms since the epoch. */
  readonly timestamp: number
  /** A string, a Buffer when it is not UTF-8, or null. */
  readonly key: string | Buffer | null
  readonly value: Value
  /** Of names that are there several times, the last value. */
  readonly headers: Readonly<Record<string, string | Buffer | null>>
}

export interface ReadOptions {
  /** Only this one. */
  readonly partition?: number
  /** Offsets below it are left out. */
  readonly fromOffset?: number
  /** How values are read; `auto` when left out (record-values.ts). */
  readonly value?: ValueFormat
  /** Only records that this is true of. */
  readonly where?: (record: StoredRecord) => boolean
  /** `read_committed` when left out: nothing of transactions that are open or were aborted. */
  readonly isolation?: IsolationLevel
}

export interface WaitOptions extends ReadOptions {
  /** 5,000 when left out. */
  readonly timeoutMs?: number
}

/** Bytes of records that are sent with one batch: well below the default of message.max.bytes. */
const BATCH_BYTES = 500_000
const READ_BYTES = 1024 * 1024

/** Records of a broker in this process. */
export class LocalRecords {
  readonly #running: RunningBroker
  readonly #calls: LocalCalls
  readonly #topics: LocalTopics
  #calling = 0

  constructor(running: RunningBroker, calls: LocalCalls, topics: LocalTopics) {
    this.#running = running
    this.#calls = calls
    this.#topics = topics
  }

  async produce(topic: string, records: readonly NewRecord[]): Promise<RecordPlace[]> {
    const partitionCount = await this.#partitionCount(topic)
    const keyless = this.#calling++ % partitionCount
    const nowMs = this.#running.broker.clock.nowMs()
    const byPartition = new Map<number, { readonly at: number; readonly input: RecordInput }[]>()
    for (const [at, record] of records.entries()) {
      const input = inputOf(record, nowMs)
      const partition =
        record.partition ?? (input.key ? partitionOfKey(input.key, partitionCount) : keyless)
      const list = byPartition.get(partition) ?? []
      if (list.length === 0) byPartition.set(partition, list)
      list.push({ at, input })
    }
    const places: RecordPlace[] = []
    for (const [partition, list] of byPartition) {
      for (const batch of batchesOf(list)) {
        const inputs = batch.map(({ input }) => input)
        const baseOffset = await this.#append(topic, partition, inputs)
        for (const [index, { at }] of batch.entries()) {
          places[at] = { topic, partition, offset: baseOffset + index }
        }
      }
    }
    return places
  }

  /** Creates the topic where a client's first question would. */
  async #partitionCount(topic: string): Promise<number> {
    const request = { topics: [{ name: topic }], allowAutoTopicCreation: true }
    const { topics } = await this.#calls.call(Metadata, 9, request)
    const [found] = topics
    throwIfRefused(found?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR, `topic ${topic}`)
    return found!.partitions.length
  }

  async #append(topic: string, index: number, inputs: RecordInput[]): Promise<number> {
    const records = buildBatch({ records: inputs })
    const request = {
      transactionalId: null,
      acks: -1,
      timeoutMs: 30_000,
      topicData: [{ name: topic, partitionData: [{ index, records }] }],
    }
    const leader = leaderOf(this.#running, topic, index)
    const { responses } = await this.#calls.call(Produce, 9, request, leader)
    const { errorCode, errorMessage, baseOffset } = responses[0]!.partitionResponses[0]!
    throwIfRefused(errorCode, errorMessage ?? `topic ${topic}, partition ${index}`)
    return baseOffset
  }

  async read<Value>(topic: string, options: ReadOptions = {}): Promise<StoredRecord<Value>[]> {
    const image = this.#topics.image(topic)
    if (!image) return []
    const partitions = image.partitions.filter(
      ({ partition }) => options.partition === undefined || options.partition === partition,
    )
    const lists: StoredRecord<Value>[][] = []
    for (const { partition } of partitions) {
      const where = { topicId: image.topicId, partition }
      lists.push((await this.#readPartition(topic, where, options)) as StoredRecord<Value>[])
    }
    return mergedByTime(lists)
  }

  async #readPartition(
    topic: string,
    where: TopicPartition,
    options: ReadOptions,
  ): Promise<StoredRecord[]> {
    const { isolation = 'read_committed' } = options
    const { log } = this.#running.broker.engine
    const bounds = log.bounds(where)
    throwIfRefused(bounds.errorCode, `topic ${topic}, partition ${where.partition}`)
    const end = isolation === 'read_committed' ? bounds.lastStableOffset : bounds.highWatermark
    const found: StoredRecord[] = []
    let offset = Math.max(bounds.logStartOffset, options.fromOffset ?? 0)
    while (offset < end) {
      const request = { ...where, offset, maxBytes: READ_BYTES }
      const limits = { isolation, maxBytes: READ_BYTES, atLeastOneBatch: true }
      const [result] = await log.read([request], limits)
      try {
        throwIfRefused(result!.errorCode, `topic ${topic}, partition ${where.partition}`)
        const { records, abortedTransactions } = result!
        const { records: views, nextOffset } = decodeFetched(
          records,
          offset,
          abortedTransactions ?? [],
        )
        for (const { record } of views) {
          const stored = storedRecord(topic, where.partition, record, options.value ?? 'auto')
          if (!options.where || options.where(stored)) found.push(stored)
        }
        if (nextOffset <= offset) break
        offset = nextOffset
      } finally {
        result!.release()
      }
    }
    return found
  }

  waitFor<Value>(
    topic: string,
    count: number,
    { timeoutMs = 5_000, ...options }: WaitOptions = {},
  ): Promise<StoredRecord<Value>[]> {
    let found: StoredRecord<Value>[] = []
    let seen = ''
    return waitUntil({
      timeoutMs,
      check: async () => {
        // Reading is only worth it when something has changed.
        const now = this.#state(topic)
        if (now !== seen || count === 0) {
          seen = now
          found = await this.read<Value>(topic, options)
        }
        return found.length >= count ? found : undefined
      },
      explain: () => {
        const wanted = `${count} record${count === 1 ? '' : 's'} of topic '${topic}'`
        const that = options.where ? ' that the condition is true of' : ''
        return `${wanted}${that}, and there ${are(found.length)}\n${this.#explain(topic, found)}`
      },
    })
  }

  #state(topic: string): string {
    const image = this.#topics.image(topic)
    if (!image) return ''
    const { log } = this.#running.broker.engine
    const ends = image.partitions.map(({ partition }) => {
      const { highWatermark, lastStableOffset } = log.bounds({ topicId: image.topicId, partition })
      return `${highWatermark}/${lastStableOffset}`
    })
    return `${image.topicId} ${ends.join(' ')}`
  }

  #explain(topic: string, found: readonly StoredRecord[]): string {
    const last = found
      .slice(-3)
      .map(({ partition, offset, key, value }) =>
        `found ${topic}-${partition}@${offset} ${JSON.stringify({ key, value })}`.slice(0, 200),
      )
    const lines = this.#topics.image(topic) ? last : [`topic '${topic}' is not there`]
    return [...lines, this.#topics.describeAll()].join('\n')
  }
}

function are(count: number): string {
  if (count === 0) return 'is none'
  return count === 1 ? 'is 1' : `are ${count}`
}

function inputOf({ key, value, headers = {}, timestamp }: NewRecord, nowMs: number): RecordInput {
  return {
    key: encodedValue(key),
    value: encodedValue(value),
    timestamp: timestamp ?? nowMs,
    headers: Object.entries(headers).map(([name, text]) => ({
      key: name,
      value: encodedValue(text),
    })),
  }
}

/** In batches that the broker takes: by size, whatever the records are. */
function* batchesOf<T extends { readonly input: RecordInput }>(list: readonly T[]): Iterable<T[]> {
  let batch: T[] = []
  let bytes = 0
  for (const one of list) {
    const size = (one.input.key?.byteLength ?? 0) + (one.input.value?.byteLength ?? 0)
    if (batch.length > 0 && bytes + size > BATCH_BYTES) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(one)
    bytes += size
  }
  if (batch.length > 0) yield batch
}

function storedRecord(
  topic: string,
  partition: number,
  { offset, timestamp, key, value, headers }: RecordView,
  format: ValueFormat,
): StoredRecord {
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: textOf(key),
    value: decodedValue(value, format),
    headers: Object.fromEntries(headers.map((header) => [header.key, textOf(header.value)])),
  }
}

/** Keys and headers are not parsed: what looks like JSON there is mostly not meant so. */
function textOf(bytes: Uint8Array | null): string | Buffer | null {
  if (bytes === null) return null
  const buffer = Buffer.from(bytes)
  const text = buffer.toString('utf8')
  return Buffer.from(text).equals(buffer) ? text : buffer
}

/** One list of several, by time, without changing the order within any of them. */
function mergedByTime<R extends StoredRecord>(lists: readonly R[][]): R[] {
  const filled = lists.filter((list) => list.length > 0)
  if (filled.length < 2) return filled[0] ?? []
  const positions = filled.map(() => 0)
  const merged: R[] = []
  for (;;) {
    let earliest = -1
    for (const [index, list] of filled.entries()) {
      const head = list[positions[index]!]
      if (!head) continue
      const best = earliest < 0 ? undefined : filled[earliest]![positions[earliest]!]
      if (!best || head.timestamp < best.timestamp) earliest = index
    }
    if (earliest < 0) return merged
    merged.push(filled[earliest]![positions[earliest]!++]!)
  }
}
