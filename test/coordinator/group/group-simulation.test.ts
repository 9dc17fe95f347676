import { describe, expect, test } from 'vitest'
import {
  decodeGroupRecord,
  type GroupRecord,
} from '../../../src/coordinator/group/group-records.ts'
import type { LoadedBatch } from '../../../src/storage/engine.ts'
import { GroupSimulation } from './group-simulation.ts'
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

/** Two groups, members that come, go, die and return, a producer with transactions, and crashes. */
class World implements Witness {
  readonly sim: GroupSimulation
  readonly members: SimulatedMember[] = []
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

  async run(): Promise<void> {
    const { sim } = this
    await sim.start()
    for (let elapsedMs = 0; elapsedMs < TROUBLE_MS; elapsedMs += 200) {
      await this.#disturb()
      await sim.run(200)
      if (sim.store.idle) this.#checkOffsets()
    }
    sim.calm = true
    if (this.#openTransaction) sim.endTransaction(1, 'commit')
    await sim.run(CALM_MS)
  }

  async #disturb(): Promise<void> {
    const { random } = this.sim
    const running = this.members.filter((member) => member.running)
    if (running.length < 6 && random.chance(0.15)) this.#addMember()
    if (running.length > 0 && random.chance(0.02)) random.pick(running).leave()
    if (running.length > 0 && random.chance(0.02)) random.pick(running).crash()
    if (random.chance(0.02)) await this.sim.crash()
    if (random.chance(0.1)) this.#transact()
  }

  #addMember(): void {
    const { random } = this.sim
    const isStatic = random.chance(0.3)
    const groupId = isStatic || random.chance(0.5) ? 'one' : 'two'
    const instanceId = isStatic ? `static-${random.below(3)}` : null
    const name = `m${++this.#names}`
    this.members.push(new SimulatedMember(this.sim, this, { name, groupId, instanceId }))
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

  /** The log alone tells: generations only grow, acked commits are in it, offsets follow from it. */
  checkLog(): void {
    const stored = new Set<string>()
    const generations = new Map<string, number>()
    for (const { record } of this.#records()) {
      if (record.type === 'OffsetCommit' && record.value) {
        stored.add(`${offsetKey(record)}=${record.value.offset}`)
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
    for (const batch of this.sim.store.batches) yield* recordsOf(batch)
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
    for (const groupId of ['one', 'two']) {
      const members = this.members.filter((one) => one.running && one.groupId === groupId)
      if (members.length === 0) continue
      const group = this.sim.coordinator.groups.get(groupId)
      expect(group?.state, groupId).toBe('Stable')
      const partitions = members.flatMap((member) => member.partitions ?? [-1])
      expect(partitions.sort(), groupId).toEqual([0, 1, 2, 3, 4, 5])
      expect(new Set(members.map(({ generationId }) => generationId)).size).toBe(1)
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
