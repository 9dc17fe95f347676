import { VirtualClock } from '../../../src/base/clock.ts'
import { TimerQueue } from '../../../src/base/timer-queue.ts'
import { type Uuid, ZERO_UUID } from '../../../src/base/uuid.ts'
import { CoordinatorHost } from '../../../src/broker/coordinators/coordinator-host.ts'
import { silentLogger } from '../../../src/broker/logger.ts'
import { classicProtocols } from '../../../src/coordinator/group/classic-member.ts'
import type { ConsumerGroupRecord } from '../../../src/coordinator/group/consumer-group.ts'
import type { ConsumerHeartbeatResponse } from '../../../src/coordinator/group/consumer-heartbeat.ts'
import {
  readAssignment,
  subscribedTopics,
  writeAssignment,
} from '../../../src/coordinator/group/consumer-protocol.ts'
import { GroupCoordinator } from '../../../src/coordinator/group/group-coordinator.ts'
import {
  decodeGroupRecord,
  encodeGroupRecord,
  type GroupRecord,
} from '../../../src/coordinator/group/group-records.ts'
import { encodeVersioned } from '../../../src/protocol/body.ts'
import { ConsumerProtocolSubscription } from '../../../src/protocol/embedded/consumer-protocol.ts'
import { ErrorCode, errorName, KafkaError } from '../../../src/protocol/error-code.ts'
import { MemoryCoordinatorStore } from '../memory-coordinator-store.ts'
import { TestTopics, topicIdOf } from './test-topics.ts'

export const scenarioSettings = {
  groupMinSessionTimeoutMs: 6_000,
  groupMaxSessionTimeoutMs: 1_800_000,
  groupInitialRebalanceDelayMs: 0,
  groupMaxSize: 1_000,
  groupBytesMax: 1_048_576,
  offsetMetadataMaxBytes: 4_096,
  offsetsRetentionMinutes: 10_080,
  offsetsRetentionCheckIntervalMs: 600_000,
  groupConsumerMaxSize: 1_000,
  groupConsumerAssignors: ['uniform', 'range'],
  groupConsumerMigrationPolicy: 'bidirectional',
  groupConsumerRegexRefreshIntervalMs: 600_000,
  consumerSessionTimeoutMs: 45_000,
  consumerHeartbeatIntervalMs: 5_000,
  consumerAssignmentIntervalMs: 0,
}

type Words = { readonly [name: string]: string }

const START_MS = 1_000_000

/**
 * Runs a script of requests against a coordinator under its real host, a virtual clock and a log
 * in memory. A line is a command; what it brings about is written below it, indented:
 *
 *     join a instance=i session=10s     a JoinGroup of client a
 *       append ...                      records that were written
 *       a: ...                          an answer
 *
 * Member id and generation are those of the client's last answer unless they are given.
 */
export class GroupScenario {
  readonly settings = { ...scenarioSettings }
  readonly topics = new TestTopics()
  readonly clock = new VirtualClock(START_MS)
  readonly store = new MemoryCoordinatorStore()
  #timers = new TimerQueue(this.clock)
  #host = this.#newHost()
  #output: string[] = []
  #batchesShown = 0
  #ids = 0
  readonly #known = new Map<string, { memberId: string; generationId: number }>()

  /** The script again, every command followed by what happened. */
  async run(script: string): Promise<string> {
    await this.#host.load(0)
    const lines: string[] = []
    for (const line of script.split('\n')) {
      if (line.startsWith(' ')) continue
      lines.push(line)
      if (line.trim() !== '' && !line.startsWith('#')) lines.push(...(await this.#step(line)))
    }
    return lines.join('\n')
  }

  get coordinator(): GroupCoordinator {
    return this.#host.read(0)
  }

  async #step(line: string): Promise<string[]> {
    this.#output = []
    const [verb = '', ...rest] = line.trim().split(/\s+/)
    const who = rest.filter((word) => !word.includes('=')).join(' ')
    const words = Object.fromEntries(
      rest.filter((word) => word.includes('=')).map((word) => cut(word, '=')),
    )
    try {
      await this.#command(verb, who, words)
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error
      this.#say(`${who}: ${errorName(error.errorCode)}`)
    }
    // What was to happen at once.
    this.clock.advance(0)
    await settled()
    this.#showAppends()
    return this.#output.map((text) => `  ${text}`)
  }

  async #command(verb: string, who: string, words: Words): Promise<void> {
    switch (verb) {
      case 'join':
        return this.#join(who, words)
      case 'sync':
        return this.#sync(who, words)
      case 'heartbeat':
        return this.#heartbeat(who, words)
      case 'leave':
        return this.#leave(who, words)
      case 'commit':
        return this.#commit(who, words)
      case 'txn-commit':
        return this.#txnCommit(who, words)
      case 'marker': {
        const producerId = Number(words['producer'])
        const result = who === 'abort' ? 'abort' : 'commit'
        const append = () => this.store.appendMarker(producerId, result, this.clock.nowMs())
        await this.#host.endTransaction(0, producerId, result, append)
        return
      }
      case 'fetch':
        return this.#fetch(words)
      case 'delete-offsets':
        return this.#deleteOffsets(words)
      case 'delete-groups':
        return this.#deleteGroups(who)
      case 'describe':
        return this.#describe(who || 'g', words)
      case 'list':
        return this.#list(words)
      case 'hb':
        return this.#consumerHeartbeat(who, words)
      case 'cjoin':
        return this.#consumerHeartbeat(who, { epoch: '0', rebalance: '30s', owned: '', ...words })
      case 'cdescribe':
        return this.#describeConsumers(who || 'g')
      case 'topic':
        this.topics.set(who, Number(words['partitions'] ?? 1))
        return
      case 'topic-deleted':
        this.#host.tell(0, (coordinator) =>
          coordinator.topicsDeleted([{ name: who, topicId: topicId(words['id']) }]),
        )
        return
      case 'advance':
        return this.#advance(milliseconds(who))
      case 'set':
        Object.assign(this.settings, values(words))
        return
      case 'fail-next':
        this.store.failNext = ErrorCode[who as keyof typeof ErrorCode]
        return
      case 'restart':
        this.#timers.close()
        this.#timers = new TimerQueue(this.clock)
        this.#host = this.#newHost()
        return this.#host.load(0)
      case 'unload':
        return this.#host.unload(0)
      default:
        throw new Error(`unknown command ${verb}`)
    }
  }

  #newHost(): CoordinatorHost<GroupCoordinator, GroupRecord> {
    const { settings, topics } = this
    const randomId = () => String(++this.#ids)
    const groupConfig = () => settings
    const context = { settings, topics, groupConfig, randomId, randomUuidText: randomId }
    return new CoordinatorHost({
      store: this.store,
      clock: this.clock,
      timers: this.#timers,
      log: silentLogger,
      create: () => new GroupCoordinator(context),
      encode: encodeGroupRecord,
      decode: decodeGroupRecord,
      batchBytesMax: () => 1_048_588,
      defer: (callback) => callback(),
    })
  }

  #say(text: string): void {
    this.#showAppends()
    this.#output.push(text)
  }

  #showAppends(): void {
    for (const batch of this.store.batches.slice(this.#batchesShown)) {
      const txn = batch.transactional ? ` (producer ${batch.producerId})` : ''
      if (batch.marker) this.#output.push(`append ${batch.marker} marker${txn}`)
      for (const record of batch.records) {
        this.#output.push(`append ${describeRecord(decodeGroupRecord(record))}${txn}`)
      }
    }
    this.#batchesShown = this.store.batches.length
  }

  /** Shows an answer whenever it comes. */
  #answer<Response>(
    pending: Response | Promise<Response>,
    show: (response: Response) => void,
  ): void {
    if (pending instanceof Promise) void pending.then(show)
    else show(pending)
  }

  #member(who: string, words: Words): { memberId: string; generationId: number } {
    const known = this.#known.get(who) ?? { memberId: '', generationId: -1 }
    return {
      memberId: words['member'] ?? known.memberId,
      generationId: Number(words['generation'] ?? known.generationId),
    }
  }

  #join(who: string, words: Words): void {
    const request = {
      groupId: words['group'] ?? 'g',
      sessionTimeoutMs: milliseconds(words['session'] ?? '30s'),
      rebalanceTimeoutMs: milliseconds(words['rebalance'] ?? '60s'),
      memberId: words['member'] ?? this.#known.get(who)?.memberId ?? '',
      groupInstanceId: words['instance'] ?? null,
      protocolType: words['type'] ?? 'consumer',
      protocols: protocols(words['protocols'] ?? 'range:t', words['owned']),
      reason: null,
    }
    const client = {
      apiVersion: Number(words['v'] ?? 9),
      clientId: words['client'] ?? who,
      clientHost: '/127.0.0.1',
    }
    const pending = this.#host.submit<JoinAnswer>(0, (coordinator, to, nowMs) =>
      coordinator.joinGroup(request, client, to, nowMs),
    )
    this.#answer(pending, (response) => {
      const { memberId, generationId = -1 } = response
      if (memberId !== '') this.#known.set(who, { memberId, generationId })
      this.#say(`${who}: ${describeJoin(response)}`)
    })
  }

  #consumerHeartbeat(who: string, words: Words): void {
    const known = this.#known.get(who)
    const request = {
      groupId: words['group'] ?? 'g',
      memberId: words['member'] ?? who,
      memberEpoch: Number(words['epoch'] ?? known?.generationId ?? 0),
      instanceId: words['instance'] ?? null,
      rackId: words['rack'] ?? null,
      rebalanceTimeoutMs: words['rebalance'] ? milliseconds(words['rebalance']) : -1,
      subscribedTopicNames: words['topics'] === undefined ? null : list(words['topics']),
      subscribedTopicRegex: words['regex'] ?? null,
      serverAssignor: words['assignor'] ?? null,
      topicPartitions: words['owned'] === undefined ? null : ownedPartitions(words['owned']),
    }
    const client = { apiVersion: Number(words['v'] ?? 1), clientId: who, clientHost: '/h' }
    const pending = this.#host.submit<ConsumerHeartbeatResponse>(0, (coordinator, to, nowMs) =>
      coordinator.consumerGroupHeartbeat(request, client, to, nowMs),
    )
    this.#answer(pending, (response) => {
      const { memberId, memberEpoch } = response
      if (memberId) this.#known.set(who, { memberId, generationId: memberEpoch })
      this.#say(`${who}: ${describeConsumerHeartbeat(response)}`)
    })
  }

  #describeConsumers(groupId: string): void {
    const group = this.coordinator.describeConsumerGroup(groupId)
    const epochs = `epoch=${group.groupEpoch} assignment=${group.assignmentEpoch}`
    this.#say(`${group.groupState} ${epochs} assignor=${group.assignorName}`)
    for (const member of group.members) {
      const name = `${member.memberId}${member.instanceId ? `@${member.instanceId}` : ''}`
      const topics = member.subscribedTopicNames.join('+')
      const regex = member.subscribedTopicRegex ? ` /${member.subscribedTopicRegex}/` : ''
      const kind = member.memberType === 0 ? ' classic' : ''
      const has = partitionText(member.assignment.topicPartitions)
      const target = partitionText(member.targetAssignment.topicPartitions)
      const place = `epoch=${member.memberEpoch} has=[${has}] target=[${target}]`
      this.#say(`  ${name}${kind} ${topics}${regex} ${place}`)
    }
  }

  #sync(who: string, words: Words): void {
    const { memberId, generationId } = this.#member(who, words)
    const assignments = list(words['assign']).map((text) => {
      const [member, assignment] = cut(text, ':')
      return { memberId: member, assignment: assignmentBytes(assignment) }
    })
    const request = {
      groupId: words['group'] ?? 'g',
      generationId,
      memberId,
      groupInstanceId: words['instance'] ?? null,
      protocolType: words['type'] ?? null,
      protocolName: words['protocol'] ?? null,
      assignments,
    }
    const pending = this.#host.submit<SyncAnswer>(0, (coordinator, to, nowMs) =>
      coordinator.syncGroup(request, to, nowMs),
    )
    this.#answer(pending, (response) => {
      const { errorCode, assignment, protocolType, protocolName } = response
      const what = `assignment=${text(assignment)} type=${protocolType} protocol=${protocolName}`
      this.#say(`${who}: ${errorCode === 0 ? what : errorName(errorCode)}`)
    })
  }

  #heartbeat(who: string, words: Words): void {
    const request = {
      groupId: words['group'] ?? 'g',
      ...this.#member(who, words),
      groupInstanceId: words['instance'] ?? null,
    }
    const pending = this.#host.submit<{ errorCode: number }>(0, (coordinator, to, nowMs) =>
      coordinator.heartbeat(request, to, nowMs),
    )
    this.#answer(pending, ({ errorCode }) => this.#say(`${who}: ${errorName(errorCode)}`))
  }

  #leave(who: string, words: Words): void {
    const memberId = words['member'] ?? this.#known.get(who)?.memberId ?? ''
    const members = list(words['members'] ?? `${memberId}@${words['instance'] ?? ''}`).map(
      (one) => {
        const [id, instance] = cut(one, '@')
        return { memberId: id, groupInstanceId: instance || null, reason: null }
      },
    )
    const request = { groupId: words['group'] ?? 'g', memberId: '', members }
    const pending = this.#host.submit<LeaveAnswer>(0, (coordinator, to, nowMs) =>
      coordinator.leaveGroup(request, to, nowMs),
    )
    this.#answer(pending, (response) => {
      const answers = (response.members ?? []).map(
        (one) => `${one.memberId}@${one.groupInstanceId ?? ''} ${errorName(one.errorCode)}`,
      )
      this.#say(`${who}: ${errorName(response.errorCode)} [${answers.join(', ')}]`)
    })
  }

  #commit(who: string, words: Words): void {
    const { memberId, generationId } = this.#member(who, words)
    const request = {
      groupId: words['group'] ?? 'g',
      generationIdOrMemberEpoch: generationId,
      memberId,
      groupInstanceId: words['instance'] ?? null,
      retentionTimeMs: words['retention'] ? milliseconds(words['retention']) : -1,
      topics: offsetTopics(words['offsets'] ?? 't/0=5', words['metadata'] ?? ''),
    }
    const client = { apiVersion: Number(words['v'] ?? 9), clientId: who, clientHost: '/h' }
    const pending = this.#host.submit<CommitAnswer>(0, (coordinator, to, nowMs) =>
      coordinator.offsetCommit(request, client, to, nowMs),
    )
    this.#answer(pending, (response) => this.#say(`${who}: ${describeCommit(response)}`))
  }

  #txnCommit(who: string, words: Words): void {
    const { memberId, generationId } = this.#member(who, words)
    const request = {
      transactionalId: 'tx',
      groupId: words['group'] ?? 'g',
      producerId: Number(words['producer'] ?? 1),
      producerEpoch: 0,
      generationIdOrMemberEpoch: generationId,
      memberId,
      groupInstanceId: words['instance'] ?? null,
      topics: offsetTopics(words['offsets'] ?? 't/0=5', words['metadata'] ?? ''),
    }
    const client = { apiVersion: 3, clientId: who, clientHost: '/h' }
    const pending = this.#host.submit<CommitAnswer>(0, (coordinator, to, nowMs) =>
      coordinator.txnOffsetCommit(request, client, to, nowMs),
    )
    this.#answer(pending, (response) => this.#say(`${who}: ${describeCommit(response)}`))
  }

  #fetch(words: Words): void {
    const topics = words['offsets']
      ? list(words['offsets']).map((one) => {
          const [name, partition] = cut(one, '/')
          return { name, topicId: topicId(words['id']), partitionIndexes: [Number(partition)] }
        })
      : null
    const request = {
      groupId: words['group'] ?? 'g',
      memberId: words['member'] ?? null,
      memberEpoch: Number(words['epoch'] ?? -1),
      topics,
    }
    const response = this.coordinator.offsetFetch(request, words['stable'] === 'yes')
    const offsets = response.topics.flatMap((topic) =>
      topic.partitions.map((one) => {
        const error = one.errorCode === 0 ? '' : ` ${errorName(one.errorCode)}`
        const metadata = one.metadata ? ` "${one.metadata}"` : ''
        const name = `${topic.name}/${one.partitionIndex}`
        return `${name}=${one.committedOffset}@${one.committedLeaderEpoch}${metadata}${error}`
      }),
    )
    this.#say(`${errorName(response.errorCode ?? 0)} [${offsets.join(', ')}]`)
  }

  #deleteOffsets(words: Words): void {
    const topics = list(words['offsets'] ?? 't/0').map((one) => {
      const [name, partition] = cut(one, '/')
      return { name, partitions: [{ partitionIndex: Number(partition) }] }
    })
    const request = { groupId: words['group'] ?? 'g', topics }
    const pending = this.#host.submit<CommitAnswer & { errorCode: number }>(0, (coordinator, to) =>
      coordinator.offsetDelete(request, to),
    )
    this.#answer(pending, (response) =>
      this.#say(`${errorName(response.errorCode)} ${describeCommit(response)}`),
    )
  }

  #deleteGroups(who: string): void {
    const ids = who.split(' ')
    const pending = this.#host.submit<readonly number[]>(0, (coordinator, to) =>
      coordinator.deleteGroups(ids, to),
    )
    this.#answer(pending, (codes) => {
      this.#say(codes.map((code, index) => `${ids[index]} ${errorName(code)}`).join(', '))
    })
  }

  #describe(groupId: string, words: Words): void {
    const group = this.coordinator.describeClassicGroup(groupId, Number(words['v'] ?? 6))
    const error =
      group.errorCode === 0 ? '' : `${errorName(group.errorCode)} "${group.errorMessage}" `
    this.#say(`${error}${group.groupState} type=${group.protocolType} data=${group.protocolData}`)
    for (const member of group.members) {
      const { memberId, groupInstanceId, clientId, clientHost } = member
      const facts = `${memberId}@${groupInstanceId ?? ''} client=${clientId} host=${clientHost}`
      const bytes = `metadata=${text(member.memberMetadata)} assignment=${text(member.memberAssignment)}`
      this.#say(`  ${facts} ${bytes}`)
    }
  }

  #list(words: Words): void {
    const groups = this.coordinator.listGroups({
      statesFilter: list(words['states']),
      typesFilter: list(words['types']),
    })
    const shown = groups.map(
      ({ groupId, protocolType, groupState, groupType }) =>
        `${groupId} ${groupType}/${protocolType} ${groupState}`,
    )
    this.#say(`[${shown.join(', ')}]`)
  }

  /** In steps, so that what each point in time brings about is seen at that time. */
  async #advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      this.clock.advance(Math.min(left, 1_000))
      await settled()
      const said = this.#output.length
      this.#showAppends()
      const elapsed = ms - left + Math.min(left, 1_000)
      if (this.#output.length > said || said > 0) this.#stamp(elapsed)
    }
  }

  #stamp(elapsedMs: number): void {
    this.#output = this.#output.map((line) =>
      line.startsWith('+') ? line : `+${elapsedMs / 1_000}s ${line}`,
    )
  }
}

type JoinAnswer = Parameters<typeof describeJoin>[0]
interface SyncAnswer {
  errorCode: number
  assignment: Uint8Array
  protocolType?: string | null
  protocolName?: string | null
}
interface LeaveAnswer {
  errorCode: number
  members?: readonly { memberId: string; groupInstanceId: string | null; errorCode: number }[]
}
type CommitAnswer = Parameters<typeof describeCommit>[0]

function describeJoin(response: {
  errorCode: number
  generationId?: number
  protocolType?: string | null
  protocolName: string | null
  leader: string
  skipAssignment?: boolean
  memberId: string
  members: readonly { memberId: string; groupInstanceId?: string | null; metadata: Uint8Array }[]
}): string {
  const { errorCode, memberId } = response
  if (errorCode !== 0) return `${errorName(errorCode)} member=${memberId}`
  const members = response.members.map(
    (one) =>
      `${one.memberId}${one.groupInstanceId ? `@${one.groupInstanceId}` : ''}:${text(one.metadata)}`,
  )
  const chosen = `${response.protocolType}/${response.protocolName}`
  const skip = response.skipAssignment ? ' skip-assignment' : ''
  return (
    `generation=${response.generationId} protocol=${chosen} leader=${response.leader}` +
    `${skip} member=${memberId} members=[${members.join(', ')}]`
  )
}

function describeConsumerHeartbeat(response: ConsumerHeartbeatResponse): string {
  const { errorCode, errorMessage, memberId, memberEpoch, assignment } = response
  if (errorCode !== 0) return `${errorName(errorCode)} "${errorMessage}"`
  const assigned = assignment ? ` assignment=[${partitionText(assignment.topicPartitions)}]` : ''
  return `member=${memberId} epoch=${memberEpoch}${assigned}`
}

function partitionText(
  topics: readonly { topicId: Uuid; partitions: readonly number[] }[],
): string {
  const texts = topics.map(
    ({ topicId, partitions }) => `${nameOf(topicId)}:${partitions.join('+')}`,
  )
  return texts.sort().join(', ')
}

function nameOf(topicId: Uuid): string {
  return topicId.replace(/\.+$/, '')
}

/** `topic:partition+partition,...` */
function ownedPartitions(text: string) {
  return list(text).map((one) => {
    const [name, partitions] = cut(one, ':')
    return { topicId: topicIdOf(name), partitions: partitions.split('+').map(Number) }
  })
}

function describeCommit(response: {
  topics: readonly {
    name?: string
    partitions: readonly { partitionIndex: number; errorCode: number }[]
  }[]
}): string {
  const parts = response.topics.flatMap((topic) =>
    topic.partitions.map(
      (one) => `${topic.name}/${one.partitionIndex} ${errorName(one.errorCode)}`,
    ),
  )
  return `[${parts.join(', ')}]`
}

function describeRecord(record: GroupRecord | undefined): string {
  if (!record) return 'unknown record'
  switch (record.type) {
    case 'OffsetCommit': {
      const { group, topic, partition } = record.key
      const name = `offset ${group}/${topic}/${partition}`
      if (record.value === null) return `${name} deleted`
      const { offset, leaderEpoch, metadata, expireTimestamp } = record.value
      const expires = expireTimestamp === -1 ? '' : ` expires=${expireTimestamp - START_MS}`
      const shown =
        metadata.length > 20 ? ` ${metadata.length} characters` : metadata && ` "${metadata}"`
      return `${name} = ${offset}@${leaderEpoch}${shown}${expires}`
    }
    case 'GroupMetadata': {
      const { value } = record
      if (value === null) return `group ${record.key.group} deleted`
      const members = value.members.map(
        (one) =>
          `${one.memberId}${one.groupInstanceId ? `@${one.groupInstanceId}` : ''}` +
          `:${text(one.assignment)}`,
      )
      const { protocolType, protocol, generation, leader } = value
      return (
        `group ${record.key.group} generation=${generation} protocol=${protocolType}/${protocol} ` +
        `leader=${leader} members=[${members.join(', ')}]`
      )
    }
    default:
      return describeConsumerRecord(record)
  }
}

function describeConsumerRecord(record: ConsumerGroupRecord): string {
  const { groupId } = record.key
  const memberId = 'memberId' in record.key ? record.key.memberId : ''
  if (record.value === null) {
    const regex = 'regularExpression' in record.key ? ` /${record.key.regularExpression}/` : ''
    return `${record.type.replace('ConsumerGroup', '')} ${groupId} ${memberId}${regex} deleted`
  }
  switch (record.type) {
    case 'ConsumerGroupMetadata':
      return `epoch ${groupId} = ${record.value.epoch}`
    case 'ConsumerGroupMemberMetadata': {
      const { instanceId, subscribedTopicNames, subscribedTopicRegex } = record.value
      const name = `${memberId}${instanceId ? `@${instanceId}` : ''}`
      const regex = subscribedTopicRegex ? ` /${subscribedTopicRegex}/` : ''
      const classic = record.value.classicMemberMetadata ? ' classic' : ''
      return `member ${groupId} ${name}${classic} ${subscribedTopicNames.join('+')}${regex}`
    }
    case 'ConsumerGroupTargetAssignmentMetadata':
      return `assignment ${groupId} = ${record.value.assignmentEpoch}`
    case 'ConsumerGroupTargetAssignmentMember':
      return `target ${groupId} ${memberId} = [${partitionText(record.value.topicPartitions)}]`
    case 'ConsumerGroupCurrentMemberAssignment': {
      const { memberEpoch, previousMemberEpoch, state } = record.value
      const assigned = partitionText(record.value.assignedPartitions)
      const pending = partitionText(record.value.partitionsPendingRevocation)
      const names = ['STABLE', 'UNREVOKED', 'UNRELEASED']
      const epochs = `epoch=${memberEpoch} (was ${previousMemberEpoch})`
      const revoking = pending && ` revoking [${pending}]`
      return `place ${groupId} ${memberId} ${names[state]} ${epochs} [${assigned}]${revoking}`
    }
    case 'ConsumerGroupRegularExpression': {
      const { topics } = record.value
      return `regex ${groupId} /${record.key.regularExpression}/ = ${topics.join('+')}`
    }
    default:
      return record.type
  }
}

/** `{topic=partition+partition}` as consumers write it, anything else as it is. */
function assignmentBytes(text: string): Buffer {
  const [, inner] = /^\{(.*)\}$/.exec(text) ?? []
  if (inner === undefined) return Buffer.from(text)
  const parts = inner === '' ? [] : inner.split(';')
  const assigned = parts.map((one) => {
    const [topic, partitions] = cut(one, '=')
    return { topic, partitions: partitions.split('+').map(Number) }
  })
  return writeAssignment(Buffer.from([0, 1]), assigned)
}

/** `name:metadata,...`; for a consumer the metadata are topics, joined by "+". */
function protocols(text: string, owned = ''): { name: string; metadata: Buffer }[] {
  return list(text).map((one) => {
    const [name, metadata] = cut(one, ':')
    if (metadata.startsWith('raw-')) return { name, metadata: Buffer.from(metadata) }
    return { name, metadata: subscription(metadata.split('+'), owned) }
  })
}

export function subscription(topics: readonly string[], owned = ''): Buffer {
  const ownedPartitions = list(owned).map((one) => {
    const [topic, partitions] = cut(one, ':')
    return { topic, partitions: partitions.split('+').map(Number) }
  })
  return encodeVersioned(ConsumerProtocolSubscription, 1, {
    topics,
    userData: null,
    ownedPartitions,
  })
}

export function protocolsOf(text: string) {
  return classicProtocols(protocols(text))
}

function text(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes)
  const assigned = buffer.length > 2 && buffer[0] === 0 ? readAssignment(buffer) : undefined
  if (assigned?.assignedPartitions.every(({ topic }) => topic !== '')) {
    const { assignedPartitions } = assigned
    const parts = assignedPartitions.map(
      ({ topic, partitions }) => `${topic}:${partitions.join('+')}`,
    )
    if (isWhole(buffer, assignedPartitions)) return `{${parts.join(', ')}}`
  }
  const topics = buffer.length > 2 && buffer[0] === 0 ? subscribedTopics(buffer) : undefined
  return topics ? topics.join('+') : `"${buffer.toString()}"`
}

/** Subscriptions begin like assignments; only one of them reads to the end. */
function isWhole(buffer: Buffer, assigned: Parameters<typeof writeAssignment>[1]): boolean {
  return writeAssignment(buffer, assigned).equals(buffer)
}

/** `topic/partition=offset@leaderEpoch,...` */
function offsetTopics(text: string, metadata: string) {
  return list(text).map((one) => {
    const [place, offset] = cut(one, '=')
    const [name, partition] = cut(place, '/')
    const [value, epoch] = cut(offset, '@')
    return {
      name,
      topicId: topicId(name),
      partitions: [
        {
          partitionIndex: Number(partition),
          committedOffset: Number(value),
          committedLeaderEpoch: Number(epoch || -1),
          commitTimestamp: -1,
          committedMetadata: metadata.startsWith('x*')
            ? 'x'.repeat(Number(metadata.slice(2)))
            : metadata,
        },
      ],
    }
  })
}

/** An id that one can read: the name, padded. */
function topicId(name: string | undefined): Uuid {
  return name ? topicIdOf(name) : ZERO_UUID
}

function list(text: string | undefined): string[] {
  return text ? text.split(',') : []
}

/** Before and after the first `separator`. */
function cut(text: string, separator: string): [string, string] {
  const index = text.indexOf(separator)
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)]
}

function values(words: Words): { [name: string]: unknown } {
  const parsed = (value: string) => {
    if (/^\d+$/.test(value)) return Number(value)
    return value.includes('+') ? value.split('+') : value
  }
  return Object.fromEntries(Object.entries(words).map(([name, value]) => [name, parsed(value)]))
}

function milliseconds(text: string): number {
  const [, count = '0', unit = 'ms'] = /^(-?[\d.]+)(ms|s|m|h|d)?$/.exec(text) ?? []
  const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
  return Number(count) * units[unit as keyof typeof units]
}

/** Promises that are due have run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
