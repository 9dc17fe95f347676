import type { Files } from '../../src/storage/local/files.ts'
import type { Log } from '../../src/storage/local/log.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { markerOf } from './batches.ts'
import {
  batchesLeft,
  committedLeft,
  type Keyed,
  keyedBatch,
  type LeftRecord,
  recordsLeft,
  StepTurns,
} from './compacted-log.ts'
import { randomOf } from './crash-files.ts'
import { EngineFixture, TOPIC } from './engine-fixture.ts'

const DELETE_RETENTION_MS = 10_000
const PRODUCERS = 3

interface Written extends Keyed {
  readonly writtenMs: number
  fate: 'committed' | 'aborted' | 'open'
}

interface Producer {
  readonly id: number
  sequence: number
  /** Offsets of the open transaction. */
  open: number[] | undefined
}

export interface StoryOptions {
  readonly files?: Files
  /** Several stories may be told in one directory, one in each partition. */
  readonly fixture?: EngineFixture
  readonly partition?: number
  /** Share of records without a key, which compaction drops. */
  readonly keyless?: number
}

/** A topic under random writes and compactions, and a list of all that was ever written to it. */
export class CompactedStory {
  readonly random: () => number
  readonly turns = new StepTurns()
  readonly fixture: EngineFixture
  readonly partition: number
  readonly #keyless: number
  readonly written = new Map<number, Written>()
  readonly producers: Producer[] = []
  /** Everything below was compacted once. */
  cleanedTo = 0

  constructor(seed: number, options: StoryOptions = {}) {
    this.random = randomOf(seed)
    this.partition = options.partition ?? 0
    this.#keyless = options.keyless ?? 0
    const files = options.files ?? new MemoryFiles(() => this.fixture.clock.nowMs())
    this.fixture = options.fixture ?? this.#makeFixture(files)
    for (let index = 0; index < PRODUCERS; index++) {
      this.producers.push({ id: 100 + index, sequence: 0, open: undefined })
    }
  }

  #makeFixture(files: Files): EngineFixture {
    const { random } = this
    return new EngineFixture(files, '/data', {
      config: {
        segmentBytes: 300 + Math.floor(random() * 1_000),
        indexIntervalBytes: 150,
        cleanupCompact: true,
        cleanupDelete: false,
        minCleanableDirtyRatio: random() < 0.5 ? 0 : 0.3,
        deleteRetentionMs: DELETE_RETENTION_MS,
        fileDeleteDelayMs: random() < 0.5 ? 0 : 60_000,
      },
      options: {
        cleanerEnabled: false,
        cleanerTurns: this.turns,
        cleanerSettings: () => ({
          threads: 1,
          // Down to a map of a few keys, so that one cleaning does not get to the end.
          dedupeBufferBytes: random() < 0.3 ? 24 * 5 : 1024 * 1024,
          ioBufferBytes: 1,
          ioBufferLoadFactor: 0.9,
          ioBytesPerSecond: Number.MAX_VALUE,
          backoffMs: 15_000,
        }),
      },
    })
  }

  get #at() {
    return { topicId: TOPIC, partition: this.partition }
  }

  get log(): Log {
    return this.fixture.engine.log.find(this.#at)!
  }

  pick(count: number): number {
    return Math.floor(this.random() * count)
  }

  async step(): Promise<void> {
    const kind = this.random()
    if (kind < 0.45) await this.write(undefined, false)
    else if (kind < 0.6) await this.write(this.producers[this.pick(2)], false)
    else if (kind < 0.75) await this.write(this.producers[this.pick(PRODUCERS)], true)
    else if (kind < 0.88) await this.end(this.producers[this.pick(PRODUCERS)]!)
    else this.fixture.clock.advance(this.pick(6_000))
  }

  async write(producer: Producer | undefined, transactional: boolean): Promise<void> {
    // Only one kind of write within a transaction.
    if (producer?.open !== undefined && !transactional) return
    const list: Keyed[] = Array.from({ length: 1 + this.pick(3) }, () => ({
      key: this.random() < this.#keyless ? null : `k${this.pick(8)}`,
      value: this.random() < 0.25 ? null : `v${this.written.size}${'.'.repeat(this.pick(40))}`,
    }))
    const compression = this.random() < 0.1 ? ('gzip' as const) : undefined
    const header = producer && {
      producerId: producer.id,
      producerEpoch: 0,
      baseSequence: producer.sequence,
    }
    const result = await this.fixture.append(
      keyedBatch({
        records: list,
        timestamp: this.fixture.clock.nowMs(),
        transactional,
        ...header,
        ...(compression && { compression }),
      }),
      { transactionVerified: true, partition: this.partition },
    )
    if (result.errorCode !== 0) throw new Error(`append failed with ${result.errorCode}`)
    if (producer) producer.sequence += list.length
    list.forEach((record, index) => {
      const fate = transactional ? 'open' : 'committed'
      const writtenMs = this.fixture.clock.nowMs()
      this.written.set(result.baseOffset + index, { ...record, writtenMs, fate })
      if (producer && transactional) {
        producer.open ??= []
        producer.open.push(result.baseOffset + index)
      }
    })
  }

  async end(producer: Producer): Promise<void> {
    if (!producer.open) return
    const isCommit = this.random() < 0.5
    const marker = markerOf(isCommit ? 'COMMIT' : 'ABORT', producer.id, 0, {
      timestamp: this.fixture.clock.nowMs(),
    })
    const { partition } = this
    const { errorCode } = await this.fixture.append(marker, { origin: 'coordinator', partition })
    if (errorCode !== 0) throw new Error(`marker failed with ${errorCode}`)
    for (const offset of producer.open) {
      this.written.get(offset)!.fate = isCommit ? 'committed' : 'aborted'
    }
    producer.open = undefined
  }

  async clean(): Promise<void> {
    const isBusy = this.random() < 0.5
    this.turns.between = async () => {
      if (isBusy && this.random() < 0.05) await this.step()
    }
    await this.fixture.engine.runCleaner()
    this.turns.between = () => undefined
    this.cleanedTo = Math.max(this.cleanedTo, this.log.firstDirtyOffset)
  }

  async open(): Promise<this> {
    await this.fixture.open()
    await this.fixture.createTopic(1)
    return this
  }

  /**
   * Sentences about what is wrong; none when everything holds that compaction promises. Also of what
   * another engine found after a crash, which has nothing to be taken away from `cleanedTo` on.
   */
  async violations(fixture = this.fixture, cleanedTo = this.cleanedTo): Promise<string[]> {
    const { written } = this
    const { partition } = this
    const bounds = fixture.engine.log.bounds(this.#at)
    if (bounds.errorCode !== 0) return [`the partition answers ${bounds.errorCode}`]
    const { lastStableOffset, logEndOffset } = bounds
    const maxBytes = 60 + this.pick(600)
    const left = await recordsLeft(fixture, { maxBytes, partition })
    const isLeft = new Set(left.map(({ offset }) => offset))
    const wrong = this.#changed(left)
    for (const [offset, { key, value, writtenMs }] of this.#lastOfKeys(lastStableOffset)) {
      const mayBeGone = value === null && fixture.clock.nowMs() - writtenMs >= DELETE_RETENTION_MS
      if (!isLeft.has(offset) && !mayBeGone) wrong.push(`lost the last ${key} at ${offset}`)
    }
    for (const offset of written.keys()) {
      if (offset >= cleanedTo && offset < logEndOffset && !isLeft.has(offset)) {
        wrong.push(`lost ${offset}, which is not to be compacted yet`)
      }
    }
    const committed = await committedLeft(fixture, { maxBytes, partition })
    for (const { offset } of committed) {
      const fate = written.get(offset)?.fate
      if (fate !== 'committed') wrong.push(`${offset} is ${fate}, but visible`)
    }
    const table = tableOf(committed.map((record) => [record.offset, record]))
    const expected = tableOf(
      [...written].filter(
        ([offset, { fate }]) => fate === 'committed' && offset < lastStableOffset,
      ),
    )
    if (table !== expected) wrong.push(`a table of it is ${table}, not ${expected}`)
    const from = this.pick(logEndOffset + 1)
    const later = (await batchesLeft(fixture, { maxBytes, partition, from })).flatMap(
      ({ records }) => records.map(({ offset }) => offset).filter((offset) => offset >= from),
    )
    const all = left.map(({ offset }) => offset).filter((offset) => offset >= from)
    if (`${later}` !== `${all}`) wrong.push(`from ${from} on there are ${later}, not ${all}`)
    return wrong
  }

  /** Offsets that go back, and records that are not what was written there. */
  #changed(left: readonly LeftRecord[]): string[] {
    const wrong: string[] = []
    let last = -1
    for (const { offset, key, value } of left) {
      if (offset <= last) wrong.push(`${offset} comes after ${last}`)
      last = offset
      const was = this.written.get(offset)
      if (was?.key !== key || was.value !== value) wrong.push(`${offset} has changed`)
    }
    return wrong
  }

  #lastOfKeys(endOffset: number): Iterable<[offset: number, record: Written]> {
    const last = new Map<string, [number, Written]>()
    for (const [offset, record] of this.written) {
      const { key, fate } = record
      if (key !== null && fate === 'committed' && offset < endOffset)
        last.set(key, [offset, record])
    }
    return last.values()
  }

  /** What a process that was killed leaves behind. */
  copyOfFiles(): MemoryFiles {
    const { files, clock } = this.fixture
    const copy = new MemoryFiles(() => clock.nowMs())
    const copyDirectory = (directory: string) => {
      copy.makeDirectory(directory)
      for (const { name, kind } of files.list(directory)) {
        const path = `${directory}/${name}`
        if (kind === 'directory') copyDirectory(path)
        else copy.writeFile(path, files.readFile(path)!)
        copy.setModifiedMs(path, files.stat(path)!.modifiedMs)
      }
    }
    copyDirectory('/data')
    return copy
  }

  producerViews() {
    return (
      this.fixture.engine.log
        .producers(this.#at)
        // The rest goes with markers that are no longer needed, as in Kafka.
        .map(({ lastTimestampMs, coordinatorEpoch, ...view }) => view)
        .sort((one, other) => one.producerId - other.producerId)
    )
  }
}

/** What a table made of records says: key to value. */
function tableOf(records: readonly (readonly [offset: number, record: Keyed])[]): string {
  const table = new Map<string, string>()
  for (const [, { key, value }] of [...records].sort(([one], [other]) => one - other)) {
    if (key === null) continue
    if (value === null) table.delete(key)
    else table.set(key, value)
  }
  return JSON.stringify([...table].sort())
}
