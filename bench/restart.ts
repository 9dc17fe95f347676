import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stopAllPrograms } from '../test/compat/process.ts'
import { freePort } from '../test/compat/transactions/free-port.ts'
import type { Contender } from './brokers.ts'
import { BenchClient } from './client.ts'
import { produceFrame, randomBatch } from './frames.ts'
import type { Sample } from './measures.ts'
import { runRaw } from './raw-load.ts'
import { type Programs, startMeasured } from './round.ts'

const PARTITIONS = 10

/** A clean stop with `bytes` of records, and the start after it. */
export async function measureRestart(
  contender: Contender,
  bytes: number,
  { load }: Programs,
): Promise<Sample> {
  const directory = mkdtempSync(join(tmpdir(), 'dohle-bench-'))
  const port = await freePort()
  contender.prepare(directory, port)
  try {
    const { broker } = await startMeasured(contender, directory, port)
    const client = await BenchClient.open(port)
    await client.createTopic('big', PARTITIONS)
    client.close()
    const batch = randomBatch(100_000, 1_000)
    const frames = Array.from({ length: PARTITIONS }, (_, partition) =>
      produceFrame('big', partition, batch),
    )
    const run = { frames, connections: PARTITIONS, depth: 5, seconds: 2, own: true }
    for (let written = 0; written < bytes; ) written += (await runRaw(load, port, run)).bytesOut
    await broker.stop()
    const again = await startMeasured(contender, directory, port)
    await again.broker.stop()
    return { restart: again.firstAckMs }
  } finally {
    await stopAllPrograms()
    rmSync(directory, { recursive: true, force: true })
  }
}
