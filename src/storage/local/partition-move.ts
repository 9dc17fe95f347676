import { formatUuid, type Uuid } from '../../base/uuid.ts'
import type { FutureReplica } from '../engine.ts'
import type { DataDirectory } from './data-directory.ts'
import { MOVED_FILE } from './file-names.ts'
import { nameOf, replaceFileDurably } from './files.ts'
import type { Log } from './log.ts'
import { ReplicaCopy } from './replica-copy.ts'

/** Something else came first. Nothing is wrong. */
export class MoveAborted extends Error {
  override name = 'MoveAborted'
}

export interface PartitionMoveOptions {
  readonly log: Log
  /** Where the log is. */
  readonly source: DataDirectory
  readonly target: DataDirectory
  readonly throttle: (bytes: number) => Promise<void> | undefined
  /** Has the metadata say that the replica is in that directory. */
  readonly assign: (directoryId: Uuid) => Promise<void>
  /** Writes the checkpoint files of both directories. */
  readonly checkpoint: () => Promise<void>
  /** A directory was set aside; its files are to go in a while. */
  readonly removeLater: (directory: DataDirectory, name: string) => void
}

/**
 * The way of one log into another directory, where the copy is called `<topic>-<p>.<hex>-future` until
 * it is whole (KIP-113). The last bytes are copied, and names and files changed, in one turn of the
 * event loop. From then on until the copy is durable both directories hold the partition, and a file
 * in the old one names the new one: a start after a crash takes that one if it is as long.
 */
export class PartitionMove {
  readonly log: Log
  readonly target: DataDirectory
  readonly #options: PartitionMoveOptions
  /** Of the copy. */
  readonly #futurePath: string
  #copy: ReplicaCopy | undefined
  #isCancelled = false
  #isAssigned = false

  /** Makes the directory of the copy, if there is anything to copy. Throws what the disk throws. */
  constructor(options: PartitionMoveOptions) {
    this.#options = options
    this.log = options.log
    this.target = options.target
    this.#futurePath = options.target.newFuturePath(this.log.topic, this.log.partition)
    if (this.log.isMaterialised) this.#copy = this.#newCopy()
  }

  #newCopy(): ReplicaCopy {
    return new ReplicaCopy({
      log: this.log,
      directory: this.#futurePath,
      throttle: this.#options.throttle,
      check: () => this.#check(),
    })
  }

  /** Gives the move up. */
  cancel(): void {
    this.#isCancelled = true
  }

  /** How far it is. */
  get future(): FutureReplica {
    const { path } = this.target
    const { sizeBytes = 0, logEndOffset = this.log.logEndOffset } = this.#copy ?? {}
    return { path, sizeBytes, logEndOffset }
  }

  /**
   * Resolves when the log is in its new directory, and not any more in the old one. Rejects with
   * `MoveAborted` or what the disk says; then it is where it was, unless `log` says otherwise.
   */
  async run(): Promise<void> {
    const { assign, source, checkpoint, removeLater } = this.#options
    const { log, target } = this
    const { files } = log.environment
    const oldPath = log.directory
    try {
      this.#check()
      if (log.isMaterialised) await this.#prepare()
      this.#isAssigned = true
      await assign(target.directoryId)
      while (!this.#switch()) await this.#prepare()
    } catch (error) {
      if (this.#isAssigned) await assign(source.directoryId)
      throw error
    }
    if (!this.#copy) return
    await log.settle()
    await files.syncDirectory(target.path)
    await checkpoint()
    removeLater(source, nameOf(source.setAside(nameOf(oldPath), 'delete')))
    await files.syncDirectory(source.path)
  }

  async #prepare(): Promise<void> {
    const { log, target } = this
    const { files } = log.environment
    this.#copy ??= this.#newCopy()
    await this.#copy.catchUp()
    await this.#copy.sync()
    await replaceFileDurably(
      files,
      `${log.directory}/${MOVED_FILE}`,
      formatUuid(target.directoryId),
    )
  }

  /** False when too much has happened since it was prepared. */
  #switch(): boolean {
    const { log, target } = this
    this.#check()
    const path = target.pathOf(log.topic, log.partition)
    if (!log.isMaterialised) {
      if (this.#copy) throw new MoveAborted()
      log.moveTo(path)
      return true
    }
    if (!this.#copy?.finish()) return false
    log.environment.files.rename(this.#futurePath, path)
    log.moveTo(path)
    return true
  }

  /** What was copied goes. Throws what the disk throws. */
  dropCopy(): void {
    if (!this.#copy) return
    const { files } = this.log.environment
    if (!files.stat(this.#futurePath)) return
    this.#options.removeLater(this.target, this.target.dropFuture(nameOf(this.#futurePath)))
  }

  #check(): void {
    const { log } = this
    const isWanted = !log.isGone && log.damage === undefined && !log.isReadOnly
    if (!isWanted || this.#isCancelled || this.target.isOffline) throw new MoveAborted()
  }
}
