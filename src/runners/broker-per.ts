import { type BrokerOptions, type RunningBroker, startBroker } from '../index.ts'

export interface UseBrokerOptions extends BrokerOptions {
  /** Who gets a broker of its own; `file` when left out. */
  readonly per?: 'file' | 'test'
}

/** A runner's hooks. */
export interface Hooks {
  beforeAll(hook: () => Promise<void>): void
  afterAll(hook: () => Promise<void>): void
  beforeEach(hook: () => Promise<void>): void
  afterEach(hook: () => Promise<void>): void
}

/** Starts and stops brokers with the hooks of a runner. What is returned gives the current one. */
export function brokerPer(
  hooks: Hooks,
  { per = 'file', ...options }: UseBrokerOptions,
): () => RunningBroker {
  let broker: RunningBroker | undefined
  const begin = async () => {
    broker = await startBroker(options)
  }
  const end = async () => {
    await broker?.stop()
    broker = undefined
  }
  if (per === 'test') {
    hooks.beforeEach(begin)
    hooks.afterEach(end)
  } else {
    hooks.beforeAll(begin)
    hooks.afterAll(end)
  }
  return () => {
    if (broker) return broker
    const when = per === 'test' ? 'a test or its hooks' : 'tests and their hooks'
    throw new Error(`there is a broker during ${when} only`)
  }
}
