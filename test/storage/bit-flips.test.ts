import { afterEach, describe, expect, it, vi } from 'vitest'
import { BatchView } from '../../src/protocol/records/batch.ts'
import { type Flip, flipsOf, isUnprotected, makeOriginal, outcomeOf } from './bit-flips.ts'

/** `npm run test:crash` changes every bit of every byte. */
const STEP = 11

async function wrongFlips(isClean: boolean, step = STEP): Promise<Flip[]> {
  const original = await makeOriginal(isClean)
  const wrong: Flip[] = []
  for (const flip of flipsOf(original, step)) {
    if (isUnprotected(original, flip)) continue
    if ((await outcomeOf(original, flip)) === 'wrong') wrong.push(flip)
  }
  return wrong
}

afterEach(() => vi.restoreAllMocks())

describe('a bit that changes anywhere in a directory', () => {
  it.each([
    ['clean shutdown', true],
    ['kill', false],
  ])('does no harm or is detected after a %s', async (_, isClean) => {
    expect(await wrongFlips(isClean)).toEqual([])
  })

  it('is served by an engine that trusts its disk', async () => {
    vi.spyOn(BatchView.prototype, 'computeCrc').mockImplementation(function (this: BatchView) {
      return this.crc
    })
    const wrong = await wrongFlips(true)
    expect(wrong.filter(({ path }) => path.endsWith('.log'))).not.toEqual([])
  })
})
