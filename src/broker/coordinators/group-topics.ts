import { type Uuid, ZERO_UUID } from '../../base/uuid.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { TopicImage } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'

interface NamedTopic<Partition> {
  readonly name: string
  readonly topicId: Uuid
  readonly partitions: readonly Partition[]
}

export interface PartitionAnswer {
  readonly partitionIndex: number
  readonly errorCode: ErrorCode
}

export interface TopicAnswer {
  readonly name: string
  readonly topicId: Uuid
  readonly partitions: readonly PartitionAnswer[]
}

/** The topics of an offset request: those that exist, and answers for what does not. */
export interface SortedTopics<Topic> {
  readonly known: readonly Topic[]
  readonly refused: readonly TopicAnswer[]
}

/**
 * Finds topics by id (when `byId`, as the newest versions ask) or by name, fills in the other one,
 * and leaves out partitions that do not exist.
 */
export function sortTopics<
  Partition extends { readonly partitionIndex: number },
  Topic extends NamedTopic<Partition>,
>(topics: readonly Topic[], byId: boolean, broker: Broker): SortedTopics<Topic> {
  const { topicsById, topicsByName } = broker.engine.metadata.image
  const known: Topic[] = []
  const refused: TopicAnswer[] = []
  for (const topic of topics) {
    const image = byId ? topicsById.get(topic.topicId) : topicsByName.get(topic.name)
    const found: Partition[] = []
    const missing: Partition[] = []
    for (const one of topic.partitions) {
      if (image && hasPartition(image, one.partitionIndex)) found.push(one)
      else missing.push(one)
    }
    if (image && found.length > 0) {
      known.push({ ...topic, name: image.name, topicId: image.topicId, partitions: found })
    }
    if (image && missing.length === 0) continue
    const errorCode =
      byId && !image ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    const answers = missing.map(({ partitionIndex }) => ({ partitionIndex, errorCode }))
    refused.push({ name: topic.name, topicId: topic.topicId, partitions: answers })
  }
  return { known, refused }
}

function hasPartition(topic: TopicImage, partition: number): boolean {
  return topic.partitions[partition] !== undefined
}

/** One list of topics, those of `refused` first, partitions of the same topic together. */
export function mergeAnswers(
  refused: readonly TopicAnswer[],
  answered: readonly {
    readonly name?: string | undefined
    readonly topicId?: Uuid | undefined
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[]
  }[],
  byId: boolean,
): {
  name: string
  topicId: Uuid
  partitions: { partitionIndex: number; errorCode: number }[]
}[] {
  const merged = new Map<string, ReturnType<typeof mergeAnswers>[number]>()
  for (const { name = '', topicId = ZERO_UUID, partitions } of [...refused, ...answered]) {
    const key = byId ? topicId : name
    const topic = merged.get(key)
    if (topic) topic.partitions.push(...partitions)
    else merged.set(key, { name, topicId, partitions: [...partitions] })
  }
  return [...merged.values()]
}
