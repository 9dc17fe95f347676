import { OffsetCommit } from '../../../src/protocol/apis/08-offset-commit.ts'
import { OffsetFetch } from '../../../src/protocol/apis/09-offset-fetch.ts'
import { JoinGroup } from '../../../src/protocol/apis/11-join-group.ts'
import { Heartbeat } from '../../../src/protocol/apis/12-heartbeat.ts'
import { LeaveGroup } from '../../../src/protocol/apis/13-leave-group.ts'
import { SyncGroup } from '../../../src/protocol/apis/14-sync-group.ts'
import { DescribeGroups } from '../../../src/protocol/apis/15-describe-groups.ts'
import { ListGroups } from '../../../src/protocol/apis/16-list-groups.ts'
import { DeleteGroups } from '../../../src/protocol/apis/42-delete-groups.ts'
import { OffsetDelete } from '../../../src/protocol/apis/47-offset-delete.ts'
import { ConsumerGroupHeartbeat } from '../../../src/protocol/apis/68-consumer-group-heartbeat.ts'
import { ConsumerGroupDescribe } from '../../../src/protocol/apis/69-consumer-group-describe.ts'
import { encodeVersioned } from '../../../src/protocol/body.ts'
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../../../src/protocol/embedded/consumer-protocol.ts'
import type { Api, DecodedOf, EncodableOf } from '../../../src/protocol/schema.ts'
import { Conversation, pause } from './conversation.ts'

type Request<A extends Api> = EncodableOf<A['request']>
type Answer<A extends Api> = Promise<DecodedOf<A['response']>>
interface Options {
  readonly v?: number
  readonly who?: string
}

/** Where a member is: what it says in each request. */
export interface Place {
  readonly memberId: string
  readonly generationId: number
}

/** A conversation with a verb for each API of groups; what is not given is as usual. */
export class GroupQuestions extends Conversation {
  subscription(...topics: string[]): Buffer {
    const names = topics.map((topic) => this.name(topic))
    return encodeVersioned(ConsumerProtocolSubscription, 1, { topics: names })
  }

  assignment(topic: string, partitions: readonly number[]): Buffer {
    const assignedPartitions = [{ topic: this.name(topic), partitions: [...partitions] }]
    return encodeVersioned(ConsumerProtocolAssignment, 1, { assignedPartitions })
  }

  join(group: string, facts: Partial<Request<typeof JoinGroup>> = {}, options: Options = {}) {
    const request = this.joinRequest(group, facts)
    return this.ask(JoinGroup, options.v ?? 9, request, { group, ...facts }, options.who)
  }

  joinRequest(group: string, facts: Partial<Request<typeof JoinGroup>> = {}) {
    return {
      groupId: this.name(group),
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 60_000,
      memberId: '',
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: this.subscription('t') }],
      ...facts,
    }
  }

  /** Joins as old clients do, without a word; answers when the group has its generation. */
  async joined(
    group: string,
    facts: Partial<Request<typeof JoinGroup>> = {},
    who = 'app',
  ): Promise<Place> {
    const version = facts.groupInstanceId ? 5 : 3
    const request = this.joinRequest(group, facts)
    const { memberId, generationId } = await this.quietly(JoinGroup, version, request, who)
    return { memberId, generationId }
  }

  /** A stable group of one member. */
  async stable(
    group: string,
    facts: Partial<Request<typeof JoinGroup>> = {},
    who = 'app',
    assignment = this.assignment('t', [0, 1]),
  ): Promise<Place> {
    const place = await this.joined(group, facts, who)
    const assignments = [{ memberId: place.memberId, assignment }]
    const groupInstanceId = facts.groupInstanceId ?? null
    const request = { groupId: this.name(group), ...place, groupInstanceId, assignments }
    await this.quietly(SyncGroup, 4, request, who)
    return place
  }

  sync(group: string, facts: Partial<Request<typeof SyncGroup>> = {}, options: Options = {}) {
    const request = {
      groupId: this.name(group),
      generationId: 1,
      memberId: '',
      protocolType: 'consumer',
      protocolName: 'range',
      assignments: [],
      ...facts,
    }
    return this.ask(SyncGroup, options.v ?? 5, request, { group, ...facts }, options.who)
  }

  heartbeat(group: string, facts: Partial<Request<typeof Heartbeat>> = {}, options: Options = {}) {
    const request = { groupId: this.name(group), generationId: 1, memberId: '', ...facts }
    return this.ask(Heartbeat, options.v ?? 4, request, { group, ...facts }, options.who)
  }

  leave(
    group: string,
    members: readonly { memberId: string; groupInstanceId?: string | null }[],
    options: Options = {},
  ) {
    const { v = 5 } = options
    const groupId = this.name(group)
    const many = members.map((one) => ({ groupInstanceId: null, ...one }))
    const request = v < 3 ? { groupId, memberId: members[0]!.memberId } : { groupId, members: many }
    return this.ask(LeaveGroup, v, request, { group, members }, options.who)
  }

  commit(
    group: string,
    facts: Partial<Request<typeof OffsetCommit>> & {
      offset?: number
      topic?: string
      partitions?: readonly number[]
      metadata?: string | null
    } = {},
    options: Options = {},
  ): Answer<typeof OffsetCommit> {
    const { offset = 7, topic = 't', partitions = [0], metadata = '', ...others } = facts
    const request = {
      groupId: this.name(group),
      topics: [
        {
          name: this.name(topic),
          topicId: this.topicId(topic),
          partitions: partitions.map((partitionIndex) => ({
            partitionIndex,
            committedOffset: offset,
            committedMetadata: metadata,
          })),
        },
      ],
      memberId: '',
      ...others,
    }
    const shown = { group, ...facts, ...(metadata && { metadata: `${metadata.length} letters` }) }
    return this.ask(OffsetCommit, options.v ?? 10, request, shown, options.who)
  }

  /** `topics` null asks for all. */
  fetch(
    group: string,
    facts: {
      topics?: Readonly<Record<string, readonly number[]>> | null
      memberId?: string | null
      memberEpoch?: number
    } = {},
    options: Options = {},
  ): Answer<typeof OffsetFetch> {
    const { v = 10 } = options
    const { topics: asked = { t: [0] }, memberId = null, memberEpoch = -1 } = facts
    const topics =
      asked &&
      Object.entries(asked).map(([name, partitionIndexes]) => ({
        name: this.name(name),
        topicId: this.topicId(name),
        partitionIndexes: [...partitionIndexes],
      }))
    const one = { groupId: this.name(group), memberId, memberEpoch, topics }
    const request = v < 8 ? { groupId: one.groupId, topics } : { groups: [one] }
    return this.ask(OffsetFetch, v, request, { group, ...facts }, options.who)
  }

  deleteOffsets(group: string, topics: Readonly<Record<string, readonly number[]>>) {
    const asked = Object.entries(topics).map(([name, partitions]) => ({
      name: this.name(name),
      partitions: partitions.map((partitionIndex) => ({ partitionIndex })),
    }))
    const request = { groupId: this.name(group), topics: asked }
    return this.ask(OffsetDelete, 0, request, { group, topics })
  }

  deleteGroups(groups: readonly string[], v = 2) {
    const groupsNames = groups.map((group) => this.name(group))
    return this.ask(DeleteGroups, v, { groupsNames }, { groups })
  }

  describe(groups: readonly string[], v = 6, includeAuthorizedOperations = false) {
    const names = groups.map((group) => this.name(group))
    const facts = { groups, ...(includeAuthorizedOperations && { includeAuthorizedOperations }) }
    return this.ask(DescribeGroups, v, { groups: names, includeAuthorizedOperations }, facts)
  }

  /** Says nothing of it. */
  async memberIds(group: string): Promise<string[]> {
    const request = { groups: [this.name(group)] }
    const { groups } = await this.quietly(DescribeGroups, 5, request)
    return groups[0]!.members.map(({ memberId }) => memberId)
  }

  describeConsumers(groups: readonly string[], v = 1, includeAuthorizedOperations = false) {
    const groupIds = groups.map((group) => this.name(group))
    const facts = { groups, ...(includeAuthorizedOperations && { includeAuthorizedOperations }) }
    return this.ask(ConsumerGroupDescribe, v, { groupIds, includeAuthorizedOperations }, facts)
  }

  /** Only groups of this conversation are written down, those whose names begin with `stem`. */
  async list(stem: string, facts: Partial<Request<typeof ListGroups>> = {}, v = 5): Promise<void> {
    const response = await this.quietly(ListGroups, v, facts)
    const tag = this.name('-').slice(1)
    const groups = response.groups.filter(
      ({ groupId }) => groupId.startsWith(stem) && groupId.endsWith(tag),
    )
    this.say(`ListGroups v${v} ${JSON.stringify(facts)}`, { ...response, groups })
  }

  beat(
    group: string,
    facts: Partial<Omit<Request<typeof ConsumerGroupHeartbeat>, 'topicPartitions'>> & {
      topics?: readonly string[]
      owned?: Readonly<Record<string, readonly number[]>> | null
    } = {},
    options: Options = {},
  ): Answer<typeof ConsumerGroupHeartbeat> {
    const { topics, owned, ...others } = facts
    const request = {
      groupId: this.name(group),
      memberId: 'm',
      memberEpoch: 0,
      subscribedTopicNames: topics?.map((topic) => this.name(topic)) ?? null,
      topicPartitions:
        owned === undefined || owned === null
          ? null
          : Object.entries(owned).map(([topic, partitions]) => ({
              topicId: this.topicId(topic),
              partitions: [...partitions],
            })),
      ...others,
    }
    const shown = { group, ...facts }
    return this.ask(ConsumerGroupHeartbeat, options.v ?? 1, request, shown, options.who)
  }

  /** Joins a consumer group. */
  enter(
    group: string,
    memberId: string,
    facts: Parameters<GroupQuestions['beat']>[1] = {},
    options: Options = {},
  ) {
    const joining = { memberEpoch: 0, rebalanceTimeoutMs: 60_000, owned: {}, topics: ['t'] }
    return this.beat(group, { memberId, ...joining, ...facts }, options)
  }

  /** Waits until a group is in a state. */
  async until(group: string, state: string): Promise<void> {
    for (;;) {
      const { groups } = await this.quietly(ListGroups, 5, {}, 'watcher')
      const found = groups.find(({ groupId }) => groupId === this.name(group))
      if (found?.groupState === state) return
      await pause(20)
    }
  }
}
