import { systemClock } from '../src/base/clock.ts'
import { LocalEngine } from '../src/storage/local/local-engine.ts'
import { NodeFiles } from '../src/storage/local/node-files.ts'
import { defaultLogConfig } from '../test/storage/engine-fixture.ts'
import type { VolatileMetadata } from '../test/storage/volatile-metadata.ts'

/** The local engine without a broker above it, on a disk, as a start with Kafka's defaults makes it. */
export function bareEngine(dataDir: string, metadata: VolatileMetadata): LocalEngine {
  const durability = { mode: 'os' } as const
  const options = { dataDir, durability, openMetadata: async () => metadata }
  return new LocalEngine(new NodeFiles(), options, {
    brokerId: 1,
    clock: systemClock,
    topicConfig: () => defaultLogConfig,
    report: () => undefined,
  })
}
