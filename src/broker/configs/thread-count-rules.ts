import type { BrokerSettingName } from '../../settings/broker-settings.ts'
import type { Settings } from '../../settings/settings.ts'
import { wrapped } from './broker-value-rules.ts'

/** Thread counts of Kafka may at most double and at least halve in one step. */
const threadCounts = [
  'num.io.threads',
  'num.network.threads',
  'background.threads',
  'num.replica.fetchers',
  'num.recovery.threads.per.data.dir',
] as const satisfies readonly BrokerSettingName[]

/** Throws `ConfigError`. Values were parsed before. */
export function checkThreadCounts(next: ReadonlyMap<string, string>, settings: Settings): void {
  for (const name of threadCounts) {
    const text = next.get(name)
    if (text === undefined) continue
    const [count, current] = [Number(text), settings.get(name)]
    const failed = `Dynamic thread count update validation failed for ${name}=${count}, value`
    if (count < Math.floor(current / 2)) {
      throw wrapped(`${failed} should be at least half the current value ${current}`)
    }
    if (count > current * 2) {
      throw wrapped(`${failed} should not be greater than double the current value ${current}`)
    }
  }
  checkCleanerThreads(next.get('log.cleaner.threads'), settings.logCleanerThreads)
}

function checkCleanerThreads(text: string | undefined, current: number): void {
  if (text === undefined) return
  const count = Number(text)
  if (count < 1) throw wrapped('Log cleaner threads should be at least 1')
  if (count < Math.floor(current / 2)) {
    throw wrapped(
      `Log cleaner threads cannot be reduced to less than half the current value ${current}`,
    )
  }
  if (count > current * 2) {
    throw wrapped(
      `Log cleaner threads cannot be increased to more than double the current value ${current}`,
    )
  }
}
