import type { Clock } from '../../base/clock.ts'
import type { EngineContext } from '../engine.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Files } from './files.ts'
import type { Log } from './log.ts'
import type { TailBudget } from './log-tail.ts'
import type { NameSync } from './name-sync.ts'
import type { OpenFiles } from './open-files.ts'
import type { ProducerCount } from './producer-state.ts'
import type { ResidentIndexes } from './resident-indexes.ts'

/**
 * When an append counts (promises.md section 1). `os`: once the bytes are in the file. `interval`:
 * the same, and synced at most `intervalMs` later. `sync`: once synced, and only then readable.
 */
export type Durability =
  | { readonly mode: 'os' }
  | { readonly mode: 'interval'; readonly intervalMs: number }
  | { readonly mode: 'sync' }

/** What the logs of one engine share. */
export interface LogEnvironment {
  readonly files: Files
  readonly openFiles: OpenFiles
  readonly buffers: BufferPool
  readonly tails: TailBudget
  readonly residentIndexes: ResidentIndexes
  readonly producerCount: ProducerCount
  readonly clock: Clock
  readonly durability: Durability
  readonly producerIdExpirationMs: number
  readonly report: EngineContext['report']
  /** Names beside a partition's directory: those of its data directory. */
  namesBeside(directory: string): NameSync
  /** The disk did not do what it should: its directory may have failed as a whole. */
  diskFailed(log: Log, error: unknown): void
  /** In [0, 1), for the jitter of segment ages. */
  random(): number
  /** Something changed for those who watch the log: its end, its start, or that it is gone. */
  changed(log: Log): void
}
