/**
 * What a request costs inside the broker, without network and disk: `tsx bench/guard.ts [ROUNDS [CASE]]`.
 * Frames go through a connection, the dispatcher and a store in memory; CPU time is given beside
 * that of a fixed loop of JavaScript in the same rounds, so that the last column can be compared
 * between machines, and between commits in the log of CI. It never fails.
 */
import { startTestBroker } from '../test/broker/test-broker.ts'
import { Unplugged } from '../test/server/unplugged.ts'
import { apiVersionsFrame, fetchFrame, metadataFrame, produceFrame, randomBatch } from './frames.ts'
import { summary } from './summary.ts'

/** Requests that come with one read. */
const DEPTH = 5
const PARTITIONS = 8
const ROUND_CPU_US = 60_000
const rounds = Number(process.argv[2] ?? 7)

const broker = await startTestBroker()
broker.createTopic('bench', PARTITIONS)

interface Case {
  readonly name: string
  /** One read each. */
  readonly reads: readonly Buffer[]
  readonly samples: number[]
}

function repeated(name: string, frame: (index: number) => Buffer, reads = 1): Case {
  const read = (at: number) =>
    Buffer.concat(Array.from({ length: DEPTH }, (_, index) => frame(at * DEPTH + index)))
  return { name, reads: Array.from({ length: reads }, (_, at) => read(at)), samples: [] }
}

const only = process.argv[3] ?? ''
const cases: readonly Case[] = [
  repeated('Produce 1 KB, one partition', () =>
    produceFrame('bench', 0, randomBatch(1_000, 1_000)),
  ),
  repeated(
    'Produce 1 KB, 8 partitions',
    (at) => produceFrame('bench', at % 8, randomBatch(1_000, 1_000)),
    8,
  ),
  repeated('Produce 16 KB, one partition', () =>
    produceFrame('bench', 0, randomBatch(16_000, 1_000)),
  ),
  repeated('Produce 16 KB of 100 B', () => produceFrame('bench', 0, randomBatch(16_000, 100))),
  repeated('Fetch 16 KB', (at) => fetchFrame('bench', at % 8, 16_000)),
  repeated('ApiVersions', apiVersionsFrame),
  repeated('Metadata, one topic', () => metadataFrame('bench')),
].filter(({ name }) => name.includes(only))

const connection = new Unplugged(broker, () => undefined)

async function run({ reads }: Case, count: number): Promise<number> {
  const before = process.cpuUsage()
  for (let done = 0, next = 0; done < count; done += DEPTH) {
    const read = reads[next]!
    next = next + 1 === reads.length ? 0 : next + 1
    // A read of the log may have gone to the thread pool.
    if (!connection.read(read)) await connection.resumed()
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

/** Some of what a broker does, none of it ours. */
function calibrate(): number {
  const bytes = new DataView(new ArrayBuffer(64))
  const known = new Map(Array.from({ length: 64 }, (_, index) => [`topic-${index}`, index]))
  const names = [...known.keys()]
  const before = process.cpuUsage()
  let sum = 0
  for (let index = 0; index < 1_000_000; index++) {
    bytes.setInt32((index & 7) * 4, index)
    sum += bytes.getInt32(((index + 3) & 7) * 4) + known.get(names[index & 63]!)!
    sum += { index, at: sum & 15 }.at
  }
  const { user, system } = process.cpuUsage(before)
  if (sum === 0) throw new Error('the loop was left out')
  return (user + system) / 1_000
}

const calibration: number[] = []
for (let round = 0; round <= rounds; round++) {
  const loopUs = calibrate()
  if (round > 0) calibration.push(loopUs)
  for (const one of cases) {
    const count = round === 0 ? 5_000 : Math.ceil(ROUND_CPU_US / (one.samples[0] ?? 10))
    const us = await run(one, count)
    if (round === 0) await run(one, 20_000)
    else one.samples.push(us)
  }
}
// The least of the rounds: what else the machine does only adds to it.
const loopUs = summary(calibration).min
console.log(`loop of JavaScript: ${loopUs.toFixed(1)} us CPU per 1,000 turns`)
for (const { name, samples } of cases) {
  const { median, min } = summary(samples)
  const ratio = `x${(min / loopUs).toFixed(3)}`
  const least = `${min.toFixed(2).padStart(7)} us CPU`
  console.log(`${name.padEnd(30)} ${least} (median ${median.toFixed(2)})  ${ratio}`)
}
await broker.close()
