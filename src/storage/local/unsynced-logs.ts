import type { Clock } from '../../base/clock.ts'
import type { Log } from './log.ts'
import type { Maintenance } from './maintenance.ts'

export interface UnsyncedLogsOptions {
  readonly clock: Clock
  readonly maintenance: Maintenance
  /** How often flush.ms of topics is looked at while there is something to sync. */
  readonly checkIntervalMs: number
}

/** Logs with bytes that no sync covers, where a sync is to come some time after the append. */
export class UnsyncedLogs {
  readonly #options: UnsyncedLogsOptions
  readonly #logs = new Set<Log>()
  #isWatching = false

  constructor(options: UnsyncedLogsOptions) {
    this.#options = options
  }

  add(log: Log): void {
    this.#logs.add(log)
    this.#watch()
  }

  /** A broker without work has no timer for this. */
  #watch(): void {
    if (this.#isWatching) return
    this.#isWatching = true
    const { maintenance, checkIntervalMs } = this.#options
    maintenance.after('flush', checkIntervalMs, async () => {
      await this.#flushOld()
      this.#isWatching = false
      if (this.#logs.size > 0) this.#watch()
    })
  }

  /** flush.ms of topics: what was appended longer ago than that is synced. */
  async #flushOld(): Promise<void> {
    const nowMs = this.#options.clock.nowMs()
    const due: Log[] = []
    for (const log of this.#logs) {
      if (log.isGone || !log.hasUnsynced) this.#logs.delete(log)
      else if (nowMs - log.active.modifiedMs >= log.config.flushMs) due.push(log)
    }
    await flushAll(due)
  }

  async flush(): Promise<void> {
    const due = [...this.#logs]
    this.#logs.clear()
    await flushAll(due)
  }
}

/** A log that cannot be synced has reported it and refuses writes. */
async function flushAll(logs: readonly Log[]): Promise<void> {
  await Promise.allSettled(logs.map((log) => log.flush()))
}
