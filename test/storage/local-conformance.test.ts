import { cpSync } from 'node:fs'
import { MemoryFiles } from '../../src/storage/local/memory-files.ts'
import { type Bench, conformance } from './conformance.ts'
import { backends, EngineFixture, TOPIC } from './engine-fixture.ts'

for (const { name, make } of backends) {
  for (const mode of ['os', 'sync'] as const) {
    conformance(`local engine on ${name}, durability ${mode}`, async () => {
      const backend = make()
      const options = { durability: { mode } }
      // Segments of a few batches, so that reads and retention meet several.
      const config = { segmentBytes: 8_000, indexIntervalBytes: 300 }
      let fixture = new EngineFixture(backend.files, backend.dataDir, { options, config })
      await fixture.open()
      await fixture.createTopic(3)
      let copies = 0
      const bench: Bench = {
        get engine() {
          return fixture.engine
        },
        topicId: TOPIC,
        nowMs: () => fixture.clock.nowMs(),
        restart: () => fixture.restart(),
        async kill() {
          // The dead one keeps its files; the next one finds what was written up to now.
          if (backend.files instanceof MemoryFiles) {
            backend.files.lock = async () => ({ writesSurvived: true, release: () => undefined })
            await fixture.reopen()
            return
          }
          const copy = `${backend.dataDir}-${copies++}`
          cpSync(fixture.dataDir, copy, { recursive: true })
          // The owner it names is this very process, which lives on.
          backend.files.removeFile(`${copy}/.lock`)
          await fixture.engine.close()
          const { metadata, clock } = fixture
          fixture = new EngineFixture(backend.files, copy, { options, config, metadata, clock })
          await fixture.open()
        },
        async deleteTopic() {
          fixture.metadata.deleteTopic(TOPIC)
        },
        async createTopicAgain(topicId) {
          fixture.metadata.createTopic('topic', topicId, 1)
        },
        async expireEverything() {
          fixture.clock.advance(fixture.config.retentionMs * 2)
          fixture.engine.runRetention()
        },
        async close() {
          await fixture.engine.close()
          backend.cleanUp()
        },
      }
      return bench
    })
  }
}
