import fs from 'node:fs'
import { join } from 'node:path'
import { BatchView, stampBatch } from '../src/protocol/records/batch.ts'
import { buildBatch } from '../src/protocol/records/builder.ts'

const GIB = 1024 * 1024 * 1024
const SEGMENT_OFFSETS = 1_000_000

/**
 * A partition of full segments that hold nothing but their last batch; the rest is a hole in the
 * file. Returns where it ends.
 */
export function makeLongLog(path: string, segments: number): number {
  fs.mkdirSync(path)
  fs.writeFileSync(join(path, 'leader-epoch-checkpoint'), '0\n1\n0 0\n')
  for (let segment = 0; segment < segments; segment++) {
    const base = segment * SEGMENT_OFFSETS
    const name = join(path, String(base).padStart(20, '0'))
    const record = { key: null, value: Buffer.alloc(100, 'x'), timestamp: Date.now() }
    const batch = buildBatch({ records: [record] })
    stampBatch(new BatchView(batch), base + SEGMENT_OFFSETS - 1, 0)
    const position = GIB - batch.length
    const log = fs.openSync(`${name}.log`, 'w')
    fs.writeSync(log, batch, 0, batch.length, position)
    fs.closeSync(log)
    const index = Buffer.alloc(8)
    index.writeInt32BE(SEGMENT_OFFSETS - 1, 0)
    index.writeInt32BE(position, 4)
    fs.writeFileSync(`${name}.index`, index)
    const times = Buffer.alloc(12)
    times.writeBigInt64BE(BigInt(Date.now()), 0)
    times.writeInt32BE(SEGMENT_OFFSETS - 1, 8)
    fs.writeFileSync(`${name}.timeindex`, times)
  }
  return segments * SEGMENT_OFFSETS
}
