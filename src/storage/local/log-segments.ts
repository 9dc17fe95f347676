import { assert } from '../../base/assert.ts'
import type { Uuid } from '../../base/uuid.ts'
import type { LogConfig } from '../engine.ts'
import { formatEpochCheckpoint } from './checkpoint-file.ts'
import {
  DELETED_SUFFIX,
  LEADER_EPOCH_FILE,
  offsetName,
  PARTITION_METADATA_FILE,
  SNAPSHOT_SUFFIX,
  SWAP_SUFFIX,
} from './file-names.ts'
import { replaceFile, syncFile } from './files.ts'
import type { LeaderEpochs } from './leader-epochs.ts'
import type { LogEnvironment } from './log-environment.ts'
import { formatPartitionMetadata } from './meta-properties.ts'
import { encodeProducerSnapshot } from './producer-snapshot.ts'
import type { ProducerState } from './producer-state.ts'
import { Segment } from './segment.ts'

export interface LogSegmentsOptions {
  readonly environment: LogEnvironment
  readonly topicId: Uuid
  readonly directory: string
  /** In order; at least one. The last one is active. */
  readonly segments: Segment[]
  readonly epochs: LeaderEpochs
  /** The directory is there. */
  readonly isMaterialised: boolean
  /** Offsets of the producer snapshots that are in it. */
  readonly snapshotOffsets: readonly number[]
}

/** The directory of one log: its segments, and the small files beside them. Knows no offsets. */
export class LogSegments {
  /** Oldest first; never empty. */
  readonly list: Segment[]
  directory: string
  /** Bytes of the segments that were rolled since the log was opened. */
  rolledBytes = 0
  readonly #environment: LogEnvironment
  readonly #topicId: Uuid
  readonly #epochs: LeaderEpochs
  #isMaterialised: boolean
  #inactiveBytes = 0
  #areEpochsUnwritten = false
  #areNamesUnsynced = false
  #directoryChange = 0
  #lastSnapshotOffset = -1
  /** Those in the directory, so that nobody has to look there. */
  readonly #snapshotOffsets: Set<number>

  constructor(options: LogSegmentsOptions) {
    this.#environment = options.environment
    this.#topicId = options.topicId
    this.directory = options.directory
    this.list = options.segments
    this.#epochs = options.epochs
    this.#isMaterialised = options.isMaterialised
    this.#snapshotOffsets = new Set(options.snapshotOffsets)
    this.#countInactiveBytes()
  }

  get active(): Segment {
    return this.list.at(-1)!
  }

  get sizeBytes(): number {
    return this.#inactiveBytes + this.active.sizeBytes
  }

  get isMaterialised(): boolean {
    return this.#isMaterialised
  }

  get hasUnsynced(): boolean {
    return this.#areNamesUnsynced || this.list.some(({ isUnsynced }) => isUnsynced)
  }

  /** Base of the first segment that takes no more batches and whose indexes are not durable yet. */
  get firstUnsyncedBase(): number {
    const unsynced = this.list.find(({ hasUnsyncedIndexes }) => hasUnsyncedIndexes)
    return unsynced?.baseOffset ?? Number.POSITIVE_INFINITY
  }

  /** A log may have thousands of segments, and its size is asked for with every fetch. */
  #countInactiveBytes(): void {
    this.#inactiveBytes = this.list.slice(0, -1).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  /** The directory is made with the first record: 1,000 topics are created without a system call. */
  materialise(config: LogConfig): void {
    if (this.#isMaterialised) return
    const { files } = this.#environment
    const holdsData = this.active.storedBytes() > 0
    // Only when someone put it there since the start, which found none.
    if (holdsData) throw new Error(`${this.directory} is that of a new partition, but holds data`)
    files.makeDirectory(this.directory)
    // Before any data, so that no data can ever be taken for that of another topic.
    files.writeFile(this.#path(PARTITION_METADATA_FILE), formatPartitionMetadata(this.#topicId))
    files.writeFile(this.#path(LEADER_EPOCH_FILE), formatEpochCheckpoint(this.#epochs.entries))
    this.#areEpochsUnwritten = false
    this.active.create(preallocatedBytes(config))
    this.#isMaterialised = true
    this.#areNamesUnsynced = true
    this.#directoryChange = this.#environment.namesBeside(this.directory).changed()
  }

  /** Leader epochs changed in memory; they are written before the next start needs them. */
  epochsChanged(): void {
    this.#areEpochsUnwritten = true
  }

  #writeEpochs(): void {
    const content = formatEpochCheckpoint(this.#epochs.entries)
    replaceFile(this.#environment.files, this.#path(LEADER_EPOCH_FILE), content)
    this.#areEpochsUnwritten = false
  }

  /**
   * A new active segment at `baseOffset`, where the log ends. Throws when its files cannot be made;
   * then nothing has changed.
   */
  roll(baseOffset: number, producers: ProducerState, config: LogConfig, nowMs: number): void {
    this.materialise(config)
    const { active } = this
    const segment = this.#newSegment(baseOffset, config, nowMs)
    try {
      segment.create(preallocatedBytes(config))
      this.writeSnapshot(baseOffset, producers)
      active.closeTimeIndex()
      active.writeIndexes()
      active.trim()
      if (this.#areEpochsUnwritten) this.#writeEpochs()
    } catch (error) {
      // A smaller batch may still go into the old segment; an empty one must not begin before it.
      segment.remove()
      throw error
    }
    this.rolledBytes += active.sizeBytes
    // Its indexes are files only now, and no start will build them again once all is synced.
    active.isUnsynced = true
    active.hasUnsyncedIndexes = true
    active.makeIndexesEvictable()
    this.list.push(segment)
    this.#countInactiveBytes()
    this.#areNamesUnsynced = true
  }

  #newSegment(baseOffset: number, config: LogConfig, nowMs: number): Segment {
    const { openFiles, buffers, residentIndexes, random } = this.#environment
    return new Segment({
      openFiles,
      buffers,
      residentIndexes,
      directory: this.directory,
      baseOffset,
      sizeBytes: 0,
      modifiedMs: nowMs,
      jitterMs: random() * Math.min(config.segmentJitterMs, config.segmentMs),
      indexIntervalBytes: config.indexIntervalBytes,
    })
  }

  /** State of producers as of `offset`, so that a start need not read what is below. */
  writeSnapshot(offset: number, producers: ProducerState): void {
    if (offset === this.#lastSnapshotOffset) return
    const content = encodeProducerSnapshot(producers.entries())
    // One that did not get whole is found by its checksum, and taken for none.
    this.#environment.files.writeFile(this.#path(snapshotName(offset)), content)
    this.#lastSnapshotOffset = offset
    this.#snapshotOffsets.add(offset)
  }

  /**
   * Makes all that was written up to now durable. What is appended meanwhile may not be covered,
   * and counts as unsynced again.
   */
  async sync(): Promise<void> {
    for (const segment of this.list.filter(({ isUnsynced }) => isUnsynced)) {
      if (!this.list.includes(segment)) continue
      segment.isUnsynced = false
      await segment.log.withPin((file) => file.datasync())
      if (segment === this.active) continue
      await segment.syncIndexes()
      segment.hasUnsyncedIndexes = false
    }
    if (!this.#areNamesUnsynced) return
    this.#areNamesUnsynced = false
    await this.#environment.files.syncDirectory(this.directory)
    await this.#environment.namesBeside(this.directory).upTo(this.#directoryChange)
  }

  /** Takes the oldest `count` segments away: renamed now, removed `delayMs` later. */
  removeOldest(count: number, delayMs: number): void {
    assert(count < this.list.length, 'an active segment to stay')
    const removed = this.list.splice(0, count)
    this.#countInactiveBytes()
    for (const segment of removed) this.#setAside(segment, delayMs)
  }

  /**
   * Puts a compacted segment in the place of `sources`. Its files are there, durable, and have the
   * suffix `.cleaned`. A start after a crash in the middle finds all of the old files, or all of the
   * new ones with the suffix `.swap` and finishes the work. Throws when names cannot be changed.
   */
  replace(sources: readonly Segment[], compacted: Segment, delayMs: number): void {
    compacted.rename(SWAP_SUFFIX)
    this.list.splice(this.list.indexOf(sources[0]!), sources.length, compacted)
    this.#countInactiveBytes()
    this.#areNamesUnsynced = true
    for (const source of sources) {
      source.wasReplaced = true
      this.#setAside(source, delayMs, { keepsSnapshot: source === sources[0] })
    }
    compacted.rename('')
  }

  /** Only names, as they are now, become durable. */
  async syncNames(): Promise<void> {
    await this.#environment.files.syncDirectory(this.directory)
  }

  #setAside(segment: Segment, delayMs: number, { keepsSnapshot = false } = {}): void {
    const { files, clock } = this.#environment
    segment.log.makeReadOnly()
    segment.close()
    const removed = segment.fileNames().map((name) => name + DELETED_SUFFIX)
    segment.rename(DELETED_SUFFIX)
    if (!keepsSnapshot && this.#snapshotOffsets.delete(segment.baseOffset)) {
      const snapshot = snapshotName(segment.baseOffset)
      files.rename(this.#path(snapshot), this.#path(snapshot + DELETED_SUFFIX))
      removed.push(snapshot + DELETED_SUFFIX)
    }
    clock.schedule(delayMs, () => {
      for (const name of removed) files.removeFile(this.#path(name))
    })
  }

  /** All that a start without a look at the records needs. Call `sync` afterwards. */
  async writeForCleanStart(endOffset: number, producers: ProducerState): Promise<void> {
    if (this.#areEpochsUnwritten) this.#writeEpochs()
    // An active segment that nobody wrote to is as the last stop left it.
    if (this.active.hasChanged) this.active.closeTimeIndex()
    for (const segment of this.list) segment.writeIndexes()
    this.active.trim()
    if (endOffset === 0) return
    if (!this.#snapshotOffsets.has(endOffset)) {
      this.writeSnapshot(endOffset, producers)
      if (producers.size > 0) {
        await syncFile(this.#environment.files, this.#path(snapshotName(endOffset)))
        this.#areNamesUnsynced = true
      }
    }
    this.#removeOldSnapshots(endOffset)
  }

  /** Only those at the base of a segment, and the newest one, are of use. */
  #removeOldSnapshots(endOffset: number): void {
    const bases = new Set(this.list.map(({ baseOffset }) => baseOffset))
    for (const offset of this.#snapshotOffsets) {
      if (offset === endOffset || bases.has(offset)) continue
      this.#environment.files.removeFile(this.#path(snapshotName(offset)))
      this.#snapshotOffsets.delete(offset)
    }
  }

  #path(name: string): string {
    return `${this.directory}/${name}`
  }

  close(): void {
    for (const segment of this.list) segment.close()
  }

  /** The files are in another directory, with the same bytes; the last of them may not be durable. */
  relocate(directory: string): void {
    this.directory = directory
    for (const segment of this.list) segment.moveTo(directory)
    if (!this.#isMaterialised) return
    this.active.isUnsynced = true
    this.#areNamesUnsynced = true
    this.#directoryChange = this.#environment.namesBeside(directory).changed()
  }

  /** Of the producer snapshots that are in the directory. */
  get snapshotOffsets(): ReadonlySet<number> {
    return this.#snapshotOffsets
  }

  /** The directory was renamed. */
  moveTo(directory: string): void {
    this.close()
    this.directory = directory
    for (const segment of this.list) segment.moveTo(directory)
  }
}

function preallocatedBytes({ preallocate, segmentBytes }: LogConfig): number {
  return preallocate ? segmentBytes : 0
}

function snapshotName(offset: number): string {
  return offsetName(offset) + SNAPSHOT_SUFFIX
}
