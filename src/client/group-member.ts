import type { Cancel } from '../base/clock.ts'
import { JoinGroup } from '../protocol/apis/11-join-group.ts'
import { Heartbeat } from '../protocol/apis/12-heartbeat.ts'
import { LeaveGroup } from '../protocol/apis/13-leave-group.ts'
import { SyncGroup } from '../protocol/apis/14-sync-group.ts'
import { decodeVersioned, encodeVersioned } from '../protocol/body.ts'
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../protocol/embedded/consumer-protocol.ts'
import { ErrorCode, KafkaError } from '../protocol/error-code.ts'
import type { DecodedOf } from '../protocol/schema.ts'
import { throwIfError } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import { byTopic, type TopicPartition } from './list-offsets.ts'
import { assignRanges, type Subscription } from './range-assignor.ts'

export interface GroupMemberOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs?: number
  readonly rebalanceTimeoutMs?: number
}

const SESSION_TIMEOUT_MS = 45_000
const REBALANCE_TIMEOUT_MS = 60_000
/** Often, so that a member hears soon of those that come and go. */
const HEARTBEAT_INTERVAL_MS = 1_000
const PROTOCOL = 'range'
/** The oldest form, which every member understands. */
const EMBEDDED_VERSION = 0

/** What makes a member join anew; after the last two as somebody else. */
const REJOIN: ReadonlySet<ErrorCode> = new Set([
  ErrorCode.REBALANCE_IN_PROGRESS,
  ErrorCode.ILLEGAL_GENERATION,
  ErrorCode.UNKNOWN_MEMBER_ID,
])

type Joined = DecodedOf<(typeof JoinGroup)['response']>

/**
 * A member of a group in the classic protocol, with the range assignor. `join` gives what it is to
 * read; when `mustRejoin` turns true somebody came or went, and it is to be called again.
 */
export class GroupMember {
  readonly #cluster: Cluster
  readonly #options: GroupMemberOptions
  #memberId = ''
  #generationId = -1
  #mustRejoin = false
  #cancelHeartbeat: Cancel | undefined
  #onRejoin: (() => void) | undefined

  constructor(cluster: Cluster, options: GroupMemberOptions) {
    this.#cluster = cluster
    this.#options = options
  }

  get memberId(): string {
    return this.#memberId
  }

  get generationId(): number {
    return this.#generationId
  }

  get mustRejoin(): boolean {
    return this.#mustRejoin
  }

  /** Called when `mustRejoin` turns true. */
  set onRejoin(callback: () => void) {
    this.#onRejoin = callback
  }

  /** Waits for the others. Throws what the coordinator answers, if it is not about waiting. */
  async join(): Promise<TopicPartition[]> {
    this.#stopHeartbeat()
    const assignment = await this.#cluster.retry(
      async () => {
        try {
          return await this.#sync(await this.#joinOnce())
        } catch (error) {
          this.#noteFailure(error)
          throw error
        }
      },
      (error) => error instanceof KafkaError && REJOIN.has(error.errorCode),
    )
    this.#mustRejoin = false
    this.#scheduleHeartbeat()
    return assignment
  }

  async leave(): Promise<void> {
    this.#stopHeartbeat()
    if (this.#memberId === '') return
    const memberId = this.#memberId
    this.#memberId = ''
    const connection = await this.#cluster.coordinator(this.#options.groupId)
    await connection.request(LeaveGroup, {
      groupId: this.#options.groupId,
      memberId,
      members: [{ memberId }],
    })
  }

  async #joinOnce(): Promise<Joined> {
    const { groupId, topics } = this.#options
    const rebalanceTimeoutMs = this.#options.rebalanceTimeoutMs ?? REBALANCE_TIMEOUT_MS
    const subscription = { topics, ownedPartitions: [], userData: null }
    const metadata = encodeVersioned(ConsumerProtocolSubscription, EMBEDDED_VERSION, subscription)
    const connection = await this.#cluster.coordinator(groupId)
    const response = await connection.request(
      JoinGroup,
      {
        groupId,
        sessionTimeoutMs: this.#sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId: this.#memberId,
        protocolType: 'consumer',
        protocols: [{ name: PROTOCOL, metadata }],
      },
      { waitMs: rebalanceTimeoutMs },
    )
    if (response.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.#memberId = response.memberId
      return await this.#joinOnce()
    }
    throwIfError(response.errorCode)
    this.#memberId = response.memberId
    this.#generationId = response.generationId
    return response
  }

  async #sync(joined: Joined): Promise<TopicPartition[]> {
    const isLeader = joined.leader === this.#memberId && !joined.skipAssignment
    const assignments = isLeader ? await this.#assign(joined) : []
    const connection = await this.#cluster.coordinator(this.#options.groupId)
    const response = await connection.request(
      SyncGroup,
      {
        groupId: this.#options.groupId,
        generationId: this.#generationId,
        memberId: this.#memberId,
        protocolType: 'consumer',
        protocolName: PROTOCOL,
        assignments,
      },
      { waitMs: this.#options.rebalanceTimeoutMs ?? REBALANCE_TIMEOUT_MS },
    )
    throwIfError(response.errorCode)
    if (response.assignment.length === 0) return []
    const { assignedPartitions } = decodeVersioned(ConsumerProtocolAssignment, response.assignment)
    return assignedPartitions.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    )
  }

  async #assign({ members }: Joined) {
    const subscriptions: Subscription[] = members.map(({ memberId, metadata }) => ({
      memberId,
      topics: decodeVersioned(ConsumerProtocolSubscription, metadata).topics,
    }))
    const counts = new Map<string, number>()
    for (const topic of new Set(subscriptions.flatMap(({ topics }) => topics))) {
      const { partitions } = await this.#cluster.cachedTopic(topic)
      counts.set(topic, partitions.length)
    }
    return [...assignRanges(subscriptions, counts)].map(([memberId, partitions]) => ({
      memberId,
      assignment: encodeVersioned(ConsumerProtocolAssignment, EMBEDDED_VERSION, {
        assignedPartitions: byTopic(partitions).map(([topic, numbers]) => ({
          topic,
          partitions: numbers,
        })),
        userData: null,
      }),
    }))
  }

  get #sessionTimeoutMs(): number {
    return this.#options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS
  }

  #scheduleHeartbeat(): void {
    const intervalMs = Math.min(HEARTBEAT_INTERVAL_MS, this.#sessionTimeoutMs / 3)
    this.#cancelHeartbeat = this.#cluster.clock.schedule(intervalMs, () => void this.#heartbeat())
  }

  #stopHeartbeat(): void {
    this.#cancelHeartbeat?.()
    this.#cancelHeartbeat = undefined
  }

  /** Never rejects: what is wrong shows when the member commits or joins. */
  async #heartbeat(): Promise<void> {
    const { groupId } = this.#options
    const generationId = this.#generationId
    try {
      const connection = await this.#cluster.coordinator(groupId)
      const request = { groupId, generationId, memberId: this.#memberId }
      const response = await connection.request(Heartbeat, request)
      throwIfError(response.errorCode)
    } catch (error) {
      this.#noteFailure(error)
    }
    if (this.#cancelHeartbeat && generationId === this.#generationId) this.#scheduleHeartbeat()
  }

  #noteFailure(error: unknown): void {
    if (!(error instanceof KafkaError) || !REJOIN.has(error.errorCode)) return
    if (error.errorCode !== ErrorCode.REBALANCE_IN_PROGRESS) this.#memberId = ''
    const isNew = !this.#mustRejoin
    this.#mustRejoin = true
    if (isNew) this.#onRejoin?.()
  }
}
