import { describe, expect, it } from 'vitest'
import { fullDiskViolations, SCRIPT_BYTES } from './full-disk.ts'

/** `npm run test:crash` stops at every byte. */
const STEP = 37

describe('a disk that gets full at any byte', () => {
  it.each([true, false])(
    'neither acks what it has not nor keeps what failed (killed: %s)',
    async (isKilled) => {
      for (let bytesLeft = 0; bytesLeft < SCRIPT_BYTES; bytesLeft += STEP) {
        const wrong = await fullDiskViolations({ bytesLeft, isKilled })
        expect({ bytesLeft, wrong }).toEqual({ bytesLeft, wrong: [] })
      }
    },
  )

  it('shows a broker that acks what it could not write', async () => {
    const disk = { bytesLeft: 1_000, isKilled: true, trustsFailures: true }
    expect(await fullDiskViolations(disk)).not.toEqual([])
  })
})
