import { expect, test } from 'vitest'
import { GroupSimulation } from './group-simulation.ts'
import { SimulatedConsumer } from './simulated-consumer.ts'
import { PARTITIONS, SimulatedMember, type Witness } from './simulated-member.ts'

/** More with DOHLE_SIM_SEEDS=100; one with DOHLE_SIM_SEED=17. */
const seeds = process.env['DOHLE_SIM_SEED']
  ? [Number(process.env['DOHLE_SIM_SEED'])]
  : Array.from({ length: Number(process.env['DOHLE_SIM_SEEDS'] ?? 1) }, (_, index) => index + 1)

const ROUNDS = 15
const TROUBLE_MS = 30_000
/** More than a session and the rebalance after it. */
const REST_MS = 30_000
const MEMBERS_MAX = 16
/** Coarse, so that it takes seconds. */
const STEP_MS = 100

/** Groups of classic members, of consumers, and of both. */
const groupIds = ['one', 'two', 'consumers', 'mixed']

test.each(seeds)(
  'in 15 minutes of coming and going no partition has two owners, and none for long (seed %i)',
  async (seed) => {
    const life = new Life(seed)
    await life.start()
    for (let round = 0; round < ROUNDS; round++) await life.round()
    expect(life.sim.clock.nowMs()).toBe(15 * 60_000)
    expect(life.changes).toBeGreaterThan(200)
  },
  60_000,
)

type Member = SimulatedMember | SimulatedConsumer

/** Members that join, leave, die and come back, of a topic that grows. Broker and network are well. */
class Life implements Witness {
  readonly sim: GroupSimulation
  readonly #members = new Set<Member>()
  changes = 0
  #partitions = PARTITIONS
  #names = 0

  constructor(seed: number) {
    this.sim = new GroupSimulation(seed)
    this.sim.calm = true
  }

  assigned(): void {
    this.#checkOwners()
  }

  acked(): void {}

  owns(): void {
    this.#checkOwners()
  }

  async start(): Promise<void> {
    this.sim.topics.set('t', this.#partitions)
    await this.sim.start()
  }

  async round(): Promise<void> {
    const { random } = this.sim
    for (let elapsedMs = 0; elapsedMs < TROUBLE_MS; elapsedMs += 500) {
      if (random.chance(0.5)) this.#change()
      await this.sim.run(500, STEP_MS)
      this.#checkOwners()
    }
    if (random.chance(0.7)) this.sim.topics.set('t', ++this.#partitions)
    await this.sim.run(REST_MS, STEP_MS)
    this.#checkRest()
  }

  #change(): void {
    const { random } = this.sim
    this.changes++
    const running = this.#running()
    if (running.length < MEMBERS_MAX && random.chance(0.6)) this.#add()
    else if (running.length > 0) {
      const member = random.pick(running)
      if (random.chance(0.5)) member.leave()
      else member.crash()
      this.#members.delete(member)
    }
  }

  #running(groupId?: string): Member[] {
    return [...this.#members].filter(
      (one) => one.running && (groupId === undefined || one.groupId === groupId),
    )
  }

  #add(): void {
    const { random } = this.sim
    const groupId = random.pick(groupIds)
    const instanceId = random.chance(0.4) ? `static-${random.below(4)}` : null
    const isThere = this.#running(groupId).some((one) => one.instanceId === instanceId)
    if (instanceId !== null && isThere) return
    const facts = { name: `m${++this.#names}`, groupId, instanceId }
    const isConsumer = groupId === 'consumers' || (groupId === 'mixed' && random.chance(0.5))
    if (!isConsumer) {
      this.#members.add(new SimulatedMember(this.sim, this, facts))
      return
    }
    const regex = random.chance(0.3) ? random.pick(['t', 't.*']) : null
    const topics = regex === null ? ['t'] : null
    this.#members.add(new SimulatedConsumer(this.sim, this, { ...facts, topics, regex }))
  }

  #checkOwners(): void {
    for (const groupId of groupIds) {
      const owners = new Map<number, string>()
      for (const member of this.#running(groupId)) {
        for (const partition of member.partitions ?? []) {
          const other = owners.get(partition)
          if (other) {
            throw new Error(`${groupId}: partition ${partition} is of ${other} and ${member.name}`)
          }
          owners.set(partition, member.name)
        }
      }
    }
  }

  #checkRest(): void {
    const everything = Array.from({ length: this.#partitions }, (_, partition) => partition)
    for (const groupId of groupIds) {
      const members = this.#running(groupId)
      if (members.length === 0) continue
      expect(this.sim.coordinator.groups.get(groupId)?.state, groupId).toBe('Stable')
      const owned = members.flatMap((member) => member.partitions ?? [-1])
      expect(
        owned.sort((one, other) => one - other),
        groupId,
      ).toEqual(everything)
    }
  }
}
