import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Program, stopAllPrograms } from '../test/compat/process.ts'
import { freePort } from '../test/compat/transactions/free-port.ts'
import { cpuSeconds, dohle } from './brokers.ts'
import { BenchClient } from './client.ts'
import {
  apiVersionsFrame,
  fetchFrame,
  heartbeatFrame,
  metadataFrame,
  produceFrame,
  randomBatch,
} from './frames.ts'
import { makeLongLog } from './long-log.ts'
import type { Sample } from './measures.ts'
import { type RawLoad, type RawResult, runRaw } from './raw-load.ts'
import { type Effort, type Programs, startMeasured } from './round.ts'
import { medianLatencies, SINGLE_RECORD_PARTITIONS, singleRecords } from './single-records.ts'

const PARTITIONS = 10_000
const CONNECTIONS = 10_000
const GROUPS = 1_000
const GIB = 100
const TURNS = 2
/** How often others' latency is measured, and how long each time. */
const WINDOWS = 3
const WINDOW_SECONDS = 3

/** What a request costs where there is much, by what the same request costs where there is little. */
export async function measureFlatness(programs: Programs, effort: Effort): Promise<Sample> {
  const directory = mkdtempSync(join(tmpdir(), 'dohle-bench-'))
  try {
    return await new Flatness(directory, await freePort(), programs, effort).measure()
  } finally {
    await stopAllPrograms()
    rmSync(directory, { recursive: true, force: true })
  }
}

class Flatness {
  readonly #directory: string
  readonly #port: number
  readonly #programs: Programs
  readonly #seconds: number
  #broker: Program | undefined

  constructor(directory: string, port: number, programs: Programs, effort: Effort) {
    this.#directory = directory
    this.#port = port
    this.#programs = programs
    this.#seconds = effort.seconds
  }

  async measure(): Promise<Sample> {
    let client = await this.#start()
    await client.createTopic('long', 1, { isFilled: false })
    client.close()
    await this.#broker!.stop()
    const next = makeLongLog(join(this.#directory, 'data', 'long-0'), GIB)
    client = await this.#start()
    const sample = {
      flatLog: await this.#log(client, next),
      flatConsumers: await this.#consumers(client),
      flatConnections: await this.#connections(),
      flatPartitions: await this.#partitions(client),
      ...(await this.#beside(client)),
    }
    client.close()
    await this.#broker!.stop()
    return sample
  }

  async #start(): Promise<BenchClient> {
    const { broker } = await startMeasured(dohle, this.#directory, this.#port)
    this.#broker = broker
    return await BenchClient.open(this.#port)
  }

  /**
   * CPU per request: of what a longer run has more than a shorter one, so that connecting does not
   * count.
   */
  async #cpuUs(load: Omit<RawLoad, 'seconds'>): Promise<number> {
    const [short, long] = [await this.#run(load, 1), await this.#run(load, 3)]
    return ((long.cpu - short.cpu) * 1e6) / (long.requests - short.requests)
  }

  /** In turns, and the least of each: what else the machine does only adds. */
  async #ratio(much: Omit<RawLoad, 'seconds'>, little: Omit<RawLoad, 'seconds'>): Promise<number> {
    let [muchUs, littleUs] = [Infinity, Infinity]
    for (let turn = 0; turn < TURNS; turn++) {
      muchUs = Math.min(muchUs, await this.#cpuUs(much))
      littleUs = Math.min(littleUs, await this.#cpuUs(little))
    }
    return muchUs / littleUs
  }

  async #run(load: Omit<RawLoad, 'seconds'>, times: number) {
    const before = cpuSeconds(this.#broker!)
    const full = { ...load, seconds: this.#seconds * times }
    const { requests } = await runRaw(this.#programs.load, this.#port, full)
    return { requests, cpu: cpuSeconds(this.#broker!) - before }
  }

  async #log(client: BenchClient, next: number): Promise<number> {
    await client.createTopic('short', 1)
    const values = Array.from({ length: 100 }, () => 'x'.repeat(1_000))
    for (const topic of ['long', 'short']) {
      for (let batch = 0; batch < 10; batch++) await client.produce(topic, 0, values)
    }
    const fetch = (topic: string, offset: number) => ({
      frames: [fetchFrame(topic, 0, 100_000, offset)],
      connections: 4,
      depth: 2,
    })
    return await this.#ratio(fetch('long', next), fetch('short', 1))
  }

  async #consumers(client: BenchClient): Promise<number> {
    const beats: Buffer[] = []
    for (let group = 0; group < GROUPS; group++) {
      beats.push(heartbeatFrame(await client.joinGroup(`flat-${group}`)))
    }
    const load = { connections: 10, depth: 5 }
    return await this.#ratio({ ...load, frames: beats }, { ...load, frames: beats.slice(0, 10) })
  }

  async #connections(): Promise<number> {
    const load = { frames: [apiVersionsFrame()], depth: 1 }
    return await this.#ratio({ ...load, connections: CONNECTIONS }, { ...load, connections: 50 })
  }

  async #partitions(client: BenchClient): Promise<number> {
    await client.createTopic('wide', PARTITIONS, { isFilled: false })
    await client.createTopic('narrow', 8)
    const batch = randomBatch(16_000, 1_000)
    const frames = (topic: string, count: number) =>
      Array.from({ length: count }, (_, partition) => produceFrame(topic, partition, batch))
    const load = { connections: 10, depth: 5 }
    const wide = { ...load, frames: frames('wide', PARTITIONS) }
    // Partitions get their files with their first record; each run begins with the same ones.
    for (let requests = 0; requests < PARTITIONS * 1.2; ) {
      requests = (await this.#run(wide, 2)).requests
    }
    return await this.#ratio(wide, { ...load, frames: frames('narrow', 8) })
  }

  /** What single records wait for while others ask for much, beyond what they wait for anyway. */
  async #beside(client: BenchClient): Promise<Sample> {
    await client.createTopic('single', SINGLE_RECORD_PARTITIONS)
    const alone = await this.#p99Ms()
    const consumers = await slowConsumers(this.#port, fetchFrame('short', 0, 1_000_000))
    const besideSlow = (await this.#p99Ms()) - alone
    for (const consumer of consumers) consumer.destroy()
    const metadata = { frames: [metadataFrame('wide')], connections: 1, depth: 1 }
    // A little longer than all windows.
    const seconds = WINDOWS * WINDOW_SECONDS + 1
    const asked = runRaw(this.#programs.load, this.#port, { ...metadata, seconds })
    const besideMetadata = (await this.#p99Ms()) - alone
    await asked
    return { besideSlow, besideMetadata }
  }

  async #p99Ms(): Promise<number> {
    const load = singleRecords('single', 1_000, WINDOW_SECONDS)
    const windows: RawResult[] = []
    for (let window = 0; window < WINDOWS; window++) {
      windows.push(await runRaw(this.#programs.load, this.#port, load))
    }
    return medianLatencies(windows).p99 / 1_000
  }
}

/** Each asks for 100 MB and reads none of it. */
async function slowConsumers(port: number, frame: Buffer): Promise<Socket[]> {
  const consumers = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'))
  for (const consumer of consumers) {
    await once(consumer, 'connect')
    consumer.pause()
    for (let request = 0; request < 100; request++) consumer.write(frame)
  }
  return consumers
}
