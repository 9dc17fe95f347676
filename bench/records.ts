import { randomBytes } from 'node:crypto'
import { BatchView, stampBatch } from '../src/protocol/records/batch.ts'
import { buildBatch } from '../src/protocol/records/builder.ts'
import type { Compression } from '../src/protocol/records/compression/compression.ts'
import { crc32c, crc32cImplementation } from '../src/protocol/records/crc32c.ts'
import { records } from '../src/protocol/records/iterate.ts'
import { type RecordScan, scanRecords } from '../src/protocol/records/scan-records.ts'
import { type RecordSettings, validateProduceBatch } from '../src/protocol/records/validate.ts'

/**
 * CPU cost of what happens to a produced batch: `npx tsx bench/records.ts`. All candidates run
 * interleaved in one process; figures are medians of process CPU time, which other jobs do not move.
 * MB are 10^6 bytes of the batch as it is sent; for codecs also of the records inside.
 */
const ROUNDS = 9
const ROUND_BYTES = 64_000_000

const settings: RecordSettings = {
  compacted: false,
  maxMessageBytes: 2 ** 31,
  timestampType: 'CreateTime',
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: 3600000,
  compressionType: 'producer',
}
const context = { requestVersion: 12, nowMs: 1_700_000_001_000, topic: 'bench', partition: 0 }

/** Records like those of real producers: JSON that compresses about four times. */
function jsonRecord(i: number, bytes: number): Buffer {
  const text = JSON.stringify({
    id: i,
    user: `user-${(i * 7919) % 1000}`,
    time: context.nowMs + i,
    amount: ((i * 31337) % 10000) / 100,
    text: `lorem ipsum dolor sit amet ${i}`,
  })
  return Buffer.from(text.repeat(Math.ceil(bytes / text.length)).slice(0, bytes))
}

function batchOf(
  batchBytes: number,
  recordBytes: number,
  compression: Compression = 'none',
  headers: { key: string; value: Buffer }[] = [],
): Buffer {
  const count = Math.max(1, Math.round(batchBytes / recordBytes))
  return buildBatch({
    compression,
    partitionLeaderEpoch: -1,
    records: Array.from({ length: count }, (_, i) => ({
      key: Buffer.from(`key-${i}`),
      value: compression === 'none' ? randomBytes(recordBytes) : jsonRecord(i, recordBytes),
      timestamp: 1_700_000_000_000 + (i >> 2),
      headers,
    })),
  })
}

interface Candidate {
  readonly name: string
  readonly bytes: number
  readonly run: () => void
}

function validation(name: string, batch: Buffer, topic: RecordSettings = settings): Candidate {
  const run = () => {
    const result = validateProduceBatch(batch, topic, context)
    if (result.batch === null) throw new Error(`${name}: ${result.reason}`)
  }
  return { name, bytes: batch.length, run }
}

const small = batchOf(16_384, 1024)
const middle = batchOf(102_400, 1024)
const tiny = batchOf(16_384, 100)
const withHeaders = batchOf(102_400, 1024, 'none', [{ key: 'trace-id', value: Buffer.alloc(16) }])
const scan: RecordScan = { minTimestampDelta: 0, maxTimestampDelta: 0 }

const scanOf = (name: string, batch: Buffer): Candidate => {
  const count = new BatchView(batch).recordCount
  return {
    name,
    bytes: batch.length,
    run: () => {
      if (!scanRecords(batch, 61, batch.length, count, false, scan)) throw new Error(name)
    },
  }
}

const rawBytes = new Map<Candidate, number>()
const compressed = (['gzip', 'snappy', 'lz4', 'zstd'] as const).flatMap((codec) => {
  const batch = batchOf(102_400, 1024, codec)
  const other = codec === 'zstd' ? 'gzip' : 'zstd'
  const keep = validation(`validate ${codec} 100 KB`, batch)
  const change = validation(`recompress ${codec} to ${other}`, batch, {
    ...settings,
    compressionType: other,
  })
  rawBytes.set(keep, 102_400)
  rawBytes.set(change, 102_400)
  return [keep, change]
})

const candidates: Candidate[] = [
  { name: 'crc32c 16 KB', bytes: small.length, run: () => void crc32c(small) },
  { name: 'crc32c 100 KB', bytes: middle.length, run: () => void crc32c(middle) },
  scanOf('scan 16 KB of 1 KB records', small),
  scanOf('scan 100 KB of 1 KB records', middle),
  scanOf('scan 16 KB of 100 B records', tiny),
  validation('validate 16 KB of 1 KB records', small),
  validation('validate 100 KB of 1 KB records', middle),
  validation('validate 100 KB, 1 header each', withHeaders),
  validation('validate 16 KB of 100 B records', tiny),
  {
    name: 'stamp 16 KB',
    bytes: small.length,
    run: () => stampBatch(new BatchView(small), 12345, 7),
  },
  {
    name: 'iterate 100 KB of 1 KB records',
    bytes: middle.length,
    run: () => {
      for (const record of records(new BatchView(middle))) void record.value
    },
  },
  ...compressed,
]
// A stamp leaves a base offset that a producer must not send.
const reset = () => stampBatch(new BatchView(small), 0, -1)

function cpuMicros(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

const times = new Map<Candidate, number[]>()
for (let round = 0; round <= ROUNDS; round++) {
  for (const candidate of candidates) {
    reset()
    const limit = candidate.name.startsWith('recompress') ? ROUND_BYTES / 40 : ROUND_BYTES
    const repeat = Math.max(
      1,
      Math.round(limit / 10 / (rawBytes.get(candidate) ?? candidate.bytes)),
    )
    const start = cpuMicros()
    for (let i = 0; i < repeat; i++) candidate.run()
    const spent = (cpuMicros() - start) / repeat
    // The first round warms up.
    if (round > 0) times.set(candidate, [...(times.get(candidate) ?? []), spent])
  }
}

console.log(`Node ${process.version}, CRC-32C: ${crc32cImplementation}`)
for (const candidate of candidates) {
  const micros = median(times.get(candidate)!)
  const perMegabyte = (micros / candidate.bytes) * 1e6
  const raw = rawBytes.get(candidate)
  console.log(
    candidate.name.padEnd(34),
    `${micros.toFixed(2).padStart(9)} us`,
    `${(candidate.bytes / micros).toFixed(0).padStart(7)} MB/s`,
    `${perMegabyte.toFixed(1).padStart(8)} us/MB`,
    raw ? `${(raw / micros).toFixed(0).padStart(6)} MB/s of records` : '',
  )
}
