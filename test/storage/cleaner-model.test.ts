import { describe, expect, it } from 'vitest'
import { recordsLeft } from './compacted-log.ts'
import { CompactedStory } from './compacted-story.ts'
import { TOPIC } from './engine-fixture.ts'

const at = { topicId: TOPIC, partition: 0 }

async function tell(seed: number, steps: number): Promise<CompactedStory> {
  const story = await new CompactedStory(seed, { keyless: seed % 3 === 0 ? 0.1 : 0 }).open()
  for (let step = 0; step < steps; step++) {
    await story.step()
    if (story.random() > 0.1) continue
    await story.clean()
    expect(await story.violations()).toEqual([])
    if (story.random() > 0.3) continue
    const before = story.producerViews()
    const { logEndOffset, lastStableOffset } = story.fixture.engine.log.bounds(at)
    // A clean restart, or as after a kill: all that was written is there, but nothing more.
    if (story.random() < 0.5) await story.fixture.restart()
    else await story.fixture.reopen(story.copyOfFiles())
    expect(story.fixture.engine.log.bounds(at)).toMatchObject({ logEndOffset, lastStableOffset })
    expect(story.producerViews()).toEqual(before)
    expect(await story.violations()).toEqual([])
  }
  return story
}

describe('a compacted topic under random writes, compactions, restarts and kills', () => {
  const seeds = Array.from({ length: 60 }, (_, index) => index + 1)

  it.each(seeds)('keeps what it promises, seed %i', async (seed) => {
    const story = await tell(seed, 150)
    const errors = story.fixture.reports.filter(({ level }) => level === 'error')
    expect(errors).toEqual([])
  })

  it('has compacted most of it', async () => {
    const story = await tell(7, 300)
    await story.clean()
    const left = await recordsLeft(story.fixture)
    expect(left.length).toBeLessThan(story.written.size / 3)
  })
})
