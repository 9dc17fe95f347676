import { formatUuid, parseUuid, randomUuid, type Uuid } from '../../base/uuid.ts'
import { type EngineContext, StorageError } from '../engine.ts'
import {
  formatOffsetCheckpoint,
  type OffsetCheckpointEntry,
  parseOffsetCheckpoint,
} from './checkpoint-file.ts'
import {
  asideDirectoryName,
  asideKindOf,
  CLEAN_SHUTDOWN_FILE,
  CLEANER_OFFSET_FILE,
  HIGH_WATERMARK_FILE,
  LOCK_FILE,
  LOG_START_FILE,
  META_PROPERTIES_FILE,
  METADATA_TOPIC_NAME,
  MOVED_FILE,
  PARTITION_METADATA_FILE,
  type PartitionName,
  PROBE_FILE,
  parsePartitionDirectoryName,
  partitionDirectoryName,
  partitionOfFuture,
  RECOVERY_POINT_FILE,
} from './file-names.ts'
import {
  type FileLock,
  type Files,
  makeDirectoryDurably,
  replaceFile,
  replaceFileDurably,
} from './files.ts'
import {
  formatCleanShutdown,
  formatMetaProperties,
  type MetaProperties,
  parseMetaProperties,
  parsePartitionMetadata,
} from './meta-properties.ts'

/** A partition directory, and the topic it says it belongs to. */
export interface PartitionDirectory extends PartitionName {
  readonly name: string
  /** Undefined when partition.metadata is missing or damaged. */
  readonly topicId: Uuid | undefined
}

/** Checkpoint files that hold one offset per partition, as far as a start wants them. */
export interface Checkpoints {
  readonly recoveryPoints: OffsetMap
  readonly logStartOffsets: OffsetMap
  /** First offset that was never compacted. */
  readonly cleanerOffsets: OffsetMap
}

/** Offsets by topic name and partition, 0 where there is none. */
export class OffsetMap {
  readonly #topics = new Map<string, Map<number, number>>()

  constructor(entries: readonly OffsetCheckpointEntry[]) {
    for (const { topic, partition, offset } of entries) {
      const partitions = this.#topics.get(topic) ?? new Map<number, number>()
      this.#topics.set(topic, partitions.set(partition, offset))
    }
  }

  get(topic: string, partition: number): number {
    return this.#topics.get(topic)?.get(partition) ?? 0
  }

  topics(): Iterable<string> {
    return this.#topics.keys()
  }
}

/** A link could lead out of the directory, or to what another process writes. */
export function notFollowed(path: string): StorageError {
  const text = `${path} is a symbolic link or something else that is not followed. Put the real thing in its place.`
  return new StorageError('unreadable', text)
}

/** The directory as a whole: who owns it, how it was left, what is in it. */
export class DataDirectory {
  readonly path: string
  /** It cannot be used: whatever is in it is not served. */
  isOffline = false
  readonly #files: Files
  readonly #context: EngineContext
  #lock: FileLock | undefined
  #properties: MetaProperties | undefined
  #wasClean = false
  /** Names of topics in the recovery points and log starts on the disk. */
  #checkpointed = new Set<string>()
  /** In the compaction's file, which is written at other times. */
  #compacted = new Set<string>()
  #writing: Promise<unknown> = Promise.resolve()

  constructor(files: Files, path: string, context: EngineContext) {
    this.#files = files
    this.path = path
    this.#context = context
  }

  get clusterId(): string {
    return this.#properties?.clusterId ?? ''
  }

  get directoryId(): Uuid {
    return this.#properties?.directoryId ?? ''
  }

  /** The last shutdown flushed everything. */
  get wasClean(): boolean {
    return this.#wasClean
  }

  get ownerWasDohle(): boolean {
    return this.#lock?.ownerWasDohle ?? false
  }

  get writesSurvived(): boolean {
    return this.#lock?.writesSurvived ?? false
  }

  /** Why nothing can be written; undefined when something was, and is gone again. */
  writeProblem(): string | undefined {
    const path = this.#file(PROBE_FILE)
    try {
      this.#files.writeFile(path, 'probe')
      this.#files.removeFile(path)
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  /** Takes the lock, and makes sure that the directory belongs to this broker. */
  async open(clusterId: string | undefined): Promise<void> {
    try {
      await makeDirectoryDurably(this.#files, this.path)
      this.#lock = await this.#files.lock(this.#file(LOCK_FILE))
    } catch (error) {
      const text = `The data directory ${this.path} cannot be used: ${String(error)}`
      throw new StorageError('unreadable', text, { cause: error })
    }
    if (!this.#lock) {
      const text = `The data directory ${this.path} is in use by another process. Stop that one, or choose another directory.`
      throw new StorageError('locked', text)
    }
    try {
      this.#properties = await this.#identify(clusterId)
      await this.#takeCleanShutdown()
    } catch (error) {
      this.release()
      throw error
    }
  }

  async #identify(clusterId: string | undefined): Promise<MetaProperties> {
    const path = this.#file(META_PROPERTIES_FILE)
    const text = this.#files.readFile(path)?.toString('utf8')
    const { brokerId, clock } = this.#context
    // Nothing but a crash while it was first written leaves an empty one.
    if (text === undefined || text.trim() === '') {
      if (this.#hasPartitions()) {
        throw new StorageError(
          'corrupt',
          `${path} is missing, but the directory holds partitions. Restore the file, or choose another directory.`,
        )
      }
      const created = {
        version: 1,
        clusterId: clusterId ?? formatUuid(randomUuid()),
        nodeId: brokerId,
        directoryId: randomUuid(),
      }
      await replaceFileDurably(this.#files, path, formatMetaProperties(created, clock.nowMs()))
      return created
    }
    const found = parseMetaProperties(text)
    if (!found) throw new StorageError('corrupt', `${path} cannot be read. Restore the file.`)
    this.#ensureOurs(found, clusterId)
    if (found.directoryId !== undefined && found.version === 1) return found
    const completed = { ...found, version: 1, directoryId: found.directoryId ?? randomUuid() }
    await replaceFileDurably(this.#files, path, formatMetaProperties(completed, clock.nowMs()))
    return completed
  }

  #ensureOurs(found: MetaProperties, clusterId: string | undefined): void {
    const { brokerId } = this.#context
    const path = this.#file(META_PROPERTIES_FILE)
    if (found.version > 1) {
      throw new StorageError('newer-format', `${path} has version ${found.version}; known are 0 and 1.`) // biome-ignore format: one line
    }
    if (clusterId !== undefined && found.clusterId !== clusterId) {
      throw new StorageError(
        'mismatch',
        `The data directory ${this.path} belongs to cluster ${found.clusterId}, but the configured cluster id is ${clusterId}. Configure ${found.clusterId}, or choose another directory.`,
      )
    }
    if (found.nodeId !== brokerId) {
      throw new StorageError(
        'mismatch',
        `The data directory ${this.path} belongs to node ${found.nodeId}, but the configured node id is ${brokerId}. Configure node.id=${found.nodeId}, or choose another directory.`,
      )
    }
  }

  #hasPartitions(): boolean {
    return this.#files
      .list(this.path)
      .some(({ name, kind }) => kind === 'directory' && parsePartitionDirectoryName(name))
  }

  /** The mark is gone for good before anything is written: the next start must not trust it. */
  async #takeCleanShutdown(): Promise<void> {
    const path = this.#file(CLEAN_SHUTDOWN_FILE)
    this.#wasClean = this.#files.stat(path) !== undefined
    if (!this.#wasClean) return
    this.#files.removeFile(path)
    await this.#files.syncDirectory(this.path)
  }

  readCheckpoints(): Checkpoints {
    const recoveryPoints = this.#readOffsets(RECOVERY_POINT_FILE)
    const logStartOffsets = this.#readOffsets(LOG_START_FILE)
    const cleanerOffsets = this.#readOffsets(CLEANER_OFFSET_FILE)
    this.#checkpointed = new Set([...recoveryPoints.topics(), ...logStartOffsets.topics()])
    this.#compacted = new Set(cleanerOffsets.topics())
    return { recoveryPoints, logStartOffsets, cleanerOffsets }
  }

  /** Topics that the checkpoint files speak of; a new one of such a name would inherit offsets. */
  get checkpointedTopics(): ReadonlySet<string> {
    return this.#checkpointed
  }

  get compactedTopics(): ReadonlySet<string> {
    return this.#compacted
  }

  #readOffsets(name: string): OffsetMap {
    const text = this.#files.readFile(this.#file(name))?.toString('utf8')
    // Apache Kafka makes cleaner-offset-checkpoint with its directory, and fills it much later.
    const isEmpty = text === undefined || text === ''
    const entries = isEmpty ? [] : parseOffsetCheckpoint(text)
    if (!entries) {
      this.#context.report('warn', 'checkpoint file is damaged and taken as empty', {
        file: this.#file(name),
      })
    }
    return new OffsetMap(entries ?? [])
  }

  /** Durable, as a torn file would lose what the one before it said. */
  async writeCheckpoints(checkpoints: {
    readonly recoveryPoints: readonly OffsetCheckpointEntry[]
    readonly highWatermarks: readonly OffsetCheckpointEntry[]
    readonly logStartOffsets: readonly OffsetCheckpointEntry[]
  }): Promise<void> {
    const { recoveryPoints, highWatermarks, logStartOffsets } = checkpoints
    await this.#writeOffsets(RECOVERY_POINT_FILE, recoveryPoints)
    await this.#writeOffsets(HIGH_WATERMARK_FILE, highWatermarks)
    await this.writeLogStartOffsetsDurably(logStartOffsets)
    this.#checkpointed = new Set()
    for (const { topic } of recoveryPoints) this.#checkpointed.add(topic)
    for (const { topic } of logStartOffsets) this.#checkpointed.add(topic)
  }

  /** Takes topics that are gone out of the files, before others of their names can come. */
  forgetTopics(checkpoints: {
    readonly recoveryPoints: readonly OffsetCheckpointEntry[]
    readonly logStartOffsets: readonly OffsetCheckpointEntry[]
  }): void {
    const recoveryPoints = formatOffsetCheckpoint(checkpoints.recoveryPoints)
    replaceFile(this.#files, this.#file(RECOVERY_POINT_FILE), recoveryPoints)
    this.writeLogStartOffsets(checkpoints.logStartOffsets)
    this.#checkpointed = new Set(checkpoints.recoveryPoints.map(({ topic }) => topic))
  }

  /** One after the other, as all of a file go through the same temporary one. */
  #writeOffsets(name: string, entries: readonly OffsetCheckpointEntry[]): Promise<void> {
    const content = formatOffsetCheckpoint(entries)
    const written = this.#writing.then(() =>
      replaceFileDurably(this.#files, this.#file(name), content),
    )
    this.#writing = written.catch(() => undefined)
    return written
  }

  async writeRecoveryPoints(entries: readonly OffsetCheckpointEntry[]): Promise<void> {
    await this.#writeOffsets(RECOVERY_POINT_FILE, entries)
  }

  async writeCleanerOffsets(entries: readonly OffsetCheckpointEntry[]): Promise<void> {
    await this.#writeOffsets(CLEANER_OFFSET_FILE, entries)
    this.#compacted = new Set(entries.map(({ topic }) => topic))
  }

  writeLogStartOffsets(entries: readonly OffsetCheckpointEntry[]): void {
    for (const { topic } of entries) this.#checkpointed.add(topic)
    replaceFile(this.#files, this.#file(LOG_START_FILE), formatOffsetCheckpoint(entries))
  }

  async writeLogStartOffsetsDurably(entries: readonly OffsetCheckpointEntry[]): Promise<void> {
    for (const { topic } of entries) this.#checkpointed.add(topic)
    await this.#writeOffsets(LOG_START_FILE, entries)
  }

  /** Everything was flushed: the next start may trust what it finds. */
  async markClean(brokerEpoch: number): Promise<void> {
    await replaceFileDurably(
      this.#files,
      this.#file(CLEAN_SHUTDOWN_FILE),
      formatCleanShutdown(brokerEpoch),
    )
  }

  /** Partition directories, but for the metadata log. Everything else is left alone. */
  partitions(): PartitionDirectory[] {
    const found: PartitionDirectory[] = []
    for (const { name, kind } of this.#files.list(this.path)) {
      const parsed = parsePartitionDirectoryName(name)
      if (!parsed || kind === 'file' || parsed.topic === METADATA_TOPIC_NAME) continue
      if (kind !== 'directory') throw notFollowed(this.#file(name))
      const metadata = this.#files.readFile(`${this.#file(name)}/${PARTITION_METADATA_FILE}`)
      const topicId = metadata && parsePartitionMetadata(metadata.toString('utf8'))
      found.push({ ...parsed, name, topicId })
    }
    return found
  }

  /** Names of directories that wait to be removed. */
  deletedDirectories(): string[] {
    return this.#files
      .list(this.path)
      .filter(({ name, kind }) => kind === 'directory' && asideKindOf(name) === 'delete')
      .map(({ name }) => name)
  }

  pathOf(topic: string, partition: number): string {
    return this.#file(partitionDirectoryName(topic, partition))
  }

  /** Renames a partition's directory so that it is one no more. Returns its new path. */
  setAside(name: string, kind: 'delete' | 'stray'): string {
    const path = this.#file(asideDirectoryName(name, kind))
    this.#files.rename(this.#file(name), path)
    return path
  }

  /** Where the copy of a partition that moves here may be made. */
  newFuturePath(topic: string, partition: number): string {
    return this.#file(asideDirectoryName(partitionDirectoryName(topic, partition), 'future'))
  }

  /** Copies on their way when the last process ended. */
  futures(): { readonly name: string; readonly partition: string }[] {
    return this.#files.list(this.path).flatMap(({ name, kind }) => {
      const partition = kind === 'directory' ? partitionOfFuture(name) : undefined
      return partition === undefined ? [] : [{ name, partition }]
    })
  }

  /** A copy is not wanted. Returns its new name. */
  dropFuture(name: string): string {
    const aside = asideDirectoryName(partitionOfFuture(name) ?? name, 'delete')
    this.#files.rename(this.#file(name), this.#file(aside))
    return aside
  }

  /** The directory that a partition was about to be in, when it had not left this one. */
  movedTo(name: string): Uuid | undefined {
    const text = this.#files.readFile(this.#file(`${name}/${MOVED_FILE}`))?.toString('utf8')
    return text === undefined ? undefined : parseUuid(text)
  }

  removeDirectory(name: string): void {
    this.#files.removeDirectory(this.#file(name))
  }

  release(): void {
    this.#lock?.release()
    this.#lock = undefined
  }

  #file(name: string): string {
    return `${this.path}/${name}`
  }
}
