import { randomInt } from 'node:crypto'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { PartitionData, WantedPartition } from './fetch-read.ts'

/**
 * Incremental fetch sessions (KIP-227; fetch-and-network.md section 5): the broker remembers what
 * a client reads, the client sends only changes, and is told only of partitions with news.
 */

const NO_SESSION_ID = 0
const INITIAL_EPOCH = 0
const FINAL_EPOCH = -1
const MAX_INT32 = 0x7fffffff
/** A session younger than this, or used within it, is not pushed out by another. */
const EVICTION_MS = 120_000

export interface SessionRequest {
  readonly sessionId: number
  readonly sessionEpoch: number
  /** From version 13 on topics are named by their ids. */
  readonly byId: boolean
  /** In the order of the request. */
  readonly partitions: readonly WantedPartition[]
  readonly forgotten: readonly Pick<WantedPartition, 'topic' | 'topicId' | 'partition'>[]
}

/** What a request reads, and how its answer is cut down and remembered. */
export interface FetchContext {
  /** Set when the request's session is not usable: nothing is read. */
  readonly errorCode: ErrorCode
  readonly partitions: readonly WantedPartition[]
  /** Positions in `partitions` that `answer` would send. `data` in the order of `partitions`. */
  preview(data: readonly PartitionData[]): readonly number[]
  answer(data: readonly PartitionData[], nowMs: number): FetchAnswer
  /** The answer to a client that has to wait: nothing is sent, and the session stays as it is. */
  throttled(): Pick<FetchAnswer, 'errorCode' | 'sessionId'>
}

export interface FetchAnswer {
  readonly errorCode: ErrorCode
  readonly sessionId: number
  /** What is sent: positions in `partitions`. */
  readonly positions: readonly number[]
}

class SessionPartition implements WantedPartition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  currentLeaderEpoch = -1
  fetchOffset = 0
  lastFetchedEpoch = -1
  maxBytes = 0
  /** As last told to the client; -1: tell it again whatever it is. */
  #highWatermark = -1
  #logStartOffset = -1

  constructor(wanted: WantedPartition) {
    this.topic = wanted.topic
    this.topicId = wanted.topicId
    this.partition = wanted.partition
    this.update(wanted)
  }

  update(wanted: WantedPartition): void {
    this.currentLeaderEpoch = wanted.currentLeaderEpoch
    this.fetchOffset = wanted.fetchOffset
    this.lastFetchedEpoch = wanted.lastFetchedEpoch
    this.maxBytes = wanted.maxBytes
  }

  /** Whether the client has to hear of `data`. */
  isNews(data: PartitionData): boolean {
    return (
      (data.records?.byteLength ?? 0) > 0 ||
      data.highWatermark !== this.#highWatermark ||
      (data.logStartOffset ?? -1) !== this.#logStartOffset ||
      data.errorCode !== ErrorCode.NONE ||
      data.divergingEpoch !== undefined
    )
  }

  tell(data: PartitionData): void {
    this.#highWatermark = data.errorCode === ErrorCode.NONE ? data.highWatermark : -1
    this.#logStartOffset = data.logStartOffset ?? -1
  }
}

class FetchSession {
  readonly sessionId: number
  readonly byId: boolean
  readonly createdMs: number
  lastUsedMs: number
  /** That the next request must have. */
  epoch = 1
  /** In the order of reading: who got records goes to the end. */
  readonly partitions = new Map<string, SessionPartition>()

  constructor(sessionId: number, byId: boolean, nowMs: number) {
    this.sessionId = sessionId
    this.byId = byId
    this.createdMs = nowMs
    this.lastUsedMs = nowMs
  }

  update(request: SessionRequest): void {
    for (const wanted of request.partitions) {
      const key = keyOf(wanted)
      const known = this.partitions.get(key)
      if (known) known.update(wanted)
      else this.partitions.set(key, new SessionPartition(wanted))
    }
    for (const forgotten of request.forgotten) this.partitions.delete(keyOf(forgotten))
  }

  advance(nowMs: number): void {
    this.lastUsedMs = nowMs
    this.epoch = this.epoch === MAX_INT32 ? 1 : this.epoch + 1
  }

  moveToEnd(partition: SessionPartition): void {
    const key = keyOf(partition)
    if (!this.partitions.delete(key)) return
    this.partitions.set(key, partition)
  }
}

function keyOf({
  topic,
  topicId,
  partition,
}: Pick<WantedPartition, 'topic' | 'topicId' | 'partition'>) {
  return `${partition} ${topic || topicId}`
}

/** All sessions of a broker, at most `maxSessions`. */
export class FetchSessions {
  readonly #maxSessions: () => number
  readonly #sessions = new Map<number, FetchSession>()

  constructor(maxSessions: () => number) {
    this.#maxSessions = maxSessions
  }

  get size(): number {
    return this.#sessions.size
  }

  /** What a session reads; nothing when there is no such session. */
  partitionsOf(sessionId: number): Iterable<WantedPartition> {
    return this.#sessions.get(sessionId)?.partitions.values() ?? []
  }

  open(request: SessionRequest, nowMs: number): FetchContext {
    const { sessionId, sessionEpoch } = request
    if (sessionEpoch !== INITIAL_EPOCH && sessionEpoch !== FINAL_EPOCH) {
      return this.#openIncremental(request, nowMs)
    }
    // A full fetch ends the session it names.
    this.#sessions.delete(sessionId)
    return sessionEpoch === FINAL_EPOCH ? sessionless(request) : this.#openFull(request)
  }

  #openFull(request: SessionRequest): FetchContext {
    const partitions = eachOnce(request.partitions)
    return {
      errorCode: ErrorCode.NONE,
      partitions,
      throttled: noSession,
      preview: () => allOf(partitions),
      answer: (data, nowMs) => {
        const session = this.#create(request.byId, partitions.length, nowMs)
        if (session) {
          session.update({ ...request, partitions, forgotten: [] })
          let position = 0
          for (const partition of session.partitions.values()) partition.tell(data[position++]!)
        }
        const sessionId = session?.sessionId ?? NO_SESSION_ID
        return { errorCode: ErrorCode.NONE, sessionId, positions: allOf(partitions) }
      },
    }
  }

  #openIncremental(request: SessionRequest, nowMs: number): FetchContext {
    const session = this.#sessions.get(request.sessionId)
    if (!session) return unusable(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
    if (session.epoch !== request.sessionEpoch) {
      return unusable(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
    }
    if (session.byId !== request.byId) return unusable(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
    session.update(request)
    if (session.partitions.size === 0) {
      this.#sessions.delete(session.sessionId)
      return sessionless({ ...request, partitions: [] })
    }
    session.advance(nowMs)
    const expectedEpoch = session.epoch
    const partitions = [...session.partitions.values()]
    return {
      errorCode: ErrorCode.NONE,
      partitions,
      throttled() {
        if (session.epoch === expectedEpoch) {
          return { errorCode: ErrorCode.NONE, sessionId: session.sessionId }
        }
        return { errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId: NO_SESSION_ID }
      },
      preview: (data) => news(partitions, data),
      answer(data) {
        const { errorCode, sessionId } = this.throttled()
        if (errorCode !== ErrorCode.NONE) return { errorCode, sessionId, positions: [] }
        const positions = news(partitions, data)
        for (const [position, partition] of partitions.entries()) {
          const one = data[position]!
          partition.tell(one)
          if ((one.records?.byteLength ?? 0) > 0) session.moveToEnd(partition)
        }
        return { errorCode, sessionId, positions }
      },
    }
  }

  #create(byId: boolean, partitionCount: number, nowMs: number): FetchSession | undefined {
    const maxSessions = this.#maxSessions()
    if (this.#sessions.size >= maxSessions && !this.#evict(partitionCount, nowMs)) return undefined
    let sessionId: number
    do sessionId = randomInt(1, MAX_INT32)
    while (this.#sessions.has(sessionId))
    const session = new FetchSession(sessionId, byId, nowMs)
    this.#sessions.set(sessionId, session)
    return session
  }

  /** Makes room for a session of `partitionCount`: a stale one goes first, then a smaller one. */
  #evict(partitionCount: number, nowMs: number): boolean {
    let stalest: FetchSession | undefined
    let smallest: FetchSession | undefined
    for (const session of this.#sessions.values()) {
      if (!stalest || session.lastUsedMs < stalest.lastUsedMs) stalest = session
      if (nowMs - session.createdMs <= EVICTION_MS) continue
      if (!smallest || session.partitions.size < smallest.partitions.size) smallest = session
    }
    const isStale = stalest && nowMs - stalest.lastUsedMs > EVICTION_MS
    const isSmaller = smallest && smallest.partitions.size < partitionCount
    const evicted = isStale ? stalest : isSmaller ? smallest : undefined
    return evicted !== undefined && this.#sessions.delete(evicted.sessionId)
  }
}

function sessionless(request: SessionRequest): FetchContext {
  const partitions = eachOnce(request.partitions)
  return {
    errorCode: ErrorCode.NONE,
    partitions,
    throttled: noSession,
    preview: () => allOf(partitions),
    answer: () => ({
      errorCode: ErrorCode.NONE,
      sessionId: NO_SESSION_ID,
      positions: allOf(partitions),
    }),
  }
}

function noSession() {
  return { errorCode: ErrorCode.NONE, sessionId: NO_SESSION_ID }
}

function unusable(errorCode: ErrorCode): FetchContext {
  return {
    errorCode,
    partitions: [],
    throttled: noSession,
    preview: () => [],
    answer: () => ({ errorCode, sessionId: NO_SESSION_ID, positions: [] }),
  }
}

function allOf(partitions: readonly WantedPartition[]): number[] {
  return partitions.map((_, position) => position)
}

/** A partition that is listed twice is read once, at its first place with its last parameters. */
function eachOnce(partitions: readonly WantedPartition[]): readonly WantedPartition[] {
  if (partitions.length < 2) return partitions
  const once = new Map(partitions.map((wanted) => [keyOf(wanted), wanted]))
  return once.size === partitions.length ? partitions : [...once.values()]
}

function news(partitions: readonly SessionPartition[], data: readonly PartitionData[]): number[] {
  const positions: number[] = []
  for (const [position, partition] of partitions.entries()) {
    if (partition.isNews(data[position]!)) positions.push(position)
  }
  return positions
}
