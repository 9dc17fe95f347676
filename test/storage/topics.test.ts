import { describe, expect, it } from 'vitest'
import { parseUuid } from '../../src/base/uuid.ts'
import { parsePartitionMetadata } from '../../src/storage/local/meta-properties.ts'
import { batchOf } from './batches.ts'
import { type Backend, backends, EngineFixture, TOPIC } from './engine-fixture.ts'

const OTHER = parseUuid('EjRWeJCrze8P7cugmHZUMg')!

describe.each(backends)('topics and their directories on $name', ({ make }) => {
  const run = async (story: (fixture: EngineFixture, backend: Backend) => Promise<void>) => {
    const backend = make()
    const fixture = await new EngineFixture(backend.files, backend.dataDir).open()
    try {
      await story(fixture, backend)
    } finally {
      await fixture.engine.close()
      backend.cleanUp()
    }
  }
  const names = (fixture: EngineFixture) =>
    fixture.files
      .list(fixture.dataDir)
      .filter(({ kind }) => kind === 'directory')
      .map(({ name }) => name)
      .sort()

  it('a directory comes with the first record and says whose it is', () =>
    run(async (fixture) => {
      await fixture.createTopic(2)
      expect(names(fixture)).toEqual([])
      await fixture.append(batchOf({ values: ['a'] }), { partition: 1 })
      expect(names(fixture)).toEqual(['topic-1'])
      const directory = `${fixture.dataDir}/topic-1`
      const files = fixture.files.list(directory).map(({ name }) => name)
      expect(files.sort()).toEqual([
        '00000000000000000000.index',
        '00000000000000000000.log',
        '00000000000000000000.timeindex',
        'leader-epoch-checkpoint',
        'partition.metadata',
      ])
      const metadata = fixture.files.readFile(`${directory}/partition.metadata`)!.toString()
      expect(parsePartitionMetadata(metadata)).toBe(TOPIC)
      expect(fixture.files.readFile(`${directory}/leader-epoch-checkpoint`)!.toString()).toBe(
        '0\n1\n0 0\n',
      )
    }))

  it('a thousand partitions are created without a look at the disk', () =>
    run(async (fixture) => {
      await fixture.createTopic(1_000)
      expect(names(fixture)).toEqual([])
      const bounds = fixture.engine.log.bounds({ topicId: TOPIC, partition: 999 })
      expect(bounds).toMatchObject({ errorCode: 0, logEndOffset: 0 })
    }))

  it('a deleted topic is renamed at once and removed later', () =>
    run(async (fixture) => {
      await fixture.createTopic(2)
      await fixture.append(batchOf({ values: ['a'] }))
      fixture.metadata.deleteTopic(TOPIC)
      expect(names(fixture)).toMatchObject([/^topic-0\.[0-9a-f]{32}-delete$/].map((pattern) => expect.stringMatching(pattern))) // biome-ignore format: one line
      fixture.metadata.createTopic('topic', OTHER, 1)
      await fixture.append(batchOf({ values: ['new'] }), { topicId: OTHER })
      fixture.clock.advance(60_000)
      expect(names(fixture)).toEqual(['topic-0'])
      await fixture.restart()
      expect(fixture.engine.log.bounds({ topicId: OTHER, partition: 0 }).logEndOffset).toBe(1)
    }))

  it('a removal that a stop cut short is finished by the next start', () =>
    run(async (fixture) => {
      await fixture.createTopic(1)
      await fixture.append(batchOf({ values: ['a'] }))
      fixture.metadata.deleteTopic(TOPIC)
      await fixture.restart()
      expect(names(fixture)).toHaveLength(1)
      fixture.clock.advance(60_000)
      expect(names(fixture)).toEqual([])
    }))

  it('a deletion that only the metadata knows of leaves the directory aside', () =>
    run(async (fixture) => {
      await fixture.createTopic(1)
      await fixture.append(batchOf({ values: ['old'] }))
      await fixture.engine.close()
      fixture.metadata.deleteTopic(TOPIC)
      fixture.metadata.createTopic('topic', OTHER, 1)
      await fixture.reopen()
      expect(names(fixture)).toEqual([expect.stringMatching(/^topic-0\.[0-9a-f]{32}-stray$/)])
      expect(fixture.engine.log.bounds({ topicId: OTHER, partition: 0 }).logEndOffset).toBe(0)
    }))

  it('new partitions and leader epochs are followed', () =>
    run(async (fixture) => {
      await fixture.createTopic(1)
      await fixture.append(batchOf({ values: ['a'] }))
      fixture.metadata.commit([
        {
          type: 'PartitionChangeRecord',
          value: { topicId: TOPIC, partitionId: 0, leader: 1, isr: [1] },
        },
      ])
      expect(fixture.engine.log.bounds({ topicId: TOPIC, partition: 0 }).leaderEpoch).toBe(1)
      await fixture.append(batchOf({ values: ['b'] }))
      const { log } = fixture.engine
      const at = { topicId: TOPIC, partition: 0 }
      expect(log.epochEndOffset(at, 0)).toMatchObject({ leaderEpoch: 0, endOffset: 1 })
      expect(log.epochEndOffset(at, 1)).toMatchObject({ leaderEpoch: 1, endOffset: 2 })
      expect(log.epochEndOffset(at, 2)).toMatchObject({ leaderEpoch: -1, endOffset: -1 })
      await fixture.restart()
      expect(fixture.engine.log.epochEndOffset(at, 0)).toMatchObject({ endOffset: 1 })
    }))

  it('more partitions than open files work', () =>
    run(async (fixture) => {
      await fixture.engine.close()
      fixture.options = { openFilesMax: 10 }
      await fixture.reopen()
      await fixture.createTopic(50)
      for (let round = 0; round < 3; round++) {
        for (let partition = 0; partition < 50; partition++) {
          const result = await fixture.append(batchOf({ values: [`${round}`] }), { partition })
          expect(result).toMatchObject({ errorCode: 0, baseOffset: round })
        }
      }
      for (let partition = 0; partition < 50; partition++) {
        expect((await fixture.readAll(partition)).map(({ value }) => value)).toEqual(['0', '1', '2']) // biome-ignore format: one line
      }
    }))
})
