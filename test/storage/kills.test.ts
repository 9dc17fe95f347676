import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Killer, type KillPlan } from './kills.ts'

/** `npm run test:crash` kills at every one. */
const STEP = 61

/** Kills at every `STEP`-th change to the disk, from `first` on. */
async function killAll(killer: Killer, plan: KillPlan, first: number): Promise<string[]> {
  const wrong: string[] = []
  for (let call = first; ; call += STEP) {
    const result = await killer.killAt(call, plan)
    wrong.push(...result.wrong.map((sentence) => `${plan} ${call}: ${sentence}`))
    if (result.callCount !== undefined) return wrong
  }
}

describe.skipIf(process.platform === 'win32')('kill -9 at a change to the disk', () => {
  const killer = new Killer()
  beforeAll(async () => {
    await killer.prepare()
  })
  afterAll(() => killer.cleanUp())

  it.each([
    ['os', 17],
    ['sync', 40],
  ] as const)(
    'loses nothing that was acknowledged in mode %s',
    async (plan, first) => {
      expect(await killAll(killer, plan, first)).toEqual([])
    },
    120_000,
  )

  it('finds a broker that acknowledges before it writes', async () => {
    const wrong = await killAll(killer, 'early', 80)
    expect(wrong.some((sentence) => sentence.includes('lost: acked'))).toBe(true)
  }, 120_000)
})
