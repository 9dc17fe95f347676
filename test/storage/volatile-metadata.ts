import type { Uuid } from '../../src/base/uuid.ts'
import { metadataRecordTypes } from '../../src/protocol/embedded/cluster-metadata.ts'
import {
  decodeMetadataRecord,
  encodeMetadataRecord,
} from '../../src/protocol/embedded/metadata-record.ts'
import type { ClosableMetadataStore } from '../../src/storage/local/local-engine-options.ts'
import { MetadataState } from '../../src/storage/metadata-image.ts'
import type { MetadataRecord, ReplayedRecord } from '../../src/storage/metadata-record.ts'

/** Metadata that outlives an engine as long as the test holds it, and no longer. */
export class VolatileMetadata implements ClosableMetadataStore {
  readonly image = new MetadataState()
  readonly #listeners = new Set<(records: readonly ReplayedRecord[]) => void>()

  commit(records: readonly MetadataRecord[]): void {
    const replayed = records.map(complete)
    for (const record of replayed) this.image.replay(record, this.image.offset + 1)
    for (const listener of this.#listeners) listener(replayed)
  }

  subscribe(listener: (records: readonly ReplayedRecord[]) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {}

  createTopic(
    name: string,
    topicId: Uuid,
    partitions: number,
    leaderEpoch = 0,
    directories: () => Uuid[] = () => [],
  ): void {
    const records: MetadataRecord[] = [{ type: 'TopicRecord', value: { name, topicId } }]
    for (let partitionId = 0; partitionId < partitions; partitionId++) {
      records.push({
        type: 'PartitionRecord',
        value: {
          partitionId,
          topicId,
          replicas: [1],
          isr: [1],
          removingReplicas: [],
          addingReplicas: [],
          leader: 1,
          leaderEpoch,
          partitionEpoch: 0,
          directories: directories(),
        },
      })
    }
    this.commit(records)
  }

  deleteTopic(topicId: Uuid): void {
    this.commit([{ type: 'RemoveTopicRecord', value: { topicId } }])
  }
}

/** Fills in defaults the way the real store does: by writing and reading the record. */
function complete(record: MetadataRecord): ReplayedRecord {
  const type = metadataRecordTypes[record.type]
  const bytes = encodeMetadataRecord<typeof type>(type, type.versions[1], record.value)
  const { type: name, value } = decodeMetadataRecord([type], bytes)
  return { type: name, value } as ReplayedRecord
}
