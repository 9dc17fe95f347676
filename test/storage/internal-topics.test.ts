import { beforeEach, describe, expect, it } from 'vitest'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { EngineFixture, NOW_MS, TOPIC } from './engine-fixture.ts'

const NAME = '__consumer_offsets'
const MINUTE_MS = 60_000
const DAYS = 60
const GROUPS = 40
const SEGMENT_BYTES = 256 * 1024
/** Enough for the active segment, one more that is not dirty enough, and all that is still true. */
const MOST_BYTES = 3 * SEGMENT_BYTES

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (value: Uint8Array | null) => value && new TextDecoder().decode(value)

/** As the broker has them: compacted, with the cleaner's default settings and a small segment. */
async function openFixture(files: MemoryFiles): Promise<EngineFixture> {
  const config = {
    segmentBytes: SEGMENT_BYTES,
    cleanupCompact: true,
    cleanupDelete: false,
    deleteRetentionMs: 86_400_000,
  }
  const turns = { isOver: () => false, next: async () => undefined, rested: () => undefined }
  const options = { cleanerTurns: turns }
  const fixture = await new EngineFixture(files, '/data', { config, options }).open()
  fixture.metadata.createTopic(NAME, TOPIC, 1)
  return fixture
}

describe('an internal topic', () => {
  let fixture: EngineFixture
  const latest = new Map<string, string>()

  const sizeBytes = () => fixture.engine.log.bounds({ topicId: TOPIC, partition: 0 }).sizeBytes

  const append = async (key: string, value: string | null) => {
    const record = { key: bytes(key), value: value === null ? null : bytes(value) }
    const nowMs = fixture.clock.nowMs()
    const { errorCode } = await fixture.engine.groups.append(0, [record], { nowMs })
    expect(errorCode).toBe(0)
    if (value === null) latest.delete(key)
    else latest.set(key, value)
  }

  /** What a coordinator knows once it has read the partition. */
  const load = async () => {
    const loaded = new Map<string, string>()
    for await (const { records } of fixture.engine.groups.load(0)) {
      for (const { key, value } of records) {
        const shown = text(value)
        if (shown === null) loaded.delete(text(key)!)
        else loaded.set(text(key)!, shown)
      }
    }
    return loaded
  }

  beforeEach(async () => {
    latest.clear()
    fixture = await openFixture(new MemoryFiles(() => fixture?.clock.nowMs() ?? NOW_MS))
  })

  it(`stays small under ${DAYS} days of commits, and says at the end what each group committed`, async () => {
    let largest = 0
    let written = 0
    for (let minute = 0; minute < DAYS * 24 * 60; minute += 10) {
      // Groups come and go: one of an earlier day says that it is no more.
      const day = Math.floor(minute / (24 * 60))
      if (minute % (24 * 60) === 0 && day > 0) {
        for (let group = 0; group < GROUPS; group++) await append(`short-${day - 1}-${group}`, null)
      }
      const group = (minute / 10) % GROUPS
      await append(`steady-${group}`, `offset ${minute} with some metadata of the client`)
      await append(`short-${day}-${group}`, `offset ${minute}`)
      written += 2
      fixture.clock.advance(10 * MINUTE_MS)
      await fixture.engine.runCleaner()
      largest = Math.max(largest, sizeBytes())
    }
    expect(written).toBeGreaterThan(17_000)
    expect(largest).toBeLessThan(MOST_BYTES)
    expect(fixture.reports.some(({ message }) => message === 'log compacted')).toBe(true)
    expect(await load()).toEqual(latest)
    await fixture.restart()
    expect(await load()).toEqual(latest)
    expect(sizeBytes()).toBeLessThan(MOST_BYTES)
  }, 60_000)
})
