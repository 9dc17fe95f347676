/**
 * Many partitions and a long log: `npx tsx bench/scale.ts [directory [partitions [GiB]]]`. Prints
 * what an append costs when it goes to 1,000 partitions in turn instead of one; how long the engine
 * takes to stop and to start again after a clean stop; memory and file descriptors.
 */
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildBatch } from '../src/protocol/records/builder.ts'
import type { LocalEngine } from '../src/storage/local/local-engine.ts'
import { VolatileMetadata } from '../test/storage/volatile-metadata.ts'
import { bareEngine } from './bare-engine.ts'
import { makeLongLog } from './long-log.ts'
import { summary } from './summary.ts'

const WIDE = 'scale-topic-wide'
const LONG = 'scale-topic-long'
const SPREAD = 1_000
const ROUNDS = 5
const APPENDS = 5_000
const [parent = tmpdir(), partitionCount = '10000', gib = '100'] = process.argv.slice(2)
const PARTITIONS = Number(partitionCount)
const SEGMENTS = Number(gib)

const directory = fs.mkdtempSync(join(parent, 'dohle-bench-scale-'))
try {
  await main()
} finally {
  fs.rmSync(directory, { recursive: true, force: true })
}

function makeEngine(): LocalEngine {
  const metadata = new VolatileMetadata()
  metadata.createTopic('wide', WIDE, PARTITIONS)
  metadata.createTopic('long', LONG, 1)
  return bareEngine(join(directory, 'data'), metadata)
}

async function main(): Promise<void> {
  const engine = makeEngine()
  await engine.open()
  measureRoundRobin(engine)
  const small = batchOf(100)
  for (let partition = 0; partition < PARTITIONS; partition++) append(engine, partition, small)
  await timed(`stop, ${PARTITIONS} dirty partitions`, () => engine.close())
  const endOffset = makeLongLog(join(directory, 'data', 'long-0'), SEGMENTS)
  for (let round = 0; round < 2; round++) {
    const next = makeEngine()
    await timed(`start, ${PARTITIONS} partitions, ${SEGMENTS} GiB`, () => next.open())
    const { logEndOffset } = next.log.bounds({ topicId: LONG, partition: 0 })
    if (logEndOffset !== endOffset) throw new Error(`ends at ${logEndOffset}`)
    await timed('stop, nothing to write', () => next.close())
  }
}

async function timed(name: string, work: () => Promise<void>): Promise<void> {
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  await work()
  const wallMs = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpu)
  const rssMb = process.memoryUsage.rss() / 1e6
  const descriptors = fs.readdirSync('/proc/self/fd').length
  const cpuMs = (user + system) / 1000
  print(
    `${name.padEnd(40)} ${wallMs.toFixed(0)} ms, ${cpuMs.toFixed(0)} ms CPU, RSS ${rssMb.toFixed(0)} MB, ${descriptors} descriptors`,
  )
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function batchOf(bytes: number): Buffer {
  const record = { key: null, value: Buffer.alloc(bytes, 'x'), timestamp: Date.now() }
  return buildBatch({ records: [record] })
}

function append(engine: LocalEngine, partition: number, batch: Buffer): void {
  const item = { topicId: WIDE, partition, origin: 'client', batch } as const
  const results = engine.log.append([item], { nowMs: Date.now() })
  if (results instanceof Promise || results[0]?.errorCode !== 0) throw new Error('append failed')
}

/** The directories of the partitions are there when it is measured. */
function measureRoundRobin(engine: LocalEngine): void {
  const batch = batchOf(16_000)
  for (let partition = 0; partition < SPREAD; partition++) append(engine, partition, batch)
  const one: number[] = []
  const many: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    one.push(cpuPerAppend(() => append(engine, 0, batch)))
    let next = 0
    many.push(cpuPerAppend(() => append(engine, next++ % SPREAD, batch)))
  }
  const [oneUs, manyUs] = [summary(one).median, summary(many).median]
  const ratio = (manyUs / oneUs).toFixed(2)
  print(
    `append 16 KB, ${SPREAD} partitions in turn     ${manyUs.toFixed(1)} us CPU, one ${oneUs.toFixed(1)}, x${ratio}`,
  )
}

function cpuPerAppend(work: () => void): number {
  const cpu = process.cpuUsage()
  for (let count = 0; count < APPENDS; count++) work()
  const { user, system } = process.cpuUsage(cpu)
  return (user + system) / APPENDS
}
