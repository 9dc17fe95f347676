import type { Uuid } from '../../base/uuid.ts'
import { type EngineContext, type LogConfig, StorageError } from '../engine.ts'
import type { RecordValue, ReplayedRecord } from '../metadata-record.ts'
import {
  ConfigResourceType,
  type MetadataImage,
  type PartitionImage,
  type TopicImage,
} from '../metadata-store.ts'
import type { DataDirectory, OffsetMap, PartitionDirectory } from './data-directory.ts'
import { parsePartitionDirectoryName, partitionDirectoryName } from './file-names.ts'
import { nameOf } from './files.ts'
import type { LocalLogStore } from './local-log-store.ts'
import type { Log } from './log.ts'
import type { LogDirectories } from './log-directories.ts'
import type { LogEnvironment } from './log-environment.ts'
import { createLog, type LogSpec, openLog } from './recovery.ts'
import type { Turns } from './turns.ts'

export interface TopicLogsOptions {
  readonly environment: LogEnvironment
  readonly directories: LogDirectories
  readonly store: LocalLogStore
  readonly context: EngineContext
  readonly fileDeleteDelayMs: () => number
  /** Of what has to be recovered. */
  readonly turns: Turns
}

/** Logs come and go with the topics of the metadata: one log for each partition there, no other. */
export class TopicLogs {
  readonly #options: TopicLogsOptions
  /** Second logs of partitions whose moves were brought to an end. */
  readonly #left: Log[] = []

  constructor(options: TopicLogsOptions) {
    this.#options = options
  }

  /** Opens what is there, and sets aside directories of partitions that the metadata does not know. */
  async open(image: MetadataImage): Promise<void> {
    const { context, turns, directories } = this.#options
    const found = this.#find(image)
    const checkpoints = new Map(directories.online.map((one) => [one, one.readCheckpoints()]))
    const counts = new Map<DataDirectory, number>()
    for (const { directory } of found.values()) count(counts, directory)
    for (const topic of image.topicsById.values()) {
      const config = context.topicConfig(topic.topicId)
      for (const partition of topic.partitions) {
        const place = found.get(partitionDirectoryName(topic.name, partition.partition))
        if (!place) {
          const directory = directories.placeOf(partition, counts)
          if (directory) count(counts, directory)
          this.#add(topic, partition, config, directory)
          continue
        }
        const offsetIn = (offsets: OffsetMap) => offsets.get(topic.name, partition.partition)
        const specIn = (directory: DataDirectory): LogSpec => {
          const { recoveryPoints, logStartOffsets, cleanerOffsets } = checkpoints.get(directory)!
          return {
            ...specOf(topic, partition, config, directory),
            recoveryPoint: offsetIn(recoveryPoints),
            logStartOffset: offsetIn(logStartOffsets),
            cleanerOffset: offsetIn(cleanerOffsets),
          }
        }
        const { directory, movedFrom } = place
        const opening = movedFrom
          ? this.#finishMove(specIn(directory), specIn(movedFrom))
          : this.#open(specIn(directory))
        if (opening) await opening
        if (turns.isOver()) await turns.next()
      }
    }
  }

  /** Directories of known partitions by name. Throws `StorageError` when one is there twice. */
  #find(image: MetadataImage): Map<string, FoundPartition> {
    const { context, directories } = this.#options
    const found = new Map<string, FoundPartition>()
    for (const directory of directories.online) {
      for (const name of directory.deletedDirectories()) this.removeLater(directory, name)
      for (const partition of directory.partitions()) {
        const { name } = partition
        if (!isKnown(image, partition)) {
          const path = directory.setAside(name, 'stray')
          context.report('warn', 'directory of an unknown partition set aside', { path })
          continue
        }
        const other = found.get(name)?.directory
        if (!other) found.set(name, { directory })
        else if (other.movedTo(name) === directory.directoryId) {
          found.set(name, { directory, movedFrom: other })
        } else if (directory.movedTo(name) === other.directoryId) {
          found.set(name, { directory: other, movedFrom: directory })
        } else throw foundTwice(name, other, directory)
      }
    }
    return found
  }

  /** A new partition; `directory` undefined: the one it should be in is not there. */
  #add(
    topic: TopicImage,
    partition: PartitionImage,
    config: LogConfig,
    directory: DataDirectory | undefined,
  ): void {
    const { environment, store, directories, context } = this.#options
    const spec = specOf(topic, partition, config, directory ?? directories.all[0]!)
    const log = createLog(environment, spec)
    if (!directory) {
      log.damage = 'the data directory of this partition is not there'
      const fields = { topic: log.topic, partition: log.partition }
      context.report('warn', 'partition is offline: its data directory is not there', fields)
    }
    store.add(log)
  }

  #open(spec: LogSpec): void | Promise<void> {
    const { environment, store, turns } = this.#options
    const log = openLog(environment, spec, turns)
    if (log instanceof Promise) return log.then((recovered) => store.add(recovered))
    store.add(log)
  }

  /**
   * A partition is in two directories, as the last process ended before the old one was set aside.
   * All that was in the old one is in the new one, unless power failed before the last of it was durable
   * there; nothing that came later was acknowledged as durable then.
   */
  async #finishMove(to: LogSpec, from: LogSpec): Promise<void> {
    const { environment, store, turns, context } = this.#options
    const logStartOffset = Math.max(to.logStartOffset, from.logStartOffset)
    const cleanerOffset = Math.max(to.cleanerOffset, from.cleanerOffset)
    const moved = await openLog(environment, { ...to, logStartOffset, cleanerOffset }, turns)
    const old = await openLog(environment, { ...from, logStartOffset, cleanerOffset }, turns)
    const isWhole = moved.damage === undefined && moved.logEndOffset >= old.logEndOffset
    const [kept, dropped] = isWhole ? [moved, old] : [old, moved]
    this.#left.push(dropped)
    const { topic, partition, directory } = kept
    context.report('info', 'interrupted move of a log was brought to an end', { topic, partition, directory }) // biome-ignore format: one line
    store.add(kept)
  }

  /** Sets aside what moves have left where it was. Call it once what is kept is in the checkpoints. */
  dropLeft(): void {
    const { directories } = this.#options
    for (const log of this.#left.splice(0)) {
      const place = directories.holding(log.directory)
      const path = place.setAside(nameOf(log.directory), 'delete')
      log.leave(path)
      this.removeLater(place, nameOf(path))
    }
  }

  get hasLeft(): boolean {
    return this.#left.length > 0
  }

  /** Moves that had begun when the last process ended; what there is of their copies is set aside. */
  unfinishedMoves(image: MetadataImage): { readonly log: Log; readonly target: DataDirectory }[] {
    const { directories, store, context } = this.#options
    const moves: { log: Log; target: DataDirectory }[] = []
    if (directories.all.length === 1) return moves
    for (const target of directories.online) {
      for (const { name, partition: of } of target.futures()) {
        const parsed = parsePartitionDirectoryName(of)
        const topic = parsed && image.topicsByName.get(parsed.topic)
        const log = topic && store.find({ topicId: topic.topicId, partition: parsed.partition })
        if (log && isMissing(log)) {
          const fields = { path: `${target.path}/${name}` }
          context.report('warn', 'copy of a partition whose data directory is not there', fields)
          continue
        }
        this.removeLater(target, target.dropFuture(name))
        if (log && directories.holding(log.directory) !== target) moves.push({ log, target })
      }
    }
    return moves
  }

  /** How many partitions each directory has. */
  counts(): Map<DataDirectory, number> {
    const { store, directories } = this.#options
    const counts = new Map<DataDirectory, number>()
    for (const log of store.all()) if (!isMissing(log)) count(counts, directories.holding(log.directory)) // biome-ignore format: one line
    return counts
  }

  /** Follows a commit of metadata. */
  follow(image: MetadataImage, records: readonly ReplayedRecord[]): void {
    const changed = new Set<Uuid>()
    const configured = new Set<Uuid>()
    for (const record of records) {
      switch (record.type) {
        case 'TopicRecord':
        case 'PartitionRecord':
        case 'PartitionChangeRecord':
        case 'RemoveTopicRecord':
          changed.add(record.value.topicId)
          break
        case 'ConfigRecord':
          this.#addConfigured(image, record.value, configured)
          break
        case 'EndTransactionRecord':
          // What the transaction held took effect just now.
          for (const topicId of image.topicsById.keys()) configured.add(topicId)
          for (const topicId of this.#options.store.topicIds()) changed.add(topicId)
          for (const topicId of configured) changed.add(topicId)
          break
      }
    }
    for (const topicId of changed) this.#compare(image, topicId)
    for (const topicId of configured) this.#refreshConfig(topicId)
  }

  /** Settings of a broker are the defaults of all topics. */
  #addConfigured(
    image: MetadataImage,
    { resourceType, resourceName }: RecordValue<'ConfigRecord'>,
    configured: Set<Uuid>,
  ): void {
    if (resourceType === ConfigResourceType.TOPIC) {
      const topic = image.topicsByName.get(resourceName)
      if (topic) configured.add(topic.topicId)
    } else if (resourceType === ConfigResourceType.BROKER) {
      for (const topicId of image.topicsById.keys()) configured.add(topicId)
    }
  }

  #compare(image: MetadataImage, topicId: Uuid): void {
    const { store, directories } = this.#options
    const topic = image.topicsById.get(topicId)
    if (!topic) {
      this.#delete(topicId)
      return
    }
    const logs = store.logsOf(topicId)
    const config = this.#options.context.topicConfig(topicId)
    for (const partition of topic.partitions) {
      const log = logs[partition.partition]
      const { leaderEpoch } = partition
      if (!log) {
        const place = directories.placeOf(
          partition,
          directories.all.length > 1 ? this.counts() : NONE,
        )
        this.#add(topic, partition, config, place)
      } else if (log.leaderEpoch !== leaderEpoch) {
        log.beginEpoch(leaderEpoch)
        store.leaderChanged(log)
      }
    }
  }

  #delete(topicId: Uuid): void {
    const { store, directories, context } = this.#options
    for (const log of store.remove(topicId)) {
      const name = partitionDirectoryName(log.topic, log.partition)
      const directory = directories.holding(log.directory)
      if (!log.isMaterialised) {
        log.leave(log.directory)
        continue
      }
      try {
        const path = directory.setAside(name, 'delete')
        log.leave(path)
        this.removeLater(directory, nameOf(path))
      } catch (error) {
        // The metadata no longer knows it, so the next start sets it aside.
        log.leave(log.directory)
        context.report('error', 'directory of a deleted partition cannot be renamed', {
          path: log.directory,
          reason: String(error),
        })
      }
    }
  }

  /** Removes a directory that was set aside, in a while. */
  removeLater(directory: DataDirectory, name: string): void {
    const { context, fileDeleteDelayMs } = this.#options
    context.clock.schedule(fileDeleteDelayMs(), () => {
      try {
        directory.removeDirectory(name)
      } catch (error) {
        context.report('warn', 'deleted directory cannot be removed; the next start tries again', {
          name,
          reason: String(error),
        })
      }
    })
  }

  #refreshConfig(topicId: Uuid): void {
    const { store, context } = this.#options
    const logs = store.logsOf(topicId)
    if (logs.length === 0) return
    const config = context.topicConfig(topicId)
    for (const log of logs) log.config = config
  }
}

/** A directory without a readable topic id is taken for that of the topic that has its name. */
function isKnown(image: MetadataImage, directory: PartitionDirectory): boolean {
  const topic = image.topicsByName.get(directory.topic)
  if (!topic || directory.partition >= topic.partitions.length) return false
  return directory.topicId === undefined || directory.topicId === topic.topicId
}

interface FoundPartition {
  readonly directory: DataDirectory
  /** The last process ended between two steps of a move: it is there, too. */
  readonly movedFrom?: DataDirectory
}

const NONE: ReadonlyMap<DataDirectory, number> = new Map()

function count(counts: Map<DataDirectory, number>, directory: DataDirectory): void {
  counts.set(directory, (counts.get(directory) ?? 0) + 1)
}

function specOf(
  topic: TopicImage,
  { partition, leaderEpoch }: PartitionImage,
  config: LogConfig,
  directory: DataDirectory,
): LogSpec {
  return {
    topic: topic.name,
    topicId: topic.topicId,
    partition,
    directory: directory.pathOf(topic.name, partition),
    config,
    leaderEpoch,
    recoveryPoint: 0,
    logStartOffset: 0,
    cleanerOffset: 0,
    isClean: directory.wasClean,
    writesSurvived: directory.writesSurvived,
    ownerWasDohle: directory.ownerWasDohle,
  }
}

/** Its directory is not there, and none was ever made for it in another. */
export function isMissing(log: Log): boolean {
  return log.damage !== undefined && !log.isMaterialised
}

function foundTwice(name: string, one: DataDirectory, other: DataDirectory): StorageError {
  return new StorageError(
    'corrupt',
    `Duplicate log directories for ${name} are found in both ${one.path}/${name} and ${other.path}/${name}. Remove one of the two, or move it out of the data directory.`,
  )
}
