import { describe, expect, it } from 'vitest'
import { randomOf } from './crash-files.ts'
import { tell, tellMoves, violations } from './crash-story.ts'

/** Images per crash point; `npm run test:crash` makes many more. */
const SEEDS = [1, 2]

describe('after the process was killed at any write', () => {
  it.each(['os', 'sync'] as const)('nothing acked is lost in mode %s', async (mode) => {
    const story = await tell({ mode })
    for (let operation = 1; operation <= story.files.operations.length; operation++) {
      const crash = { operation, kind: 'process', chance: randomOf(operation) } as const
      expect(await violations(story, crash, { ackedSurvive: true })).toEqual([])
    }
  })
})

describe('in the middle of a move to another directory', () => {
  it.each(['os', 'sync'] as const)('a kill loses nothing acked in mode %s', async (mode) => {
    const story = await tellMoves({ mode })
    for (let operation = 1; operation <= story.files.operations.length; operation++) {
      const crash = { operation, kind: 'process', chance: randomOf(operation) } as const
      const wrong = await violations(story, crash, { ackedSurvive: true })
      expect({ operation, wrong }).toEqual({ operation, wrong: [] })
    }
  })

  it.each(['os', 'sync'] as const)('a power cut breaks no promise of mode %s', async (mode) => {
    const story = await tellMoves({ mode })
    for (let operation = 1; operation <= story.files.operations.length; operation += 2) {
      const chance = randomOf(operation * 41)
      const crash = { operation, kind: 'power', chance } as const
      const wrong = await violations(story, crash, { ackedSurvive: mode === 'sync' })
      expect({ operation, wrong }).toEqual({ operation, wrong: [] })
    }
  })

  it('the check tells a move that syncs nothing on its way', async () => {
    const story = await tellMoves({ mode: 'sync' }, { isHasty: true })
    const wrong: string[] = []
    for (let operation = 1; operation <= story.files.operations.length; operation += 3) {
      const crash = { operation, kind: 'power', chance: randomOf(operation * 41) } as const
      wrong.push(...(await violations(story, crash, { ackedSurvive: true })))
    }
    expect(wrong).not.toEqual([])
  })
})

describe('the check itself', () => {
  it('tells a broker that acks before it writes', async () => {
    const story = await tell({ mode: 'os' })
    const early = story.acked.map((one) => ({ ...one, operation: one.operation - 2 }))
    const wrong: string[] = []
    for (let operation = 1; operation <= story.files.operations.length; operation++) {
      const crash = { operation, kind: 'process', chance: () => 0 } as const
      wrong.push(...(await violations({ ...story, acked: early }, crash, { ackedSurvive: true })))
    }
    expect(wrong.some((sentence) => sentence.startsWith('acked'))).toBe(true)
  })

  it('tells a disk that lies about syncs', async () => {
    const story = await tell({ mode: 'sync' }, true)
    const wrong: string[] = []
    for (let operation = 1; operation <= story.files.operations.length; operation += 5) {
      const crash = { operation, kind: 'power', chance: randomOf(operation) } as const
      wrong.push(...(await violations(story, crash, { ackedSurvive: true })))
    }
    expect(wrong.some((sentence) => sentence.startsWith('acked'))).toBe(true)
  })
})

describe('after a power cut at any point', () => {
  it('a log is a piece of what it was, without hole or torn batch, in mode os', async () => {
    const story = await tell({ mode: 'os' })
    for (let operation = 1; operation <= story.files.operations.length; operation++) {
      for (const seed of SEEDS) {
        const chance = randomOf(operation * 31 + seed)
        const crash = { operation, kind: 'power', chance } as const
        const wrong = await violations(story, crash, { ackedSurvive: false })
        expect({ operation, seed, wrong }).toEqual({ operation, seed, wrong: [] })
      }
    }
  })

  it('nothing acked is lost in mode sync', async () => {
    const story = await tell({ mode: 'sync' })
    for (let operation = 1; operation <= story.files.operations.length; operation++) {
      for (const seed of SEEDS) {
        const chance = randomOf(operation * 37 + seed)
        const crash = { operation, kind: 'power', chance } as const
        const wrong = await violations(story, crash, { ackedSurvive: true })
        expect({ operation, seed, wrong }).toEqual({ operation, seed, wrong: [] })
      }
    }
  })
})
