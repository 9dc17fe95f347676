import { describe, expect, test } from 'vitest'
import { ConsumerGroup } from '../../../src/coordinator/group/consumer-group.ts'
import {
  decodeGroupRecord,
  type GroupRecord,
} from '../../../src/coordinator/group/group-records.ts'
import type { LoadedBatch } from '../../../src/storage/engine.ts'
import { GroupSimulation } from './group-simulation.ts'
import { SimulatedConsumer } from './simulated-consumer.ts'
import { PARTITIONS, SimulatedMember, type Witness } from './simulated-member.ts'

/** More with DOHLE_SIM_SEEDS=500; one with DOHLE_SIM_SEED=17. */
const seeds = process.env['DOHLE_SIM_SEED']
  ? [Number(process.env['DOHLE_SIM_SEED'])]
  : Array.from({ length: Number(process.env['DOHLE_SIM_SEEDS'] ?? 12) }, (_, index) => index + 1)

const TROUBLE_MS = 60_000
const CALM_MS = 60_000

describe('groups in a bad world', () => {
  test.each(seeds)('keep their promises (seed %i)', async (seed) => {
    const world = new World(seed)
    await world.run()
    world.checkLog()
    await world.checkRestart()
    world.checkRest()
  })

  test('have the same history with the same seed', async () => {
    const histories = []
    for (const seed of [seeds[0]!, seeds[0]!, seeds[0]! + 1]) {
      const world = new World(seed)
      await world.run()
      histories.push(world.sim.history)
    }
    expect(histories[1]).toBe(histories[0])
    expect(histories[2]).not.toBe(histories[0])
  })
})

/** Classic groups, one of consumers, and one of both. */
const groupIds = ['one', 'two', 'consumers', 'mixed']

type Member = SimulatedMember | SimulatedConsumer

/** Members that come, go, die and return, a producer with transactions, new topics, and crashes. */
class World implements Witness {
  readonly sim: GroupSimulation
  readonly members: Member[] = []
  readonly acks = new Set<string>()
  /** Who was given a partition, by group, generation and partition. */
  readonly owners = new Map<string, string>()
  #names = 0
  #openTransaction = false

  constructor(seed: number) {
    this.sim = new GroupSimulation(seed)
  }

  assigned(
    groupId: string,
    generationId: number,
    owner: string,
    partitions: readonly number[],
  ): void {
    // The broker itself sees to the others: see `owns` and `#checkConsumers`.
    if (groupId === 'mixed') return
    for (const partition of partitions) {
      const key = `${groupId} ${generationId} ${partition}`
      const other = this.owners.get(key) ?? owner
      expect(other, `${key} is given to two members`).toBe(owner)
      this.owners.set(key, owner)
    }
  }

  acked(groupId: string, partition: number, offset: number): void {
    this.acks.add(`${groupId}/t/${partition}=${offset}`)
  }

  /** What a member believes to have the broker must know of, or it gives it to another. */
  owns(consumer: SimulatedConsumer): void {
    this.#checkOwner(consumer)
  }

  async run(): Promise<void> {
    const { sim } = this
    sim.topics.set('t', PARTITIONS)
    await sim.start()
    for (let elapsedMs = 0; elapsedMs < TROUBLE_MS; elapsedMs += 200) {
      await this.#disturb()
      await sim.run(200)
      if (sim.store.idle) this.#checkOffsets()
      this.#checkConsumers()
    }
    sim.calm = true
    if (this.#openTransaction) sim.endTransaction(1, 'commit')
    await sim.run(CALM_MS)
  }

  async #disturb(): Promise<void> {
    const { random } = this.sim
    const running = this.members.filter((member) => member.running)
    if (running.length < 12 && random.chance(0.2)) this.#addMember()
    if (running.length > 0 && random.chance(0.02)) random.pick(running).leave()
    if (running.length > 0 && random.chance(0.02)) random.pick(running).crash()
    if (random.chance(0.02)) await this.sim.crash()
    if (random.chance(0.1)) this.#transact()
    if (random.chance(0.01)) this.sim.topics.set(`t${random.below(3)}`, 1 + random.below(4))
  }

  /** Nobody has what another has not given up, and clients have no more than the broker knows. */
  #checkConsumers(): void {
    for (const group of this.sim.coordinator.groups.values()) {
      if (!(group instanceof ConsumerGroup)) continue
      const owners = new Map<string, string>()
      for (const member of group.members.values()) {
        for (const [topicId, partitions] of [...member.assigned, ...member.pendingRevocation]) {
          for (const partition of partitions.keys()) {
            const place = `${group.groupId} ${topicId} ${partition}`
            expect(owners.get(place), place).toBeUndefined()
            owners.set(place, member.memberId)
          }
        }
      }
    }
    for (const member of this.members) {
      if (member instanceof SimulatedConsumer && member.running) this.#checkOwner(member)
    }
  }

  #checkOwner(consumer: SimulatedConsumer): void {
    const group = this.sim.coordinator.groups.get(consumer.groupId)
    if (!(group instanceof ConsumerGroup)) return
    const member = group.members.get(consumer.name)
    // Fenced: it will hear of it.
    if (!member || member.memberEpoch < consumer.memberEpoch) return
    for (const [topicId, partitions] of consumer.owned) {
      for (const partition of partitions) {
        const isKnown =
          member.assigned.get(topicId)?.has(partition) ||
          member.pendingRevocation.get(topicId)?.has(partition)
        expect(isKnown, `${consumer.name} has ${topicId} ${partition}`).toBe(true)
      }
    }
  }

  #addMember(): void {
    const { random } = this.sim
    const groupId = random.pick(groupIds)
    const instanceId = random.chance(0.3) ? `static-${random.below(3)}` : null
    const rivals = this.members.filter((one) => one.running && one.groupId === groupId)
    if (instanceId !== null && rivals.some((one) => one.instanceId === instanceId)) return
    const facts = { name: `m${++this.#names}`, groupId, instanceId }
    const isConsumer = groupId === 'consumers' || (groupId === 'mixed' && random.chance(0.5))
    if (!isConsumer) {
      this.members.push(new SimulatedMember(this.sim, this, facts))
      return
    }
    const byRegex = random.chance(0.3)
    const topics = byRegex ? null : random.pick([['t'], ['t', 't1'], ['t', 'later']])
    const regex = byRegex ? random.pick(['t', 't.*', 't|t2']) : null
    this.members.push(new SimulatedConsumer(this.sim, this, { ...facts, topics, regex }))
  }

  /** Offsets in transactions of one producer, into the group that others commit to as well. */
  #transact(): void {
    const { random, clock } = this.sim
    if (this.#openTransaction && random.chance(0.5)) {
      this.#openTransaction = false
      this.sim.endTransaction(1, random.chance(0.5) ? 'commit' : 'abort')
      return
    }
    this.#openTransaction = true
    const committedOffset = clock.nowMs() * 100 + random.below(100)
    const partition = { committedLeaderEpoch: -1, committedMetadata: '', committedOffset }
    const request = {
      transactionalId: 'tx',
      groupId: 'one',
      producerId: 1,
      producerEpoch: 0,
      generationIdOrMemberEpoch: -1,
      memberId: '',
      groupInstanceId: null,
      topics: [
        {
          name: 't',
          topicId: 't'.padEnd(16, '.'),
          partitions: [{ ...partition, partitionIndex: random.below(PARTITIONS) }],
        },
      ],
    }
    const client = { apiVersion: 3, clientId: 'producer', clientHost: '/h' }
    this.sim.request(
      (coordinator, to, nowMs) => coordinator.txnOffsetCommit(request, client, to, nowMs),
      () => {},
    )
  }

  /** The log alone tells: generations only grow while there are members, acked commits are in it, offsets follow from it. */
  checkLog(): void {
    const stored = new Set<string>()
    const generations = new Map<string, number>()
    for (const { record, goesOn } of this.#records()) {
      if (record.type === 'OffsetCommit' && record.value) {
        stored.add(`${offsetKey(record)}=${record.value.offset}`)
      } else if (record.type === 'ConsumerGroupMetadata' && record.value) {
        const { groupId } = record.key
        expect(record.value.epoch).toBeGreaterThanOrEqual(generations.get(groupId) ?? 0)
        generations.set(groupId, record.value.epoch)
      } else if (record.type === 'ConsumerGroupMetadata') {
        if (!goesOn) generations.delete(record.key.groupId)
      } else if (record.type === 'GroupMetadata' && !record.value) {
        if (!goesOn) generations.delete(record.key.group)
      } else if (record.type === 'GroupMetadata' && record.value) {
        const { group } = record.key
        const { generation } = record.value
        expect(generation).toBeGreaterThanOrEqual(generations.get(group) ?? 0)
        generations.set(group, generation)
      }
    }
    expect(this.acks.size).toBeGreaterThan(10)
    expect([...this.acks].filter((ack) => !stored.has(ack))).toEqual([])
    this.#checkOffsets()
  }

  #checkOffsets(): void {
    const committed = [...this.sim.coordinator.offsets.committed.entries()].map(
      ({ groupId, topic, partition, value }) =>
        `${groupId}/${topic}/${partition}=${value.committedOffset}`,
    )
    expect(committed.sort()).toEqual(this.#visibleOffsets().sort())
  }

  /** Of what is committed, plainly or by a marker, the last in the log. */
  #visibleOffsets(): string[] {
    const visible = new Map<string, { at: number; offset: number }>()
    const pending: { key: string; at: number; offset: number }[] = []
    const show = (key: string, at: number, offset: number) => {
      if ((visible.get(key)?.at ?? -1) < at) visible.set(key, { at, offset })
    }
    for (const batch of this.sim.store.batches) {
      if (batch.marker) {
        const ended = pending.splice(0)
        if (batch.marker === 'commit') for (const one of ended) show(one.key, one.at, one.offset)
      }
      for (const { record, at } of recordsOf(batch)) {
        if (record.type !== 'OffsetCommit' || !record.value) continue
        const { offset } = record.value
        if (batch.transactional) pending.push({ key: offsetKey(record), at, offset })
        else show(offsetKey(record), at, offset)
      }
    }
    return [...visible].map(([key, { offset }]) => `${key}=${offset}`)
  }

  *#records() {
    for (const batch of this.sim.store.batches) {
      const records = recordsOf(batch)
      const goesOn = records.some(({ record }) => bringsMembers(record))
      for (const { record } of records) yield { record, goesOn }
    }
  }

  async checkRestart(): Promise<void> {
    const live = this.sim.coordinator
    const atRest = GroupSimulation.atRest(live)
    const reloaded = await this.sim.reload()
    expect(GroupSimulation.durableState(reloaded, atRest)).toEqual(
      GroupSimulation.durableState(live, atRest),
    )
  }

  /** When trouble has stopped every member has its place, and every partition its member. */
  checkRest(): void {
    for (const groupId of groupIds) {
      const members = this.members.filter((one) => one.running && one.groupId === groupId)
      if (members.length === 0) continue
      const group = this.sim.coordinator.groups.get(groupId)
      expect(group?.state, groupId).toBe('Stable')
      const partitions = members.flatMap((member) => member.partitions ?? [-1])
      expect(partitions.sort(), groupId).toEqual([0, 1, 2, 3, 4, 5])
    }
  }
}

function offsetKey(record: GroupRecord & { type: 'OffsetCommit' }): string {
  const { group, topic, partition } = record.key
  return `${group}/${topic}/${partition}`
}

function recordsOf(batch: LoadedBatch): { record: GroupRecord; at: number }[] {
  return batch.records.map((bytes, index) => ({
    record: decodeGroupRecord(bytes)!,
    at: batch.baseOffset + index,
  }))
}

/** Whether a batch with this record that changes the type of a group takes its members along. */
function bringsMembers(record: GroupRecord): boolean {
  if (record.type === 'GroupMetadata') return (record.value?.members.length ?? 0) > 0
  if (record.type !== 'ConsumerGroupMemberMetadata') return false
  return (record.value?.classicMemberMetadata ?? null) !== null
}
