import type { FutureReplica } from '../engine.ts'
import type { DataDirectory } from './data-directory.ts'
import type { Log } from './log.ts'
import type { LogDirectories } from './log-directories.ts'
import type { LogEnvironment } from './log-environment.ts'
import { MoveAborted, PartitionMove } from './partition-move.ts'
import { Throttle } from './throttle.ts'

export interface MoveSettings {
  /** How many logs move at a time. */
  readonly threads: number
  readonly bytesPerSecond: number
}

export interface PartitionMovesOptions {
  readonly environment: LogEnvironment
  readonly directories: LogDirectories
  readonly settings: () => MoveSettings
  /** Has the metadata say that the replica is in the directory. */
  readonly assign: (log: Log, directory: DataDirectory) => Promise<void>
  /** Writes the checkpoint files of all directories. */
  readonly checkpoint: () => Promise<void>
  /** A directory was set aside; its files are to go in a while. */
  readonly removeLater: (directory: DataDirectory, name: string) => void
}

/** Logs on their way to other directories: at most one way for each, and so many at a time. */
export class PartitionMoves {
  readonly #options: PartitionMovesOptions
  readonly #throttle: Throttle
  readonly #moves = new Map<Log, PartitionMove>()
  #waiting: PartitionMove[] = []
  /** What is under way, by log; also when it was cancelled. */
  readonly #running = new Map<Log, Promise<void>>()
  #isStopped = false

  constructor(options: PartitionMovesOptions) {
    this.#options = options
    this.#throttle = new Throttle(
      options.environment.clock,
      () => options.settings().bytesPerSecond,
      () => this.#isStopped,
    )
  }

  /** Sends a log to another directory, or lets it stay where it is. Throws what the disk throws. */
  move(log: Log, target: DataDirectory): void {
    const { directories, assign, checkpoint, removeLater } = this.#options
    const before = this.#moves.get(log)
    if (before?.target === target || this.#isStopped) return
    if (before) this.#cancel(before)
    const source = directories.holding(log.directory)
    if (source === target) return
    const move = new PartitionMove({
      log,
      source,
      target,
      throttle: (bytes) => this.#throttle.spend(bytes),
      assign: (id) => assign(log, id === target.directoryId ? target : source),
      checkpoint,
      removeLater,
    })
    this.#moves.set(log, move)
    this.#waiting.push(move)
    this.#next()
  }

  futureOf(log: Log): FutureReplica | undefined {
    return this.#moves.get(log)?.future
  }

  /** Whether it may be in two directories. */
  isMoving(log: Log): boolean {
    return this.#running.has(log) || this.#moves.has(log)
  }

  /** Its log is gone, or it is to go elsewhere. */
  #cancel(move: PartitionMove): void {
    move.cancel()
    this.#moves.delete(move.log)
    if (!this.#waiting.includes(move)) return
    this.#waiting = this.#waiting.filter((other) => other !== move)
    this.#drop(move)
  }

  /** Logs that are gone move no more. */
  forgetGone(): void {
    for (const move of this.#moves.values()) if (move.log.isGone) this.#cancel(move)
  }

  #next(): void {
    const { threads } = this.#options.settings()
    while (!this.#isStopped && this.#running.size < threads) {
      const move = this.#waiting.find(({ log }) => !this.#running.has(log))
      if (!move) return
      this.#waiting = this.#waiting.filter((other) => other !== move)
      const { log } = move
      this.#running.set(
        log,
        this.#run(move).finally(() => {
          this.#running.delete(log)
          this.#next()
        }),
      )
    }
  }

  async #run(move: PartitionMove): Promise<void> {
    const { environment } = this.#options
    const { log, target } = move
    const fields = {
      topic: log.topic,
      partition: log.partition,
      from: log.directory,
      to: target.path,
    }
    environment.report('info', 'log begins to move to another directory', fields)
    try {
      await move.run()
      environment.report('info', 'log moved to another directory', fields)
    } catch (error) {
      if (!(error instanceof MoveAborted)) {
        const why = { ...fields, reason: String(error) }
        environment.report('error', 'log cannot be moved to another directory', why)
      }
      if (!this.#isStopped) this.#drop(move)
    } finally {
      if (this.#moves.get(log) === move) this.#moves.delete(log)
    }
  }

  #drop(move: PartitionMove): void {
    const { environment } = this.#options
    try {
      move.dropCopy()
    } catch (error) {
      const fields = { path: move.target.path, reason: String(error) }
      environment.report('warn', 'copy of a log cannot be set aside; the next start tries again', fields) // biome-ignore format: one line
    }
  }

  /** Gives up what is under way, to be begun again at the next start. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const move of this.#moves.values()) move.cancel()
    await Promise.all(this.#running.values())
  }
}
