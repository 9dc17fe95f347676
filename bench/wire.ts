import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Produce } from '../src/protocol/apis/00-produce.ts'
import { Fetch } from '../src/protocol/apis/01-fetch.ts'
import { Metadata } from '../src/protocol/apis/03-metadata.ts'
import { ApiVersions } from '../src/protocol/apis/18-api-versions.ts'
import { encodeRequest } from '../src/protocol/message.ts'
import { buildBatch } from '../src/protocol/records/builder.ts'
import type { Api, EncodableOf } from '../src/protocol/schema.ts'

/**
 * What one broker process does on the wire, beside a C program that does the least of the same work
 * (ceiling.c), both under one load generator (load.c): `tsx bench/wire.ts [--seconds 2] [--only
 * produce] [--memory]`. Ratios of one run count; absolutes depend on what else the machine does.
 */

interface Scenario {
  readonly name: string
  readonly frames: Buffer
  readonly connections: number
  readonly depth: number
  /** Whether the C program does the like. */
  readonly hasCeiling: boolean
}

interface Load {
  readonly requestsPerSecond: number
  readonly mbOutPerSecond: number
  readonly mbInPerSecond: number
  readonly p50Us: number
  readonly p99Us: number
}

const PARTITIONS = 8

function frame<A extends Api>(api: A, version: number, request: EncodableOf<A['request']>): Buffer {
  const header = { correlationId: 1, clientId: 'bench' }
  return Buffer.concat(encodeRequest(api, version, header, request).chunks)
}

/** One request for each partition, so that every log of the topic is in use. */
function produceFrames(batchBytes: number, recordBytes: number): Buffer {
  const count = Math.max(1, Math.round(batchBytes / recordBytes))
  const frames = Array.from({ length: PARTITIONS }, (_, index) => {
    const records = buildBatch({
      records: Array.from({ length: count }, () => ({
        key: null,
        value: randomBytes(Math.max(1, recordBytes - 10)),
        timestamp: Date.now(),
      })),
    })
    return frame(Produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 10_000,
      topicData: [{ name: 'bench', partitionData: [{ index, records }] }],
    })
  })
  return Buffer.concat(frames)
}

function fetchFrames(partitionMaxBytes: number): Buffer {
  const frames = Array.from({ length: PARTITIONS }, (_, partition) =>
    frame(Fetch, 11, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic: 'bench', partitions: [{ partition, fetchOffset: 0, partitionMaxBytes }] }],
    }),
  )
  return Buffer.concat(frames)
}

function scenarios(): Scenario[] {
  const api = frame(ApiVersions, 3, { clientSoftwareName: 'bench', clientSoftwareVersion: '1' })
  const metadata = frame(Metadata, 9, { topics: [{ name: 'bench' }] })
  const produce = (name: string, bytes: number, recordBytes: number, connections = 4) => ({
    name: `produce ${name}`,
    frames: produceFrames(bytes, recordBytes),
    connections,
    depth: 5,
    hasCeiling: true,
  })
  const fetch = (name: string, bytes: number, connections: number) => ({
    name: `fetch ${name}`,
    frames: fetchFrames(bytes),
    connections,
    depth: 2,
    hasCeiling: false,
  })
  const small = { hasCeiling: true, connections: 50, depth: 5 }
  return [
    // Fetches read what the requests before them have written: offset 0 must be there.
    produce('1 KB', 1_000, 1_000, 10),
    fetch('16 KB', 16_000, 4),
    fetch('100 KB', 100_000, 4),
    fetch('1 MB', 1_000_000, 4),
    produce('16 KB', 16_000, 1_000),
    produce('100 KB', 100_000, 1_000),
    produce('1 MB', 1_000_000, 1_000),
    produce('16 KB of 100 B', 16_000, 100),
    { name: 'ApiVersions', frames: api, ...small },
    { name: 'Metadata', frames: metadata, ...small },
    { name: 'round trip', frames: metadata, hasCeiling: true, connections: 1, depth: 1 },
  ]
}

function compile(source: string, directory: string): string {
  const output = join(directory, source.replace('.c', ''))
  const input = new URL(source, import.meta.url).pathname
  execFileSync('cc', ['-O3', '-msse4.2', '-o', output, input], { stdio: 'inherit' })
  return output
}

async function firstLine(child: ChildProcess): Promise<string> {
  const [line] = await once(child.stdout!, 'data')
  return String(line).trim()
}

async function runLoad(program: string, port: number, scenario: Scenario, file: string) {
  writeFileSync(file, scenario.frames)
  const { connections, depth } = scenario
  const args = [port, connections, depth, seconds, file].map(String)
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const line = await firstLine(child)
  return JSON.parse(line) as Load
}

interface Usage {
  readonly cpu: NodeJS.CpuUsage
  readonly rssBytes: number
}

async function usage(broker: ChildProcess): Promise<Usage> {
  broker.send('usage')
  const [answer] = await once(broker, 'message')
  return answer
}

function option(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? undefined : process.argv[at + 1]
}

const seconds = Number(option('seconds') ?? 2)
const only = option('only') ?? ''
const directory = mkdtempSync(join(tmpdir(), 'dohle-wire-'))

async function main(): Promise<void> {
  const load = compile('load.c', directory)
  const ceiling = spawn(compile('ceiling.c', directory), [join(directory, 'ceiling.log')])
  const ceilingPort = Number(await firstLine(ceiling))
  const dataDir = join(directory, 'data')
  mkdirSync(dataDir)
  const script = new URL('wire-broker.ts', import.meta.url).pathname
  const broker = fork(script, process.argv.includes('--memory') ? [] : [dataDir])
  const [{ port }] = await once(broker, 'message')
  const file = join(directory, 'frames')
  for (const scenario of scenarios().filter(({ name }) => name.includes(only))) {
    const before = await usage(broker)
    const result = await runLoad(load, port, scenario, file)
    const after = await usage(broker)
    const most = scenario.hasCeiling ? await runLoad(load, ceilingPort, scenario, file) : undefined
    print(scenario, result, most, before, after)
  }
  broker.disconnect()
  ceiling.kill()
  await once(broker, 'exit')
}

function print(
  { name, connections, depth }: Scenario,
  result: Load,
  most: Load | undefined,
  before: Usage,
  after: Usage,
): void {
  // The load generator warms up for a fifth of its time before it counts.
  const wallUs = seconds * 1.2 * 1e6
  const cpuUs = after.cpu.user + after.cpu.system - before.cpu.user - before.cpu.system
  const share = cpuUs / wallUs
  const mb = Math.max(result.mbInPerSecond, result.mbOutPerSecond)
  const ratio = most ? (result.requestsPerSecond / most.requestsPerSecond).toFixed(2) : '-'
  console.log(
    [
      name.padEnd(15),
      `${connections} x ${depth}`.padEnd(7),
      `${Math.round(result.requestsPerSecond)} req/s`.padStart(13),
      `${Math.round(mb)} MB/s`.padStart(10),
      `${((share * 1e6) / result.requestsPerSecond).toFixed(1)} us/req`.padStart(13),
      `${Math.round((share * 1e6) / mb)} us/MB`.padStart(13),
      `of C: ${ratio}`.padStart(11),
      depth === 1 ? `p50 ${result.p50Us} us, p99 ${result.p99Us} us` : '',
      `rss ${Math.round(after.rssBytes / 1e6)} MB`,
    ].join('  '),
  )
}

try {
  await main()
} finally {
  rmSync(directory, { recursive: true, force: true })
}
