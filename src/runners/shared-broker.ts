import { type BrokerOptions, type RunningBroker, startBroker } from '../index.ts'

/** Where the broker is that a global setup started. */
export interface SharedBroker {
  readonly bootstrapServers: string
  readonly controlUrl: string
}

const VARIABLES = ['KAFKA_BROKERS', 'KAFKA_BOOTSTRAP_SERVERS', 'DOHLE_CONTROL_URL'] as const

/**
 * Starts the broker that all files of a run share, and tells it to their processes by the variables
 * KAFKA_BROKERS, KAFKA_BOOTSTRAP_SERVERS and DOHLE_CONTROL_URL.
 */
export async function startShared(
  options: BrokerOptions,
): Promise<{ readonly shared: SharedBroker; stop(): Promise<void> }> {
  const broker: RunningBroker = await startBroker({ controlPort: 0, ...options })
  const { bootstrapServers, controlUrl = '' } = broker
  const before = VARIABLES.map((name) => [name, process.env[name]] as const)
  process.env['KAFKA_BROKERS'] = bootstrapServers
  process.env['KAFKA_BOOTSTRAP_SERVERS'] = bootstrapServers
  process.env['DOHLE_CONTROL_URL'] = controlUrl
  return {
    shared: { bootstrapServers, controlUrl },
    async stop() {
      for (const [name, value] of before) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
      await broker.stop()
    },
  }
}

/** What `startShared` told, in another process. */
export function sharedFromEnvironment(): SharedBroker {
  const bootstrapServers = process.env['KAFKA_BOOTSTRAP_SERVERS']
  const controlUrl = process.env['DOHLE_CONTROL_URL']
  if (bootstrapServers && controlUrl) return { bootstrapServers, controlUrl }
  throw new Error('there is no shared broker: set globalSetup, see docs/EMBEDDING.md of dohle')
}
