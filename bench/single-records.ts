import { produceFrame, randomBatch } from './frames.ts'
import type { RawLoad, RawResult } from './raw-load.ts'
import { summary } from './summary.ts'

/** As many partitions, each with a connection of its own. */
export const SINGLE_RECORD_PARTITIONS = 10

/** Single records at a fixed rate. */
export function singleRecords(topic: string, rate: number, seconds: number): RawLoad {
  const connections = SINGLE_RECORD_PARTITIONS
  const frames = Array.from({ length: connections }, (_, partition) =>
    produceFrame(topic, partition, randomBatch(200, 100)),
  )
  return { frames, connections, depth: 1, own: true, rate, seconds }
}

/** Over several windows: the host of a virtual machine disturbs one of a few seconds. */
export function medianLatencies(windows: readonly RawResult[]) {
  const median = (name: 'p50Us' | 'p99Us' | 'p999Us') =>
    summary(windows.map((result) => result[name])).median
  return { p50: median('p50Us'), p99: median('p99Us'), p999: median('p999Us') }
}
