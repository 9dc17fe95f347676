import { beforeEach, describe, expect, it } from 'vitest'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { batchOf } from './batches.ts'
import { EngineFixture, NOW_MS, TOPIC } from './engine-fixture.ts'

const SEGMENT_BYTES = 64 * 1024
const PAGE_BYTES = 4096
const path = (base: number) => `/data/topic-0/${String(base).padStart(20, '0')}.log`

describe('a topic whose segment files are preallocated', () => {
  let files: MemoryFiles
  let fixture: EngineFixture

  beforeEach(async () => {
    files = new MemoryFiles(() => NOW_MS)
    const config = { segmentBytes: SEGMENT_BYTES, preallocate: true }
    fixture = await new EngineFixture(files, '/data', { config }).open()
    await fixture.createTopic()
  })

  const append = (value: string) => fixture.append(batchOf({ values: [value] }))
  const values = async () => (await fixture.readAll()).map(({ value }) => value)
  const fileBytes = (base: number) => files.stat(path(base))?.sizeBytes
  const bounds = () => fixture.engine.log.bounds({ topicId: TOPIC, partition: 0 })
  const kill = async () => {
    files.lock = async () => ({ writesSurvived: true, release: () => undefined })
    fixture.reports.length = 0
    await fixture.reopen()
  }
  const warnings = () => fixture.reports.filter(({ level }) => level !== 'info')

  it('has a file of full size, but the bytes that were written', async () => {
    await append('a')
    await append('b')
    expect(fileBytes(0)).toBe(SEGMENT_BYTES)
    expect(bounds().sizeBytes).toBeLessThan(200)
    expect(await values()).toEqual(['a', 'b'])
  })

  it('has only the last file at full size, the others at what is in them', async () => {
    for (let count = 0; count < 5; count++) await append(String(count).padEnd(20_000))
    expect(fileBytes(0)).toBeLessThan(SEGMENT_BYTES)
    expect(fileBytes(3)).toBe(SEGMENT_BYTES)
    expect(bounds().sizeBytes).toBeLessThan(2 * SEGMENT_BYTES)
    expect((await values()).map((value) => value.trim())).toEqual(['0', '1', '2', '3', '4'])
  })

  it('has the bytes that were written after a clean stop, and goes on behind them', async () => {
    await append('a')
    const { sizeBytes } = bounds()
    await fixture.engine.close()
    expect(fileBytes(0)).toBe(sizeBytes)
    await fixture.reopen()
    expect((await append('b')).baseOffset).toBe(1)
    expect(await values()).toEqual(['a', 'b'])
    // As in Kafka only a new file is preallocated.
    expect(fileBytes(0)).toBe(bounds().sizeBytes)
  })

  it('loses after a kill only what was never used, which is nothing to warn of', async () => {
    await append('a')
    await append('b')
    const { sizeBytes } = bounds()
    await kill()
    expect(fileBytes(0)).toBe(sizeBytes)
    expect(warnings()).toEqual([])
    expect((await append('c')).baseOffset).toBe(2)
    expect(await values()).toEqual(['a', 'b', 'c'])
  })

  it.each([PAGE_BYTES, 2 * PAGE_BYTES])(
    'loses a batch of which %d bytes were written',
    async (end) => {
      await append('a')
      const { sizeBytes } = bounds()
      await append('b'.repeat(3 * PAGE_BYTES))
      const file = files.open(path(0), 'write')
      file.truncateSync(end)
      file.truncateSync(SEGMENT_BYTES)
      await kill()
      expect(bounds().errorCode).toBe(ErrorCode.NONE)
      expect(fileBytes(0)).toBe(sizeBytes)
      expect(warnings()).toHaveLength(1)
      expect(await values()).toEqual(['a'])
    },
  )

  it('loses a batch of which the page had room for a part of the header', async () => {
    await append('a'.repeat(PAGE_BYTES - 69 - 30))
    const { sizeBytes } = bounds()
    expect(PAGE_BYTES - sizeBytes).toBeLessThan(61)
    expect(PAGE_BYTES - sizeBytes).toBeGreaterThan(0)
    await append('b')
    const file = files.open(path(0), 'write')
    file.truncateSync(PAGE_BYTES)
    file.truncateSync(SEGMENT_BYTES)
    await kill()
    expect(fileBytes(0)).toBe(sizeBytes)
    expect(await values()).toHaveLength(1)
  })

  it('is offline when a whole batch was damaged', async () => {
    await append('a')
    const { sizeBytes } = bounds()
    await append('b'.repeat(3 * PAGE_BYTES))
    files.open(path(0), 'write').writeSync(Uint8Array.of(1), sizeBytes + 100)
    await kill()
    expect(bounds().errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR)
    expect(fileBytes(0)).toBe(SEGMENT_BYTES)
  })
})
