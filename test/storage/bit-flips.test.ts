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

  it.each([
    ['in the offset of a batch whose index is built again', '/data/topic-1', 0, 436, 7],
    ['that makes the last batch end before it begins', '/data/topic-0', 0, 473, 7],
  ])('%s is detected', async (_, directory, base, position, bit) => {
    const path = `${directory}/${String(base).padStart(20, '0')}.log`
    expect(await outcomeOf(await makeOriginal(true), { path, position, bit })).toBe('detected')
  })

  it('is served by an engine that trusts its disk', async () => {
    vi.spyOn(BatchView.prototype, 'computeCrc').mockImplementation(function (this: BatchView) {
      return this.crc
    })
    const wrong = await wrongFlips(true)
    expect(wrong.filter(({ path }) => path.endsWith('.log'))).not.toEqual([])
  })
})
