import type { Uuid } from '../../base/uuid.ts'
import type { EngineContext, LogConfig } from '../engine.ts'
import type { RecordValue, ReplayedRecord } from '../metadata-record.ts'
import { ConfigResourceType, type MetadataImage, type TopicImage } from '../metadata-store.ts'
import type { DataDirectory, PartitionDirectory } from './data-directory.ts'
import { partitionDirectoryName } from './file-names.ts'
import type { LocalLogStore } from './local-log-store.ts'
import type { LogEnvironment } from './log-environment.ts'
import { createLog, type LogSpec, openLog } from './recovery.ts'
import type { Turns } from './turns.ts'

export interface TopicLogsOptions {
  readonly environment: LogEnvironment
  readonly directory: DataDirectory
  readonly store: LocalLogStore
  readonly context: EngineContext
  readonly fileDeleteDelayMs: () => number
  /** Of what has to be recovered. */
  readonly turns: Turns
}

/** Logs come and go with the topics of the metadata: one log for each partition there, no other. */
export class TopicLogs {
  readonly #options: TopicLogsOptions

  constructor(options: TopicLogsOptions) {
    this.#options = options
  }

  /** Opens what is there, and sets aside directories of partitions that the metadata does not know. */
  async open(image: MetadataImage): Promise<void> {
    const { directory, context, turns } = this.#options
    for (const name of directory.deletedDirectories()) this.#removeLater(name)
    const checkpoints = directory.readCheckpoints()
    const found = new Map<string, PartitionDirectory>()
    for (const partition of directory.partitions()) {
      if (isKnown(image, partition)) found.set(partition.name, partition)
      else {
        const path = directory.setAside(partition.name, 'stray')
        context.report('warn', 'directory of an unknown partition set aside', { path })
      }
    }
    for (const topic of image.topicsById.values()) {
      const config = context.topicConfig(topic.topicId)
      for (const { partition, leaderEpoch } of topic.partitions) {
        const spec = this.#specOf(topic, partition, leaderEpoch, config)
        const isThere = found.has(partitionDirectoryName(topic.name, partition))
        if (!isThere) {
          this.#add(spec)
          continue
        }
        const opening = this.#open({
          ...spec,
          recoveryPoint: checkpoints.recoveryPoints.get(topic.name, partition),
          logStartOffset: checkpoints.logStartOffsets.get(topic.name, partition),
          cleanerOffset: checkpoints.cleanerOffsets.get(topic.name, partition),
        })
        if (opening) await opening
        if (turns.isOver()) await turns.next()
      }
    }
  }

  #add(spec: LogSpec): void {
    const { environment, store } = this.#options
    store.add(createLog(environment, spec))
  }

  #open(spec: LogSpec): void | Promise<void> {
    const { environment, store, turns } = this.#options
    const log = openLog(environment, spec, turns)
    if (log instanceof Promise) return log.then((recovered) => store.add(recovered))
    store.add(log)
  }

  #specOf(topic: TopicImage, partition: number, leaderEpoch: number, config: LogConfig): LogSpec {
    const { directory } = this.#options
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
    const { store } = this.#options
    const topic = image.topicsById.get(topicId)
    if (!topic) {
      this.#delete(topicId)
      return
    }
    const logs = store.logsOf(topicId)
    const config = this.#options.context.topicConfig(topicId)
    for (const { partition, leaderEpoch } of topic.partitions) {
      const log = logs[partition]
      if (!log) this.#add(this.#specOf(topic, partition, leaderEpoch, config))
      else if (log.leaderEpoch !== leaderEpoch) {
        log.beginEpoch(leaderEpoch)
        store.leaderChanged(log)
      }
    }
  }

  #delete(topicId: Uuid): void {
    const { store, directory, context } = this.#options
    for (const log of store.remove(topicId)) {
      const name = partitionDirectoryName(log.topic, log.partition)
      if (!log.isMaterialised) {
        log.leave(log.directory)
        continue
      }
      try {
        const path = directory.setAside(name, 'delete')
        log.leave(path)
        this.#removeLater(path.slice(path.lastIndexOf('/') + 1))
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

  #removeLater(name: string): void {
    const { context, directory, fileDeleteDelayMs } = this.#options
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
