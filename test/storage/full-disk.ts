import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { batchOf } from './batches.ts'
import { EngineFixture, NOW_MS } from './engine-fixture.ts'
import { FaultyFiles } from './faulty-files.ts'

/** Small segments, so that the disk is also full in the middle of rolls. */
const config = { segmentBytes: 500, indexIntervalBytes: 150 }
const BATCHES = 24
/** Bytes the whole script writes, and some. */
export const SCRIPT_BYTES = 6_000

export interface FullDisk {
  /** Bytes that still fit when the script begins. */
  readonly bytesLeft: number
  /** The process is killed after the disk had room again; else it is stopped. */
  readonly isKilled: boolean
  /** A planted defect: failed appends are taken for acknowledged ones. */
  readonly trustsFailures?: boolean
}

/** Fills the disk, makes room, and restarts. Sentences about what is wrong. */
export async function fullDiskViolations(disk: FullDisk): Promise<string[]> {
  const memory = new MemoryFiles(() => NOW_MS)
  const files = new FaultyFiles(memory)
  const fixture = await new EngineFixture(files, '/data', { config }).open()
  await fixture.createTopic(1)
  const wrong: string[] = []
  const expected: string[] = []
  const append = async (value: string) => {
    const { errorCode, baseOffset } = await fixture.append(batchOf({ values: [value] }))
    if (errorCode === 0 && baseOffset !== expected.length) wrong.push(`${value} at ${baseOffset}`)
    if (errorCode === 0 || disk.trustsFailures) expected.push(value)
    return errorCode
  }
  const compare = async (when: string) => {
    const values = (await fixture.readAll()).map(({ value }) => value)
    if (values.join() !== expected.join()) wrong.push(`${when}: ${values} instead of ${expected}`)
  }
  files.bytesLeft = disk.bytesLeft
  for (let index = 0; index < BATCHES; index++) await append(`a${index}${'.'.repeat(index * 3)}`)
  await compare('full')
  files.bytesLeft = Number.POSITIVE_INFINITY
  for (let index = 0; index < 8; index++) {
    const errorCode = await append(`b${index}${'.'.repeat(60)}`)
    if (errorCode !== 0) wrong.push(`b${index} fails with ${errorCode} though there is room`)
  }
  await compare('room again')
  if (disk.isKilled) memory.lock = async () => ({ writesSurvived: true, release: () => undefined })
  else await fixture.engine.close()
  fixture.reports.length = 0
  await fixture.reopen()
  await compare('restarted')
  for (const { level, message } of fixture.reports) if (level !== 'info') wrong.push(message)
  return wrong
}
