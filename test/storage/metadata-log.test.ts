import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../src/base/clock.ts'
import { formatUuid } from '../../src/base/uuid.ts'
import { buildBatch } from '../../src/protocol/records/builder.ts'
import { StorageError } from '../../src/storage/engine.ts'
import type { Files } from '../../src/storage/local/files.ts'
import { LocalEngine } from '../../src/storage/local/local-engine.ts'
import type { Durability } from '../../src/storage/local/log-environment.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { MetadataLog, type MetadataLogOptions } from '../../src/storage/local/metadata-log.ts'
import { listSnapshots } from '../../src/storage/local/metadata-snapshot.ts'
import type { MetadataState } from '../../src/storage/metadata-image.ts'
import type { MetadataRecord } from '../../src/storage/metadata-record.ts'
import { ConfigResourceType } from '../../src/storage/metadata-store.ts'
import { goldenJson } from '../protocol/golden.ts'
import { unpack } from './archive.ts'
import { defaultLogConfig, NOW_MS } from './engine-fixture.ts'

const DIRECTORY = '/data/kafka'
const LOG_DIRECTORY = `${DIRECTORY}/__cluster_metadata-0`

/** Engines over one directory, with the real metadata log. */
class Fixture {
  readonly clock = new VirtualClock(NOW_MS)
  readonly reports: { level: string; message: string }[] = []
  readonly files: Files
  readonly options: MetadataLogOptions
  readonly durability: Durability
  engine!: LocalEngine
  log!: MetadataLog

  constructor(
    options: MetadataLogOptions = {},
    files: Files = new MemoryFiles(() => NOW_MS),
    durability: Durability = { mode: 'os' },
  ) {
    this.options = options
    this.files = files
    this.durability = durability
  }

  async open(): Promise<this> {
    this.engine = new LocalEngine(
      this.files,
      {
        dataDir: DIRECTORY,
        durability: this.durability,
        openMetadata: async (start) => {
          this.log = await MetadataLog.open(start, this.options)
          return this.log
        },
      },
      {
        brokerId: 1,
        clock: this.clock,
        topicConfig: () => defaultLogConfig,
        report: (level, message) => {
          this.reports.push({ level, message })
        },
      },
    )
    await this.engine.open()
    return this
  }

  get image(): MetadataState {
    return this.log.image
  }

  /** A crash: what is in the files is all there is. */
  reopen(): Promise<Fixture> {
    return new Fixture(this.options, copyOf(this.files), this.durability).open()
  }
}

/** What a process finds that starts after the one before was killed. */
function copyOf(files: Files): Files {
  const copy = new MemoryFiles(() => NOW_MS)
  const visit = (path: string) => {
    copy.makeDirectory(path)
    for (const { name, kind } of files.list(path)) {
      if (kind === 'directory') visit(`${path}/${name}`)
      else if (name !== '.lock')
        copy.writeFile(`${path}/${name}`, files.readFile(`${path}/${name}`)!)
    }
  }
  visit(DIRECTORY)
  return copy
}

function config(value: string, resourceName = 'orders'): MetadataRecord {
  const resourceType = ConfigResourceType.TOPIC
  return { type: 'ConfigRecord', value: { resourceType, resourceName, name: 'a', value } }
}

function storedValue(image: MetadataState, name = 'orders'): string | undefined {
  return image.configs(ConfigResourceType.TOPIC, name).get('a')
}

const featuresOfKafka = {
  'eligible.leader.replicas.version': 1,
  'group.version': 1,
  'kraft.version': 1,
  'metadata.version': 30,
  'share.version': 1,
  'streams.version': 1,
  'transaction.version': 2,
}

describe('a new directory', () => {
  test('has the features of one that Apache Kafka 4.3 has formatted', async () => {
    const { image } = await new Fixture().open()
    expect(Object.fromEntries(image.features)).toEqual(featuresOfKafka)
    expect(image.configs(ConfigResourceType.BROKER, '').get('min.insync.replicas')).toBe('1')
  })

  test('has the files of one', async () => {
    const { files } = await new Fixture().open()
    expect(files.stat(`${DIRECTORY}/bootstrap.checkpoint`)).toBeDefined()
    expect(listSnapshots(files, LOG_DIRECTORY)).toEqual([{ endOffset: 0, epoch: 0 }])
    expect(files.readFile(`${LOG_DIRECTORY}/quorum-state`)?.toString()).toBe(
      '{"leaderId":1,"leaderEpoch":1,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}',
    )
    expect(files.readFile(`${LOG_DIRECTORY}/partition.metadata`)?.toString()).toBe(
      'version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ',
    )
  })
})

describe('commits', () => {
  test('are there after a restart and after a crash, and subscribers hear of each', async () => {
    const first = await new Fixture().open()
    const heard: unknown[] = []
    const stop = first.log.subscribe((records) => heard.push(records))
    await first.log.commit([config('1'), config('2', 'other')])
    stop()
    await first.log.commit([config('3')])
    expect(heard).toMatchObject([[config('1'), config('2', 'other')]])
    const crashed = await first.reopen()
    expect([storedValue(crashed.image), storedValue(crashed.image, 'other')]).toEqual(['3', '2'])
    await crashed.engine.close()
    const closed = await crashed.reopen()
    expect(storedValue(closed.image)).toBe('3')
    expect([...closed.image.snapshotRecords()]).toEqual([...first.image.snapshotRecords()])
  })

  test('each start leads in an epoch of its own and tells so', async () => {
    let fixture = await new Fixture().open()
    const { offset } = fixture.image
    fixture = await fixture.reopen()
    expect(fixture.image.offset).toBe(offset + 1)
    const state = fixture.files.readFile(`${LOG_DIRECTORY}/quorum-state`)!.toString()
    expect(JSON.parse(state)).toMatchObject({ leaderEpoch: 2 })
  })

  test('in mode sync they take effect in order, when they are on disk', async () => {
    const { log, image } = await new Fixture({}, undefined, { mode: 'sync' }).open()
    const first = log.commit([config('1')])
    const second = log.commit([config('2')])
    expect(first).toBeInstanceOf(Promise)
    expect(storedValue(image)).toBeUndefined()
    await first
    expect(storedValue(image)).toBe('1')
    await second
    expect(storedValue(image)).toBe('2')
  })

  test('one that cannot be written changes nothing', async () => {
    const { log, image } = await new Fixture().open()
    await log.close()
    expect(() => log.commit([config('1')])).toThrow('KAFKA_STORAGE_ERROR')
    expect(storedValue(image)).toBeUndefined()
  })

  test('a transaction that a crash cut short is aborted', async () => {
    const first = await new Fixture().open()
    await first.log.commit([{ type: 'BeginTransactionRecord', value: { name: 'x' } }, config('1')])
    const second = await first.reopen()
    await second.log.commit([config('2', 'other')])
    expect([storedValue(second.image), storedValue(second.image, 'other')]).toEqual([
      undefined,
      '2',
    ])
  })
})

describe('snapshots', () => {
  async function grown(): Promise<Fixture> {
    const fixture = await new Fixture({ snapshotBytes: 2000 }).open()
    for (let round = 0; round < 100; round++) {
      await fixture.log.commit([config(`value ${round}`, `topic-${round % 7}`)])
      await new Promise((resolve) => setImmediate(resolve))
    }
    return fixture
  }

  test('are written as the log grows, and the log before them goes', async () => {
    const fixture = await grown()
    const snapshots = listSnapshots(fixture.files, LOG_DIRECTORY)
    expect(snapshots).toHaveLength(1)
    expect(snapshots[0]!.endOffset).toBeGreaterThan(50)
    expect(fixture.reports.filter(({ level }) => level === 'error')).toEqual([])
    const again = await fixture.reopen()
    expect([...again.image.snapshotRecords()]).toEqual([...fixture.image.snapshotRecords()])
    expect(again.image.features.get('kraft.version')).toBe(1)
  })

  test('a damaged one is a reason not to start, once the log before it is gone', async () => {
    const fixture = await grown()
    const [id] = listSnapshots(fixture.files, LOG_DIRECTORY)
    const name = `${String(id!.endOffset).padStart(20, '0')}-0000000001.checkpoint`
    const bytes = Buffer.from(fixture.files.readFile(`${LOG_DIRECTORY}/${name}`)!)
    bytes[200]! ^= 1
    fixture.files.writeFile(`${LOG_DIRECTORY}/${name}`, bytes)
    await expect(fixture.reopen()).rejects.toThrow(StorageError)
  })
})

interface Expected {
  readonly finalizedFeatures: Record<string, number>
  readonly topics: readonly {
    readonly name: string
    readonly topicId: string
    readonly configs: Record<string, string>
    readonly partitions: readonly { readonly leaderEpoch: number }[]
  }[]
  readonly groupConfigs: readonly { groupId: string; configs: Record<string, string> }[]
  readonly users: readonly { user: string; mechanism: string; iterations: number }[]
  readonly quotas: readonly { entity: Record<string, string>; values: Record<string, number> }[]
  readonly acls: readonly unknown[]
}

describe('directories that Apache Kafka wrote', () => {
  async function openGolden(name: string): Promise<Fixture> {
    const files = new MemoryFiles(() => NOW_MS)
    unpack(`${name}.tar.gz`, files, '/data')
    return new Fixture({}, files).open()
  }

  test('the state is what clients saw before the stop', async () => {
    const expected = goldenJson<Expected>('storage/clean.expected.json')
    const { image } = await openGolden('clean')
    expect(Object.fromEntries(image.features)).toEqual(expected.finalizedFeatures)
    expect(topicsOf(image)).toEqual(
      expected.topics.map(({ name, topicId, partitions }) => [name, topicId, partitions.length]),
    )
    for (const { name, configs } of expected.topics) {
      const stored = Object.fromEntries(image.configs(ConfigResourceType.TOPIC, name))
      expect(configs, name).toMatchObject(stored)
    }
    for (const { groupId, configs } of expected.groupConfigs) {
      expect(Object.fromEntries(image.configs(ConfigResourceType.GROUP, groupId))).toEqual(configs)
    }
    expect(image.acls.size).toBe(expected.acls.length)
    expect(quotasOf(image)).toEqual(expect.arrayContaining([...expected.quotas]))
    expect(image.clientQuotas.size).toBe(expected.quotas.length)
    const users = expected.users.map(({ user, mechanism, iterations }) => {
      return [user, mechanism === 'SCRAM-SHA-256' ? 1 : 2, iterations]
    })
    expect(usersOf(image)).toEqual(expect.arrayContaining(users))
    expect(usersOf(image)).toHaveLength(users.length)
  })

  test('a killed one gives the topics that were there, and not the deleted ones', async () => {
    const { image } = await openGolden('killed')
    const expected = goldenJson<{
      deletedTopics: readonly string[]
      acknowledged: readonly { topic: string }[]
    }>('storage/killed.expected.json')
    for (const name of expected.deletedTopics) expect(image.topicsByName.has(name)).toBe(false)
    for (const { topic } of expected.acknowledged) {
      expect(image.topicsByName.has(topic), topic).toBe(true)
    }
  })

  test('any one of the snapshots and the log after it give the same state', async () => {
    const whole = await openGolden('clean')
    const files = new MemoryFiles(() => NOW_MS)
    unpack('clean.tar.gz', files, '/data')
    for (const { endOffset, epoch } of listSnapshots(files, LOG_DIRECTORY)) {
      const again = await new Fixture({}, copyOf(files)).open()
      expect(sorted(again.image)).toEqual(sorted(whole.image))
      const name = `${String(endOffset).padStart(20, '0')}-${String(epoch).padStart(10, '0')}`
      files.removeFile(`${LOG_DIRECTORY}/${name}.checkpoint`)
    }
  })
})

function sorted(image: MetadataState): string[] {
  // Kafka keeps the features of a registration in a map without an order.
  const inOrder = (key: string, value: unknown) =>
    key === 'features' && Array.isArray(value)
      ? value.map((one) => JSON.stringify(one)).sort()
      : value
  return Array.from(image.snapshotRecords(), (record) => JSON.stringify(record, inOrder)).sort()
}

function topicsOf(image: MetadataState): [string, string, number][] {
  return Array.from(image.topicsByName.values(), ({ name, topicId, partitions }) => {
    const found: [string, string, number] = [name, formatUuid(topicId), partitions.length]
    return found
  }).sort(([a], [b]) => (a < b ? -1 : 1))
}

function quotasOf(image: MetadataState): unknown[] {
  return Array.from(image.clientQuotas.values(), ({ entity, values }) => ({
    entity: Object.fromEntries(entity),
    values: Object.fromEntries(values),
  }))
}

function usersOf(image: MetadataState): unknown[] {
  return Array.from(image.scramCredentials.values()).flatMap((users) =>
    Array.from(users.values(), ({ name, mechanism, iterations }) => [name, mechanism, iterations]),
  )
}

test('a record that only a newer release knows stops the start', async () => {
  const fixture = await new Fixture().open()
  const path = `${LOG_DIRECTORY}/00000000000000000000.log`
  const unknown = buildBatch({
    baseOffset: fixture.image.offset + 1,
    partitionLeaderEpoch: 1,
    records: [{ key: null, value: Buffer.from([1, 99, 0]), timestamp: NOW_MS }],
  })
  fixture.files.writeFile(path, Buffer.concat([fixture.files.readFile(path)!, unknown]))
  await expect(fixture.reopen()).rejects.toMatchObject({
    kind: 'newer-format',
    message: expect.stringContaining('metadata record type 99 is not known'),
  })
})
