import { type BrokerOptions, RemoteBroker, type RunningBroker } from '../index.ts'
import { brokerPer, type Hooks, stopWhenUnused, type UseBrokerOptions } from './broker-per.ts'
import { sharedFromEnvironment, startShared } from './shared-broker.ts'

export type { UseBrokerOptions } from './broker-per.ts'
export { type IsolatedNames, isolatedNames } from './isolated-names.ts'
export type { SharedBroker } from './shared-broker.ts'

/** Jest asks for the setup anew with every run of its watch mode, and for no end of it. */
const LAST = Symbol.for('dohle/jest')

/**
 * A global setup with options of its own: a file with
 * `module.exports = require('dohle/jest').kafkaSetup({ topics: ['orders:3'] })`, named as
 * `globalSetup`, starts one broker for the whole run; without options name `dohle/jest` itself.
 * Nothing needs to be torn down: the broker does not keep the process alive.
 */
export function kafkaSetup(options: BrokerOptions = {}): () => Promise<void> {
  return async () => {
    const stopLast: unknown = Reflect.get(globalThis, LAST)
    if (typeof stopLast === 'function') await stopLast()
    const { stop } = await startShared(options)
    Reflect.set(globalThis, LAST, stop)
  }
}

export default kafkaSetup()

/** The broker of the global setup, for helpers, faults and clean state. */
export async function sharedBroker(): Promise<RemoteBroker> {
  return await RemoteBroker.connect(sharedFromEnvironment().controlUrl)
}

/**
 * A broker in the test's own process, for each file or each test. Call it where hooks are declared;
 * what it returns gives the broker: `const kafka = useBroker({ topics: ['orders'] })`, then
 * `kafka().produce(...)`.
 */
export function useBroker(options: UseBrokerOptions = {}): () => RunningBroker {
  return brokerPer(jestHooks(), options, async (broker) => {
    // Not waited for: it does not keep the process alive.
    void stopWhenUnused(broker)
  })
}

/** Jest's globals; it is no dependency of ours. */
function jestHooks(): Hooks {
  const hook = (name: keyof Hooks) => {
    const found: unknown = Reflect.get(globalThis, name)
    if (typeof found === 'function') return (run: () => Promise<void>) => void found(run)
    throw new Error(`useBroker needs Jest's global ${name}: call it in a test file`)
  }
  return {
    beforeAll: hook('beforeAll'),
    afterAll: hook('afterAll'),
    beforeEach: hook('beforeEach'),
    afterEach: hook('afterEach'),
  }
}
