import type { EngineFixture } from './engine-fixture.ts'
import { TOPIC } from './engine-fixture.ts'

export const PARTITIONS = 2

/** Small segments, so that a short script has rolls, snapshots and several indexes. */
export const KILL_CONFIG = { segmentBytes: 400, indexIntervalBytes: 150, fileDeleteDelayMs: 1_000 }

/** The topic of the tests, in a real metadata log. */
export async function createRealTopic(fixture: EngineFixture): Promise<void> {
  await fixture.engine.metadata.commit([
    { type: 'TopicRecord', value: { name: 'topic', topicId: TOPIC } },
    ...Array.from({ length: PARTITIONS }, (_, partitionId) => ({
      type: 'PartitionRecord' as const,
      value: {
        partitionId,
        topicId: TOPIC,
        replicas: [1],
        isr: [1],
        removingReplicas: [],
        addingReplicas: [],
        leader: 1,
      },
    })),
  ])
}
