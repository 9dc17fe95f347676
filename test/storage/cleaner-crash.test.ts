import { describe, expect, it } from 'vitest'
import { crashViolations, playCompaction } from './cleaner-crash.ts'
import { randomOf } from './crash-files.ts'

/** `npm run test:crash` takes every point of many more compactions. */
const SEEDS = [1, 3, 4]
const POINTS = 25

describe.each(SEEDS)('a broker that compacts, seed %i,', (seed) => {
  const story = async (kind: 'process' | 'power', mode: 'os' | 'sync') => {
    const scene = await playCompaction(seed, { mode })
    expect(scene.to - scene.from).toBeGreaterThan(20)
    const step = Math.max(1, (scene.to - scene.from) / POINTS)
    for (let point = scene.from; point <= scene.to; point += step) {
      const operation = Math.floor(point)
      const chance = randomOf(operation * 31 + seed)
      const wrong = await crashViolations(scene, { operation, kind, chance })
      expect({ operation, wrong }).toEqual({ operation, wrong: [] })
    }
  }

  it('has all that it promises after a kill at a change to the disk', async () => {
    await story('process', 'os')
  })

  it.each(['os', 'sync'] as const)('and after a power cut in mode %s', async (mode) => {
    await story('power', mode)
  })
})
