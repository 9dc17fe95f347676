import { UNASSIGNED_DIRECTORY, type Uuid } from '../../base/uuid.ts'
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
import { Cleaner, type CleanerSettings, defaultCleanerSettings } from './cleaner.ts'
import { LocalCoordinatorStore } from './coordinator-store.ts'
import type { DataDirectory } from './data-directory.ts'
import { METADATA_TOPIC_NAME } from './file-names.ts'
import { type Files, parentOf } from './files.ts'
import { LocalLogStore } from './local-log-store.ts'
import type { Log } from './log.ts'
import { LogDirectories } from './log-directories.ts'
import type { Durability, LogEnvironment } from './log-environment.ts'
import { TailBudget } from './log-tail.ts'
import { Maintenance } from './maintenance.ts'
import { NameSync } from './name-sync.ts'
import { OpenFiles } from './open-files.ts'
import { type MoveSettings, PartitionMoves } from './partition-moves.ts'
import { RECOVERY_TURN_MS } from './recovery.ts'
import { ResidentIndexes } from './resident-indexes.ts'
import { retain } from './retention.ts'
import { isMissing, TopicLogs } from './topic-logs.ts'
import { LoopTurns, type Turns } from './turns.ts'

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

/** As often as Kafka writes its high watermarks, which is how it finds out. */
const DIRECTORY_CHECK_MS = 5_000

const mayRemoveTopics = new Set<string>(['RemoveTopicRecord', 'EndTransactionRecord'])

const defaults = {
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

/**
 * The engine over one directory, in Kafka's own on-disk format (reference: log-storage.md): what it
 * writes Apache Kafka opens, and the other way round.
 */
export class LocalEngine implements StorageEngine {
  readonly log: LocalLogStore
  readonly groups: LocalCoordinatorStore
  readonly transactions: LocalCoordinatorStore
  readonly #options: LocalEngineOptions & typeof defaults
  readonly #context: EngineContext
  readonly #environment: LogEnvironment
  readonly #directories: LogDirectories
  readonly #topics: TopicLogs
  readonly #maintenance: Maintenance
  readonly #cleaner: Cleaner
  readonly #moves: PartitionMoves
  /** Logs with bytes that no sync covers, in the modes that care. */
  readonly #unsynced = new Set<Log>()
  #isWatchingUnsynced = false
  #metadata: ClosableMetadataStore | undefined
  #unsubscribe: () => void = () => undefined
  #closing: Promise<void> | undefined

  constructor(files: Files, options: LocalEngineOptions, context: EngineContext) {
    this.#options = { ...defaults, ...options }
    this.#context = context
    this.#maintenance = new Maintenance(context.clock)
    const { dataDir, otherDataDirs = [], metadataDir } = options
    const paths = { dataDirs: [dataDir, ...otherDataDirs], metadataDir }
    this.#directories = new LogDirectories(files, paths, context)
    this.log = new LocalLogStore({
      syncsAppends: options.durability.mode === 'sync',
      logStartRaised: (log) => this.#checkpointLogStarts(log),
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
    const { cleanerSettings, cleanerTurns } = this.#options
    this.#cleaner = new Cleaner({
      environment: this.#environment,
      logs: () => this.log.all(),
      settings: cleanerSettings,
      writeCheckpoint: () =>
        this.#inEach((directory) => directory.writeCleanerOffsets(this.#cleanerOffsets(directory))),
      writeRecoveryPoints: () =>
        this.#inEach((directory) => directory.writeRecoveryPoints(this.#recoveryPoints(directory))),
      ...(cleanerTurns && { turns: cleanerTurns }),
    })
    this.#moves = new PartitionMoves({
      environment: this.#environment,
      directories: this.#directories,
      settings: this.#options.moveSettings,
      assign: (log, directory) => this.#assign(log, directory),
      checkpoint: () => this.#inEach((directory) => this.#writeAllCheckpoints(directory)),
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
      this.#watchUnsynced()
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
        if (records.some(({ type }) => mayRemoveTopics.has(type))) this.#forgetTopics()
      })
      await this.#topics.open(metadata.image)
      if (this.#topics.hasLeft) {
        await this.#inEach((directory) => this.#writeAllCheckpoints(directory))
        this.#topics.dropLeft()
      }
      const { online } = directories
      const speakOfOthers = (topics: (one: DataDirectory) => ReadonlySet<string>) =>
        online.some((one) => this.#hasForgotten(topics(one)))
      if (speakOfOthers((one) => one.checkpointedTopics)) await this.#checkpoint()
      if (speakOfOthers((one) => one.compactedTopics)) await this.#cleaner.writeCheckpoint()
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
    each.every('checkpoint', firstMs, checkpointIntervalMs, () => this.#checkpoint())
    if (this.#directories.all.length > 1) {
      each.every('directories', DIRECTORY_CHECK_MS, DIRECTORY_CHECK_MS, () => {
        for (const directory of this.#directories.online) this.#suspect(directory)
      })
    }
    each.every('expiry', expiryMs, expiryMs, () => this.#expireProducers())
    if (this.#options.cleanerEnabled) this.#cleaner.start()
    if (durability.mode === 'interval') {
      const { intervalMs } = durability
      each.every('sync', intervalMs, intervalMs, () => this.#flushAll(this.#unsynced))
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

  async #flushAll(logs: Set<Log>): Promise<void> {
    const due = [...logs]
    logs.clear()
    // A log that cannot be synced has reported it and refuses writes.
    await Promise.allSettled(due.map((log) => log.flush()))
  }

  /** A broker without work has no timer for this. */
  #watchUnsynced(): void {
    if (this.#isWatchingUnsynced) return
    this.#isWatchingUnsynced = true
    this.#maintenance.after('flush', this.#options.flushCheckIntervalMs, async () => {
      await this.#flushOld()
      this.#isWatchingUnsynced = false
      if (this.#unsynced.size > 0) this.#watchUnsynced()
    })
  }

  /** flush.ms of topics: what was appended longer ago than that is synced. */
  async #flushOld(): Promise<void> {
    const nowMs = this.#context.clock.nowMs()
    const due = new Set<Log>()
    for (const log of this.#unsynced) {
      if (log.isGone || !log.hasUnsynced) this.#unsynced.delete(log)
      else if (nowMs - log.active.modifiedMs >= log.config.flushMs) due.add(log)
    }
    await this.#flushAll(due)
  }

  #expireProducers(): void {
    const { producerIdExpirationMs } = this.#options
    const nowMs = this.#context.clock.nowMs()
    for (const log of this.log.all()) log.producers.expire(nowMs - producerIdExpirationMs)
  }

  #hasForgotten(topics: ReadonlySet<string>): boolean {
    const { topicsByName } = this.metadata.image
    return [...topics].some((name) => !topicsByName.has(name))
  }

  /** A topic that gets the name of one just deleted must not be told where that one began. */
  #forgetTopics(): void {
    this.#moves.forgetGone()
    const { online } = this.#directories
    if (online.some(({ compactedTopics }) => this.#hasForgotten(compactedTopics))) {
      void this.#cleaner.writeCheckpoint()
    }
    const speaking = online.filter(({ checkpointedTopics: of }) => this.#hasForgotten(of))
    if (speaking.length === 0) return
    try {
      for (const directory of speaking) {
        directory.forgetTopics({
          recoveryPoints: this.#recoveryPoints(directory),
          logStartOffsets: this.#raisedLogStarts(directory),
        })
      }
    } catch (error) {
      this.#failed('checkpoint of deleted topics', error)
    }
    if (this.#options.durability.mode !== 'os') void this.#checkpoint()
  }

  async #checkpoint(): Promise<void> {
    for (const directory of this.#directories.online) {
      try {
        await this.#writeCheckpoints(directory)
      } catch (error) {
        this.#failed('checkpoint', error)
        this.#suspect(directory)
      }
    }
  }

  async #writeCheckpoints(directory: DataDirectory): Promise<void> {
    await directory.writeCheckpoints({
      recoveryPoints: this.#recoveryPoints(directory),
      highWatermarks: this.#offsets(directory, (log) => log.highWatermark),
      logStartOffsets: this.#raisedLogStarts(directory),
    })
  }

  /** Those of the cleaner, too, which are written at other times. */
  async #writeAllCheckpoints(directory: DataDirectory): Promise<void> {
    await this.#writeCheckpoints(directory)
    await directory.writeCleanerOffsets(this.#cleanerOffsets(directory))
  }

  /** A start that a client raised must not come back after a crash. */
  #checkpointLogStarts(log: Log): void | Promise<void> {
    const directory = this.#directories.holding(log.directory)
    const entries = this.#raisedLogStarts(directory)
    const failed = (error: unknown) => {
      this.#failed('checkpoint of log starts', error)
      throw error
    }
    if (this.#options.durability.mode === 'sync') {
      return directory.writeLogStartOffsetsDurably(entries).catch(failed)
    }
    try {
      directory.writeLogStartOffsets(entries)
    } catch (error) {
      failed(error)
    }
  }

  /** Each directory writes one file after the other, in the order in which it was told to. */
  async #inEach(work: (directory: DataDirectory) => Promise<void>): Promise<void> {
    await Promise.all(this.#directories.online.map(work))
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
    const isOnly = this.#directories.all.length === 1
    const entries = []
    for (const log of this.log.all()) {
      if (!log.isMaterialised) continue
      const isHere = isOnly || this.#directories.holding(log.directory) === directory
      if (!isHere && !(withMoving && this.#moves.isMoving(log))) continue
      const offset = offsetOf(log)
      const { topic, partition } = log
      if (offset >= 0) entries.push({ topic, partition, offset })
    }
    return entries
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
      await this.#checkpoint()
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
