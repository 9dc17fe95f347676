import type { Uuid } from '../../base/uuid.ts'
import type { Fetch } from '../../protocol/apis/01-fetch.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { ResponseOf } from '../../protocol/schema.ts'
import type { Position, ReadOptions, ReadRequest, ReadResult } from '../../storage/engine.ts'
import type { TopicImage } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import { isolationLevel } from '../isolation.ts'
import { checkLeaderEpoch, ledPartition, NO_EPOCH } from '../partitions.ts'

export type PartitionData = ResponseOf<typeof Fetch>['responses'][number]['partitions'][number]

/** One partition that a client wants to read, out of its request or its session. */
export interface WantedPartition {
  /** Requests name topics up to version 12 and give their ids from 13 on; the other is ''. */
  readonly topic: string
  readonly topicId: Uuid
  readonly partition: number
  readonly currentLeaderEpoch: number
  readonly fetchOffset: number
  readonly lastFetchedEpoch: number
  readonly maxBytes: number
}

export interface FetchLimits {
  /** As the client gave it: a wrong one matters only where there is something to read. */
  readonly isolationLevel: number
  readonly minBytes: number
  readonly maxBytes: number
  /** From version 3 on: a first batch over the limits is sent whole. */
  readonly atLeastOneBatch: boolean
  readonly byId: boolean
  /** From a replica that asks for more than it may have: this node's partitions have no followers. */
  readonly isFollower: boolean
}

/** What was found in one pass over the partitions, in their order. */
export interface FetchPass {
  readonly partitions: readonly PartitionData[]
  readonly byteLength: number
  /** There is something to say besides records: no use in waiting for more. */
  readonly mustAnswer: boolean
  /** Where more may come. */
  readonly positions: readonly Position[]
  /** Gives back the buffers behind `partitions`. */
  release(): void
}

const NO_RECORDS = Buffer.alloc(0)

/**
 * Reads `wanted` once. `again`: an earlier pass of the same request found all topics, so one that
 * is missing now was deleted meanwhile.
 */
export function readOnce(
  wanted: readonly WantedPartition[],
  limits: FetchLimits,
  broker: Broker,
  again: boolean,
): FetchPass | Promise<FetchPass> {
  const plan = new ReadPlan(broker, limits, again)
  for (const one of wanted) plan.add(one)
  if (plan.knowsPartitions) isolationLevel(limits.isolationLevel)
  if (plan.reads.length === 0) return plan.finish([])
  const options: ReadOptions = {
    isolation: isolationLevel(limits.isolationLevel),
    maxBytes: limits.maxBytes,
    atLeastOneBatch: limits.atLeastOneBatch,
  }
  const results = broker.engine.log.read(plan.reads, options)
  return results instanceof Promise
    ? results.then((found) => plan.finish(found))
    : plan.finish(results)
}

class ReadPlan {
  readonly reads: ReadRequest[] = []
  readonly #broker: Broker
  readonly #limits: FetchLimits
  readonly #again: boolean
  /** By partition: its answer, or null where a read will tell. */
  readonly #answers: (PartitionData | null)[] = []
  readonly #indexes: number[] = []
  #mustAnswer = false
  knowsPartitions = false

  constructor(broker: Broker, limits: FetchLimits, again: boolean) {
    this.#broker = broker
    this.#limits = limits
    this.#again = again
  }

  add(wanted: WantedPartition): void {
    const { topicsById, topicsByName } = this.#broker.engine.metadata.image
    const topic = this.#limits.byId
      ? topicsById.get(wanted.topicId)
      : topicsByName.get(wanted.topic)
    const answer = this.#check(wanted, topic)
    this.#answers.push(answer)
    this.#indexes.push(wanted.partition)
    if (answer) {
      this.#mustAnswer = true
      return
    }
    const { partition, fetchOffset, maxBytes } = wanted
    this.reads.push({ topicId: topic!.topicId, partition, offset: fetchOffset, maxBytes })
  }

  /** The answer when no read is needed. */
  #check(wanted: WantedPartition, topic: TopicImage | undefined): PartitionData | null {
    const { partition } = wanted
    if (!topic && this.#limits.byId && !this.#again) {
      return notFound(partition, ErrorCode.UNKNOWN_TOPIC_ID)
    }
    const led = ledPartition(this.#broker, topic, partition)
    if (led === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return notFound(partition, led)
    this.knowsPartitions = true
    if (typeof led === 'number') return inError(partition, led)
    if (this.#limits.isFollower) return inError(partition, ErrorCode.NOT_LEADER_OR_FOLLOWER)
    if (wanted.maxBytes < 0 || this.#limits.maxBytes < 0) {
      return inError(partition, ErrorCode.UNKNOWN_SERVER_ERROR)
    }
    // Any negative epoch means "not given" here, unlike in ListOffsets.
    const errorCode = checkLeaderEpoch(Math.max(NO_EPOCH, wanted.currentLeaderEpoch), led)
    if (errorCode !== ErrorCode.NONE) return inError(partition, errorCode)
    return wanted.lastFetchedEpoch < 0 ? null : this.#checkDivergence(wanted, topic!)
  }

  /** KIP-595: a reader whose last epoch ended before its offset has read another history. */
  #checkDivergence(
    { partition, fetchOffset, lastFetchedEpoch }: WantedPartition,
    { topicId }: TopicImage,
  ): PartitionData | null {
    const { log } = this.#broker.engine
    const end = log.epochEndOffset({ topicId, partition }, lastFetchedEpoch)
    if (end.errorCode !== ErrorCode.NONE) return inError(partition, end.errorCode)
    const bounds = log.bounds({ topicId, partition })
    if (bounds.errorCode !== ErrorCode.NONE) return inError(partition, bounds.errorCode)
    const { logStartOffset, highWatermark, lastStableOffset } = bounds
    if (end.endOffset < 0 || end.leaderEpoch < 0 || fetchOffset < logStartOffset) {
      return inError(partition, ErrorCode.OFFSET_OUT_OF_RANGE)
    }
    if (end.leaderEpoch >= lastFetchedEpoch && end.endOffset >= fetchOffset) return null
    return {
      partitionIndex: partition,
      errorCode: ErrorCode.NONE,
      highWatermark,
      lastStableOffset,
      logStartOffset,
      divergingEpoch: { epoch: end.leaderEpoch, endOffset: end.endOffset },
      abortedTransactions: null,
      records: NO_RECORDS,
    }
  }

  finish(results: readonly ReadResult[]): FetchPass {
    const held: ReadResult[] = []
    let byteLength = 0
    let next = 0
    const partitions = this.#answers.map((answer, position) => {
      if (answer) return answer
      const result = results[next++]!
      byteLength += result.records.byteLength
      if (result.errorCode !== ErrorCode.NONE) this.#mustAnswer = true
      if (result.records.byteLength > 0) held.push(result)
      else result.release()
      return found(this.#indexes[position]!, result)
    })
    return {
      partitions,
      byteLength,
      mustAnswer: this.#mustAnswer,
      positions: this.reads,
      release: () => {
        for (const result of held) result.release()
      },
    }
  }
}

/** Unlike the errors of a partition that is there, these have a list of aborted transactions. */
function notFound(partitionIndex: number, errorCode: ErrorCode): PartitionData {
  return { ...inError(partitionIndex, errorCode), abortedTransactions: [] }
}

function inError(partitionIndex: number, errorCode: ErrorCode): PartitionData {
  return {
    partitionIndex,
    errorCode,
    highWatermark: -1,
    abortedTransactions: null,
    records: NO_RECORDS,
  }
}

function found(partitionIndex: number, result: ReadResult): PartitionData {
  const { errorCode } = result
  if (errorCode !== ErrorCode.NONE) return inError(partitionIndex, errorCode)
  return {
    partitionIndex,
    errorCode,
    highWatermark: result.highWatermark,
    lastStableOffset: result.lastStableOffset,
    logStartOffset: result.logStartOffset,
    abortedTransactions: result.abortedTransactions,
    records: result.records,
  }
}
