import type { MetadataImage } from '../metadata-store.ts'
import type { OffsetCheckpointEntry } from './checkpoint-file.ts'
import type { DataDirectory } from './data-directory.ts'
import type { LocalLogStore } from './local-log-store.ts'
import type { Log } from './log.ts'
import type { LogDirectories } from './log-directories.ts'
import type { LogEnvironment } from './log-environment.ts'

export interface LogCheckpointsOptions {
  readonly environment: LogEnvironment
  readonly directories: LogDirectories
  readonly store: LocalLogStore
  /** Whether a log may be in two directories. */
  readonly isMoving: (log: Log) => boolean
  readonly failed: (task: string, error: unknown) => void
  /** A directory could not be written; it may have failed as a whole. */
  readonly suspect: (directory: DataDirectory) => void
}

/**
 * What the checkpoint files of each directory say of the logs in it (reference: log-storage.md).
 * Nothing is kept here: every file is written from the logs as they are at that moment.
 */
export class LogCheckpoints {
  readonly #options: LogCheckpointsOptions

  constructor(options: LogCheckpointsOptions) {
    this.#options = options
  }

  /** All but those of the cleaner. Never rejects: what goes wrong is reported. */
  async write(): Promise<void> {
    const { directories, failed, suspect } = this.#options
    for (const directory of directories.online) {
      try {
        await this.#writeIn(directory)
      } catch (error) {
        failed('checkpoint', error)
        suspect(directory)
      }
    }
  }

  /** Those of the cleaner, too, which are written at other times. */
  writeAll(): Promise<void> {
    return this.#inEach(async (directory) => {
      await this.#writeIn(directory)
      await directory.writeCleanerOffsets(this.#cleanerOffsets(directory))
    })
  }

  writeRecoveryPoints(): Promise<void> {
    return this.#inEach((directory) =>
      directory.writeRecoveryPoints(this.#recoveryPoints(directory)),
    )
  }

  writeCleanerOffsets(): Promise<void> {
    return this.#inEach((directory) =>
      directory.writeCleanerOffsets(this.#cleanerOffsets(directory)),
    )
  }

  /** A start that a client raised must not come back after a crash. */
  writeLogStarts(log: Log): void | Promise<void> {
    const { environment, directories } = this.#options
    const directory = directories.holding(log.directory)
    const entries = this.#raisedLogStarts(directory)
    const failed = (error: unknown) => {
      this.#options.failed('checkpoint of log starts', error)
      throw error
    }
    if (environment.durability.mode === 'sync') {
      return directory.writeLogStartOffsetsDurably(entries).catch(failed)
    }
    try {
      directory.writeLogStartOffsets(entries)
    } catch (error) {
      failed(error)
    }
  }

  /** At a start: takes topics out that are gone. Never rejects. */
  async dropGone(image: MetadataImage): Promise<void> {
    const { online } = this.#options.directories
    if (online.some((one) => speaksOfGone(one.checkpointedTopics, image))) await this.write()
    if (online.some((one) => speaksOfGone(one.compactedTopics, image))) await this.#renewCleanerOffsets() // biome-ignore format: one line
  }

  /** A topic that gets the name of one just deleted must not be told where that one began. */
  forgetTopics(image: MetadataImage): void {
    const { environment, directories, failed } = this.#options
    const { online } = directories
    if (online.some((one) => speaksOfGone(one.compactedTopics, image))) {
      void this.#renewCleanerOffsets()
    }
    const speaking = online.filter((one) => speaksOfGone(one.checkpointedTopics, image))
    if (speaking.length === 0) return
    try {
      for (const directory of speaking) {
        directory.forgetTopics({
          recoveryPoints: this.#recoveryPoints(directory),
          logStartOffsets: this.#raisedLogStarts(directory),
        })
      }
    } catch (error) {
      failed('checkpoint of deleted topics', error)
    }
    if (environment.durability.mode !== 'os') void this.write()
  }

  async #renewCleanerOffsets(): Promise<void> {
    try {
      await this.writeCleanerOffsets()
    } catch (error) {
      const fields = { reason: String(error) }
      this.#options.environment.report('warn', 'checkpoint of compaction failed', fields)
    }
  }

  /** Each directory writes one file after the other, in the order in which it was told to. */
  async #inEach(work: (directory: DataDirectory) => Promise<void>): Promise<void> {
    await Promise.all(this.#options.directories.online.map(work))
  }

  #writeIn(directory: DataDirectory): Promise<void> {
    return directory.writeCheckpoints({
      recoveryPoints: this.#recoveryPoints(directory),
      highWatermarks: this.#offsets(directory, (log) => log.highWatermark),
      logStartOffsets: this.#raisedLogStarts(directory),
    })
  }

  #recoveryPoints(directory: DataDirectory) {
    return this.#offsets(directory, (log) => log.recoveryStartOffset)
  }

  #raisedLogStarts(directory: DataDirectory) {
    return this.#offsets(
      directory,
      (log) => (log.logStartOffset > log.segments[0]!.baseOffset ? log.logStartOffset : -1),
      { withMoving: true },
    )
  }

  #cleanerOffsets(directory: DataDirectory) {
    return this.#offsets(directory, ({ firstDirtyOffset }) => firstDirtyOffset || -1, {
      withMoving: true,
    })
  }

  /**
   * Of the logs in a directory; a negative offset says nothing. `withMoving`: and of those that may be
   * found there by the next start, as they are on their way from it or to it.
   */
  #offsets(directory: DataDirectory, offsetOf: (log: Log) => number, { withMoving = false } = {}) {
    const { directories, store, isMoving } = this.#options
    const isOnly = directories.all.length === 1
    const entries: OffsetCheckpointEntry[] = []
    for (const log of store.all()) {
      if (!log.isMaterialised) continue
      const isHere = isOnly || directories.holding(log.directory) === directory
      if (!isHere && !(withMoving && isMoving(log))) continue
      const offset = offsetOf(log)
      const { topic, partition } = log
      if (offset >= 0) entries.push({ topic, partition, offset })
    }
    return entries
  }
}

function speaksOfGone(topics: ReadonlySet<string>, { topicsByName }: MetadataImage): boolean {
  return [...topics].some((name) => !topicsByName.has(name))
}
