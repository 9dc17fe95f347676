import { afterAll, afterEach, beforeAll, beforeEach, inject } from 'vitest'
import { type BrokerOptions, RemoteBroker, type RunningBroker } from '../index.ts'
import { brokerPer, type UseBrokerOptions } from './broker-per.ts'
import { type SharedBroker, startShared } from './shared-broker.ts'

export type { UseBrokerOptions } from './broker-per.ts'
export { type IsolatedNames, isolatedNames } from './isolated-names.ts'
export type { SharedBroker } from './shared-broker.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the broker of the global setup is. */
    kafka: SharedBroker
  }
}

/** The part of vitest's project that a global setup needs. */
interface Project {
  provide(name: 'kafka', value: SharedBroker): void
}

/**
 * A global setup with options of its own. A file `kafka.setup.ts` with
 * `export const { setup } = kafkaSetup({ topics: ['orders:3'] })`, named as `globalSetup`, starts
 * one broker for the whole run; without options name `dohle/vitest` itself.
 */
export function kafkaSetup(options: BrokerOptions = {}) {
  return {
    /** Resolves with what ends it. */
    setup: async (project: Project): Promise<() => Promise<void>> => {
      const { shared, stop } = await startShared(options)
      project.provide('kafka', shared)
      return stop
    },
  }
}

export const { setup } = kafkaSetup()

/** The broker of the global setup, for helpers, faults and clean state. */
export async function sharedBroker(): Promise<RemoteBroker> {
  const shared = inject('kafka')
  if (!shared) throw new Error("there is no shared broker: set globalSetup: 'dohle/vitest'")
  return await RemoteBroker.connect(shared.controlUrl)
}

/**
 * A broker in the test's own process, for each file or each test. Call it where hooks are declared;
 * what it returns gives the broker: `const kafka = useBroker({ topics: ['orders'] })`, then
 * `kafka().produce(...)`.
 */
export function useBroker(options: UseBrokerOptions = {}): () => RunningBroker {
  return brokerPer({ beforeAll, afterAll, beforeEach, afterEach }, options)
}
