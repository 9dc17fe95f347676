import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { kafkaServerTool } from '../test/compat/kafka-tools.ts'
import { type Program, runWell, stopAllPrograms } from '../test/compat/process.ts'
import { tools } from '../test/compat/tools.mjs'
import { apacheKafka, type Contender, cpuSeconds, dohle, rssMb } from './brokers.ts'
import { type Measure, measures, type Sample, table } from './table.ts'

const quick = process.argv.includes('--quick')
const roundsAt = process.argv.indexOf('--rounds')
const rounds = roundsAt > 0 ? Number(process.argv[roundsAt + 1]) : quick ? 2 : 5
const records = quick ? 100_000 : 1_000_000
const seconds = quick ? 2 : 5
const RECORD_BYTES = 1_024

/** Everything that is measured of one broker in one round, on a fresh directory. */
async function measure(contender: Contender): Promise<Sample> {
  const directory = mkdtempSync(join(tmpdir(), 'dohle-bench-'))
  const port = await freePort()
  contender.prepare(directory, port)
  try {
    return await measureAt(contender, directory, port)
  } finally {
    await stopAllPrograms()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function measureAt(contender: Contender, directory: string, port: number): Promise<Sample> {
  const address = `127.0.0.1:${port}`
  const acked = runWell({ command: tools.load, args: ['first-ack', address] })
  // The generator tries to connect each millisecond before the clock starts.
  await delay(200)
  const startedAtMs = Date.now()
  const broker = contender.start(directory, port)
  const firstAckMs = Number((await acked)[0]) - startedAtMs
  await delay(quick ? 1_000 : 3_000)
  const idleMb = rssMb(broker)
  const load = (kind: string, connections: number, depth: number) =>
    requestsPerSecond([kind, address, `${connections}`, `${depth}`, `${seconds}`])
  const sample: Partial<Record<Measure, number>> = {
    firstAckMs,
    idleMb,
    apiVersions50x5: await load('api-versions', 50, 5),
    apiVersions1x1: await load('api-versions', 1, 1),
    produce1k10x5: await load('produce-1k', 10, 5),
    ...(await throughput(broker, address)),
    loadedMb: rssMb(broker),
  }
  await broker.stop()
  return sample as Sample
}

async function requestsPerSecond(args: string[]): Promise<number> {
  const [line = ''] = await runWell({ command: tools.load, args })
  return JSON.parse(line).requestsPerSecond
}

/** Kafka's own performance tools, and what the broker spent on them. */
async function throughput(broker: Program, address: string): Promise<Partial<Sample>> {
  const gib = (records * RECORD_BYTES) / 2 ** 30
  const before = cpuSeconds(broker)
  const produced = await runWell(
    kafkaServerTool(
      'kafka-producer-perf-test',
      [
        ...['--topic', 'perf', '--num-records', `${records}`, '--record-size', `${RECORD_BYTES}`],
        ...['--throughput', '-1', '--command-property', `bootstrap.servers=${address}`],
      ],
      '512m',
    ),
  )
  const between = cpuSeconds(broker)
  const consumed = await runWell(
    kafkaServerTool(
      'kafka-consumer-perf-test',
      ['--bootstrap-server', address, '--topic', 'perf', '--messages', `${records}`],
      '512m',
    ),
  )
  const columns = consumed.at(-1)?.split(', ') ?? []
  return {
    produceMbps: Number(/\(([\d.]+) MB\/sec\)/.exec(produced.at(-1) ?? '')?.[1]),
    produceCpuPerGib: (between - before) / gib,
    consumeMbps: Number(columns[3]),
    fetchMbps: Number(columns[8]),
    consumeCpuPerGib: (cpuSeconds(broker) - between) / gib,
  }
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  const { port } = server.address() as net.AddressInfo
  await new Promise((closed) => server.close(closed))
  return port
}

const samples = { dohle: [] as Sample[], 'Apache Kafka': [] as Sample[] }
for (let round = 0; round < rounds; round++) {
  // Who goes first changes, so that neither always meets the other's leftovers.
  for (const contender of round % 2 === 0 ? [dohle, apacheKafka] : [apacheKafka, dohle]) {
    process.stderr.write(`round ${round + 1} of ${rounds}: ${contender.name}\n`)
    samples[contender.name].push(await measure(contender))
  }
}
console.log(table(samples.dohle, samples['Apache Kafka']))
const results = resolve(import.meta.dirname, '../.cache/bench.json')
mkdirSync(resolve(results, '..'), { recursive: true })
const about = { node: process.version, rounds, records, recordBytes: RECORD_BYTES, seconds }
writeFileSync(results, `${JSON.stringify({ ...about, measures, samples }, null, 2)}\n`)
console.log(`\nAll samples: ${results}`)
