import { MEMORY_DIRECTORY } from '../server/open-storage.ts'
import { runBroker } from '../server/run-broker.ts'
import { type BrokerOptions, runOptions } from './broker-options.ts'
import { createDisk } from './create-disk.ts'
import { EmbeddedBroker } from './embedded-broker.ts'
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
  const disk = createDisk(run)
  if (options.snapshot) writeSnapshot(disk, MEMORY_DIRECTORY, options.snapshot)
  const running = await runBroker({ ...run, files: disk })
  const broker = new EmbeddedBroker(options.host ?? 'localhost', running, disk)
  if (options.recordRequests) broker.requests.start()
  const { controlPort: port } = options
  if (port !== undefined) await broker.startControl({ port, keepAlive: false })
  return broker
}
