import type { Uuid } from '../../base/uuid.ts'
import type { MetadataStore } from '../metadata-store.ts'
import { type CleanerSettings, defaultCleanerSettings } from './cleaner.ts'
import type { Durability, LogEnvironment } from './log-environment.ts'
import type { MoveSettings } from './partition-moves.ts'
import type { Turns } from './turns.ts'

export interface LocalEngineOptions {
  /** Absolute; made when it is not there. Holds the metadata log unless `metadataDir` is given. */
  readonly dataDir: string
  /** More of them for partitions. */
  readonly otherDataDirs?: readonly string[]
  /** Where the metadata log is: one of the others, or a directory of its own. */
  readonly metadataDir?: string
  readonly durability: Durability
  /** Must be that of the directory; a new directory gets it, or a random one. */
  readonly clusterId?: string | undefined
  /** log.retention.check.interval.ms */
  readonly retentionCheckIntervalMs?: number
  /** log.initial.task.delay.ms */
  readonly initialTaskDelayMs?: number
  /** log.flush.offset.checkpoint.interval.ms */
  readonly checkpointIntervalMs?: number
  /** log.flush.scheduler.interval.ms; how often topics with flush.ms are looked at. */
  readonly flushCheckIntervalMs?: number
  readonly producerIdExpirationMs?: number
  readonly producerIdExpirationCheckIntervalMs?: number
  /** Producer ids kept over all partitions; the ones longest idle go first. */
  readonly producerIdsMax?: number
  /** How long the files of topics that are gone stay. */
  readonly fileDeleteDelayMs?: () => number
  readonly openFilesMax?: number
  /** Last appended bytes kept for consumers that follow, over all partitions. */
  readonly tailCacheBytes?: number
  /** Indexes kept of segments that take no more records. */
  readonly indexCacheBytes?: number
  /** Free read buffers kept. */
  readonly bufferPoolBytes?: number
  readonly random?: () => number
  /** log.cleaner.enable */
  readonly cleanerEnabled?: boolean
  readonly cleanerSettings?: () => CleanerSettings
  /** How logs move between directories. */
  readonly moveSettings?: () => MoveSettings
  /**
   * A directory failed while others go on, and nothing in it is served any more. `isLast`: the broker
   * cannot go on: there is no other one, or the metadata log was in it.
   */
  readonly directoryFailed?: (failed: { readonly path: string; readonly isLast: boolean }) => void
  /** How compaction shares the thread; a quarter of a millisecond at a time. */
  readonly cleanerTurns?: Turns
  /** How a start after a crash shares it; 10 ms at a time. */
  readonly recoveryTurns?: Turns
  /** Opens the metadata log once the directory is ours. */
  readonly openMetadata: OpenMetadata
}

export type OpenMetadata = (start: MetadataStart) => Promise<ClosableMetadataStore>

export interface ClosableMetadataStore extends MetadataStore {
  /** Flushes; after it a start is a clean one. */
  close(): Promise<void>
}

/** What the metadata store is given. */
export interface MetadataStart {
  readonly environment: LogEnvironment
  /** Of the metadata log's own partition. */
  readonly directory: string
  readonly clusterId: string
  /** Of the data directory. */
  readonly directoryId: Uuid
  readonly brokerId: number
  readonly isClean: boolean
  readonly writesSurvived: boolean
}

export const defaultEngineOptions = {
  retentionCheckIntervalMs: 300_000,
  initialTaskDelayMs: 30_000,
  checkpointIntervalMs: 60_000,
  flushCheckIntervalMs: 1_000,
  producerIdExpirationMs: 86_400_000,
  producerIdExpirationCheckIntervalMs: 600_000,
  producerIdsMax: 100_000,
  fileDeleteDelayMs: () => 60_000,
  openFilesMax: 1_000,
  tailCacheBytes: 64 * 1024 * 1024,
  indexCacheBytes: 32 * 1024 * 1024,
  bufferPoolBytes: 64 * 1024 * 1024,
  random: Math.random,
  directoryFailed: (_: { readonly path: string; readonly isLast: boolean }): void => undefined,
  cleanerEnabled: true,
  cleanerSettings: () => defaultCleanerSettings,
  moveSettings: (): MoveSettings => ({ threads: 1, bytesPerSecond: Number.MAX_VALUE }),
}
