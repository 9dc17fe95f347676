import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Program, runWell, stopAllPrograms } from '../test/compat/process.ts'
import { tools } from '../test/compat/tools.mjs'
import { freePort } from '../test/compat/transactions/free-port.ts'
import { type Contender, cpuSeconds, eventLoopDelay, rssMb } from './brokers.ts'
import { BenchClient, endToEnd } from './client.ts'
import {
  apiVersionsFrame,
  compressedBatch,
  fetchFrame,
  heartbeatFrame,
  produceFrame,
  randomBatch,
} from './frames.ts'
import type { Sample } from './measures.ts'
import { type RawLoad, type RawResult, runRaw } from './raw-load.ts'
import { medianLatencies, SINGLE_RECORD_PARTITIONS, singleRecords } from './single-records.ts'
import { percentile } from './summary.ts'
import { consumerPerfTest, kafkajsSends, producerPerfTest } from './tools.ts'

export interface Effort {
  /** Of each load from a generator. */
  readonly seconds: number
  /** Of Kafka's performance tools. */
  readonly records: number
  /** Of what is done one at a time. */
  readonly repetitions: number
  /** Of a load at a fixed rate: how long each time, and how often. */
  readonly windows: { readonly seconds: number; readonly count: number }
  /** What writes much runs twice, the first time without being measured. */
  readonly rehearses: boolean
  readonly loads: readonly Loads[]
}

/** The C programs of this directory, compiled and running. */
export interface Programs {
  readonly load: string
  /** Of the program that does the least of the same work. */
  readonly ceilingPort: number
}

/** What a round consists of. */
export const loads = ['tools', 'produce', 'small', 'fetch', 'rates', 'single'] as const
export type Loads = (typeof loads)[number]

/** Everything that is measured of one broker in one round, on a fresh directory. */
export async function measureRound(
  contender: Contender,
  effort: Effort,
  programs: Programs,
): Promise<Sample> {
  const directory = mkdtempSync(join(tmpdir(), 'dohle-bench-'))
  const port = await freePort()
  contender.prepare(directory, port)
  try {
    const { broker, firstAckMs } = await startMeasured(contender, directory, port)
    const round = new Round(contender, broker, port, effort, programs)
    round.sample['firstAck'] = firstAckMs
    await round.run()
    return round.sample
  } finally {
    await stopAllPrograms()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Starts a broker and tells how long it takes until a record is acknowledged. */
export async function startMeasured(
  contender: Contender,
  directory: string,
  port: number,
): Promise<{ broker: Program; firstAckMs: number }> {
  const acked = runWell({ command: tools.load, args: ['first-ack', `127.0.0.1:${port}`] })
  // It tries to connect each millisecond before the clock starts.
  await delay(200)
  const startedAtMs = Date.now()
  const broker = contender.start(directory, port)
  return { broker, firstAckMs: Number((await acked)[0]) - startedAtMs }
}

/** What earlier loads wrote is on the disk, so that no load pays for the one before it. */
async function written(): Promise<void> {
  await promisify(execFile)('sync')
}

/** How a load is read: requests a second, or bytes of one direction. */
type Reading = 'requests' | 'out' | 'in'

class Round {
  readonly sample: Sample = {}
  readonly #contender: Contender
  readonly #broker: Program
  readonly #port: number
  readonly #effort: Effort
  readonly #programs: Programs

  constructor(
    contender: Contender,
    broker: Program,
    port: number,
    effort: Effort,
    programs: Programs,
  ) {
    this.#contender = contender
    this.#broker = broker
    this.#port = port
    this.#effort = effort
    this.#programs = programs
  }

  get #isOurs(): boolean {
    return this.#contender.name === 'dohle'
  }

  get #address(): string {
    return `127.0.0.1:${this.#port}`
  }

  async run(): Promise<void> {
    const client = await BenchClient.open(this.#port)
    await delay(2_000)
    this.sample['idleRss'] = rssMb(this.#broker).now
    if (this.#isOurs) await eventLoopDelay(this.#port)
    const parts: Record<Loads, () => Promise<void>> = {
      tools: () => this.#kafkaTools(client),
      produce: () => this.#produceLoads(client),
      small: () => this.#smallRequests(client),
      fetch: () => this.#fetchLoads(client),
      rates: () => this.#latencies(client),
      single: () => this.#oneAtATime(client),
    }
    for (const part of this.#effort.loads) await parts[part]()
    client.close()
    this.sample['loadedRss'] = rssMb(this.#broker).most
    if (this.#isOurs) {
      const { p99, max } = await eventLoopDelay(this.#port)
      Object.assign(this.sample, { delayP99: p99, delayMax: max })
    }
    const since = performance.now()
    await this.#broker.stop()
    this.sample['stop'] = performance.now() - since
  }

  /** A load on a topic of its own, which is gone afterwards. */
  async #onTopic(
    client: BenchClient,
    partitions: number,
    work: (topic: string) => Promise<void>,
  ): Promise<void> {
    const topic = `bench-${this.#topics++}`
    await client.createTopic(topic, partitions)
    await written()
    await work(topic)
    await client.deleteTopic(topic)
    // Its files go before the system writes all of them to the disk.
    await delay(300)
  }

  #topics = 0

  /**
   * A load that writes much, after the same as a rehearsal. Where a host gives a virtual machine its
   * memory page by page, pages that lay free for some seconds are written to ten times slower than
   * those that the removed files of the rehearsal leave behind: that is no broker's doing.
   */
  async #rehearsed(
    client: BenchClient,
    partitions: number,
    load: (topic: string) => Omit<RawLoad, 'seconds'>,
    measure: (load: Omit<RawLoad, 'seconds'>) => Promise<RawResult>,
  ): Promise<RawResult> {
    const { seconds, rehearses } = this.#effort
    if (rehearses) {
      await this.#onTopic(client, partitions, async (topic) => {
        await runRaw(this.#programs.load, this.#port, { ...load(topic), seconds })
      })
    }
    const results: RawResult[] = []
    await this.#onTopic(client, partitions, async (topic) => {
      results.push(await measure(load(topic)))
    })
    return results[0]!
  }

  async #raw(name: string, reading: Reading, load: Omit<RawLoad, 'seconds'>): Promise<RawResult> {
    const full = { seconds: this.#effort.seconds, ...load }
    const before = cpuSeconds(this.#broker)
    const result = await runRaw(this.#programs.load, this.#port, full)
    const cpu = cpuSeconds(this.#broker) - before
    const mb = reading === 'in' ? result.mbInPerSecond : result.mbOutPerSecond
    const bytes = reading === 'in' ? result.bytesIn : result.bytesOut
    const isRate = reading === 'requests'
    this.sample[name] = isRate ? result.requestsPerSecond : mb
    this.sample[`${name}Cpu`] = isRate ? (cpu * 1e6) / result.requests : cpu / (bytes / 1e9)
    return result
  }

  /** How much of what the C program does in the same time. */
  async #besideC(name: string, ours: RawResult, load: Omit<RawLoad, 'seconds'>): Promise<void> {
    const { load: program, ceilingPort } = this.#programs
    const full = { seconds: this.#effort.seconds, ...load }
    const least = await runRaw(program, ceilingPort, full)
    this.sample[`${name}OfC`] = ours.requestsPerSecond / least.requestsPerSecond
  }

  async #produceLoads(client: BenchClient): Promise<void> {
    const produce = async (
      name: string,
      reading: Reading,
      connections: number,
      batchBytes: number,
    ) => {
      const batch = randomBatch(batchBytes, 1_000)
      const load = (topic: string) => ({
        frames: Array.from({ length: connections }, (_, at) => produceFrame(topic, at, batch)),
        connections,
        depth: 5,
        own: true,
      })
      const ours = await this.#rehearsed(client, connections, load, (one) =>
        this.#raw(name, reading, one),
      )
      if (this.#isOurs) await this.#besideC(name, ours, load('any'))
    }
    await produce('produce100k', 'out', 4, 100_000)
    await produce('produce16k', 'out', 4, 16_000)
    await produce('produce1m', 'out', 4, 1_000_000)
    await produce('produce1k', 'requests', 10, 1_000)
    await produce('produce1k1c', 'requests', 1, 1_000)
    await produce('produce1k100c', 'requests', 100, 1_000)
    const batch = randomBatch(16_000, 1_000)
    const spread = (topic: string) => ({
      frames: Array.from({ length: 100 }, (_, at) => produceFrame(topic, at, batch)),
      connections: 10,
      depth: 5,
    })
    await this.#rehearsed(client, 100, spread, (one) => this.#raw('produce16k100p', 'out', one))
    for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
      await this.#onTopic(client, 4, async (topic) => {
        const batch = compressedBatch(codec)
        const frames = [0, 1, 2, 3].map((partition) => produceFrame(topic, partition, batch))
        await this.#raw(codec, 'requests', { frames, connections: 4, depth: 5, own: true })
      })
    }
  }

  async #smallRequests(client: BenchClient): Promise<void> {
    // So many that the generator sends those that are ahead with one call.
    const frames = Array.from({ length: 250 }, apiVersionsFrame)
    await this.#raw('api50x5', 'requests', { frames, connections: 50, depth: 5 })
    await this.#raw('api1x1', 'requests', { frames, connections: 1, depth: 1 })
    const beats: Buffer[] = []
    for (let group = 0; group < 100; group++) {
      beats.push(heartbeatFrame(await client.joinGroup(`bench-${group}`)))
    }
    await this.#raw('heartbeat', 'requests', { frames: beats, connections: 50, depth: 5 })
  }

  async #fetchLoads(client: BenchClient): Promise<void> {
    const partitions = 4
    await this.#onTopic(client, partitions, async (topic) => {
      const batch = randomBatch(100_000, 1_000)
      const produced = Array.from({ length: partitions }, (_, partition) =>
        produceFrame(topic, partition, batch),
      )
      const fill = { frames: produced, connections: partitions, depth: 5, own: true }
      await runRaw(this.#programs.load, this.#port, { ...fill, seconds: 0.5 })
      const reads = { connections: partitions, depth: 2, own: true }
      const frames = produced.map((_, partition) => fetchFrame(topic, partition, 1_000_000))
      await this.#raw('fetchCache', 'in', { ...reads, frames })
      const tails = await this.#writeTails(client, topic, partitions)
      const ends = tails.map((offset, partition) => fetchFrame(topic, partition, 1_000_000, offset))
      await this.#raw('fetchTail', 'in', { ...reads, frames: ends })
    })
  }

  /** 1 MB more in each partition while a consumer waits at its end: where that MB begins. */
  async #writeTails(client: BenchClient, topic: string, partitions: number): Promise<number[]> {
    const values = Array.from({ length: 100 }, () => 'x'.repeat(1_000))
    const offsets: number[] = []
    for (let partition = 0; partition < partitions; partition++) {
      const { baseOffset } = await client.produce(topic, partition, ['last'])
      await client.fetch(topic, partition, baseOffset + 1, 0)
      for (let batch = 0; batch < 10; batch++) await client.produce(topic, partition, values)
      offsets.push(baseOffset + 1)
    }
    return offsets
  }

  async #latencies(client: BenchClient): Promise<void> {
    const { load: program, ceilingPort } = this.#programs
    const { seconds, count } = this.#effort.windows
    for (const rate of [1_000, 5_000]) {
      await this.#onTopic(client, SINGLE_RECORD_PARTITIONS, async (topic) => {
        const load = singleRecords(topic, rate, seconds)
        const ours: RawResult[] = []
        const least: RawResult[] = []
        for (let window = 0; window < count; window++) {
          ours.push(await runRaw(program, this.#port, load))
          if (this.#isOurs) least.push(await runRaw(program, ceilingPort, load))
        }
        for (const [name, us] of Object.entries(medianLatencies(ours))) {
          this.sample[`at${rate}${name}`] = us
        }
        if (!this.#isOurs) return
        for (const [name, us] of Object.entries(medianLatencies(least))) {
          this.sample[`at${rate}${name}C`] = us
        }
      })
    }
  }

  async #oneAtATime(client: BenchClient): Promise<void> {
    const { repetitions } = this.#effort
    await this.#onTopic(client, 1, async (topic) => {
      const tookUs = await endToEnd(this.#port, topic, repetitions)
      this.sample['endToEnd50'] = percentile(tookUs, 0.5)
      this.sample['endToEnd99'] = percentile(tookUs, 0.99)
    })
    await this.#onTopic(client, 1, async (topic) => {
      const tookUs = await client.transactions(topic, repetitions / 2)
      const sum = tookUs.reduce((total, us) => total + us, 0)
      this.sample['transactions'] = (tookUs.length * 1e6) / sum
      this.sample['transaction99'] = percentile(tookUs, 0.99)
    })
    await this.#onTopic(client, 1, async (topic) => {
      this.sample['kafkajs'] = await kafkajsSends(this.#address, topic, repetitions)
    })
  }

  /** Kafka's own performance tools, and what the broker spends on them. */
  async #kafkaTools(client: BenchClient): Promise<void> {
    const { records } = this.#effort
    const perf = { records, recordBytes: 1_024, lingerMs: 5 }
    const cpuPerGib = (before: number) =>
      (cpuSeconds(this.#broker) - before) / ((records * 1_024) / 2 ** 30)
    await this.#onTopic(client, 1, async (topic) => {
      const before = cpuSeconds(this.#broker)
      this.sample['perf1k'] = await producerPerfTest(this.#address, { ...perf, topic })
      this.sample['perf1kCpu'] = cpuPerGib(before)
      const between = cpuSeconds(this.#broker)
      const { total, fetching } = await consumerPerfTest(this.#address, topic, records)
      this.sample['consumeCpu'] = cpuPerGib(between)
      this.sample['consume'] = total
      this.sample['consumeFetching'] = fetching
    })
    await this.#onTopic(client, 1, async (topic) => {
      const test = { ...perf, topic, lingerMs: 0, records: records / 2 }
      this.sample['perf1kLinger0'] = await producerPerfTest(this.#address, test)
    })
    await this.#onTopic(client, 1, async (topic) => {
      const test = { ...perf, topic, recordBytes: 100, records: records * 2 }
      this.sample['perf100'] = await producerPerfTest(this.#address, test)
    })
  }
}
