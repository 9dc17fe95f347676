import { resolve } from 'node:path'
import type { Broker } from '../broker/broker.ts'
import type { ReopenOptions, RunningBroker } from '../server/run-broker.ts'
import { ConfigError } from '../settings/parse-value.ts'
import { NodeFiles } from '../storage/local/node-files.ts'
import type { FullFiles } from './faults/full-files.ts'
import { clearDirectory, readSnapshot, type Snapshot, writeSnapshot } from './snapshot.ts'

export interface StateOptions {
  /**
   * `keep`: clients stay connected, wait a moment, and find other data. `cut`: they have to connect
   * again, as after a restart. `keep` when left out.
   */
  readonly connections?: 'keep' | 'cut'
}

/** The data of a broker as a whole. */
export class BrokerState {
  readonly #running: RunningBroker
  readonly #disk: FullFiles

  constructor(running: RunningBroker, disk: FullFiles) {
    this.#running = running
    this.#disk = disk
  }

  snapshot(): Snapshot {
    return readSnapshot(this.#disk, this.#running.dataDir)
  }

  restore(snapshot: Snapshot, options: StateOptions = {}): Promise<void> {
    return this.#replace(options, () => writeSnapshot(this.#disk, this.#running.dataDir, snapshot))
  }

  reset(options: StateOptions = {}): Promise<void> {
    const { clusterId } = this.#running.broker
    const clear = () => clearDirectory(this.#disk, this.#running.dataDir)
    return this.#replace(options, clear, { clusterId })
  }

  async exportTo(directory: string): Promise<void> {
    const target = resolve(directory)
    const files = new NodeFiles()
    files.makeDirectory(target)
    if (files.list(target).length > 0) throw new ConfigError(`${target} is not empty`)
    // Closed, so that indexes and checkpoints are written and the next start is a clean one.
    await this.#running.reopen(() => {
      writeSnapshot(files, target, readSnapshot(this.#disk, this.#running.dataDir))
      return { cutConnections: false }
    })
  }

  async #replace(
    { connections = 'keep' }: StateOptions,
    change: () => void,
    more: Partial<ReopenOptions> = {},
  ): Promise<void> {
    if (connections !== 'keep' && connections !== 'cut') {
      throw new ConfigError(`connections: '${connections}' should be 'keep' or 'cut'`)
    }
    const { nextProducerId } = this.#running.broker.engine.metadata.image
    await this.#running.reopen(() => {
      change()
      return {
        ...more,
        cutConnections: connections === 'cut',
        opened: (broker) => skipProducerIds(broker, nextProducerId),
      }
    })
  }
}

/**
 * Producers that live on have ids which the data does not know any more. Nobody else may get them:
 * what that one sends would be taken for a repetition.
 */
async function skipProducerIds({ engine, brokerId }: Broker, nextProducerId: number) {
  if (engine.metadata.image.nextProducerId >= nextProducerId) return
  const value = { brokerId, brokerEpoch: -1, nextProducerId }
  await engine.metadata.commit([{ type: 'ProducerIdsRecord', value }])
}
