import { describe, expect, it } from 'vitest'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { markerOf } from './batches.ts'
import {
  batchesLeft,
  committedLeft,
  type Keyed,
  keyedBatch,
  recordsLeft,
  StepTurns,
} from './compacted-log.ts'
import { randomOf } from './crash-files.ts'
import { EngineFixture, TOPIC } from './engine-fixture.ts'

const at = { topicId: TOPIC, partition: 0 }
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

/** A topic under random writes and compactions, and a list of all that was ever written to it. */
class Story {
  readonly random: () => number
  readonly turns = new StepTurns()
  readonly fixture: EngineFixture
  readonly written = new Map<number, Written>()
  readonly producers: Producer[] = []
  /** Everything below was compacted once. */
  cleanedTo = 0

  constructor(seed: number) {
    const random = randomOf(seed)
    this.random = random
    const files = new MemoryFiles(() => this.fixture.clock.nowMs())
    this.fixture = new EngineFixture(files, '/data', {
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
    for (let index = 0; index < PRODUCERS; index++) {
      this.producers.push({ id: 100 + index, sequence: 0, open: undefined })
    }
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
      key: `k${this.pick(8)}`,
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
      { transactionVerified: true },
    )
    expect(result.errorCode).toBe(0)
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
    const marker = markerOf(isCommit ? 'COMMIT' : 'ABORT', producer.id, 0)
    expect((await this.fixture.append(marker, { origin: 'coordinator' })).errorCode).toBe(0)
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
    this.cleanedTo = Math.max(this.cleanedTo, this.fixture.engine.log.find(at)!.firstDirtyOffset)
  }

  /** What a table made of all committed records says: key to value. */
  table(records: Iterable<readonly [offset: number, record: Keyed]>): Map<string, string> {
    const table = new Map<string, string>()
    for (const [, { key, value }] of [...records].sort(([one], [other]) => one - other)) {
      if (value === null) table.delete(key!)
      else table.set(key!, value)
    }
    return table
  }

  /** Everything that compaction promises. */
  async check(): Promise<void> {
    const { fixture, written } = this
    const { lastStableOffset, logEndOffset } = fixture.engine.log.bounds(at)
    const maxBytes = 60 + this.pick(600)
    const left = await recordsLeft(fixture, maxBytes)
    let last = -1
    for (const { offset, key, value } of left) {
      expect(offset).toBeGreaterThan(last)
      last = offset
      expect({ key, value }).toEqual({ key: written.get(offset)?.key, value: written.get(offset)?.value }) // biome-ignore format: one line
    }
    const isLeft = new Set(left.map(({ offset }) => offset))
    const nowMs = fixture.clock.nowMs()
    const lastOfKey = new Map<string, number>()
    for (const [offset, { key, fate }] of written) {
      if (fate === 'committed' && offset < lastStableOffset) lastOfKey.set(key!, offset)
      if (offset >= this.cleanedTo) expect(isLeft.has(offset)).toBe(true)
    }
    for (const offset of lastOfKey.values()) {
      const { value, writtenMs } = written.get(offset)!
      const mayBeGone = value === null && nowMs - writtenMs >= DELETE_RETENTION_MS
      if (!mayBeGone)
        expect({ offset, isLeft: isLeft.has(offset) }).toEqual({ offset, isLeft: true })
    }
    const committed = await committedLeft(fixture, { maxBytes })
    for (const { offset } of committed) expect(written.get(offset)?.fate).toBe('committed')
    const visible = [...written].filter(
      ([offset, { fate }]) => fate === 'committed' && offset < lastStableOffset,
    )
    const ours = this.table(committed.map((record) => [record.offset, record]))
    expect(ours).toEqual(this.table(visible))
    // From anywhere, also where nothing is left.
    const from = this.pick(logEndOffset + 1)
    const later = await batchesLeft(fixture, { maxBytes, from })
    const expected = left.filter(({ offset }) => offset >= from).map(({ offset }) => offset)
    const offsets = later.flatMap(({ records }) => records.map(({ offset }) => offset))
    expect(offsets.filter((offset) => offset >= from)).toEqual(expected)
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
        .producers(at)
        // The rest goes with markers that are no longer needed, as in Kafka.
        .map(({ lastTimestampMs, coordinatorEpoch, ...view }) => view)
        .sort((one, other) => one.producerId - other.producerId)
    )
  }
}

async function tell(seed: number, steps: number): Promise<Story> {
  const story = new Story(seed)
  await story.fixture.open()
  await story.fixture.createTopic(1)
  for (let step = 0; step < steps; step++) {
    await story.step()
    if (story.random() > 0.1) continue
    await story.clean()
    await story.check()
    if (story.random() > 0.3) continue
    const before = story.producerViews()
    const { logEndOffset, lastStableOffset } = story.fixture.engine.log.bounds(at)
    // A clean restart, or as after a kill: all that was written is there, but nothing more.
    if (story.random() < 0.5) await story.fixture.restart()
    else await story.fixture.reopen(story.copyOfFiles())
    expect(story.fixture.engine.log.bounds(at)).toMatchObject({ logEndOffset, lastStableOffset })
    expect(story.producerViews()).toEqual(before)
    await story.check()
  }
  return story
}

describe('a compacted topic under random writes, compactions, restarts and kills', () => {
  const seeds = Array.from({ length: 60 }, (_, index) => index + 1)

  it.each(seeds)('keeps what it promises, seed %i', async (seed) => {
    const story = await tell(seed, 150)
    const errors = story.fixture.reports.filter(({ level }) => level === 'error')
    expect(errors).toEqual([])
  })

  it('has compacted most of it', async () => {
    const story = await tell(7, 300)
    await story.clean()
    const left = await recordsLeft(story.fixture)
    expect(left.length).toBeLessThan(story.written.size / 3)
  })
})
