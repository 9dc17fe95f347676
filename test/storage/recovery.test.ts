import { beforeEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import { crc32 } from '../../src/protocol/records/crc32c.ts'
import { StorageError } from '../../src/storage/engine.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { OffsetIndex } from '../../src/storage/local/offset-index.ts'
import { TimeIndex } from '../../src/storage/local/time-index.ts'
import { batchOf } from './batches.ts'
import { EngineFixture, NOW_MS, TOPIC } from './engine-fixture.ts'

const directory = '/data/topic-0'
const segment = (base: number, suffix = '.log') =>
  `${directory}/${String(base).padStart(20, '0')}${suffix}`

/** What a crash leaves: the lock of a dead owner, no mark of a clean shutdown. */
function crashed(files: MemoryFiles, writesSurvived: boolean): MemoryFiles {
  files.lock = async () => ({ writesSurvived, release: () => undefined })
  return files
}

describe('recovery', () => {
  let files: MemoryFiles
  let fixture: EngineFixture

  beforeEach(async () => {
    files = new MemoryFiles(() => NOW_MS)
    const config = { segmentBytes: 400, indexIntervalBytes: 100 }
    fixture = await new EngineFixture(files, '/data', { config }).open()
    await fixture.createTopic(2)
    // Six batches of 118 bytes, three in each segment.
    for (let index = 0; index < 6; index++) {
      await fixture.append(
        batchOf({ values: [`${index}`.padEnd(50, '.')], timestamp: 100 + index }),
      )
    }
    await fixture.append(batchOf({ values: ['other'] }), { partition: 1 })
  })

  const reopen = async (writesSurvived: boolean) => {
    fixture.reports.length = 0
    await fixture.reopen(crashed(files, writesSurvived))
  }
  const overwrite = (path: string, position: number, bytes: Uint8Array) => {
    files.open(path, 'write').writeSync(bytes, position)
  }
  const bounds = (partition = 0) => fixture.engine.log.bounds({ topicId: TOPIC, partition })
  const errors = () => fixture.reports.filter(({ level }) => level === 'error')
  const values = async () => (await fixture.readAll()).map(({ value }) => value[0])

  it('finds the segments this test is about', () => {
    expect(files.stat(segment(0))?.sizeBytes).toBe(354)
    expect(files.stat(segment(3))?.sizeBytes).toBe(354)
  })

  describe('of a compacted topic whose first segment lost its last batch in a power cut', () => {
    const cut = async (ownerWasDohle: boolean) => {
      fixture.config = { ...fixture.config, cleanupCompact: true }
      files.open(segment(0), 'write').truncateSync(236)
      files.lock = async () => ({ writesSurvived: false, ownerWasDohle, release: () => undefined })
      fixture.reports.length = 0
      await fixture.reopen()
    }

    it('ends there, as nothing was compacted yet', async () => {
      await cut(true)
      expect(await values()).toEqual(['0', '1'])
    })

    it('goes on after what Apache Kafka may have compacted', async () => {
      await cut(false)
      expect(await values()).toEqual(['0', '1', '3', '4', '5'])
    })
  })

  it('leaves messages of the formats before 0.11 alone, which only look like damage', async () => {
    const old = Buffer.alloc(35)
    old.writeInt32BE(old.length - 12, 8)
    old[16] = 1
    old.writeUInt32BE(crc32(old, 16, old.length), 12)
    overwrite(segment(3), 354, old)
    await reopen(false)
    expect(bounds().errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(files.stat(segment(3))?.sizeBytes).toBe(354 + old.length)
    expect(bounds(1).errorCode).toBe(ErrorCode.NONE)
  })

  /** Turns of a start that takes as many as it can. */
  const turnsOfReopen = async () => {
    let turnCount = 0
    const next = async () => {
      turnCount++
    }
    fixture.options = { recoveryTurns: { isOver: () => true, next, rested: () => undefined } }
    await reopen(true)
    return turnCount
  }

  it('lets others have their turn between two batches', async () => {
    const turnCount = await turnsOfReopen()
    // Two segments with three batches each; then two partitions.
    expect(turnCount).toBe(2 * 2 + 2)
    expect(await values()).toEqual(['0', '1', '2', '3', '4', '5'])
    expect(errors()).toEqual([])
  })

  it('lets them while it reads leader epochs from batches', async () => {
    files.removeFile(`${directory}/leader-epoch-checkpoint`)
    expect(await turnsOfReopen()).toBe(2 * 2 + 2 * 2 + 2)
    expect(await values()).toEqual(['0', '1', '2', '3', '4', '5'])
  })

  /** More than a search looks at without a rest. */
  const longBatch = () => {
    const batch = Buffer.from(batchOf({ values: ['x'.repeat(3 * 1024 * 1024)] }))
    batch.writeBigInt64BE(6n)
    return batch
  }

  it('lets them while it looks for batches behind one that lacks its end', async () => {
    overwrite(segment(3), 354, longBatch().subarray(0, -1))
    // Every 4 KiB of the search, and every MiB of the batch.
    expect(await turnsOfReopen()).toBeGreaterThan(3 * 256)
    expect(await values()).toEqual(['0', '1', '2', '3', '4', '5'])
    expect(files.stat(segment(3))?.sizeBytes).toBe(354)
  })

  it('takes a batch of which only the length is wrong for damage', async () => {
    const batch = longBatch()
    batch.writeInt32BE(batch.length, 8)
    overwrite(segment(3), 354, batch)
    await reopen(true)
    expect(bounds().errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(files.stat(segment(3))?.sizeBytes).toBe(354 + batch.length)
  })

  it.each([1, 17, 60, 117])('cuts off a torn last batch of %d bytes', async (length) => {
    const path = segment(3)
    const whole = files.readFile(path)!
    files.open(path, 'write').truncateSync(236 + length)
    await reopen(true)
    expect(await values()).toEqual(['0', '1', '2', '3', '4'])
    expect(files.readFile(path)!).toEqual(whole.subarray(0, 236))
    expect(errors()).toEqual([])
    expect((await fixture.append(batchOf({ values: ['new'] }))).baseOffset).toBe(5)
  })

  it('cuts off zeros that a file system put behind the data', async () => {
    overwrite(segment(3), 354, new Uint8Array(1_000))
    await reopen(false)
    expect(await values()).toEqual(['0', '1', '2', '3', '4', '5'])
    expect(files.stat(segment(3))?.sizeBytes).toBe(354)
  })

  it.each([
    ['a byte of a record', 118 + 80, [0xff]],
    ['the length of a batch', 118 + 8, [0x7f]],
    ['the offset of a batch', 118 + 7, [0x7f]],
    ['the magic of a batch', 118 + 16, [9]],
  ])(
    'takes a partition offline when %s has changed, and serves the others',
    async (_, at, bytes) => {
      overwrite(segment(0), at, Uint8Array.from(bytes))
      const before = files.readFile(segment(3))
      await reopen(true)
      expect(bounds().errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
      expect((await fixture.readOne(0)).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
      const refused = await fixture.append(batchOf({ values: ['new'] }))
      expect(refused.errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
      expect(await fixture.readAll(1)).toEqual([{ offset: 0, value: 'other' }])
      expect(errors()).toMatchObject([
        { fields: { topic: 'topic', partition: 0, file: segment(0), position: 118 } },
      ])
      expect(files.readFile(segment(3))).toEqual(before)
      // Stopping and starting again does not make it good.
      await fixture.engine.close()
      await reopen(true)
      expect(bounds().errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    },
  )

  it.each([
    ['a byte of a record', 80, [0xff]],
    ['the length', 8, [0x7f]],
    ['the length, a little', 11, [0xfe]],
    ['the offset', 7, [0x7f]],
    ['the magic', 16, [9]],
  ])('does not cut off the last batch when %s of it has changed', async (_, at, bytes) => {
    const path = segment(3)
    overwrite(path, 236 + at, Uint8Array.from(bytes))
    const before = files.readFile(path)
    await reopen(true)
    expect(bounds().errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(errors()).toMatchObject([{ fields: { file: path, position: 236 } }])
    expect(files.readFile(path)).toEqual(before)
  })

  it('does not cut off what was synced before a power cut', async () => {
    const path = segment(3)
    files.writeFile('/data/recovery-point-offset-checkpoint', '0\n1\ntopic 0 6\n')
    overwrite(path, 236 + 80, Uint8Array.from([0xff]))
    await reopen(false)
    expect(bounds().errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(files.stat(path)?.sizeBytes).toBe(354)
  })

  it('finds that records which were synced are missing', async () => {
    files.writeFile('/data/recovery-point-offset-checkpoint', '0\n1\ntopic 0 6\n')
    files.open(segment(3), 'write').truncateSync(236)
    await reopen(false)
    expect(bounds().errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(errors()).toMatchObject([{ fields: { nextOffset: 5, recoveryPoint: 6 } }])
  })

  it('does not cut off a last batch that is no batch after a clean shutdown', async () => {
    await fixture.engine.close()
    overwrite(segment(3), 236 + 16, Uint8Array.from([9]))
    await fixture.reopen()
    expect(bounds().errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(files.stat(segment(3))?.sizeBytes).toBe(354)
  })

  it.each([true, false])(
    'knows a new topic from a deleted one of its name (%s)',
    async (crashes) => {
      await fixture.engine.log.deleteRecords({ topicId: TOPIC, partition: 0 }, 4)
      await fixture.restart()
      fixture.metadata.deleteTopic(TOPIC)
      if (crashes) await reopen(true)
      const topicId = 'another-topic-id'
      fixture.metadata.createTopic('topic', topicId, 1)
      await fixture.append(batchOf({ values: ['new'] }), { topicId })
      await reopen(true)
      expect(fixture.engine.log.bounds({ topicId, partition: 0 })).toMatchObject({
        errorCode: ErrorCode.NONE,
        logStartOffset: 0,
        logEndOffset: 1,
      })
    },
  )

  it('says loudly what a power cut took when valid data follows', async () => {
    overwrite(segment(3), 80, Uint8Array.from([0xff]))
    await reopen(false)
    expect(await values()).toEqual(['0', '1', '2'])
    expect(errors()).toMatchObject([{ fields: { file: segment(3), position: 0, laterOffset: 4 } }])
  })

  it('does not take a batch inside a record for data that follows', async () => {
    const inner = batchOf({ values: ['inner'] })
    inner.writeInt32BE(50, 4)
    const record = `${inner.toString('latin1')}${'.'.repeat(100)}`
    await fixture.append(batchOf({ values: [record] }))
    const path = segment(6)
    files.open(path, 'write').truncateSync(files.stat(path)!.sizeBytes - 10)
    await reopen(true)
    expect(bounds()).toMatchObject({ errorCode: ErrorCode.NONE, logEndOffset: 6 })
  })

  it('is not needed after a clean shutdown: no record is read', async () => {
    await fixture.engine.close()
    // Would be found by any look at it.
    overwrite(segment(3), 80, Uint8Array.from([0xff]))
    await fixture.reopen()
    expect(bounds()).toMatchObject({ errorCode: ErrorCode.NONE, logEndOffset: 6 })
  })

  it('takes a missing segment for damage', async () => {
    for (const suffix of ['.log', '.index', '.timeindex']) files.removeFile(segment(3, suffix))
    await fixture.append(batchOf({ values: ['x'.repeat(300)] }))
    await reopen(true)
    expect(bounds().errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
  })

  it('builds indexes that are missing, short, or nonsense', async () => {
    const good = async () => {
      await fixture.engine.close()
      return [files.readFile(segment(0, '.index'))!, files.readFile(segment(0, '.timeindex'))!]
    }
    const [index, times] = await good()
    expect(OffsetIndex.decode(index!, 0, 354)?.count).toBeGreaterThan(0)
    expect(TimeIndex.decode(times!, 0)?.lastTimestampMs).toBe(102)
    const spoil: (() => void)[] = [
      () => files.removeFile(segment(0, '.index')),
      () => files.removeFile(segment(0, '.timeindex')),
      () => files.writeFile(segment(0, '.index'), new Uint8Array(5)),
      () => files.writeFile(segment(0, '.timeindex'), ''),
      () => files.writeFile(segment(0, '.index'), Buffer.alloc(16, 0xee)),
      () => files.writeFile(segment(0, '.timeindex'), Buffer.alloc(24, 0xee)),
    ]
    for (const one of spoil) {
      one()
      await fixture.reopen()
      for (let offset = 0; offset < 6; offset++) {
        const result = await fixture.readOne(offset, 100)
        expect(Buffer.from(result.records).readInt32BE(4)).toBe(offset)
        result.release()
      }
      const found = await fixture.engine.log.offsetForTimestamp({ topicId: TOPIC, partition: 0 }, 102, 'read_uncommitted') // biome-ignore format: one line
      expect(found).toMatchObject({ offset: 2, timestampMs: 102 })
      await fixture.engine.close()
    }
  })

  it('removes what deletions and cleanings left, finishes swaps, and leaves the rest alone', async () => {
    const swapped = files.readFile(segment(0))!
    for (const name of ['.index.deleted', '.log.cleaned', '.timeindex.cleaned']) {
      files.writeFile(segment(9, name), 'x')
    }
    files.writeFile(segment(0, '.log.swap'), swapped)
    files.writeFile(segment(99, '.index'), '')
    files.writeFile(`${directory}/notes.txt`, 'mine')
    files.makeDirectory(`${directory}/00000000000000000077.log`)
    files.makeDirectory('/data/topic-0.0123456789abcdef0123456789abcdef-future')
    files.makeDirectory('/data/unrelated')
    await reopen(true)
    expect(await values()).toEqual(['0', '1', '2', '3', '4', '5'])
    const names = files.list(directory).map(({ name }) => name)
    expect(names.filter((name) => /deleted|cleaned|swap|99/.test(name))).toEqual([])
    expect(names).toContain('notes.txt')
    const above = files.list('/data').map(({ name }) => name)
    expect(above).toContain('topic-0.0123456789abcdef0123456789abcdef-future')
    expect(above).toContain('unrelated')
  })

  it('starts empty at the checkpointed log start when the log ends before it', async () => {
    await fixture.engine.close()
    files.writeFile('/data/log-start-offset-checkpoint', '0\n1\ntopic 0 50\n')
    await fixture.reopen()
    expect(bounds()).toMatchObject({ logStartOffset: 50, logEndOffset: 50, sizeBytes: 0 })
    expect((await fixture.append(batchOf({ values: ['new'] }))).baseOffset).toBe(50)
  })

  it('keeps an acked DeleteRecords over a crash', async () => {
    await fixture.engine.log.deleteRecords({ topicId: TOPIC, partition: 0 }, 4)
    await reopen(true)
    expect(bounds()).toMatchObject({ logStartOffset: 4, logEndOffset: 6 })
  })

  it('takes an empty checkpoint, as Kafka leaves it, for one without entries', async () => {
    await fixture.engine.close()
    files.writeFile('/data/cleaner-offset-checkpoint', '')
    await reopen(true)
    expect(fixture.reports.filter(({ level }) => level !== 'info')).toEqual([])
  })

  it('works with damaged checkpoints and epochs', async () => {
    await fixture.engine.close()
    for (const name of ['recovery-point-offset-checkpoint', 'log-start-offset-checkpoint']) {
      files.writeFile(`/data/${name}`, 'nonsense')
    }
    files.writeFile(`${directory}/leader-epoch-checkpoint`, 'nonsense')
    await reopen(true)
    expect(await values()).toEqual(['0', '1', '2', '3', '4', '5'])
    expect(fixture.engine.log.earliestEpoch({ topicId: TOPIC, partition: 0 })).toBe(0)
  })

  it('drops a damaged producer snapshot and reads the batches instead', async () => {
    const header = { producerId: 5, producerEpoch: 0 }
    for (let sequence = 0; sequence < 8; sequence++) {
      const values = [`p${sequence}`.padEnd(50, '.')]
      await fixture.append(batchOf({ values, ...header, baseSequence: sequence }))
    }
    await fixture.engine.close()
    files.writeFile(segment(14, '.snapshot'), 'nonsense')
    await fixture.reopen()
    expect(fixture.engine.log.producers({ topicId: TOPIC, partition: 0 })).toMatchObject([
      { producerId: 5, lastSequence: 7 },
    ])
  })
})

describe('a data directory', () => {
  const open = (files: MemoryFiles, clusterId?: string) =>
    new EngineFixture(files, '/data', { options: { clusterId } }).open()

  it('belongs to one process at a time', async () => {
    const files = new MemoryFiles(() => NOW_MS)
    const fixture = await open(files)
    await expect(open(files)).rejects.toThrow(/in use by another process/)
    await fixture.engine.close()
    await expect(open(files)).resolves.toBeDefined()
  })

  it('names both ids and the remedy when it belongs to another cluster or node', async () => {
    const files = new MemoryFiles(() => NOW_MS)
    await (await open(files, 'kI2xQ7TjSk-8HTRDCBmQgA')).engine.close()
    await expect(open(files, 'another-cluster-idxxxx')).rejects.toThrow(
      /belongs to cluster kI2xQ7TjSk-8HTRDCBmQgA.*another-cluster-idxxxx.*Configure/,
    )
    const text = files.readFile('/data/meta.properties')!.toString()
    files.writeFile('/data/meta.properties', text.replace('node.id=1', 'node.id=3'))
    await expect(open(files)).rejects.toThrow(/node 3.*node id is 1.*node\.id=3/)
    files.writeFile('/data/meta.properties', text.replace('version=1', 'version=7'))
    await expect(open(files)).rejects.toMatchObject({ kind: 'newer-format' })
    files.writeFile('/data/meta.properties', 'garbage')
    await expect(open(files)).rejects.toBeInstanceOf(StorageError)
    files.writeFile('/data/meta.properties', text)
    const fixture = await open(files)
    expect(fixture.engine.clusterId).toBe('kI2xQ7TjSk-8HTRDCBmQgA')
  })

  it('with partitions but without meta.properties is not taken over', async () => {
    const files = new MemoryFiles(() => NOW_MS)
    files.makeDirectory('/data/topic-0')
    await expect(open(files)).rejects.toThrow(/meta.properties is missing/)
  })
})
