import type { Broker } from '../broker/broker.ts'
import { assignedPartitionsOf } from '../client/assigned-partitions.ts'
import { OffsetFetch } from '../protocol/apis/09-offset-fetch.ts'
import { DescribeGroups } from '../protocol/apis/15-describe-groups.ts'
import { ListGroups } from '../protocol/apis/16-list-groups.ts'
import { ConsumerGroupDescribe } from '../protocol/apis/69-consumer-group-describe.ts'
import { ErrorCode } from '../protocol/error-code.ts'
import type { RunningBroker } from '../server/run-broker.ts'
import { groupBroker } from './led-by.ts'
import type { LocalCalls } from './local-calls.ts'
import { throwIfRefused } from './refusal.ts'
import { waitUntil } from './wait-until.ts'

export interface StoredOffset {
  readonly topic: string
  readonly partition: number
  /** Of the next record that the group wants. */
  readonly offset: number
  readonly metadata: string
}

export interface GroupView {
  readonly groupId: string
  /** `Empty`, `PreparingRebalance`, `CompletingRebalance`, `Stable`, ... as Kafka calls it. */
  readonly state: string
  /** `classic`, `consumer` (KIP-848), ... */
  readonly type: string
  /** `consumer`, `connect`, ...; empty for a group that only keeps offsets. */
  readonly protocolType: string
  readonly members: readonly MemberView[]
}

export interface MemberView {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  readonly assignment: readonly { readonly topic: string; readonly partition: number }[]
}

export interface GroupOptions {
  /** `Stable` when left out. */
  readonly state?: string
  /** Any number when left out. */
  readonly members?: number
  /** 10,000 when left out. */
  readonly timeoutMs?: number
}

/** The groups that a broker in this process coordinates. */
export class LocalGroups {
  readonly #running: RunningBroker
  readonly #calls: LocalCalls

  constructor(running: RunningBroker, calls: LocalCalls) {
    this.#running = running
    this.#calls = calls
  }

  async committedOffsets(groupId: string): Promise<StoredOffset[]> {
    const request = { groups: [{ groupId, topics: null }], requireStable: false }
    const { groups } = await this.#calls.call(OffsetFetch, 8, request, this.#of(groupId))
    const { errorCode, topics } = groups[0]!
    // There is no coordinator before somebody first looked for one.
    if (errorCode === ErrorCode.NOT_COORDINATOR) return []
    throwIfRefused(errorCode, `group ${groupId}`)
    const found = topics.flatMap(({ name, partitions }) =>
      partitions
        .filter(({ committedOffset }) => committedOffset >= 0)
        .map(({ partitionIndex, committedOffset, metadata }) => ({
          topic: name,
          partition: partitionIndex,
          offset: committedOffset,
          metadata: metadata ?? '',
        })),
    )
    return found.sort(
      (one, other) => compare(one.topic, other.topic) || one.partition - other.partition,
    )
  }

  async list(): Promise<GroupView[]> {
    const views: GroupView[] = []
    for (const broker of this.#running.brokers) {
      const { errorCode, groups } = await this.#calls.call(ListGroups, 5, {}, broker)
      throwIfRefused(errorCode, 'groups cannot be listed')
      for (const { groupId, groupState, groupType, protocolType } of groups) {
        const type = groupType.toLowerCase()
        const members =
          type === 'consumer' ? await this.#consumers(groupId) : await this.#classic(groupId)
        views.push({ groupId, state: groupState, type, protocolType, members })
      }
    }
    return views.sort((one, other) => compare(one.groupId, other.groupId))
  }

  #of(groupId: string): Broker {
    return groupBroker(this.#running, groupId)
  }

  async #classic(groupId: string): Promise<MemberView[]> {
    const request = { groups: [groupId] }
    const { groups } = await this.#calls.call(DescribeGroups, 5, request, this.#of(groupId))
    const { errorCode, members, protocolType } = groups[0]!
    throwIfRefused(errorCode, `group ${groupId}`)
    return members.map((member) => ({
      memberId: member.memberId,
      instanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      assignment: protocolType === 'consumer' ? assignedPartitionsOf(member.memberAssignment) : [],
    }))
  }

  async #consumers(groupId: string): Promise<MemberView[]> {
    const request = { groupIds: [groupId], includeAuthorizedOperations: false }
    const coordinator = this.#of(groupId)
    const { groups } = await this.#calls.call(ConsumerGroupDescribe, 0, request, coordinator)
    const { errorCode, errorMessage, members } = groups[0]!
    throwIfRefused(errorCode, errorMessage)
    return members.map(({ memberId, instanceId, clientId, clientHost, assignment }) => ({
      memberId,
      instanceId,
      clientId,
      clientHost,
      assignment: assignment.topicPartitions.flatMap(({ topicName, partitions }) =>
        partitions.map((partition) => ({ topic: topicName, partition })),
      ),
    }))
  }

  waitFor(groupId: string, options: GroupOptions = {}): Promise<GroupView> {
    const { state = 'Stable', members, timeoutMs = 10_000 } = options
    let groups: GroupView[] = []
    return waitUntil({
      timeoutMs,
      check: async () => {
        groups = await this.list()
        return groups.find(
          (group) =>
            group.groupId === groupId &&
            group.state === state &&
            (members === undefined || group.members.length === members),
        )
      },
      explain: () => {
        const wanted = members === undefined ? '' : ` with ${members} members`
        const there = groups.map(describe).join('\n') || 'there are no groups'
        return `group '${groupId}' to be ${state}${wanted}\n${there}`
      },
    })
  }
}

function describe({ groupId, state, members }: GroupView): string {
  const names = members.map(({ clientId, assignment }) => {
    const assigned = assignment.map(({ topic, partition }) => `${topic}-${partition}`)
    return `${clientId} (${assigned.join(' ') || 'nothing assigned'})`
  })
  return `group '${groupId}' is ${state}, members: ${names.join(', ') || 'none'}`
}

function compare(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
