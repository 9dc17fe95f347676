import { MEMORY_DIRECTORY, runBroker } from '../server/run-broker.ts'
import { MemoryFiles } from '../storage/local/memory-files.ts'
import { NodeFiles } from '../storage/local/node-files.ts'
import { type BrokerOptions, runOptions } from './broker-options.ts'
import { EmbeddedBroker } from './embedded-broker.ts'
import { FullFiles } from './faults/full-files.ts'
import { writeSnapshot } from './snapshot.ts'

/**
 * Starts a Kafka-compatible broker in this process: by default on a free port of the loopback
 * addresses, with everything in memory. Any number may run side by side, and they share nothing.
 * One that is forgotten does not keep the process alive.
 *
 * Rejects with `ConfigError` (wrong option or setting), `BindError` (the port is taken) or
 * `StorageError` (the directory cannot be used).
 */
export async function startBroker(options: BrokerOptions = {}): Promise<EmbeddedBroker> {
  const run = runOptions(options)
  const { memory } = run.settings
  const files = memory ? new MemoryFiles(() => run.clock.nowMs()) : new NodeFiles()
  const disk = new FullFiles(files)
  if (options.snapshot) writeSnapshot(files, MEMORY_DIRECTORY, options.snapshot)
  const running = await runBroker({ ...run, files: disk })
  const broker = new EmbeddedBroker(options.host ?? 'localhost', running, disk)
  if (options.recordRequests) broker.requests.start()
  return broker
}
