import { setImmediate as turn } from 'node:timers/promises'
import { startTestBroker, type TestBroker } from '../broker/test-broker.ts'
import {
  committedOffset,
  type Generation,
  readRecords,
  TransactionalClient,
} from '../broker/transactional-client.ts'
import { batchOf } from '../storage/batches.ts'
import type { CrashFiles } from '../storage/crash-files.ts'
import type { EngineFixture } from '../storage/engine-fixture.ts'
import type { History, ReadRecord, SentRecord, TransactionHistory } from './history.ts'
import { Random } from './random.ts'

/** Moments are counted in operations of the disk, so that a crash has a place among them. */
interface RecordedTransaction {
  readonly id: string
  readonly producer: string
  readonly sends: (SentRecord & { readonly askedAt: number })[]
  readonly reads: ReadRecord[]
  commit: boolean
  endAskedAt: number
  endAckedAt: number
  /** The broker refused to commit: it has aborted, or will. */
  refusedAt: number
}

const NEVER = Number.POSITIVE_INFINITY
export const TRANSACTION_TIMEOUT_MS = 10_000
const INPUTS = 40
const OUTPUTS = ['output-0', 'output-1', 'other-0'] as const

const brokerSettings = {
  'transaction.state.log.num.partitions': '2',
  'transaction.state.log.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'offsets.topic.replication.factor': '1',
}

/** Changes a broker so that it breaks a promise, to see that the checks notice. */
export type Sabotage = (broker: TestBroker) => void

export async function startBrokerOver(
  fixture: EngineFixture,
  sabotage: Sabotage = () => {},
): Promise<TestBroker> {
  const broker = await startTestBroker({ settings: brokerSettings, fixture })
  sabotage(broker)
  broker.clock.advance(0)
  return broker
}

/** Who copies from the input, and under which ids: two of them share one and fence each other. */
const copiers: readonly { readonly id: string; readonly generation: Generation }[] = [
  { id: 'a', generation: 'epoch bump' },
  { id: 'b', generation: 'classic' },
  { id: 'b', generation: 'classic' },
  { id: 'c', generation: 'epoch bump' },
  { id: 'c', generation: 'epoch bump' },
]
export const transactionalIds = [...new Set(copiers.map(({ id }) => id))]

/** Copiers that read, send and commit at random, die, come back and get in each other's way. */
export class TransactionalLoad {
  readonly #random: Random
  readonly #fixture: EngineFixture
  readonly #files: CrashFiles
  #broker: TestBroker
  readonly transactions: RecordedTransaction[] = []
  /** Ids and epochs that somebody was told to be the only one with. */
  readonly #issued: { readonly producer: string; readonly at: number }[] = []
  readonly #observed: { readonly records: ReadRecord[]; readonly at: number }[] = []
  #sessions = 0
  #values = 0

  private constructor(seed: number, fixture: EngineFixture, files: CrashFiles, broker: TestBroker) {
    this.#random = new Random(seed)
    this.#fixture = fixture
    this.#files = files
    this.#broker = broker
  }

  /** Plays `steps` requests and leaves the broker as it stands then. */
  static async play(
    seed: number,
    fixture: EngineFixture,
    files: CrashFiles,
    steps: number,
    sabotage?: Sabotage,
  ): Promise<TransactionalLoad> {
    const broker = await startBrokerOver(fixture, sabotage)
    const value = { name: 'transaction.version', featureLevel: 2 }
    broker.metadata.commit([{ type: 'FeatureLevelRecord', value }])
    broker.createTopic('input')
    broker.createTopic('output', 2)
    broker.createTopic('other')
    const load = new TransactionalLoad(seed, fixture, files, broker)
    await load.#fillInput()
    await load.#play(steps)
    return load
  }

  get #now(): number {
    return this.#files.operations.length
  }

  async #fillInput(): Promise<void> {
    const { topicId } = this.#broker.metadata.image.topicsByName.get('input')!
    const values = Array.from({ length: INPUTS }, (_, index) => `in${index}`)
    await this.#fixture.append(batchOf({ values, timestamp: this.#fixture.clock.nowMs() }), {
      topicId,
    })
  }

  async #play(steps: number): Promise<void> {
    const running = copiers.map((copier) => this.#copy(copier))
    const position = new Map<string, number>()
    for (let step = 0; step < steps; step++) {
      if (this.#random.chance(0.1)) await this.#observe(position)
      if (this.#random.chance(0.1)) this.#fixture.clock.advance(this.#random.below(4000))
      const first = this.#random.pick(running)
      const second = this.#random.pick(running)
      // Two requests at once, when the disk takes its time.
      await Promise.all(first === second ? [first.next()] : [first.next(), second.next()])
    }
  }

  /** Reads what is new and committed, from where it stopped. */
  async #observe(position: Map<string, number>): Promise<void> {
    for (const partition of OUTPUTS) {
      const next = position.get(partition) ?? 0
      const { records, nextOffset } = await readRecords(this.#broker, partition, next)
      position.set(partition, nextOffset)
      this.#observed.push({ records, at: this.#now })
    }
  }

  /** One copier, for ever; it stops after every request. */
  async *#copy({ id, generation }: (typeof copiers)[number]): AsyncGenerator<void, never> {
    for (;;) {
      const client = new TransactionalClient(this.#broker, id, generation)
      const session = `${id}#${++this.#sessions}`
      while ((await client.init({ timeoutMs: TRANSACTION_TIMEOUT_MS })) !== 'NONE') yield
      this.#issued.push({ producer: producerOf(client), at: this.#now })
      yield
      while (yield* this.#copyOnce(client, session)) yield
      // Long enough for the one that fenced it to get something done.
      for (let rests = this.#random.below(60); rests > 0; rests--) yield
    }
  }

  /** One transaction. False: this producer is done for. */
  async *#copyOnce(client: TransactionalClient, session: string): AsyncGenerator<void, boolean> {
    const random = this.#random
    const group = `group-${client.transactionalId}`
    const start = await committedOffset(this.#broker, group, 'input', true)
    yield
    if (typeof start === 'string') return true
    const { records } = await readRecords(this.#broker, 'input-0', Math.max(0, start))
    const batch = records.slice(0, 1 + random.below(4))
    if (batch.length === 0) return true
    const transaction = this.#begin(session, batch)
    for (const { offset } of batch) {
      const input = { group, partition: 'input-0', offset }
      const partition = random.pick(OUTPUTS)
      const value = `${session}/${++this.#values}`
      transaction.sends.push({ partition, value, input, askedAt: this.#now })
      const [topic = '', index = ''] = partition.split('-')
      const sent = await this.#retried(() => client.send(topic, [Number(index)], value))
      yield
      if (sent !== 'NONE') return yield* this.#giveUp(client, transaction, sent)
      // Some die in the middle of it.
      if (random.chance(0.03)) return false
    }
    const next = batch.at(-1)!.offset + 1
    const moved = await this.#retried(() => client.sendOffset(group, 'input', next))
    yield
    if (moved !== 'NONE') return yield* this.#giveUp(client, transaction, moved)
    if (random.chance(0.03)) return false
    return yield* this.#end(client, transaction, random.chance(0.8))
  }

  #begin(session: string, reads: readonly ReadRecord[]): RecordedTransaction {
    const transaction: RecordedTransaction = {
      id: `${session}/${this.transactions.length}`,
      producer: session,
      sends: [],
      reads: [...reads],
      commit: false,
      endAskedAt: NEVER,
      endAckedAt: NEVER,
      refusedAt: NEVER,
    }
    this.transactions.push(transaction)
    return transaction
  }

  /** As clients do when the transaction before is still being ended. */
  async #retried(ask: () => Promise<string>): Promise<string> {
    for (let attempt = 0; ; attempt++) {
      const answer = ask()
      await this.#settle(answer)
      const error = await answer
      if (!/CONCURRENT_TRANSACTIONS|NOT_ENOUGH_REPLICAS/.test(error) || attempt > 20) return error
    }
  }

  /** Time goes on while the broker itself waits and tries again. */
  async #settle(answer: Promise<unknown>): Promise<void> {
    let isThere = false
    const done = () => {
      isThere = true
    }
    answer.then(done, done)
    for (let waited = 0; !isThere; waited++) {
      await turn()
      if (waited > 50) this.#fixture.clock.advance(20)
    }
  }

  async *#giveUp(
    client: TransactionalClient,
    transaction: RecordedTransaction,
    error: string,
  ): AsyncGenerator<void, boolean> {
    if (/FENCED|EPOCH|MAPPING/.test(error)) return false
    return yield* this.#end(client, transaction, false)
  }

  async *#end(
    client: TransactionalClient,
    transaction: RecordedTransaction,
    commit: boolean,
  ): AsyncGenerator<void, boolean> {
    transaction.commit = commit
    transaction.endAskedAt = this.#now
    for (;;) {
      const outcome = await client.end(commit ? 'commit' : 'abort')
      if (outcome === 'CONCURRENT_TRANSACTIONS') {
        yield
        continue
      }
      if (outcome === 'NONE') transaction.endAckedAt = this.#now
      else transaction.refusedAt = this.#now
      yield
      return outcome === 'NONE'
    }
  }

  /** What clients know of it when the broker dies with `operations` done. */
  historyUntil(operations: number): Pick<History, 'transactions' | 'consumers'> {
    const transactions = this.transactions.map((recorded): TransactionHistory => {
      const { id, producer, reads, commit, endAskedAt, endAckedAt, refusedAt } = recorded
      const isAsked = commit && endAskedAt <= operations && !(refusedAt <= operations)
      const acked = endAckedAt <= operations ? 'committed' : 'unknown'
      return {
        id,
        producer,
        reads,
        outcome: isAsked ? acked : 'aborted',
        sends: recorded.sends.filter(({ askedAt }) => askedAt <= operations),
      }
    })
    const inputs = {
      id: 'inputs',
      producer: 'inputs',
      outcome: 'committed' as const,
      reads: [],
      sends: Array.from({ length: INPUTS }, (_, index) => ({
        partition: 'input-0',
        value: `in${index}`,
      })),
    }
    const observer = this.#observed.filter(({ at }) => at <= operations)
    return {
      transactions: [inputs, ...transactions],
      consumers: [observer.flatMap(({ records }) => records)],
    }
  }

  /** What may not be issued again after a crash with `operations` done. */
  issuedUntil(operations: number): string[] {
    return this.#issued.filter(({ at }) => at <= operations).map(({ producer }) => producer)
  }

  async close(): Promise<void> {
    await this.#broker.close()
  }
}

export function producerOf({ producerId, producerEpoch }: TransactionalClient): string {
  return `${producerId}/${producerEpoch}`
}

/** What is committed in the end. */
export async function finalState(
  broker: TestBroker,
): Promise<Pick<History, 'final' | 'finalOffsets'>> {
  const final: ReadRecord[] = []
  for (const partition of ['input-0', ...OUTPUTS]) {
    final.push(...(await readRecords(broker, partition, 0)).records)
  }
  const finalOffsets = []
  for (const id of transactionalIds) {
    const group = `group-${id}`
    const offset = await committedOffset(broker, group, 'input', true)
    if (typeof offset === 'string') throw new Error(`${group}: ${offset}`)
    finalOffsets.push({ group, partition: 'input-0', offset: Math.max(0, offset) })
  }
  return { final, finalOffsets }
}
