import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import type { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import type { TestBroker } from '../broker/test-broker.ts'
import { lastStableOffset, stateOf, TransactionalClient } from '../broker/transactional-client.ts'
import { CrashFiles } from '../storage/crash-files.ts'
import { EngineFixture, NOW_MS } from '../storage/engine-fixture.ts'
import { type Finding, findAnomalies } from './history-checker.ts'
import { Random } from './random.ts'
import {
  finalState,
  producerOf,
  type Sabotage,
  startBrokerOver,
  TRANSACTION_TIMEOUT_MS,
  TransactionalLoad,
  transactionalIds,
} from './transactional-load.ts'

/** More of both finds what a quick run misses: `DOHLE_SIM_SEEDS=100 DOHLE_SIM_CRASHES=50`. */
const SEEDS = Number(process.env['DOHLE_SIM_SEEDS'] ?? 4)
const CRASHES = Number(process.env['DOHLE_SIM_CRASHES'] ?? 12)
const STEPS = 400

const totals = { transactions: 0, crashes: 0, anomalies: 0 }

type Mode = 'os' | 'sync'

async function play(seed: number, mode: Mode, sabotage?: Sabotage) {
  const files = new CrashFiles(() => NOW_MS)
  const options = { durability: { mode } } as const
  const fixture = await new EngineFixture(files, '/data', { options }).open()
  const load = await TransactionalLoad.play(seed, fixture, files, STEPS, sabotage)
  return { files, fixture, load, options }
}

/** Nobody holds the lock; after a power cut nobody can say that all writes are there. */
function leaveBehind(files: MemoryFiles, writesSurvived: boolean): MemoryFiles {
  files.lock = async () => ({ writesSurvived, release: () => undefined })
  return files
}

/** The default of `transaction.abort.timed.out.transaction.cleanup.interval.ms`. */
const LOOKS_EVERY_MS = 10_000

/** Everything that is under way comes to its end, or is named. */
async function heal(broker: TestBroker): Promise<string[]> {
  let unfinished: string[] = []
  for (let attempt = 0; attempt < 60; attempt++) {
    broker.clock.advance(attempt === 0 ? TRANSACTION_TIMEOUT_MS + LOOKS_EVERY_MS : 100)
    for (let turns = 0; turns < 5; turns++) await turn()
    unfinished = []
    for (const id of transactionalIds) {
      const state = await stateOf(broker, id)
      if (!/^(?:Empty|Complete.*|TRANSACTIONAL_ID_NOT_FOUND|NOT_COORDINATOR)$/.test(state)) {
        unfinished.push(`${id} is ${state}`)
      }
    }
    if (unfinished.length === 0) break
  }
  for (const place of ['output-0', 'output-1', 'other-0']) {
    const [topic = '', index = ''] = place.split('-')
    const partition = Number(index)
    const { topicId } = broker.metadata.image.topicsByName.get(topic)!
    const { highWatermark } = broker.broker.engine.log.bounds({ topicId, partition })
    const stable = await lastStableOffset(broker, topic, partition)
    if (stable !== highWatermark) unfinished.push(`${place} stable ${stable} of ${highWatermark}`)
  }
  return unfinished
}

/** Every id works again, with an epoch of its own. */
async function useAgain(broker: TestBroker, issued: readonly string[]): Promise<string[]> {
  const wrong: string[] = []
  if (new Set(issued).size !== issued.length) wrong.push('an epoch was issued twice')
  for (const id of transactionalIds) {
    const client = new TransactionalClient(broker, id, 'epoch bump')
    const answers = [await client.init()]
    if (issued.includes(producerOf(client))) wrong.push(`${producerOf(client)} issued again`)
    answers.push(await client.send('other', [0], `after ${id}`), await client.end('commit'))
    if (answers.some((answer) => answer !== 'NONE')) wrong.push(`${id}: ${answers.join(', ')}`)
    for (let turns = 0; turns < 20; turns++) await turn()
  }
  return wrong
}

async function crashAndCheck(
  story: Awaited<ReturnType<typeof play>>,
  crash: { readonly operation: number; readonly kind: 'process' | 'power'; readonly seed: number },
  sabotage?: Sabotage,
): Promise<(Finding | string)[]> {
  const random = new Random(crash.seed)
  const files = story.files.imageAfter({ ...crash, chance: () => random.next() })
  leaveBehind(files, crash.kind === 'process')
  const fixture = new EngineFixture(files, '/data', { options: story.options })
  Object.assign(fixture, { metadata: story.fixture.metadata, clock: story.fixture.clock })
  await fixture.reopen(files)
  const broker = await startBrokerOver(fixture, sabotage)
  try {
    const stuck = await heal(broker)
    if (stuck.length > 0) return stuck
    const before = crash.kind === 'process' ? crash.operation - 1 : crash.operation
    const issued = story.load.issuedUntil(before)
    const history = { ...story.load.historyUntil(before), ...(await finalState(broker)) }
    totals.transactions += history.transactions.filter(({ sends }) => sends.length > 0).length
    totals.crashes++
    return [...findAnomalies(history), ...(await useAgain(broker, issued))]
  } finally {
    await broker.close()
    await fixture.engine.close()
  }
}

/** Moments in the load, not before the topics have their records. */
function moments(random: Random, operations: number): number[] {
  const first = Math.min(30, operations)
  return Array.from({ length: CRASHES }, () => first + random.below(operations - first) + 1)
}

describe.each([
  { mode: 'os', kind: 'process' },
  { mode: 'sync', kind: 'process' },
  { mode: 'sync', kind: 'power' },
] as const)('after a crash of the $kind in mode $mode', ({ mode, kind }) => {
  it.each(Array.from({ length: SEEDS }, (_, index) => index + 1))(
    'transactions are whole or not there, and nobody is stuck: seed %i',
    async (seed) => {
      const story = await play(seed, mode)
      const random = new Random(seed)
      for (const operation of moments(random, story.files.operations.length)) {
        const findings = await crashAndCheck(story, { operation, kind, seed: operation })
        totals.anomalies += findings.length
        expect({ operation, findings }).toEqual({ operation, findings: [] })
      }
      await story.load.close()
    },
    60_000,
  )
})

describe('the simulation notices', () => {
  const anomaliesWith = async (sabotage: Sabotage) => {
    const found = new Set<string>()
    for (let seed = 1; seed <= SEEDS; seed++) {
      const story = await play(seed, 'os', sabotage)
      const operation = story.files.operations.length
      const findings = await crashAndCheck(story, { operation, kind: 'process', seed }, sabotage)
      for (const one of findings) found.add(typeof one === 'string' ? 'stuck' : one.anomaly)
      await story.load.close()
    }
    return [...found]
  }

  it('a marker that is dropped', async () => {
    const found = await anomaliesWith(({ broker }) => {
      const { markers } = broker.transactions
      const write = markers.write.bind(markers)
      markers.write = async (marker, topics, nowMs) => {
        const dropped = topics.filter(({ topic }) => topic === 'other')
        const kept = topics.filter(({ topic }) => topic !== 'other')
        const pretended = dropped.flatMap(({ topic, partitionIds }) =>
          partitionIds.map((partition) => ({ topic, partition, outcome: ErrorCode.NONE })),
        )
        return [...(await write(marker, kept, nowMs)), ...pretended]
      }
    })
    expect(found).toContain('stuck')
  }, 60_000)

  it('an abort that becomes visible', async () => {
    const found = await anomaliesWith(({ broker }) => {
      const { markers } = broker.transactions
      const write = markers.write.bind(markers)
      markers.write = async (marker, topics, nowMs) => {
        const shown = topics.filter(({ topic }) => topic === 'output')
        const others = topics.filter(({ topic }) => topic !== 'output')
        return [
          ...(await write({ ...marker, committed: true }, shown, nowMs)),
          ...(await write(marker, others, nowMs)),
        ]
      }
    })
    expect(found).toContain('aborted read')
    expect(found).toContain('input processed twice')
  }, 60_000)

  it('a pending offset that is lost', async () => {
    const found = await anomaliesWith(({ broker }) => {
      const { groups } = broker
      const end = groups.endTransaction.bind(groups)
      groups.endTransaction = (partition, producerId, _result, appendMarker) =>
        end(partition, producerId, 'abort', appendMarker)
    })
    expect(found).toContain('input processed twice')
  }, 60_000)
})

afterAll(() => {
  const { transactions, crashes, anomalies } = totals
  console.info(`${transactions} transactions over ${crashes} crashes, ${anomalies} anomalies`)
})
