/**
 * What requests wait for while a large compacted topic is cleaned: `npx tsx bench/cleaner.ts
 * [directory [GiB [rounds]]]` (2 GiB, 3 rounds; the long form is 10 GiB) after `npm run build`. A
 * broker of its own answers small Produce and Fetch requests, first at rest, then while it cleans.
 * Prints the quantiles of both and their ratio. Every round writes the topic anew.
 */
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Produce } from '../src/protocol/apis/00-produce.ts'
import { Fetch } from '../src/protocol/apis/01-fetch.ts'
import { CreateTopics } from '../src/protocol/apis/19-create-topics.ts'
import { buildBatch } from '../src/protocol/records/builder.ts'
import { Dohle } from '../test/compat/broker.ts'
import { WireClient } from '../test/compat/wire-client.ts'
import { percentile } from './summary.ts'

const [parent = tmpdir(), gib = '2', roundCount = '3'] = process.argv.slice(2)
const BYTES = Number(gib) * 1024 ** 3
const RECORD_BYTES = 1_024
const RECORDS_PER_BATCH = 900
/** Each key comes three times on average. */
const KEYS = Math.floor(BYTES / RECORD_BYTES / 3)
const REST_MS = 30_000
const WARM_UP_MS = 3_000
const PAUSE_MS = 4

const compacted = {
  'cleanup.policy': 'compact',
  'segment.bytes': `${256 * 1024 * 1024}`,
  'min.cleanable.dirty.ratio': '0.1',
}

async function createTopic(client: WireClient, name: string, configs: Record<string, string>) {
  const entries = Object.entries(configs).map(([key, value]) => ({ name: key, value }))
  const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: entries }
  const { topics } = await client.ask(CreateTopics, 6, { topics: [topic], validateOnly: false })
  if (topics[0]?.errorCode !== 0) throw new Error(`create ${name}: ${topics[0]?.errorMessage}`)
}

async function produce(client: WireClient, topic: string, records: Buffer): Promise<void> {
  const answer = await client.ask(Produce, 9, {
    transactionalId: null,
    acks: 1,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData: [{ index: 0, records }] }],
  })
  const errorCode = answer.responses[0]?.partitionResponses[0]?.errorCode
  if (errorCode !== 0) throw new Error(`produce to ${topic}: ${errorCode}`)
}

async function fill(client: WireClient): Promise<void> {
  const values = Array.from({ length: 64 }, (_, index) => Buffer.alloc(RECORD_BYTES - 20, index))
  for (let written = 0; written < BYTES; written += RECORDS_PER_BATCH * RECORD_BYTES) {
    const timestamp = Date.now()
    const records = Array.from({ length: RECORDS_PER_BATCH }, () => {
      const key = Math.floor(Math.random() * KEYS)
      return { key: Buffer.from(`key-${key}`), value: values[key % 64]!, timestamp }
    })
    await produce(client, 'big', buildBatch({ records }))
  }
}

async function fetchNewest(client: WireClient, fetchOffset: number): Promise<void> {
  const partition = { partition: 0, fetchOffset, partitionMaxBytes: 4_096 }
  await client.ask(Fetch, 12, {
    maxWaitMs: 0,
    minBytes: 0,
    sessionId: 0,
    sessionEpoch: -1,
    isolationLevel: 0,
    topics: [{ topic: 'small', partitions: [partition] }],
    forgottenTopicsData: [],
    rackId: '',
  })
}

interface Latencies {
  readonly produce: number[]
  readonly fetch: number[]
}

/** Asks again and again until `isOver`, and notes what it waits for. */
async function ask(client: WireClient, isOver: () => boolean): Promise<Latencies> {
  const latencies: Latencies = { produce: [], fetch: [] }
  const value = Buffer.alloc(RECORD_BYTES, 1)
  while (!isOver()) {
    const batch = buildBatch({ records: [{ key: null, value, timestamp: Date.now() }] })
    let startedAt = performance.now()
    await produce(client, 'small', batch)
    latencies.produce.push(performance.now() - startedAt)
    startedAt = performance.now()
    await fetchNewest(client, 0)
    latencies.fetch.push(performance.now() - startedAt)
    await delay(PAUSE_MS)
  }
  return latencies
}

async function round(): Promise<{ rest: Latencies; cleaning: Latencies; tookMs: number }> {
  const directory = fs.mkdtempSync(join(parent, 'dohle-bench-cleaner-'))
  try {
    const writer = await Dohle.start(['--override', 'log.cleaner.enable=false'], directory)
    const filling = await WireClient.connect(writer.bootstrap)
    await createTopic(filling, 'big', compacted)
    await createTopic(filling, 'small', {})
    await fill(filling)
    filling.close()
    await writer.stop()
    const backoff = ['--override', `log.cleaner.backoff.ms=${REST_MS}`]
    const broker = await Dohle.start(backoff, directory)
    const startedAt = performance.now()
    const client = await WireClient.connect(broker.bootstrap)
    await ask(client, () => performance.now() - startedAt > WARM_UP_MS)
    const rest = await ask(client, () => performance.now() - startedAt > REST_MS - 500)
    await delay(REST_MS + 200 - (performance.now() - startedAt))
    const cleaningAt = performance.now()
    const isDone = () => /"msg":"log compacted"/.test(broker.program.stdout)
    const cleaning = await ask(client, isDone)
    const tookMs = performance.now() - cleaningAt
    client.close()
    await broker.stop()
    return { rest, cleaning, tookMs }
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

for (let count = 0; count < Number(roundCount); count++) {
  const { rest, cleaning, tookMs } = await round()
  process.stdout.write(`${gib} GiB cleaned in ${(tookMs / 1_000).toFixed(1)} s\n`)
  for (const kind of ['produce', 'fetch'] as const) {
    for (const share of [0.5, 0.9, 0.99, 0.999]) {
      const [restMs, busyMs] = [percentile(rest[kind], share), percentile(cleaning[kind], share)]
      process.stdout.write(
        `  ${kind.padEnd(7)} p${String(share * 100).padEnd(4)} at rest ${restMs.toFixed(2)} ms, cleaning ${busyMs.toFixed(2)} ms, x${(busyMs / restMs).toFixed(2)}  (${rest[kind].length} and ${cleaning[kind].length} requests)\n`,
      )
    }
  }
}
