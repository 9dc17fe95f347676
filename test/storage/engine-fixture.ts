import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VirtualClock } from '../../src/base/clock.ts'
import type { Uuid } from '../../src/base/uuid.ts'
import type {
  AppendItem,
  AppendResult,
  IsolationLevel,
  LogConfig,
  ReadResult,
} from '../../src/storage/engine.ts'
import type { Files } from '../../src/storage/local/files.ts'
import { LocalEngine } from '../../src/storage/local/local-engine.ts'
import type { LocalEngineOptions } from '../../src/storage/local/local-engine-options.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { NodeFiles } from '../../src/storage/local/node-files.ts'
import { valuesOf, visibleValuesOf } from './batches.ts'
import { VolatileMetadata } from './volatile-metadata.ts'

/** Near the real time, as files on a disk bear that. */
export const NOW_MS = Date.now()
export const TOPIC: Uuid = 'topic-id-of-test'

export const defaultLogConfig: LogConfig = {
  segmentBytes: 1024 * 1024 * 1024,
  segmentMs: 604_800_000,
  segmentJitterMs: 0,
  segmentIndexBytes: 10_485_760,
  indexIntervalBytes: 4096,
  retentionMs: 604_800_000,
  retentionBytes: -1,
  cleanupDelete: true,
  cleanupCompact: false,
  deleteRetentionMs: 86_400_000,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  minCleanableDirtyRatio: 0.5,
  fileDeleteDelayMs: 60_000,
  flushMessages: Number.MAX_SAFE_INTEGER,
  flushMs: Number.MAX_SAFE_INTEGER,
  preallocate: false,
}

export interface Report {
  readonly level: string
  readonly message: string
  readonly fields: object
}

/** One directory with engines over it, one at a time. */
export class EngineFixture {
  readonly clock: VirtualClock
  readonly metadata: VolatileMetadata
  readonly reports: Report[] = []
  readonly dataDir: string
  files: Files
  config: LogConfig
  options: Partial<LocalEngineOptions>
  engine: LocalEngine

  constructor(
    files: Files,
    dataDir: string,
    setup: {
      config?: Partial<LogConfig>
      options?: Partial<LocalEngineOptions>
      metadata?: VolatileMetadata
      clock?: VirtualClock
    } = {},
  ) {
    this.clock = setup.clock ?? new VirtualClock(NOW_MS)
    this.metadata = setup.metadata ?? new VolatileMetadata()
    this.files = files
    this.dataDir = dataDir
    this.config = { ...defaultLogConfig, ...setup.config }
    this.options = setup.options ?? {}
    this.engine = this.#makeEngine()
  }

  #makeEngine(): LocalEngine {
    return new LocalEngine(
      this.files,
      {
        dataDir: this.dataDir,
        durability: { mode: 'os' },
        openMetadata: async () => this.metadata,
        random: () => 0,
        ...this.options,
      },
      {
        brokerId: 1,
        clock: this.clock,
        topicConfig: () => this.config,
        report: (level, message, fields = {}) => {
          this.reports.push({ level, message, fields })
        },
      },
    )
  }

  async open(): Promise<this> {
    await this.engine.open()
    return this
  }

  async createTopic(partitions = 1): Promise<this> {
    this.metadata.createTopic('topic', TOPIC, partitions)
    return this
  }

  /** A clean restart. */
  async restart(): Promise<void> {
    await this.engine.close()
    await this.reopen()
  }

  /** A new engine over whatever is in the directory; the old one is left as it stood. */
  async reopen(files: Files = this.files): Promise<void> {
    this.files = files
    this.engine = this.#makeEngine()
    await this.engine.open()
  }

  async append(batch: Uint8Array, item: Partial<AppendItem> = {}): Promise<AppendResult> {
    const [result] = await this.engine.log.append(
      [{ topicId: TOPIC, partition: 0, origin: 'client', batch, ...item }],
      { nowMs: this.clock.nowMs() },
    )
    if (!result) throw new Error('append without a result')
    return result
  }

  async readOne(
    offset: number,
    maxBytes = 1024 * 1024,
    isolation: IsolationLevel = 'read_uncommitted',
    partition = 0,
  ): Promise<ReadResult> {
    const [result] = await this.engine.log.read([{ topicId: TOPIC, partition, offset, maxBytes }], {
      isolation,
      maxBytes,
      atLeastOneBatch: true,
    })
    if (!result) throw new Error('read without a result')
    return result
  }

  /** All values from the log start to the end, in as many reads as it takes. */
  async readAll(partition = 0, isolation: IsolationLevel = 'read_uncommitted', maxBytes?: number) {
    const { logStartOffset } = this.engine.log.bounds({ topicId: TOPIC, partition })
    const all: { offset: number; value: string }[] = []
    for (let offset = logStartOffset; ; ) {
      const result = await this.readOne(offset, maxBytes, isolation, partition)
      if (result.errorCode !== 0) throw new Error(`read failed with ${result.errorCode}`)
      if (result.records.length === 0) return all
      const next = nextOffsetOf(result.records)
      all.push(...valuesOf(result.records).filter((record) => record.offset >= offset))
      result.release()
      offset = next
    }
  }

  /** What a consumer shows to its user until a read fails: aborted records are left out. */
  async readVisible(partition: number, isolation: IsolationLevel) {
    const { logStartOffset } = this.engine.log.bounds({ topicId: TOPIC, partition })
    const records: { offset: number; value: string }[] = []
    for (let offset = logStartOffset; ; ) {
      const result = await this.readOne(offset, undefined, isolation, partition)
      const { errorCode, abortedTransactions } = result
      if (errorCode !== 0 || result.records.length === 0) return { errorCode, records }
      const next = nextOffsetOf(result.records)
      const visible = visibleValuesOf(result.records, abortedTransactions ?? [])
      records.push(...visible.filter((record) => record.offset >= offset))
      result.release()
      if (next <= offset) return { errorCode: -1, records }
      offset = next
    }
  }
}

function nextOffsetOf(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  let next = 0
  for (let at = 0; at < buffer.length; at += buffer.readInt32BE(at + 8) + 12) {
    next = Number(buffer.readBigInt64BE(at)) + buffer.readInt32BE(at + 23) + 1
  }
  return next
}

export interface Backend {
  readonly name: string
  readonly files: Files
  readonly dataDir: string
  cleanUp(): void
}

export const backends: readonly { readonly name: string; make(): Backend }[] = [
  {
    name: 'memory-files',
    make: () => ({
      name: 'memory-files',
      files: new MemoryFiles(() => NOW_MS),
      dataDir: '/data',
      cleanUp: () => undefined,
    }),
  },
  {
    name: 'node-files',
    make: () => {
      const root = mkdtempSync(join(tmpdir(), 'dohle-storage-'))
      return {
        name: 'node-files',
        files: new NodeFiles(),
        dataDir: join(root, 'data'),
        cleanUp: () => rmSync(root, { recursive: true, force: true }),
      }
    },
  },
]
