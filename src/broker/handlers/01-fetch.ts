import { Fetch } from '../../protocol/apis/01-fetch.ts'
import { bodyLength } from '../../protocol/body.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import { downConvert } from '../../protocol/records/convert.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import {
  type FetchLimits,
  type FetchPass,
  type PartitionData,
  readOnce,
  type WantedPartition,
} from '../fetch/fetch-read.ts'
import type { FetchContext, SessionRequest } from '../fetch/fetch-session.ts'
import { handler, type RequestContext } from '../handler.ts'
import { isolationLevel } from '../isolation.ts'
import { LeaderHints } from '../leader-hints.ts'
import { callerOf } from '../quotas/caller.ts'

type Request = RequestOf<typeof Fetch>
type Response = ResponseOf<typeof Fetch>
type TopicResponse = Response['responses'][number]

/** Clients of earlier versions do not know v2 batches. */
const BATCHES_SINCE = 4
/** Answers name the leader where it is another than the client believes (KIP-951). */
const HINTS_SINCE = 16
/** Topics are named by their ids from this version on. */
const IDS_SINCE = 13
/** Of the size that stands before a response, which counts for its client's quota. */
const SIZE_BYTES = 4

/**
 * Reads batches as they are stored, waiting for `minBytes` of them at most `maxWaitMs`: see
 * fetch-and-network.md section 4.
 */
export const fetch = handler(
  Fetch,
  [0, 18],
  (request, context, broker) => {
    const limits = limitsOf(request, context, broker)
    const session = broker.fetchSessions.open(sessionRequest(request, limits), context.nowMs)
    if (session.errorCode !== ErrorCode.NONE) {
      return { errorCode: session.errorCode, responses: [] }
    }
    const work = new FetchWork(request, context, broker, limits, session)
    const pass = work.read(false)
    return pass instanceof Promise
      ? pass.then((done) => work.answerOrWait(done))
      : work.answerOrWait(pass)
  },
  {
    errorResponse: (request, { errorCode }, apiVersion) => ({
      errorCode,
      sessionId: request.sessionId,
      responses: apiVersion >= IDS_SINCE ? [] : allInError(request, errorCode),
    }),
  },
)

function allInError(request: Request, errorCode: ErrorCode): TopicResponse[] {
  return request.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map(({ partition }) => ({
      partitionIndex: partition,
      errorCode,
      highWatermark: -1,
      abortedTransactions: [],
      records: Buffer.alloc(0),
    })),
  }))
}

function limitsOf(request: Request, context: RequestContext, broker: Broker): FetchLimits {
  const { apiVersion } = context
  const { settings, fetches, quotas } = broker
  const quotaBytes = quotas.active?.fetchBytesMax(callerOf(context)) ?? Number.POSITIVE_INFINITY
  const { fetchMaxBytes } = settings
  const maxBytes = Math.min(request.maxBytes, fetchMaxBytes, fetches.maxBytes, quotaBytes)
  return {
    isolationLevel: request.isolationLevel,
    minBytes: Math.min(request.minBytes, maxBytes),
    maxBytes,
    atLeastOneBatch: apiVersion >= 3,
    byId: apiVersion >= IDS_SINCE,
    isFollower: Math.max(request.replicaId, request.replicaState.replicaId) >= 0,
  }
}

function sessionRequest(request: Request, { byId }: FetchLimits): SessionRequest {
  const { sessionId, sessionEpoch } = request
  const partitions: WantedPartition[] = []
  for (const { topic, topicId, partitions: listed } of request.topics) {
    for (const one of listed) {
      const { partition, currentLeaderEpoch, fetchOffset, lastFetchedEpoch } = one
      const maxBytes = one.partitionMaxBytes
      partitions.push({
        topic,
        topicId,
        partition,
        currentLeaderEpoch,
        fetchOffset,
        lastFetchedEpoch,
        maxBytes,
      })
    }
  }
  const forgotten = request.forgottenTopicsData.flatMap(({ topic, topicId, partitions: listed }) =>
    listed.map((partition) => ({ topic, topicId, partition })),
  )
  return { sessionId, sessionEpoch, byId, partitions, forgotten }
}

/** One request from its first look at the log to its answer. */
class FetchWork {
  readonly #request: Request
  readonly #context: RequestContext
  readonly #broker: Broker
  readonly #limits: FetchLimits
  readonly #session: FetchContext
  readonly #deadlineMs: number

  constructor(
    request: Request,
    context: RequestContext,
    broker: Broker,
    limits: FetchLimits,
    session: FetchContext,
  ) {
    this.#request = request
    this.#context = context
    this.#broker = broker
    this.#limits = limits
    this.#session = session
    this.#deadlineMs = context.nowMs + request.maxWaitMs
  }

  read(again: boolean): FetchPass | Promise<FetchPass> {
    return readOnce(this.#session.partitions, this.#limits, this.#broker, again)
  }

  answerOrWait(pass: FetchPass): Response | Promise<Response> {
    return this.#isEnough(pass) ? this.#answer(pass) : this.#wait(pass)
  }

  #isEnough(pass: FetchPass): boolean {
    return (
      pass.mustAnswer ||
      pass.positions.length === 0 ||
      pass.byteLength >= this.#limits.minBytes ||
      this.#request.maxWaitMs <= 0
    )
  }

  async #wait(first: FetchPass): Promise<Response> {
    const { fetches, engine } = this.#broker
    const { minBytes } = this.#limits
    const isolation = isolationLevel(this.#limits.isolationLevel)
    let pass = first
    for (;;) {
      const { positions, byteLength } = pass
      pass.release()
      const reason = await fetches.wait(engine.log, positions, {
        minBytes,
        isolation,
        deadlineMs: this.#deadlineMs,
        peer: this.#context.peer,
      })
      pass = await this.read(true)
      // What wakes counts whole batches; a limit may keep some of them out of the answer.
      const isStuck = pass.byteLength > 0 && pass.byteLength === byteLength
      if (reason !== 'data' || isStuck || this.#isEnough(pass)) return this.#answer(pass)
    }
  }

  #answer(pass: FetchPass): Response {
    const throttleTimeMs = this.#throttleTimeMs(pass)
    if (throttleTimeMs > 0) {
      pass.release()
      const { errorCode, sessionId } = this.#session.throttled()
      return { throttleTimeMs, errorCode, sessionId, responses: [] }
    }
    const { errorCode, sessionId, positions } = this.#session.answer(
      pass.partitions,
      this.#broker.clock.nowMs(),
    )
    if (pass.byteLength > 0) this.#holdUntilSent(pass)
    const hints = new LeaderHints(this.#broker, this.#context.peer)
    const responses = this.#responses(pass, positions, hints)
    for (const position of positions) {
      this.#count(this.#session.partitions[position]!, pass.partitions[position]!)
    }
    return { errorCode, sessionId, responses, nodeEndpoints: hints.nodeEndpoints() }
  }

  #responses(pass: FetchPass, positions: readonly number[], hints: LeaderHints): TopicResponse[] {
    const { partitions } = this.#session
    const responses: { topic: string; topicId: string; partitions: PartitionData[] }[] = []
    for (const position of positions) {
      const { topic, topicId } = partitions[position]!
      const last = responses.at(-1)
      const data = this.#forVersion(pass.partitions[position]!, partitions[position]!, hints)
      if (last && last.topic === topic && last.topicId === topicId) last.partitions.push(data)
      else responses.push({ topic, topicId, partitions: [data] })
    }
    return responses
  }

  #throttleTimeMs(pass: FetchPass): number {
    const quotas = this.#broker.quotas.active
    if (quotas === undefined) return 0
    const nowMs = this.#broker.clock.nowMs()
    const caller = callerOf(this.#context)
    const busyMs = quotas.handled(caller, this.#context.busyMs, nowMs)
    return quotas.measuresFetches
      ? quotas.fetched(caller, this.#byteLength(pass), nowMs, busyMs)
      : busyMs
  }

  /** Of what would be sent. */
  #byteLength(pass: FetchPass): number {
    const hints = new LeaderHints(this.#broker, this.#context.peer)
    const responses = this.#responses(pass, this.#session.preview(pass.partitions), hints)
    return SIZE_BYTES + bodyLength(Fetch.response, this.#context.apiVersion, { responses })
  }

  #count({ topic, topicId }: WantedPartition, { errorCode, records }: PartitionData): void {
    const { meters, engine } = this.#broker
    const { topicsById, topicsByName } = engine.metadata.image
    const image = this.#limits.byId ? topicsById.get(topicId) : topicsByName.get(topic)
    if (!image) return
    meters.fetched(image.topicId, records?.byteLength ?? 0, errorCode !== ErrorCode.NONE)
  }

  #holdUntilSent(pass: FetchPass): void {
    const letGo = this.#broker.fetches.hold(pass.byteLength)
    this.#context.onSent(() => {
      letGo()
      pass.release()
    })
  }

  #forVersion(data: PartitionData, wanted: WantedPartition, hints: LeaderHints): PartitionData {
    const { errorCode } = data
    const { apiVersion } = this.#context
    if (apiVersion < BATCHES_SINCE) return downConverted(data, wanted, apiVersion)
    if (errorCode === ErrorCode.KAFKA_STORAGE_ERROR && apiVersion <= 5) {
      return { ...data, errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER }
    }
    const isOldLeader =
      errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || errorCode === ErrorCode.FENCED_LEADER_EPOCH
    if (!isOldLeader || apiVersion < HINTS_SINCE) return data
    const { topicsById, topicsByName } = this.#broker.engine.metadata.image
    const topic = this.#limits.byId
      ? topicsById.get(wanted.topicId)
      : topicsByName.get(wanted.topic)
    return { ...data, currentLeader: hints.currentLeader(topic, wanted.partition) }
  }
}

function downConverted(
  data: PartitionData,
  { fetchOffset }: WantedPartition,
  apiVersion: number,
): PartitionData {
  if (!data.records || data.records.byteLength === 0) return data
  try {
    const records = downConvert(data.records, { magic: apiVersion < 2 ? 0 : 1, fetchOffset })
    return { ...data, records }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return { ...data, errorCode: error.errorCode, highWatermark: -1, records: Buffer.alloc(0) }
  }
}
