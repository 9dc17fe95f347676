import type { LocalEngineOptions } from '../../src/storage/local/local-engine-options.ts'
import type { Durability } from '../../src/storage/local/log-environment.ts'
import type { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { batchOf, markerOf } from './batches.ts'
import { type Crash, CrashFiles } from './crash-files.ts'
import { EngineFixture, NOW_MS, TOPIC } from './engine-fixture.ts'

/** Small segments, so that a short story has rolls, snapshots and several indexes. */
const config = { segmentBytes: 700, indexIntervalBytes: 150, fileDeleteDelayMs: 1_000 }
const PARTITIONS = 2

interface Acked {
  /** Operations done when the client had its answer. */
  readonly operation: number
  readonly partition: number
  readonly offset: number
  readonly value: string
}

/** What was done to a broker over `files`, and what it acknowledged. */
export interface Story {
  readonly files: CrashFiles
  readonly fixture: EngineFixture
  /** What was ever written where, acked or not. */
  readonly history: Map<string, string>
  readonly acked: Acked[]
  /** Partition 0, once raised by an acked DeleteRecords. */
  readonly logStarts: { readonly operation: number; readonly offset: number }[]
}

/** Producers of every kind, transactions, deletion, a clean restart; over two partitions. */
export async function tell(durability: Durability, liesAboutSync = false): Promise<Story> {
  const story = await begin(durability, liesAboutSync)
  const { files, fixture } = story
  await tellIdempotent(story, 0)
  await tellTransactions(story)
  const deleted = await fixture.engine.log.deleteRecords({ topicId: TOPIC, partition: 0 }, 5)
  if (deleted.errorCode !== 0) throw new Error('DeleteRecords failed')
  story.logStarts.push({ operation: files.operations.length, offset: 5 })
  await fixture.restart()
  await tellIdempotent(story, 20)
  await tellPlain(story)
  return story
}

/** Both partitions move to another directory, and one back, while producers go on. */
export async function tellMoves(durability: Durability, { isHasty = false } = {}): Promise<Story> {
  const story = await begin(durability, false, { otherDataDirs: ['/data2'] })
  const { files, fixture } = story
  await tellIdempotent(story, 0)
  const deleted = await fixture.engine.log.deleteRecords({ topicId: TOPIC, partition: 0 }, 5)
  if (deleted.errorCode !== 0) throw new Error('DeleteRecords failed')
  story.logStarts.push({ operation: files.operations.length, offset: 5 })
  if (isHasty) {
    await moveHastily(story)
    return story
  }
  await move(story, 0, () => tellIdempotent(story, 20))
  await move(story, 1, () => tellTransactions(story))
  await move(story, 0, () => tellIdempotent(story, 40))
  await tellPlain(story)
  return story
}

/** To the directory where the partition is not, while something else happens. */
async function move(
  { fixture }: Story,
  partition: number,
  meanwhile: () => Promise<void>,
): Promise<void> {
  const { engine } = fixture
  const at = { topicId: TOPIC, partition }
  const from = engine.placeOf(at)?.path
  const path = from === '/data' ? '/data2' : '/data'
  if (engine.moveReplica(at, path) !== 0) throw new Error('it cannot move')
  await meanwhile()
  await arrived(fixture, partition)
  if (engine.placeOf(at)?.path !== path) throw new Error('it did not move')
}

/** Nothing is synced on the way. */
async function moveHastily(story: Story): Promise<void> {
  story.files.liesAboutSync = true
  await move(story, 0, async () => undefined)
  story.files.liesAboutSync = false
}

async function arrived({ engine }: EngineFixture, partition: number): Promise<void> {
  const at = { topicId: TOPIC, partition }
  while (engine.placeOf(at)?.future) await new Promise((resolve) => setImmediate(resolve))
}

async function begin(
  durability: Durability,
  liesAboutSync: boolean,
  options: Partial<LocalEngineOptions> = {},
): Promise<Story> {
  const files = new CrashFiles(() => NOW_MS)
  files.liesAboutSync = liesAboutSync
  const fixture = new EngineFixture(files, '/data', { config, options: { durability, ...options } })
  await fixture.open()
  await fixture.createTopic(PARTITIONS)
  return { files, fixture, history: new Map(), acked: [], logStarts: [] }
}

async function write(story: Story, partition: number, batch: Buffer, values: readonly string[]) {
  const { files, fixture, acked, history } = story
  const { logEndOffset } = fixture.engine.log.bounds({ topicId: TOPIC, partition })
  values.forEach((value, index) => {
    history.set(`${partition}/${logEndOffset + index}`, value)
  })
  const result = await fixture.append(batch, { partition, transactionVerified: true })
  if (result.errorCode !== 0) throw new Error('append failed')
  values.forEach((value, index) => {
    const offset = result.baseOffset + index
    acked.push({ operation: files.operations.length, partition, offset, value })
  })
}

async function tellIdempotent(story: Story, from: number): Promise<void> {
  for (let sequence = from; sequence < from + 20; sequence += 2) {
    const values = [`i${sequence}`, `i${sequence + 1}`]
    const batch = batchOf({ values, producerId: 7, producerEpoch: 0, baseSequence: sequence })
    await write(story, 0, batch, values)
  }
}

async function tellTransactions(story: Story): Promise<void> {
  for (let round = 0; round < 4; round++) {
    const values = [`t${round}`]
    const header = { producerId: 9, producerEpoch: 0, baseSequence: round, transactional: true }
    await write(story, 1, batchOf({ values, ...header }), values)
    await write(story, 1, markerOf(round % 2 ? 'ABORT' : 'COMMIT', 9, 0), [])
  }
}

async function tellPlain(story: Story): Promise<void> {
  for (let index = 0; index < 10; index++) {
    const values = [`p${index}${'x'.repeat(index * 60)}`]
    await write(story, 1, batchOf({ values }), values)
  }
}

interface Recovered {
  readonly fixture: EngineFixture
  /** By partition, then offset. */
  readonly values: Map<number, string>[]
}

async function recover(story: Story, files: MemoryFiles): Promise<Recovered> {
  const { options } = story.fixture
  const fixture = new EngineFixture(files, '/data', { config, options })
  fixture.metadata.createTopic('topic', TOPIC, PARTITIONS)
  await fixture.open()
  const values: Map<number, string>[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) {
    // A move that had begun begins again.
    await arrived(fixture, partition)
    const records = await fixture.readAll(partition)
    values.push(new Map(records.map(({ offset, value }) => [offset, value])))
  }
  return { fixture, values }
}

/** Sentences about what is wrong with a crash image; none when promises.md section 1 holds. */
export async function violations(
  story: Story,
  crash: Crash,
  expected: { readonly ackedSurvive: boolean },
): Promise<string[]> {
  const files = story.files.imageAfter(crash)
  leaveBehind(files, crash.kind === 'process')
  const wrong: string[] = []
  const recovered = await recover(story, files).catch((error: unknown) => String(error))
  if (typeof recovered === 'string') return [`cannot start: ${recovered}`]
  const { fixture, values } = recovered
  for (const report of fixture.reports) {
    if (report.level === 'error' && report.message.startsWith('damage')) wrong.push(report.message)
  }
  // The process dies in the middle of the last operation, the power fails after it.
  const before = crash.kind === 'process' ? crash.operation - 1 : crash.operation
  const raised = story.logStarts.some(({ operation }) => operation <= before)
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const bounds = fixture.engine.log.bounds({ topicId: TOPIC, partition })
    for (const [offset, value] of values[partition]!) {
      const written = story.history.get(`${partition}/${offset}`)
      if (written !== value) wrong.push(`${partition}/${offset} is ${value}, was ${written}`)
    }
    // Whatever is left is a piece without a hole, but for markers.
    for (let offset = bounds.logStartOffset; offset < bounds.logEndOffset; offset++) {
      const isData = story.history.has(`${partition}/${offset}`)
      if (isData && !values[partition]!.has(offset)) wrong.push(`hole at ${partition}/${offset}`)
    }
    if (expected.ackedSurvive && raised && partition === 0 && bounds.logStartOffset < 5) {
      wrong.push(`log start ${bounds.logStartOffset} is below the acked one`)
    }
    const sequences = fixture.engine.log.producers({ topicId: TOPIC, partition })
    for (const { lastSequence, producerId } of sequences) {
      if (producerId === 7 && lastSequence >= 0) {
        if (!values[0]!.has(lastOffsetOf(values[0]!, `i${lastSequence}`))) {
          wrong.push(`sequence ${lastSequence} is known, but not in the log`)
        }
      }
    }
  }
  if (expected.ackedSurvive) {
    for (const { operation, partition, offset, value } of story.acked) {
      if (operation > before) continue
      const { logStartOffset } = fixture.engine.log.bounds({ topicId: TOPIC, partition })
      if (offset < logStartOffset) continue
      if (values[partition]!.get(offset) !== value) wrong.push(`acked ${partition}/${offset} lost`)
    }
  }
  const logs = logBytes(files)
  const again = await recover(story, files)
  if (logBytes(files) !== logs) wrong.push('a second recovery changed the logs')
  for (let partition = 0; partition < PARTITIONS; partition++) {
    if (again.values[partition]!.size !== values[partition]!.size) wrong.push('records vanished')
  }
  return wrong
}

function lastOffsetOf(values: Map<number, string>, value: string): number {
  for (const [offset, one] of values) if (one === value) return offset
  return -1
}

/** Nobody holds the lock; after a power cut nobody can say that all writes are there. */
function leaveBehind(files: MemoryFiles, writesSurvived: boolean): void {
  files.lock = async () => ({ writesSurvived, ownerWasDohle: true, release: () => undefined })
}

function logBytes(files: MemoryFiles): string {
  const found: string[] = []
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (const directory of [`/data/topic-${partition}`, `/data2/topic-${partition}`]) {
      if (!files.stat(directory)) continue
      for (const { name } of files.list(directory)) {
        if (!name.endsWith('.log')) continue
        found.push(`${name} ${files.readFile(`${directory}/${name}`)?.toString('hex')}`)
      }
    }
  }
  return found.sort().join('\n')
}
