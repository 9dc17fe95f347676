import { UNASSIGNED_DIRECTORY } from '../../base/uuid.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type {
  EngineContext,
  LogDirectory,
  NewPlacement,
  ReplicaPlace,
  StorageEngine,
  TopicPartition,
} from '../engine.ts'
import type { MetadataStore } from '../metadata-store.ts'
import { BufferPool } from './buffer-pool.ts'
import { Cleaner } from './cleaner.ts'
import { LocalCoordinatorStore } from './coordinator-store.ts'
import type { DataDirectory } from './data-directory.ts'
import { METADATA_TOPIC_NAME } from './file-names.ts'
import { type Files, parentOf } from './files.ts'
import {
  type ClosableMetadataStore,
  defaultEngineOptions,
  type LocalEngineOptions,
} from './local-engine-options.ts'
import { LocalLogStore } from './local-log-store.ts'
import type { Log } from './log.ts'
import { LogCheckpoints } from './log-checkpoints.ts'
import { LogDirectories } from './log-directories.ts'
import type { LogEnvironment } from './log-environment.ts'
import { TailBudget } from './log-tail.ts'
import { Maintenance } from './maintenance.ts'
import { NameSync } from './name-sync.ts'
import { OpenFiles } from './open-files.ts'
import { PartitionMoves } from './partition-moves.ts'
import { RECOVERY_TURN_MS } from './recovery.ts'
import { ResidentIndexes } from './resident-indexes.ts'
import { retain } from './retention.ts'
import { isMissing, TopicLogs } from './topic-logs.ts'
import { LoopTurns } from './turns.ts'
import { UnsyncedLogs } from './unsynced-logs.ts'

/** As often as Kafka writes its high watermarks, which is how it finds out. */
const DIRECTORY_CHECK_MS = 5_000

const mayRemoveTopics = new Set<string>(['RemoveTopicRecord', 'EndTransactionRecord'])

/**
 * The engine over one directory, in Kafka's own on-disk format (reference: log-storage.md): what it
 * writes Apache Kafka opens, and the other way round.
 */
export class LocalEngine implements StorageEngine {
  readonly log: LocalLogStore
  readonly groups: LocalCoordinatorStore
  readonly transactions: LocalCoordinatorStore
  readonly #options: LocalEngineOptions & typeof defaultEngineOptions
  readonly #context: EngineContext
  readonly #environment: LogEnvironment
  readonly #directories: LogDirectories
  readonly #topics: TopicLogs
  readonly #maintenance: Maintenance
  readonly #cleaner: Cleaner
  readonly #moves: PartitionMoves
  readonly #checkpoints: LogCheckpoints
  readonly #unsynced: UnsyncedLogs
  #metadata: ClosableMetadataStore | undefined
  #unsubscribe: () => void = () => undefined
  #closing: Promise<void> | undefined

  constructor(files: Files, options: LocalEngineOptions, context: EngineContext) {
    this.#options = { ...defaultEngineOptions, ...options }
    this.#context = context
    this.#maintenance = new Maintenance(context.clock)
    this.#unsynced = new UnsyncedLogs({
      clock: context.clock,
      maintenance: this.#maintenance,
      checkIntervalMs: this.#options.flushCheckIntervalMs,
    })
    const { dataDir, otherDataDirs = [], metadataDir } = options
    const paths = { dataDirs: [dataDir, ...otherDataDirs], metadataDir }
    this.#directories = new LogDirectories(files, paths, context)
    this.log = new LocalLogStore({
      syncsAppends: options.durability.mode === 'sync',
      logStartRaised: (log) => this.#checkpoints.writeLogStarts(log),
      appended: (log) => this.#appended(log),
    })
    this.#environment = this.#makeEnvironment(files)
    this.#topics = new TopicLogs({
      environment: this.#environment,
      directories: this.#directories,
      store: this.log,
      context,
      fileDeleteDelayMs: this.#options.fileDeleteDelayMs,
      turns: this.#options.recoveryTurns ?? new LoopTurns(RECOVERY_TURN_MS),
    })
    this.#checkpoints = new LogCheckpoints({
      environment: this.#environment,
      directories: this.#directories,
      store: this.log,
      isMoving: (log) => this.#moves.isMoving(log),
      failed: (task, error) => this.#failed(task, error),
      suspect: (directory) => this.#suspect(directory),
    })
    const { cleanerSettings, cleanerTurns } = this.#options
    this.#cleaner = new Cleaner({
      environment: this.#environment,
      logs: () => this.log.all(),
      settings: cleanerSettings,
      writeCheckpoint: () => this.#checkpoints.writeCleanerOffsets(),
      writeRecoveryPoints: () => this.#checkpoints.writeRecoveryPoints(),
      ...(cleanerTurns && { turns: cleanerTurns }),
    })
    this.#moves = new PartitionMoves({
      environment: this.#environment,
      directories: this.#directories,
      settings: this.#options.moveSettings,
      assign: (log, directory) => this.#assign(log, directory),
      checkpoint: () => this.#checkpoints.writeAll(),
      removeLater: (directory, name) => this.#topics.removeLater(directory, name),
    })
    const image = () => this.metadata.image
    this.groups = new LocalCoordinatorStore('__consumer_offsets', image, this.log)
    this.transactions = new LocalCoordinatorStore('__transaction_state', image, this.log)
  }

  #makeEnvironment(files: Files): LogEnvironment {
    const { bufferPoolBytes, tailCacheBytes, openFilesMax, durability } = this.#options
    const buffers = new BufferPool(bufferPoolBytes)
    const names = new Map<string, NameSync>()
    return {
      files,
      openFiles: new OpenFiles(files, openFilesMax),
      buffers,
      tails: new TailBudget(buffers, tailCacheBytes),
      residentIndexes: new ResidentIndexes(this.#options.indexCacheBytes),
      producerCount: { count: 0 },
      clock: this.#context.clock,
      durability,
      producerIdExpirationMs: this.#options.producerIdExpirationMs,
      namesBeside(directory) {
        const parent = parentOf(directory)
        const sync = names.get(parent) ?? new NameSync(files, parent)
        names.set(parent, sync)
        return sync
      },
      report: (level, message, fields) => this.#context.report(level, message, fields),
      random: this.#options.random,
      diskFailed: (log) => this.#suspect(this.#directories.holding(log.directory)),
      changed: (log) => this.log.changed(log),
    }
  }

  #appended(log: Log): void {
    const { durability, producerIdsMax } = this.#options
    if (durability.mode === 'interval' || log.config.flushMs < Number.MAX_SAFE_INTEGER) {
      this.#unsynced.add(log)
    }
    if (this.#environment.producerCount.count > producerIdsMax) this.#evictProducers()
  }

  /** Forgets the tenth that is idle longest, so that the next new ones cost nothing. */
  #evictProducers(): void {
    const times: number[] = []
    for (const log of this.log.all()) {
      for (const { lastSeenMs } of log.producers.entries()) times.push(lastSeenMs)
    }
    times.sort((one, other) => one - other)
    const untilMs = times[Math.floor(times.length / 10)] ?? 0
    for (const log of this.log.all()) log.producers.expire(untilMs)
    this.#context.report('warn', 'too many producer ids; the ones longest idle are forgotten', {
      producerIdsMax: this.#options.producerIdsMax,
    })
  }

  get clusterId(): string {
    return this.#directories.clusterId
  }

  get metadata(): MetadataStore {
    if (!this.#metadata) throw new Error('the engine is not open')
    return this.#metadata
  }

  directories(): readonly LogDirectory[] {
    return this.#directories.describe()
  }

  placeOf(partition: TopicPartition): ReplicaPlace | undefined {
    const log = this.log.find(partition)
    if (!log || isMissing(log)) return undefined
    const { directoryId, path, isOffline } = this.#directories.holding(log.directory)
    return isOffline ? undefined : { directoryId, path, future: this.#moves.futureOf(log) }
  }

  moveReplica(partition: TopicPartition, path: string): ErrorCode {
    const target = this.#directories.at(path)
    if (!target) return ErrorCode.LOG_DIR_NOT_FOUND
    const log = this.log.find(partition)
    if (target.isOffline || (log && isMissing(log))) return ErrorCode.KAFKA_STORAGE_ERROR
    if (!log) return ErrorCode.REPLICA_NOT_AVAILABLE
    try {
      this.#moves.move(log, target)
      return ErrorCode.NONE
    } catch (error) {
      this.#failed('move of a log', error)
      return ErrorCode.KAFKA_STORAGE_ERROR
    }
  }

  /** The metadata is to say where the replica of this broker is. */
  async #assign({ topicId, partition: partitionId }: Log, directory: DataDirectory): Promise<void> {
    const partition = this.metadata.image.topicsById.get(topicId)?.partitions[partitionId]
    const index = partition?.replicas.indexOf(this.#context.brokerId) ?? -1
    if (!partition || index < 0 || partition.directories[index] === directory.directoryId) return
    const directories = partition.replicas.map((_, at) =>
      at === index ? directory.directoryId : (partition.directories[at] ?? UNASSIGNED_DIRECTORY),
    )
    const value = { partitionId, topicId, directories }
    await this.metadata.commit([{ type: 'PartitionChangeRecord', value }])
  }

  placement(): NewPlacement {
    return this.#directories.placement(this.#topics.counts())
  }

  /** No record that a producer was told of can have been lost since the last start. */
  get lostNothing(): boolean {
    const { opened } = this.#directories
    return opened.every(({ wasClean, writesSurvived }) => wasClean || writesSurvived)
  }

  /** Why one of the directories cannot be written; undefined when something was, and is gone again. */
  writeProblem(): string | undefined {
    for (const directory of this.#directories.online) {
      const problem = directory.writeProblem()
      if (problem !== undefined) return problem
    }
    return undefined
  }

  async open(): Promise<void> {
    const directories = this.#directories
    await directories.open(this.#options.clusterId)
    const startedAtMs = this.#context.clock.nowMs()
    try {
      const { wasClean, writesSurvived, clusterId, directoryId } = directories.metadata
      const metadata = await this.#options.openMetadata({
        environment: this.#environment,
        directory: directories.metadata.pathOf(METADATA_TOPIC_NAME, 0),
        clusterId,
        directoryId,
        brokerId: this.#context.brokerId,
        isClean: wasClean,
        writesSurvived,
      })
      this.#metadata = metadata
      this.#unsubscribe = metadata.subscribe((records) => {
        this.#topics.follow(metadata.image, records)
        if (!records.some(({ type }) => mayRemoveTopics.has(type))) return
        this.#moves.forgetGone()
        this.#checkpoints.forgetTopics(metadata.image)
      })
      await this.#topics.open(metadata.image)
      if (this.#topics.hasLeft) {
        await this.#checkpoints.writeAll()
        this.#topics.dropLeft()
      }
      await this.#checkpoints.dropGone(metadata.image)
    } catch (error) {
      this.#unsubscribe()
      directories.release()
      throw error
    }
    this.#context.report('info', 'data directory opened', {
      path: directories.all.map(({ path }) => path).join(','),
      clusterId: directories.clusterId,
      wasClean: directories.wasClean,
      tookMs: this.#context.clock.nowMs() - startedAtMs,
    })
    this.#beginMaintenance()
    for (const { log, target } of this.#topics.unfinishedMoves(this.metadata.image)) {
      this.#moves.move(log, target)
    }
  }

  #beginMaintenance(): void {
    const { durability, initialTaskDelayMs: firstMs } = this.#options
    const { retentionCheckIntervalMs, checkpointIntervalMs } = this.#options
    const { producerIdExpirationCheckIntervalMs: expiryMs } = this.#options
    const each = this.#maintenance
    each.every('retention', firstMs, retentionCheckIntervalMs, () => this.runRetention())
    each.every('checkpoint', firstMs, checkpointIntervalMs, () => this.#checkpoints.write())
    if (this.#directories.all.length > 1) {
      each.every('directories', DIRECTORY_CHECK_MS, DIRECTORY_CHECK_MS, () => {
        for (const directory of this.#directories.online) this.#suspect(directory)
      })
    }
    each.every('expiry', expiryMs, expiryMs, () => this.#expireProducers())
    if (this.#options.cleanerEnabled) this.#cleaner.start()
    if (durability.mode === 'interval') {
      const { intervalMs } = durability
      each.every('sync', intervalMs, intervalMs, () => this.#unsynced.flush())
    }
  }

  /** Gives a directory up when nothing can be written to it. */
  #suspect(directory: DataDirectory): void {
    if (this.#closing || !this.#directories.hasFailed(directory)) return
    directory.isOffline = true
    const { path } = directory
    this.#context.report('error', 'data directory failed: what is in it is offline', { path })
    for (const log of this.log.all()) {
      const isInside = this.#directories.holding(log.directory) === directory
      if (isInside) log.goOffline(`the data directory ${path} failed`)
    }
    const { metadata, online } = this.#directories
    const isLast = directory === metadata || online.length === 0
    this.#options.directoryFailed({ path, isLast })
  }

  /** Compacts what is worth it, now, also where log.cleaner.enable is false. */
  runCleaner(): Promise<void> {
    return this.#cleaner.clean()
  }

  /** Removes what is too old or too much, now. */
  runRetention(): void {
    const nowMs = this.#context.clock.nowMs()
    for (const log of this.log.all()) {
      try {
        const removed = retain(log, nowMs)
        if (removed > 0) {
          const { topic, partition, logStartOffset } = log
          const fields = { topic, partition, segments: removed, logStartOffset }
          this.#context.report('info', 'retention removed segments', fields)
        }
      } catch (error) {
        this.#failed('retention', error)
      }
    }
  }

  #failed(task: string, error: unknown): void {
    this.#context.report('error', 'maintenance failed', { task, reason: String(error) })
  }

  #expireProducers(): void {
    const { producerIdExpirationMs } = this.#options
    const nowMs = this.#context.clock.nowMs()
    for (const log of this.log.all()) log.producers.expire(nowMs - producerIdExpirationMs)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#maintenance.stop()
    this.#unsubscribe()
    await this.#cleaner.stop()
    await this.#moves.stop()
    try {
      const unclean = new Set<DataDirectory>()
      const closeLog = (log: Log) =>
        log.close().catch(() => unclean.add(this.#directories.holding(log.directory)))
      await Promise.all([...this.log.all()].map(closeLog))
      await this.#metadata?.close()
      if (!this.#metadata) return
      await this.#checkpoints.write()
      for (const directory of this.#directories.opened) {
        if (!unclean.has(directory)) await directory.markClean(this.#brokerEpoch())
      }
    } finally {
      this.#directories.release()
    }
  }

  #brokerEpoch(): number {
    return this.metadata.image.brokers.get(this.#context.brokerId)?.brokerEpoch ?? -1
  }
}
