import { describe, expect, it } from 'vitest'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import { parseOffsetCheckpoint } from '../../src/storage/local/checkpoint-file.ts'
import type { FileAccess, OpenFile } from '../../src/storage/local/files.ts'
import { MemoryFiles, systemError } from '../../src/storage/local/memory-files.ts'
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

/** Directories whose disk is gone. */
class BrokenFiles extends MemoryFiles {
  readonly broken = new Set<string>()
  code = 'EIO'

  #check(path: string): void {
    for (const one of this.broken)
      if (path.startsWith(`${one}/`)) throw systemError(this.code, 'open', path)
  }

  override open(path: string, access: FileAccess): OpenFile {
    this.#check(path)
    return super.open(path, access)
  }

  override writeFile(path: string, content: Uint8Array | string): void {
    this.#check(path)
    super.writeFile(path, content)
  }
}

describe('a directory that fails', () => {
  const CHECKED_MS = 5_000

  async function broken(path: string, code = 'EIO') {
    const files = new BrokenFiles(() => NOW_MS)
    const failed: { path: string; isLast: boolean }[] = []
    const directoryFailed = (one: { path: string; isLast: boolean }) => void failed.push(one)
    const options = { ...BOTH, directoryFailed }
    const fixture = await new EngineFixture(files, '/data', { options }).open()
    const place = fixture.engine.placement()
    const ids = fixture.engine.directories().map(({ id }) => id)
    fixture.metadata.createTopic('topic', TOPIC, 2, 0, () => [place(ids)])
    await fill(fixture, 2)
    files.code = code
    files.broken.add(path)
    fixture.clock.advance(CHECKED_MS)
    return { fixture, files, failed }
  }

  it('takes its partitions offline, and the others go on', async () => {
    const { fixture, failed } = await broken('/data2')
    expect(failed).toEqual([{ path: '/data2', isLast: false }])
    expect(fixture.engine.directories().map(({ isOffline }) => isOffline)).toEqual([false, true])
    expect([0, 1].map((one) => placeOf(fixture, one))).toEqual(['/data', undefined])
    const codes = async (partition: number) => [
      (await fixture.append(batchOf({ values: ['x'] }), { partition })).errorCode,
      (await fixture.readOne(0, 100, 'read_uncommitted', partition)).errorCode,
    ]
    expect(await codes(0)).toEqual([ErrorCode.NONE, ErrorCode.NONE])
    const offline = ErrorCode.KAFKA_STORAGE_ERROR
    expect(await codes(1)).toEqual([offline, offline])
    const move = fixture.engine.moveReplica({ topicId: TOPIC, partition: 0 }, '/data2')
    expect(move).toBe(offline)
  })

  it('has all that was in it when it works again at the next start', async () => {
    const { fixture, files } = await broken('/data2')
    await fixture.engine.close()
    files.broken.clear()
    await fixture.reopen()
    expect(await fixture.readAll(1)).toMatchObject([{ value: 'v1' }])
  })

  it('ends the broker when it has the metadata, or is the last', async () => {
    const { failed } = await broken('/data')
    expect(failed).toEqual([{ path: '/data', isLast: true }])
  })

  it('is not given up for want of space', async () => {
    const { fixture, failed } = await broken('/data2', 'ENOSPC')
    expect(failed).toEqual([])
    expect(placeOf(fixture, 1)).toBe('/data2')
  })

  it('is left out of a start that finds it so', async () => {
    const { fixture } = await broken('/data2')
    await fixture.engine.close()
    await fixture.reopen()
    expect([0, 1].map((one) => placeOf(fixture, one))).toEqual(['/data', undefined])
  })
})
