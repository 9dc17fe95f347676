import { randomInt } from 'node:crypto'
import type { InterceptedCall } from '../../broker/interceptor.ts'
import { type FaultPlan, planOf } from './fault-plan.ts'
import type { FaultSpec } from './fault-spec.ts'
import { randomFrom } from './random.ts'
import {
  concernsGroup,
  concernsTopic,
  concernsTransaction,
  type FetchedPartitions,
} from './request-subject.ts'
import type { NameOf } from './request-topics.ts'

const SEED_MAX = 2 ** 32

/** A fault that was asked for, until it is removed. */
export class Fault {
  readonly id: number
  readonly spec: FaultSpec
  /** What its chance comes from: give it again to see the same again. */
  readonly seed: number
  /** @internal */
  readonly plan: FaultPlan
  readonly #random: () => number
  readonly #removed: (fault: Fault) => void
  #passed = 0
  #tried = 0
  #hits = 0
  #isRemoved = false

  /** @internal */
  constructor(id: number, spec: FaultSpec, removed: (fault: Fault) => void) {
    this.id = id
    this.spec = spec
    this.seed = spec.seed ?? randomInt(SEED_MAX)
    this.plan = planOf(spec)
    this.#random = randomFrom(this.seed)
    this.#removed = removed
  }

  /** How often it has hit. */
  get hits(): number {
    return this.#hits
  }

  /** It will not hit any more. */
  get isOver(): boolean {
    const { times = Number.POSITIVE_INFINITY } = this.spec
    return this.#isRemoved || this.#tried >= times
  }

  remove(): void {
    if (this.#isRemoved) return
    this.#isRemoved = true
    this.#removed(this)
  }

  /** @internal Whether the request is one that it is for. Counts nothing. */
  matches(
    call: InterceptedCall,
    sources: { readonly nameOf: NameOf; readonly fetched: FetchedPartitions },
  ): boolean {
    const { clientId, connection, topic, partition, group, transactionalId } = this.spec
    if (this.isOver || this.plan.apis?.has(call.api.name) === false) return false
    if (clientId !== undefined && clientId !== call.clientId) return false
    if (connection !== undefined && connection !== call.peer.connectionId) return false
    if (topic !== undefined && !concernsTopic(call, topic, partition, sources)) return false
    if (group !== undefined && !concernsGroup(call, group)) return false
    return transactionalId === undefined || concernsTransaction(call, transactionalId)
  }

  /** @internal Counts a request that matches. True: it is hit. */
  take(): boolean {
    const { skip = 0, probability = 1 } = this.spec
    if (this.isOver) return false
    if (this.#passed < skip) {
      this.#passed++
      return false
    }
    this.#tried++
    if (probability < 1 && this.#random() >= probability) return false
    this.#hits++
    return true
  }

  /** @internal */
  covers(topic: string, partition: number | undefined): boolean {
    const { spec } = this
    if (spec.topic === undefined) return true
    if (spec.topic !== topic) return false
    return spec.partition === undefined || partition === undefined || spec.partition === partition
  }
}
