import { METADATA_TOPIC_UUID, ZERO_UUID } from '../../base/uuid.ts'
import { decodeBody } from '../../protocol/body.ts'
import { ProtocolError } from '../../protocol/bytes/protocol-error.ts'
import { KRaftVersionRecord, VotersRecord } from '../../protocol/embedded/control-records.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import { batches } from '../../protocol/records/batch.ts'
import { type AppendResult, type LogConfig, StorageError } from '../engine.ts'
import { decodeRecord, encodeRecord } from '../metadata-codec.ts'
import { KRAFT_VERSION, MetadataReplayError, MetadataState } from '../metadata-image.ts'
import type { MetadataRecord, ReplayedRecord } from '../metadata-record.ts'
import type { QuorumImage } from '../metadata-store.ts'
import { METADATA_TOPIC_NAME, PARTITION_METADATA_FILE } from './file-names.ts'
import { type Files, replaceFileDurably } from './files.ts'
import type { ClosableMetadataStore, MetadataStart } from './local-engine-options.ts'
import type { Log } from './log.ts'
import { readLog } from './log-reader.ts'
import { formatPartitionMetadata } from './meta-properties.ts'
import {
  controlBatch,
  leaderChange,
  metadataBatch,
  type QuorumRecords,
  quorumControls,
  standaloneQuorum,
  visitBatch,
} from './metadata-batches.ts'
import { bootstrapRecords, writeBootstrapFile } from './metadata-bootstrap.ts'
import {
  encodeSnapshot,
  listSnapshots,
  type SnapshotId,
  snapshotName,
  visitSnapshot,
  writeSnapshot,
} from './metadata-snapshot.ts'
import { formatQuorumState, parseQuorumState, QUORUM_STATE_FILE } from './quorum-state.ts'
import { openLog, RECOVERY_TURN_MS } from './recovery.ts'
import { LoopTurns } from './turns.ts'

export interface MetadataLogOptions {
  /** metadata.log.max.record.bytes.between.snapshots */
  readonly snapshotBytes?: number
  /** metadata.log.segment.bytes */
  readonly segmentBytes?: number
  /** Feature levels of a new log, by name; see metadata-bootstrap.ts. */
  readonly features?: ReadonlyMap<string, number>
}

const defaults = {
  snapshotBytes: 20 * 1024 * 1024,
  segmentBytes: 64 * 1024 * 1024,
}

type Options = MetadataLogOptions & typeof defaults

const READ_BYTES = 1024 * 1024

/** Where a controller would listen: written into a new log so that Apache Kafka can open it. */
const CONTROLLER_LISTENER = { name: 'CONTROLLER', host: 'localhost', port: 9093 }

/**
 * `__cluster_metadata-0` in KRaft's format (reference: log-storage.md sections 1 and 13): a log of
 * metadata records, begun again in a new leader epoch by every start, and snapshots of the state.
 * Apache Kafka opens what this writes, and the other way round.
 */
export class MetadataLog implements ClosableMetadataStore {
  readonly image = new MetadataState()
  readonly #start: MetadataStart
  readonly #options: Options
  readonly #files: Files
  readonly #listeners = new Set<(records: readonly ReplayedRecord[]) => void>()
  readonly #log: Log
  #quorum: QuorumRecords = {}
  #lastTimestampMs = 0
  #bytesSinceSnapshot = 0
  /** The last commit whose records are on their way to disk; replays follow it in order. */
  #syncing: Promise<void> | undefined
  #snapshotting: Promise<void> | undefined

  private constructor(start: MetadataStart, options: Options, log: Log) {
    this.#start = start
    this.#options = options
    this.#files = start.environment.files
    this.#log = log
  }

  /** Rejects with `StorageError` when the log cannot be read to its end. */
  static async open(start: MetadataStart, given: MetadataLogOptions = {}): Promise<MetadataLog> {
    const options = { ...defaults, ...given }
    const isNew = !start.environment.files.stat(start.directory)
    if (isNew) await formatDirectory(start, options)
    const opened = await openMetadataLog(start, options.segmentBytes)
    const log = new MetadataLog(start, options, opened)
    try {
      await log.#load()
      await log.#lead()
    } catch (error) {
      await log.#log.close().catch(() => undefined)
      throw asStorageError(error, start.directory)
    }
    return log
  }

  commit(entries: readonly MetadataRecord[]): void | Promise<void> {
    const nowMs = this.#start.environment.clock.nowMs()
    const batch = metadataBatch(entries, { timestampMs: nowMs })
    const { baseOffset } = this.#append(batch, nowMs)
    const replayed = entries.map((entry) => decodeRecord(encodeRecord(entry)))
    const { mode } = this.#start.environment.durability
    if (mode === 'sync') return this.#replayWhenDurable(replayed, baseOffset)
    // Soon is enough here, and a failure shows in that the log refuses what comes next.
    if (mode === 'interval') this.#log.flush().catch(() => undefined)
    this.#replay(replayed, baseOffset)
  }

  subscribe(listener: (records: readonly ReplayedRecord[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    await this.#syncing?.catch(() => undefined)
    await this.#snapshotting
    await this.#log.close()
  }

  // ---- commit ----------------------------------------------------------------------------------

  #append(batch: Buffer, nowMs: number): AppendResult {
    const results: AppendResult[] = []
    const item = {
      topicId: METADATA_TOPIC_UUID,
      partition: 0,
      batch,
      origin: 'coordinator',
    } as const
    this.#log.stage(item, 0, nowMs, results)
    this.#log.writeStaged(nowMs)
    const [result] = results
    if (!result || result.errorCode !== ErrorCode.NONE) throw new KafkaError('KAFKA_STORAGE_ERROR')
    this.#bytesSinceSnapshot += batch.length
    this.#lastTimestampMs = nowMs
    return result
  }

  #replayWhenDurable(replayed: readonly ReplayedRecord[], baseOffset: number): Promise<void> {
    const before = this.#syncing
    const durable = this.#log.syncUpTo(baseOffset + replayed.length)
    const done = Promise.all([durable, before]).then(
      () => this.#replay(replayed, baseOffset),
      () => {
        throw new KafkaError('KAFKA_STORAGE_ERROR')
      },
    )
    this.#syncing = done
    const forget = () => {
      if (this.#syncing === done) this.#syncing = undefined
    }
    done.then(forget, forget)
    return done
  }

  #replay(replayed: readonly ReplayedRecord[], baseOffset: number): void {
    for (const [index, record] of replayed.entries()) this.image.replay(record, baseOffset + index)
    for (const listener of this.#listeners) listener(replayed)
    if (this.#bytesSinceSnapshot >= this.#options.snapshotBytes) this.#beginSnapshot()
  }

  // ---- load ------------------------------------------------------------------------------------

  async #load(): Promise<void> {
    const from = this.#loadSnapshot()
    if (this.#log.damage !== undefined) throw new StorageError('corrupt', this.#log.damage)
    if (this.#log.logStartOffset > from) {
      const text =
        `${this.#start.directory} begins at offset ${this.#log.logStartOffset}, but its newest ` +
        `readable snapshot ends at ${from}: metadata is missing between them.`
      throw new StorageError('corrupt', text)
    }
    let offset = from
    while (offset < this.#log.logEndOffset) {
      const read = await readLog(this.#log, {
        offset,
        maxBytes: READ_BYTES,
        endOffset: this.#log.logEndOffset,
        atLeastOneBatch: true,
      })
      this.#bytesSinceSnapshot += read.records.length
      for (const batch of batches(read.records)) {
        this.#lastTimestampMs = batch.maxTimestamp
        visitBatch(batch, {
          record: (record, at) => at >= from && this.image.replay(record, at),
          control: (type, value, at) => this.#visitControl(type, value, at),
        })
      }
      offset = read.nextOffset
      read.release()
    }
  }

  /** The newest snapshot that can be read; older ones hold the same and less. */
  #loadSnapshot(): number {
    const { directory, environment } = this.#start
    for (const id of listSnapshots(this.#files, directory)) {
      const name = snapshotName(id)
      const state = new MetadataState()
      try {
        const bytes = this.#files.readFile(`${directory}/${name}`) ?? Buffer.alloc(0)
        visitSnapshot(bytes, {
          record: (record) => state.replay(record, id.endOffset - 1),
          control: () => undefined,
        })
        visitSnapshot(bytes, {
          record: (record) => this.image.replay(record, id.endOffset - 1),
          control: (type, value) => this.#visitControl(type, value, id.endOffset - 1),
        })
        return id.endOffset
      } catch (error) {
        if (error instanceof ProtocolError) throw error
        environment.report('warn', 'metadata snapshot cannot be read; trying an older one', {
          snapshot: name,
          reason: String(error),
        })
      }
    }
    return 0
  }

  #visitControl(type: string, value: Buffer, offset: number): void {
    this.image.offset = Math.max(this.image.offset, offset)
    if (type === 'LEADER_CHANGE') this.image.dropTransaction()
    if (type === 'KRAFT_VOTERS') {
      this.#quorum = { ...this.#quorum, voters: value }
      this.image.quorum = { ...this.image.quorum, voters: votersOf(value) }
    }
    if (type !== 'KRAFT_VERSION') return
    this.#quorum = { ...this.#quorum, kraftVersion: value }
    const { kRaftVersion } = decodeBody(KRaftVersionRecord, 0, value)
    if (kRaftVersion === 0) this.image.features.delete(KRAFT_VERSION)
    else this.image.features.set(KRAFT_VERSION, kRaftVersion)
  }

  // ---- lead ------------------------------------------------------------------------------------

  /** The only voter elects itself: a new epoch, told by a control batch. */
  async #lead(): Promise<void> {
    const { directory, brokerId: leaderId, environment } = this.#start
    const path = `${directory}/${QUORUM_STATE_FILE}`
    const text = this.#files.readFile(path)?.toString('utf8')
    const seen = text === undefined ? undefined : parseQuorumState(text)
    const lastEpoch = Math.max(seen?.leaderEpoch ?? 0, this.#log.epochs.latest?.epoch ?? 0)
    const isFirst = this.#log.logEndOffset === 0
    this.#log.beginEpoch(lastEpoch + 1)
    const nowMs = environment.clock.nowMs()
    const controls = [leaderChange(leaderId), ...(isFirst ? quorumControls(this.#quorum) : [])]
    const { lastOffset } = this.#append(controlBatch(controls, { timestampMs: nowMs }), nowMs)
    this.image.offset = lastOffset
    const { voters } = this.image.quorum
    const itself = { voterId: leaderId, directoryId: ZERO_UUID, listeners: [] }
    this.image.quorum = {
      leaderId,
      leaderEpoch: lastEpoch + 1,
      voters: voters.length > 0 ? voters : [itself],
    }
    // A directory that Kafka has run with static voters knows its epoch from this file alone.
    await replaceFileDurably(
      this.#files,
      path,
      formatQuorumState({ leaderId, leaderEpoch: lastEpoch + 1 }),
    )
    if (this.image.inTransaction) await this.commit([{ type: 'AbortTransactionRecord', value: {} }])
    if (this.image.features.has('metadata.version')) return
    await this.commit(bootstrapRecords(this.#options.features))
  }

  // ---- snapshots -------------------------------------------------------------------------------

  #beginSnapshot(): void {
    if (this.#snapshotting || this.image.inTransaction) return
    this.#bytesSinceSnapshot = 0
    this.#snapshotting = this.#snapshot()
      .catch((error: unknown) => {
        const fields = { reason: String(error) }
        this.#start.environment.report('error', 'metadata snapshot cannot be written', fields)
      })
      .finally(() => {
        this.#snapshotting = undefined
      })
  }

  /** Writes the state as it is now, then lets go of the log before it. */
  async #snapshot(): Promise<void> {
    const nowMs = this.#start.environment.clock.nowMs()
    const id = { endOffset: this.image.offset + 1, epoch: this.#log.leaderEpoch }
    const content = encodeSnapshot(
      {
        records: this.image.snapshotRecords(),
        quorum: this.#quorum,
        lastTimestampMs: this.#lastTimestampMs,
      },
      { epoch: id.epoch, nowMs },
    )
    // A new segment begins where the snapshot ends, so that all before can go as a whole.
    const canTrim = this.#log.logEndOffset === id.endOffset
    if (canTrim && this.#log.active.sizeBytes > 0) this.#log.roll(nowMs)
    await this.#log.flush()
    await writeSnapshot(this.#files, this.#start.directory, id, content)
    if (canTrim) this.#trim(id)
  }

  #trim(id: SnapshotId): void {
    const { directory, environment } = this.#start
    const count = this.#log.segments.findIndex(({ baseOffset }) => baseOffset >= id.endOffset)
    if (count > 0) this.#log.removeSegments(count)
    for (const old of listSnapshots(environment.files, directory)) {
      if (old.endOffset < id.endOffset) {
        environment.files.removeFile(`${directory}/${snapshotName(old)}`)
      }
    }
  }
}

/** What `kafka-storage format --standalone` writes besides meta.properties. */
async function formatDirectory(
  { environment, directory, brokerId, directoryId }: MetadataStart,
  { features }: Options,
): Promise<void> {
  const { files, clock } = environment
  const nowMs = clock.nowMs()
  await writeBootstrapFile(files, directory, { features, nowMs })
  const quorum = standaloneQuorum({ voterId: brokerId, directoryId, listener: CONTROLLER_LISTENER })
  const content = { records: [], quorum, lastTimestampMs: nowMs }
  const bytes = encodeSnapshot(content, { epoch: 0, nowMs })
  files.makeDirectory(directory)
  files.writeFile(
    `${directory}/${PARTITION_METADATA_FILE}`,
    formatPartitionMetadata(METADATA_TOPIC_UUID),
  )
  await writeSnapshot(files, directory, { endOffset: 0, epoch: 0 }, bytes)
}

function votersOf(record: Buffer): QuorumImage['voters'] {
  const { voters } = decodeBody(VotersRecord, 0, record)
  return voters.map(({ voterId, voterDirectoryId, endpoints }) => ({
    voterId,
    directoryId: voterDirectoryId,
    listeners: endpoints,
  }))
}

/** The metadata log is trimmed by snapshots alone. */
function logConfig(segmentBytes: number): LogConfig {
  return {
    segmentBytes,
    segmentMs: Number.MAX_SAFE_INTEGER,
    segmentJitterMs: 0,
    segmentIndexBytes: 10 * 1024 * 1024,
    indexIntervalBytes: 4096,
    retentionMs: -1,
    retentionBytes: -1,
    cleanupDelete: false,
    cleanupCompact: false,
    deleteRetentionMs: 0,
    minCompactionLagMs: 0,
    maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
    minCleanableDirtyRatio: 1,
    fileDeleteDelayMs: 60_000,
    flushMessages: Number.MAX_SAFE_INTEGER,
    flushMs: Number.MAX_SAFE_INTEGER,
    preallocate: false,
  }
}

function asStorageError(error: unknown, directory: string): unknown {
  if (error instanceof ProtocolError) {
    const text = `${directory} was written by a newer release: ${error.message}`
    return new StorageError('newer-format', text, { cause: error })
  }
  if (error instanceof MetadataReplayError || error instanceof KafkaError) {
    const text = `${directory} cannot be replayed: ${error.message}`
    return new StorageError('corrupt', text, { cause: error })
  }
  return error
}

function openMetadataLog(start: MetadataStart, segmentBytes: number): Log | Promise<Log> {
  const spec = {
    topic: METADATA_TOPIC_NAME,
    topicId: METADATA_TOPIC_UUID,
    partition: 0,
    directory: start.directory,
    config: logConfig(segmentBytes),
    leaderEpoch: 0,
    recoveryPoint: 0,
    logStartOffset: 0,
    cleanerOffset: 0,
    isClean: start.isClean,
    writesSurvived: start.writesSurvived,
    ownerWasDohle: false,
  }
  return openLog(start.environment, spec, new LoopTurns(RECOVERY_TURN_MS))
}
