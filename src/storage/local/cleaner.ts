import type { Cancel } from '../../base/clock.ts'
import { Cleaning, CleaningAborted } from './cleaning.ts'
import { type CleaningRange, cleaningRange, isWorthCleaning } from './cleaning-range.ts'
import { systemErrorCode } from './files.ts'
import type { Log } from './log.ts'
import type { LogEnvironment } from './log-environment.ts'
import { Throttle } from './throttle.ts'
import { type Turns, YieldingTurns } from './turns.ts'

/** Settings of Kafka that may change while the broker runs; their names begin with log.cleaner. */
export interface CleanerSettings {
  /** No threads means no compaction. There is never more than one at work. */
  readonly threads: number
  readonly dedupeBufferBytes: number
  readonly ioBufferBytes: number
  readonly ioBufferLoadFactor: number
  readonly ioBytesPerSecond: number
  readonly backoffMs: number
}

export const defaultCleanerSettings: CleanerSettings = {
  threads: 1,
  dedupeBufferBytes: 128 * 1024 * 1024,
  ioBufferBytes: 512 * 1024,
  ioBufferLoadFactor: 0.9,
  ioBytesPerSecond: Number.MAX_VALUE,
  backoffMs: 15_000,
}

export interface CleanerOptions {
  readonly environment: LogEnvironment
  readonly logs: () => Iterable<Log>
  readonly settings: () => CleanerSettings
  /** Writes cleaner-offset-checkpoint of all logs as it is now; durable when it resolves. */
  readonly writeCheckpoint: () => Promise<void>
  /** Writes recovery-point-offset-checkpoint as it is now; durable when it resolves. */
  readonly writeRecoveryPoints: () => Promise<void>
  readonly turns?: Turns
}

/** What holds up a request is one turn. bench/cleaner.ts measures it. */
const TURN_MS = 0.25
/** While others are busy it takes a tenth of the time: some 50 MB/s. */
const REST_FACTOR = 9
const IO_BYTES_MIN = 64 * 1024
const IO_BYTES_MAX = 4 * 1024 * 1024

/**
 * Compacts the logs whose policy says so, one at a time, the dirtiest first, as the cleaner of Kafka
 * does (reference: log-storage.md section 9).
 */
export class Cleaner {
  readonly #options: CleanerOptions
  readonly #turns: Turns
  readonly #throttle: Throttle
  /** Logs in which it met something that it cannot deal with; until the next start. */
  readonly #uncleanable = new WeakSet<Log>()
  #run: Promise<void> | undefined
  #isStopped = false
  #cancel: Cancel = () => undefined

  constructor(options: CleanerOptions) {
    this.#options = options
    this.#turns = options.turns ?? new YieldingTurns(TURN_MS, REST_FACTOR)
    this.#throttle = new Throttle(
      options.environment.clock,
      () => options.settings().ioBytesPerSecond,
      () => this.#isStopped,
    )
  }

  /** From now on comes back every log.cleaner.backoff.ms. */
  start(): void {
    if (this.#isStopped) return
    const { environment, settings } = this.#options
    this.#cancel = environment.clock.schedule(settings().backoffMs, () => {
      void this.clean().then(() => this.start())
    })
  }

  /** Gives up what is under way, and does nothing any more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancel()
    await this.#run
  }

  /** Compacts until there is nothing worth it. Never rejects: what goes wrong is reported. */
  clean(): Promise<void> {
    this.#run ??= this.#clean().finally(() => {
      this.#run = undefined
    })
    return this.#run
  }

  async #clean(): Promise<void> {
    const failed = new Set<Log>()
    while (!this.#isStopped && this.#options.settings().threads > 0) {
      const range = this.#dirtiest(failed)
      if (!range) return
      if (!(await this.#cleanLog(range))) failed.add(range.log)
    }
  }

  #dirtiest(failed: Set<Log>): CleaningRange | undefined {
    const nowMs = this.#options.environment.clock.nowMs()
    let dirtiest: CleaningRange | undefined
    for (const log of this.#options.logs()) {
      const isCandidate =
        log.config.cleanupCompact &&
        log.isMaterialised &&
        log.damage === undefined &&
        !log.isReadOnly &&
        !failed.has(log) &&
        !this.#uncleanable.has(log)
      if (!isCandidate) continue
      try {
        const range = cleaningRange(log, nowMs)
        if (!isWorthCleaning(range)) continue
        if (!dirtiest || range.cleanableRatio > dirtiest.cleanableRatio) dirtiest = range
      } catch (error) {
        failed.add(log)
        this.#failed(log, error)
      }
    }
    return dirtiest
  }

  /** False when it did not come to an end. */
  async #cleanLog(range: CleaningRange): Promise<boolean> {
    const { log, firstDirtyOffset } = range
    const { clock, report } = this.#options.environment
    const startedAtMs = clock.nowMs()
    try {
      const { endOffset, bytesBefore, bytesAfter } = await this.#cleaningOf(range).run()
      log.firstDirtyOffset = endOffset
      await this.#options.writeCheckpoint()
      report('info', 'log compacted', {
        topic: log.topic,
        partition: log.partition,
        firstDirtyOffset,
        endOffset,
        bytesBefore,
        bytesAfter,
        tookMs: clock.nowMs() - startedAtMs,
      })
      return endOffset > firstDirtyOffset
    } catch (error) {
      this.#failed(log, error)
      return false
    }
  }

  #cleaningOf(range: CleaningRange): Cleaning {
    const settings = this.#options.settings()
    const { dedupeBufferBytes, ioBufferBytes, ioBufferLoadFactor, threads } = settings
    const ioBytes = Math.floor(ioBufferBytes / threads / 2)
    return new Cleaning(range, {
      turns: this.#turns,
      nowMs: this.#options.environment.clock.nowMs(),
      mapBytes: Math.floor(dedupeBufferBytes / threads),
      mapLoadFactor: ioBufferLoadFactor,
      ioBytes: Math.min(IO_BYTES_MAX, Math.max(IO_BYTES_MIN, ioBytes)),
      throttle: (bytes) => this.#throttle.spend(bytes),
      writeRecoveryPoints: this.#options.writeRecoveryPoints,
      isStopped: () => this.#isStopped,
    })
  }

  /** The disk may do better next time; records that cannot be read will not. */
  #failed(log: Log, error: unknown): void {
    if (error instanceof CleaningAborted) return
    const { topic, partition } = log
    const fields = { topic, partition, reason: String(error) }
    const { report } = this.#options.environment
    if (systemErrorCode(error) !== undefined) {
      report('warn', 'compaction failed; it will be tried again', fields)
      return
    }
    this.#uncleanable.add(log)
    report(
      'error',
      'compaction failed; this partition is not compacted until the next start',
      fields,
    )
  }
}
