import { ErrorCode, KafkaError } from '../protocol/error-code.ts'
import type { Cluster } from './cluster.ts'
import { type Fetched, Fetcher, type FetcherOptions, type Position } from './fetcher.ts'
import { commitOffsets, committedOffsets } from './group-admin.ts'
import { GroupMember, type GroupMemberOptions } from './group-member.ts'
import { EARLIEST, LATEST, listOffsets, nameOf, type TopicPartition } from './list-offsets.ts'

export interface GroupConsumerOptions extends GroupMemberOptions, FetcherOptions {
  /** Where to begin in partitions that the group has no offset of. */
  readonly initial: 'start' | 'end'
}

/** Reads topics as a member of a group: what it is assigned, from where the group has come to. */
export class GroupConsumer {
  readonly #cluster: Cluster
  readonly #options: GroupConsumerOptions
  readonly #member: GroupMember
  readonly #fetcher: Fetcher
  #isMember = false
  /** Partitions in which more is known to be, or nothing was read yet. */
  readonly #behind = new Set<string>()
  /** Seen by the caller and not committed. */
  readonly #uncommitted = new Map<string, TopicPartition & { offset: number }>()

  constructor(cluster: Cluster, options: GroupConsumerOptions) {
    this.#cluster = cluster
    this.#options = options
    this.#member = new GroupMember(cluster, options)
    this.#fetcher = new Fetcher(cluster, options)
  }

  /** What arrives next; nothing while the group rebalances, or when the wait was in vain. */
  async poll(): Promise<readonly Fetched[]> {
    if (!this.#isMember || this.#member.mustRejoin) {
      await this.#join()
      return []
    }
    if (this.#fetcher.isDone) {
      await this.#idle()
      return []
    }
    const fetched = await this.#fetcher.poll()
    for (const one of fetched) {
      if (one.nextOffset >= one.highWatermark) this.#behind.delete(nameOf(one))
      else this.#behind.add(nameOf(one))
    }
    return fetched
  }

  /** Everything was seen that the partitions of this member held. */
  get isCaughtUp(): boolean {
    return this.#isMember && !this.#member.mustRejoin && this.#behind.size === 0
  }

  /** The caller has done with everything before `offset`: the next commit says so. */
  markDone(partition: TopicPartition, offset: number): void {
    const { topic, partition: number } = partition
    this.#uncommitted.set(nameOf(partition), { topic, partition: number, offset })
  }

  /** A commit that comes too late, after partitions went to others, is not an error. */
  async commit(): Promise<void> {
    const offsets = [...this.#uncommitted.values()]
    if (offsets.length === 0) return
    this.#uncommitted.clear()
    const { memberId, generationId } = this.#member
    try {
      await commitOffsets(this.#cluster, this.#options.groupId, offsets, { memberId, generationId })
    } catch (error) {
      if (!isFenced(error)) throw error
    }
  }

  /** Commits and leaves the group at once, so that others need not wait for the session to end. */
  async close(): Promise<void> {
    if (!this.#isMember) return
    this.#isMember = false
    try {
      await this.commit()
    } finally {
      await this.#member.leave()
    }
  }

  async #join(): Promise<void> {
    if (this.#isMember) await this.commit()
    const assigned = await this.#member.join()
    this.#isMember = true
    this.#fetcher.assign(await this.#positions(assigned))
    this.#behind.clear()
    for (const one of assigned) this.#behind.add(nameOf(one))
  }

  async #positions(assigned: readonly TopicPartition[]): Promise<Position[]> {
    if (assigned.length === 0) return []
    const { groupId, initial } = this.#options
    const committed = await committedOffsets(this.#cluster, groupId, assigned)
    const known = new Map(committed.map((one) => [nameOf(one), one.offset]))
    const unknown = assigned.filter((one) => !known.has(nameOf(one)))
    const time = initial === 'start' ? EARLIEST : LATEST
    const first =
      unknown.length > 0 ? await listOffsets(this.#cluster, unknown, time) : ([] as number[])
    unknown.forEach((one, index) => {
      known.set(nameOf(one), first[index]!)
    })
    return assigned.map((one) => ({ ...one, offset: known.get(nameOf(one))! }))
  }

  /** A member without partitions waits for the group to change. */
  #idle(): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        resolve()
      }
      const cancel = this.#cluster.clock.schedule(this.#options.maxWaitMs ?? 500, done)
      this.#member.onRejoin = done
    })
  }
}

function isFenced(error: unknown): boolean {
  return (
    error instanceof KafkaError &&
    (error.errorCode === ErrorCode.ILLEGAL_GENERATION ||
      error.errorCode === ErrorCode.UNKNOWN_MEMBER_ID ||
      error.errorCode === ErrorCode.REBALANCE_IN_PROGRESS)
  )
}
