import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { parseOffsetCheckpoint } from '../../src/storage/local/checkpoint-file.ts'
import { ApacheKafka } from './apache-kafka.ts'
import { Dohle } from './broker.ts'
import { kafkaTool } from './kafka-tools.ts'
import { Inhabitant } from './on-disk/inhabitant.ts'
import { type Observation, observe, observeAcls } from './on-disk/observation.ts'
import { runWell, stopAllPrograms } from './process.ts'

type Kind = 'Apache Kafka' | 'dohle'
type End = 'stopped' | 'killed'

const PATIENCE = { timeout: 120_000, interval: 250 }
const CLEANER = { 'log.cleaner.backoff.ms': '100' }
const AUTHORIZER = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
}
const root = mkdtempSync(join(tmpdir(), 'dohle-on-disk-'))
afterEach(() => stopAllPrograms())
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A data directory that one broker after the other lives in. */
class Home {
  readonly directory: string
  readonly #inhabitant = new Inhabitant()
  #expected: Observation | undefined
  /** What Apache Kafka was told last; dohle only passes the rules on. */
  #expectedAcls: readonly string[] = []

  constructor(name: string) {
    this.directory = join(root, name)
    mkdirSync(this.directory)
  }

  /** The broker finds what the one before left, writes on, compacts, and goes. */
  async stay(kind: Kind, end: End): Promise<void> {
    const broker = await this.#start(kind)
    if (this.#expected) await this.#sees(kind, broker.bootstrap)
    if (kind === 'Apache Kafka') await this.#inhabitant.changeAcls(broker.bootstrap)
    // Apache Kafka writes a raised log start down once in a minute, and forgets it when killed.
    const keepsLogStart = kind === 'dohle' || end === 'stopped'
    await this.#inhabitant.live(broker.bootstrap, keepsLogStart)
    await vi.waitFor(() => expect(this.#firstDirty()).toBe(this.#inhabitant.lastKeyed), PATIENCE)
    this.#expected = await vi.waitFor(() => observe(broker.bootstrap), PATIENCE)
    if (kind === 'Apache Kafka') {
      this.#expectedAcls = await observeAcls(broker.bootstrap)
      expect(this.#expectedAcls).not.toEqual([])
    }
    await broker.stop(end === 'stopped' ? 'SIGTERM' : 'SIGKILL')
  }

  /** A broker that only looks. */
  async visit(kind: Kind): Promise<void> {
    const broker = await this.#start(kind)
    await this.#sees(kind, broker.bootstrap)
    await broker.stop('SIGTERM')
  }

  async #sees(kind: Kind, bootstrap: string): Promise<void> {
    // What is not loaded yet is answered with an error, and is asked for again.
    await vi.waitFor(async () => expect(await observe(bootstrap)).toEqual(this.#expected), PATIENCE)
    if (kind === 'Apache Kafka') expect(await observeAcls(bootstrap)).toEqual(this.#expectedAcls)
  }

  #start(kind: Kind): Promise<ApacheKafka | Dohle> {
    if (kind === 'Apache Kafka')
      return ApacheKafka.start(this.directory, { ...CLEANER, ...AUTHORIZER })
    const overrides = Object.entries(CLEANER).flatMap(([name, value]) => [
      '--override',
      `${name}=${value}`,
    ])
    return Dohle.start(overrides, join(this.directory, 'data'))
  }

  /** Where the compaction of the compacted topic has come to. */
  #firstDirty(): number | undefined {
    const file = join(this.directory, 'data/cleaner-offset-checkpoint')
    const entries = parseOffsetCheckpoint(readFileSync(file, 'utf8')) ?? []
    return entries.find(({ topic }) => topic === 'keyed')?.offset
  }
}

/** What kafka-dump-log says of the files of these kinds in the directories that `isMeant`. */
async function dump(
  home: Home,
  isMeant: (partition: string) => boolean,
  kinds: readonly string[],
  options: readonly string[],
): Promise<string[]> {
  const data = join(home.directory, 'data')
  const files = readdirSync(data, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && /-[0-9]+$/.test(entry.name) && isMeant(entry.name))
    .flatMap(({ name }) => readdirSync(join(data, name)).map((file) => join(data, name, file)))
    .filter((file) => kinds.some((kind) => file.endsWith(kind)))
  expect(files).not.toEqual([])
  const lines = await runWell(kafkaTool('kafka-dump-log', [...options, '--files', files.join(',')]))
  for (const file of files) expect(lines).toContain(`Dumping ${file}`)
  return lines
}

const isInternal = (partition: string) => partition.startsWith('__')
const complaint = /mismatch|non-consecutive|out of order|missing|invalid|corrupt|error|exception/i

describe('kafka-dump-log', () => {
  it('reads every file that dohle wrote, and finds nothing wrong', async () => {
    const home = new Home('dumped')
    await home.stay('dohle', 'stopped')
    await home.stay('dohle', 'stopped')
    const all = () => true
    const data = (partition: string) => !isInternal(partition)
    const dumps = {
      records: await dump(home, data, ['.log'], ['--deep-iteration', '--print-data-log']),
      checked: await dump(home, all, ['.index', '.timeindex'], ['--index-sanity-check']),
      compared: await dump(home, all, ['.index', '.timeindex'], ['--verify-index-only']),
      listed: await dump(home, all, ['.index', '.timeindex', '.txnindex', '0.snapshot'], []),
      offsets: await dump(home, (one) => /^__consumer/.test(one), ['.log'], ['--offsets-decoder']),
      transactions: await dump(
        home,
        (one) => /^__transaction/.test(one),
        ['.log'],
        ['--transaction-log-decoder'],
      ),
      metadata: await dump(
        home,
        (one) => /^__cluster/.test(one),
        ['.log', '.checkpoint'],
        ['--cluster-metadata-decoder', '--skip-record-metadata'],
      ),
    }
    for (const [name, lines] of Object.entries(dumps)) {
      const bad = lines.filter((line) => complaint.test(line))
      expect({ name, bad }).toEqual({ name, bad: [] })
    }
    const has = (lines: readonly string[], text: string) =>
      lines.some((line) => line.includes(text))
    expect(has(dumps.records, 'isvalid: false')).toBe(false)
    expect(has(dumps.records, 'payload: still open')).toBe(true)
    expect(has(dumps.offsets, '"group":"readers"')).toBe(true)
    expect(has(dumps.transactions, '"transactionalId":"steady"')).toBe(true)
    expect(has(dumps.metadata, '"type":"TOPIC_RECORD"')).toBe(true)
  }, 600_000)
})

describe('a data directory', () => {
  it('moves from Apache Kafka to dohle and back, stopped or killed, with all that is in it', async () => {
    const home = new Home('kafkas')
    await ApacheKafka.format(home.directory)
    await home.stay('Apache Kafka', 'stopped')
    await home.stay('dohle', 'stopped')
    await home.stay('Apache Kafka', 'killed')
    await home.stay('dohle', 'killed')
    await home.visit('Apache Kafka')
  }, 900_000)

  it('moves from dohle to Apache Kafka and back, stopped or killed, with all that is in it', async () => {
    const home = new Home('dohles')
    await home.stay('dohle', 'killed')
    await home.stay('Apache Kafka', 'stopped')
    await home.stay('dohle', 'stopped')
    await home.stay('Apache Kafka', 'killed')
    await home.visit('dohle')
  }, 900_000)
})
