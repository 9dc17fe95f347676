import { setTimeout } from '../base/event-loop.ts'
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

const LEAVING_STEP_MS = 50
const LEAVING_MS_MAX = 30_000

/**
 * Stops a broker when its clients have left. For runners whose last hooks run in the order in which
 * they were declared: the application's own, which disconnects, comes after ours.
 */
export async function stopWhenUnused(broker: RunningBroker): Promise<void> {
  for (let waitedMs = 0; waitedMs < LEAVING_MS_MAX; waitedMs += LEAVING_STEP_MS) {
    await new Promise<void>((resolve) => {
      setTimeout(resolve, LEAVING_STEP_MS).unref()
    })
    if (broker.connectionCount === 0) break
  }
  await broker.stop()
}

/** Starts and stops brokers with the hooks of a runner. What is returned gives the current one. */
export function brokerPer(
  hooks: Hooks,
  { per = 'file', ...options }: UseBrokerOptions,
  stop: (broker: RunningBroker) => Promise<void> = (broker) => broker.stop(),
): () => RunningBroker {
  let broker: RunningBroker | undefined
  const begin = async () => {
    broker = await startBroker(options)
  }
  const end = async () => {
    if (broker) await stop(broker)
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
