import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import { parseOffsetCheckpoint } from '../../src/storage/local/checkpoint-file.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { batchOf } from './batches.ts'
import { EngineFixture, NOW_MS, TOPIC } from './engine-fixture.ts'

const BOTH = { otherDataDirs: ['/data2'] }

async function fixtureOf(partitions = 3): Promise<EngineFixture> {
  const files = new MemoryFiles(() => NOW_MS)
  const fixture = await new EngineFixture(files, '/data', { options: BOTH }).open()
  const place = fixture.engine.placement()
  const ids = fixture.engine.directories().map(({ id }) => id)
  fixture.metadata.createTopic('topic', TOPIC, partitions, 0, () => [place(ids)])
  return fixture
}

async function fill(fixture: EngineFixture, partitions: number): Promise<void> {
  for (let partition = 0; partition < partitions; partition++) {
    await fixture.append(batchOf({ values: [`v${partition}`] }), { partition })
  }
}

const placeOf = (fixture: EngineFixture, partition: number) =>
  fixture.engine.placeOf({ topicId: TOPIC, partition })?.path
const names = ({ files }: EngineFixture, path: string) =>
  files.list(path).flatMap(({ name }) => (name.startsWith('topic') ? [name] : []))

describe('several data directories', () => {
  it('a new partition goes where the fewest are, and first to the first', async () => {
    const fixture = await fixtureOf()
    expect([0, 1, 2].map((one) => placeOf(fixture, one))).toEqual(['/data', '/data2', '/data'])
    await fill(fixture, 3)
    expect(names(fixture, '/data')).toEqual(['topic-0', 'topic-2'])
    expect(names(fixture, '/data2')).toEqual(['topic-1'])
  })

  it('each has an identity in the same cluster, and checkpoints of what is in it', async () => {
    const fixture = await fixtureOf()
    await fill(fixture, 3)
    await fixture.engine.close()
    const text = (path: string) => fixture.files.readFile(path)!.toString()
    const topics = (path: string) =>
      parseOffsetCheckpoint(text(`${path}/recovery-point-offset-checkpoint`))
    expect(topics('/data')!.map(({ partition }) => partition)).toEqual([0, 2])
    expect(topics('/data2')!.map(({ partition }) => partition)).toEqual([1])
    const [one, other] = ['/data', '/data2'].map((path) => text(`${path}/meta.properties`))
    const lineOf = (properties: string, key: string) =>
      properties.split('\n').find((line) => line.startsWith(key))
    expect(lineOf(one!, 'cluster.id')).toBe(lineOf(other!, 'cluster.id'))
    expect(lineOf(one!, 'directory.id')).not.toBe(lineOf(other!, 'directory.id'))
    for (const path of ['/data', '/data2'])
      expect(text(`${path}/.kafka_cleanshutdown`)).toBeTruthy()
  })

  it('partitions of one that is left out are offline, and back with it', async () => {
    const fixture = await fixtureOf()
    await fill(fixture, 3)
    await fixture.engine.close()
    fixture.options = {}
    await fixture.reopen()
    expect([0, 1].map((one) => placeOf(fixture, one))).toEqual(['/data', undefined])
    const refused = await fixture.append(batchOf({ values: ['x'] }), { partition: 1 })
    expect(refused.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect((await fixture.readOne(0, 100, 'read_uncommitted', 1)).errorCode).toBe(
      ErrorCode.KAFKA_STORAGE_ERROR,
    )
    await fixture.engine.close()
    fixture.options = BOTH
    await fixture.reopen()
    expect(await fixture.readAll(1)).toMatchObject([{ value: 'v1' }])
    expect(fixture.reports.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('a partition that is in both stops the start, with both named', async () => {
    const fixture = await fixtureOf()
    await fill(fixture, 1)
    await fixture.engine.close()
    fixture.files.makeDirectory('/data2/topic-0')
    await expect(fixture.reopen()).rejects.toThrow(
      'Duplicate log directories for topic-0 are found in both /data/topic-0 and /data2/topic-0',
    )
  })

  it('a directory of another cluster, or a copy of one, stops the start', async () => {
    const fixture = await fixtureOf()
    await fixture.engine.close()
    const properties = fixture.files.readFile('/data/meta.properties')!
    fixture.files.writeFile('/data2/meta.properties', properties)
    await expect(fixture.reopen()).rejects.toThrow('have the same directory.id')
    const other = properties.toString().replace(/cluster\.id=.*/, 'cluster.id=other')
    fixture.files.writeFile('/data2/meta.properties', other)
    await expect(fixture.reopen()).rejects.toThrow('belongs to cluster other')
  })
})
