/**
 * What the local engine adds to the system calls below it: `npx tsx bench/storage.ts [directory]`.
 * Appends and reads are measured beside a bare `writeSync` and `readSync` of the same bytes in the
 * same rounds; microseconds of CPU time per call, median over the rounds, and MB/s of wall time.
 */
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildBatch } from '../src/protocol/records/builder.ts'
import type { AppendItem } from '../src/storage/engine.ts'
import type { LocalEngine } from '../src/storage/local/local-engine.ts'
import { VolatileMetadata } from '../test/storage/volatile-metadata.ts'
import { bareEngine } from './bare-engine.ts'
import { summary } from './summary.ts'

const ROUNDS = 7
const ROUND_BYTES = 64 * 1024 * 1024
const CALLS_MAX = 20_000
const TOPIC = 'bench-topic-id--'

interface Measured {
  readonly cpuUs: number
  readonly wallMbps: number
}

interface Case {
  readonly name: string
  readonly bytes: number
  /** Runs `count` calls. */
  readonly run: (count: number) => void | Promise<void>
  readonly samples: Measured[]
}

const directory = fs.mkdtempSync(join(process.argv[2] ?? tmpdir(), 'dohle-bench-storage-'))
try {
  await main()
} finally {
  fs.rmSync(directory, { recursive: true, force: true })
}

async function main(): Promise<void> {
  const metadata = new VolatileMetadata()
  const engine = bareEngine(join(directory, 'data'), metadata)
  await engine.open()
  metadata.createTopic('bench', TOPIC, 100)
  const cases: Case[] = []
  for (const bytes of [1024, 16 * 1024, 100 * 1024]) {
    cases.push(bareWrite(bytes), appends(engine, bytes, 1), appends(engine, bytes, 100))
  }
  await rounds(cases)
  const reads: Case[] = []
  for (const bytes of [16 * 1024, 100 * 1024, 1024 * 1024]) {
    reads.push(bareRead(bytes), readsOf(engine, bytes))
  }
  await rounds(reads)
  await engine.close()
}

async function rounds(cases: readonly Case[]): Promise<void> {
  for (let round = 0; round <= ROUNDS; round++) {
    for (const one of cases) {
      const count = Math.min(CALLS_MAX, Math.floor(ROUND_BYTES / one.bytes))
      const cpu = process.cpuUsage()
      const startedAt = performance.now()
      await one.run(count)
      const wallMs = performance.now() - startedAt
      const { user, system } = process.cpuUsage(cpu)
      // The first round warms up.
      if (round === 0) continue
      const wallMbps = (count * one.bytes) / 1e3 / wallMs
      one.samples.push({ cpuUs: (user + system) / count, wallMbps })
    }
  }
  for (const { name, samples } of cases) {
    const cpuUs = summary(samples.map((sample) => sample.cpuUs)).median.toFixed(1)
    const mbps = summary(samples.map((sample) => sample.wallMbps)).median.toFixed(0)
    process.stdout.write(
      `${name.padEnd(40)} ${cpuUs.padStart(8)} us CPU ${mbps.padStart(7)} MB/s\n`,
    )
  }
}

function batchOf(bytes: number): Buffer {
  const record = { key: null, value: Buffer.alloc(bytes - 80, 'x'), timestamp: Date.now() }
  return buildBatch({ records: [record] })
}

function bareWrite(bytes: number): Case {
  const descriptor = fs.openSync(join(directory, `bare-${bytes}`), 'w+')
  const batch = batchOf(bytes)
  let position = 0
  return {
    name: `writeSync ${bytes} B`,
    bytes,
    samples: [],
    run: (count) => {
      for (let index = 0; index < count; index++) {
        fs.writeSync(descriptor, batch, 0, batch.length, position)
        position = (position + batch.length) % (1024 * 1024 * 1024)
      }
    },
  }
}

function appends(engine: LocalEngine, bytes: number, partitions: number): Case {
  const items: AppendItem[][] = Array.from({ length: partitions }, (_, partition) => [
    { topicId: TOPIC, partition, origin: 'client', batch: batchOf(bytes) },
  ])
  let next = 0
  const options = { nowMs: Date.now() }
  return {
    name: `append ${bytes} B, ${partitions} partition(s)`,
    bytes,
    samples: [],
    run: (count) => {
      for (let index = 0; index < count; index++) {
        const results = engine.log.append(items[next]!, options)
        next = (next + 1) % partitions
        if (results instanceof Promise || results[0]?.errorCode !== 0) throw new Error('append failed') // biome-ignore format: one line
      }
    },
  }
}

function bareRead(bytes: number): Case {
  const descriptor = fs.openSync(join(directory, `bare-${100 * 1024}`), 'r')
  const target = Buffer.alloc(bytes)
  let position = 0
  return {
    name: `readSync ${bytes} B`,
    bytes,
    samples: [],
    run: (count) => {
      for (let index = 0; index < count; index++) {
        fs.readSync(descriptor, target, 0, bytes, position)
        position = (position + bytes) % (256 * 1024 * 1024)
      }
    },
  }
}

/** A consumer that catches up: each read goes on where the last one ended. */
function readsOf(engine: LocalEngine, bytes: number): Case {
  let offset = 0
  return {
    name: `read up to ${bytes} B`,
    bytes,
    samples: [],
    run: async (count) => {
      for (let done = 0; done < count * bytes; ) {
        const reading = engine.log.read(
          [{ topicId: TOPIC, partition: 0, offset, maxBytes: bytes }],
          {
            isolation: 'read_uncommitted',
            maxBytes: bytes,
            atLeastOneBatch: true,
          },
        )
        const [result] = reading instanceof Promise ? await reading : reading
        if (result?.errorCode !== 0) throw new Error('read failed')
        const { records } = result
        if (records.length === 0) offset = 0
        else {
          done += records.length
          const last = Buffer.from(records.buffer, records.byteOffset, records.length)
          let at = 0
          for (let size = 0; at < last.length; at += size) {
            size = last.readInt32BE(at + 8) + 12
            offset++
          }
        }
        result.release()
      }
    },
  }
}
