import type { IsolationLevel } from '../../src/storage/engine.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { MetadataLog } from '../../src/storage/local/metadata-log.ts'
import { batchOf, markerOf } from './batches.ts'
import { EngineFixture, NOW_MS, TOPIC } from './engine-fixture.ts'
import { createRealTopic, PARTITIONS } from './kill-script.ts'

/** Small segments, so that a short story has rolls, snapshots and several indexes. */
const config = { segmentBytes: 600, indexIntervalBytes: 150, fileDeleteDelayMs: 1_000 }
const VIEWS = ['read_uncommitted', 'read_committed'] as const

/** Everything in a directory, and what readers found there before anything was damaged. */
export interface Original {
  readonly files: ReadonlyMap<string, Buffer>
  readonly directories: readonly string[]
  readonly isClean: boolean
  /** By view and partition: `offset value` of every record. */
  readonly records: ReadonlyMap<string, ReadonlySet<string>>
}

export interface Flip {
  readonly path: string
  readonly position: number
  readonly bit: number
}

/** `wrong` records were served, or right ones left out without a word. */
export type FlipOutcome = 'harmless' | 'detected' | 'wrong'

function fixtureOver(files: MemoryFiles): EngineFixture {
  const openMetadata = MetadataLog.open
  return new EngineFixture(files, '/data', { config, options: { openMetadata } })
}

/** A directory with transactions, an idempotent producer and plain data; killed, or closed. */
export async function makeOriginal(isClean: boolean): Promise<Original> {
  const files = new MemoryFiles(() => NOW_MS)
  const fixture = await fixtureOver(files).open()
  await createRealTopic(fixture)
  for (let round = 0; round < 6; round++) {
    const header = { producerEpoch: 0, baseSequence: round }
    const values = [`i${round}${'.'.repeat(20)}`]
    await fixture.append(batchOf({ values, producerId: 7, ...header }))
    const transactional = { producerId: 9, ...header, transactional: true }
    const item = { partition: 1, transactionVerified: true }
    await fixture.append(batchOf({ values: [`t${round}`], ...transactional }), item)
    await fixture.append(batchOf({ values: [`p${round}`] }), item)
    await fixture.append(markerOf(round % 2 ? 'ABORT' : 'COMMIT', 9, 0), item)
  }
  const { records } = await readEverything(fixture)
  if (isClean) await fixture.engine.close()
  return { ...contentOf(files), isClean, records }
}

function contentOf(files: MemoryFiles) {
  const content = new Map<string, Buffer>()
  const directories: string[] = []
  const visit = (directory: string) => {
    directories.push(directory)
    for (const { name, kind } of files.list(directory)) {
      const path = `${directory}/${name}`
      if (kind === 'directory') visit(path)
      else content.set(path, files.readFile(path)!)
    }
  }
  visit('/data')
  return { files: content, directories }
}

/** Opens the directory with one bit changed and reads all there is. */
export async function outcomeOf(original: Original, flip: Flip): Promise<FlipOutcome> {
  const files = new MemoryFiles(() => NOW_MS)
  for (const directory of original.directories) files.makeDirectory(directory)
  for (const [path, bytes] of original.files) {
    const content = Buffer.from(bytes)
    if (path === flip.path) content[flip.position]! ^= 1 << flip.bit
    files.writeFile(path, content)
  }
  files.lock = async () => ({ writesSurvived: true, release: () => undefined })
  const fixture = fixtureOver(files)
  try {
    await fixture.open()
  } catch {
    return 'detected'
  }
  // Nobody can decode what was served.
  const everything = await readEverything(fixture).catch(() => undefined)
  if (!everything) return 'wrong'
  const { records, hasFailed } = everything
  const isReported = fixture.reports.some(({ level }) => level !== 'info')
  let isComplete = true
  for (const [view, expected] of original.records) {
    const found = records.get(view)!
    for (const record of found) if (!expected.has(record)) return 'wrong'
    isComplete &&= found.size === expected.size
  }
  if (hasFailed || isReported) return 'detected'
  return isComplete ? 'harmless' : 'wrong'
}

async function readEverything(fixture: EngineFixture) {
  const records = new Map<string, Set<string>>()
  let hasFailed = false
  for (const view of VIEWS) {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const found = new Set<string>()
      records.set(`${view} ${partition}`, found)
      const isWhole = await readInto(fixture, { view, partition, found })
      hasFailed ||= !isWhole
    }
  }
  return { records, hasFailed }
}

/** False when a read failed. */
async function readInto(
  fixture: EngineFixture,
  to: {
    readonly view: IsolationLevel
    readonly partition: number
    readonly found: Set<string>
  },
): Promise<boolean> {
  const { view, partition, found } = to
  const bounds = fixture.engine.log.bounds({ topicId: TOPIC, partition })
  if (bounds.errorCode !== 0) return false
  const read = await fixture.readVisible(partition, view)
  for (const { offset, value } of read.records) found.add(`${offset} ${value}`)
  return read.errorCode === 0
}

/** Every bit of every byte, or one bit of each `step`-th byte. */
export function* flipsOf({ files }: Original, step: 'all' | number): Generator<Flip> {
  let count = 0
  for (const [path, bytes] of files) {
    for (let position = 0; position < bytes.length; position++) {
      count++
      if (step === 'all') for (let bit = 0; bit < 8; bit++) yield { path, position, bit }
      else if (count % step === 0) yield { path, position, bit: (count / step) % 8 }
    }
  }
}

/**
 * Files in which Apache Kafka's format has nothing to tell damage by. A clean start believes the
 * index of aborted transactions; to compare it with the log would be to read all of that.
 */
export function isUnprotected({ isClean }: Original, { path }: Flip): boolean {
  return isClean && path.endsWith('.txnindex')
}
