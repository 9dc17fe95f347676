import type { Durability } from '../../src/storage/local/log-environment.ts'
import type { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { recordsLeft } from './compacted-log.ts'
import { CompactedStory } from './compacted-story.ts'
import { type Crash, CrashFiles } from './crash-files.ts'
import { EngineFixture, NOW_MS, TOPIC } from './engine-fixture.ts'

const at = { topicId: TOPIC, partition: 0 }

/** A compaction, and all that it does to the disk. */
export interface CompactionScene {
  readonly story: CompactedStory
  readonly files: CrashFiles
  /** Operations on the disk before and after it. */
  readonly from: number
  readonly to: number
  /** Nothing from here on may be gone. */
  readonly cleanedTo: number
}

/** A topic with transactions that is compacted a third time. */
export async function playCompaction(
  seed: number,
  durability: Durability,
): Promise<CompactionScene> {
  const files = new CrashFiles(() => NOW_MS)
  const story = new CompactedStory(seed, { files })
  story.fixture.options = { ...story.fixture.options, durability }
  await story.fixture.reopen()
  await story.fixture.createTopic(1)
  for (let round = 0; round < 2; round++) {
    for (let step = 0; step < 30; step++) await story.step()
    await story.clean()
  }
  for (let step = 0; step < 40; step++) await story.step()
  // An open transaction would hold it up.
  for (const producer of story.producers) await story.end(producer)
  const { log } = story
  log.roll(story.fixture.clock.nowMs())
  const from = files.operations.length
  const cleanedTo = log.active.baseOffset
  await story.fixture.engine.runCleaner()
  return { story, files, from, to: files.operations.length, cleanedTo }
}

async function recover(
  { story }: CompactionScene,
  files: MemoryFiles,
  crash: Crash,
): Promise<EngineFixture> {
  const writesSurvived = crash.kind === 'process'
  files.lock = async () => ({ writesSurvived, ownerWasDohle: true, release: () => undefined })
  const { config, options, clock } = story.fixture
  const fixture = new EngineFixture(files, '/data', { config, options, clock })
  await fixture.createTopic(1)
  await fixture.open()
  return fixture
}

/** Sentences about what is wrong after a crash in the middle of the compaction. */
export async function crashViolations(scene: CompactionScene, crash: Crash): Promise<string[]> {
  const { story, cleanedTo } = scene
  const files = scene.files.imageAfter(crash)
  const fixture = await recover(scene, files, crash)
  const { logEndOffset } = fixture.engine.log.bounds(at)
  const wrong = await story.violations(fixture, cleanedTo)
  if (crash.kind === 'process') {
    for (const { level, message } of fixture.reports) if (level === 'error') wrong.push(message)
    const before = story.fixture.engine.log.bounds(at).logEndOffset
    if (logEndOffset !== before) wrong.push(`the log ends at ${logEndOffset}, not at ${before}`)
  }
  for (const { name } of files.list('/data/topic-0')) {
    if (/cleaned|swap|tmp/.test(name)) wrong.push(`${name} is left over`)
  }
  const found = await recordsLeft(fixture)
  const again = await recover(scene, files, crash)
  if (JSON.stringify(await recordsLeft(again)) !== JSON.stringify(found)) {
    wrong.push('a second recovery finds other records')
  }
  await again.engine.runCleaner()
  wrong.push(...(await story.violations(again, again.engine.log.find(at)!.active.baseOffset)))
  const end = again.engine.log.bounds(at).logEndOffset
  if (end !== logEndOffset) wrong.push(`compacted again it ends at ${end}, not at ${logEndOffset}`)
  return wrong
}
