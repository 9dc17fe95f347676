import { type Uuid, ZERO_UUID } from '../../base/uuid.ts'
import { KafkaError } from '../../protocol/error-code.ts'
import type { MetadataImage, MetadataRecord } from '../../storage/metadata-store.ts'
import type { Decision } from '../metadata-writer.ts'

/** A topic to delete, by name or by id: the other one is null or zero. */
export interface TopicToDelete {
  readonly name: string | null
  readonly topicId: Uuid
}

export interface DeletedTopic extends TopicToDelete {
  readonly error: KafkaError | undefined
}

/**
 * Answers once for each topic, in Kafka's words; what is named in two ways is refused and stays
 * (admin-and-config.md section 2).
 */
export function decideDelete(
  image: MetadataImage,
  topics: readonly TopicToDelete[],
  charge?: (partitions: number) => void,
): Decision<DeletedTopic[]> {
  const { names, ids, refused } = sortOut(topics)
  const doomed = new Map<Uuid, DeletedTopic>()
  const unknown: DeletedTopic[] = []
  for (const topicId of ids) {
    const topic = image.topicsById.get(topicId)
    if (topic) doomed.set(topicId, { name: topic.name, topicId, error: undefined })
    else unknown.push(unknownId(topicId))
  }
  for (const name of names) {
    const topic = image.topicsByName.get(name)
    if (!topic) {
      unknown.push(unknownName(name))
      continue
    }
    const { topicId } = topic
    const why = 'The provided topic name maps to an ID that was already supplied.'
    const error = doomed.has(topicId) ? new KafkaError('INVALID_REQUEST', why) : undefined
    doomed.set(topicId, { name, topicId, error })
  }
  const found = Array.from(doomed.values(), (topic) => charged(image, topic, charge))
  const records = found
    .filter(({ error }) => error === undefined)
    .map(({ topicId }): MetadataRecord => ({ type: 'RemoveTopicRecord', value: { topicId } }))
  return { records, result: [...refused, ...unknown, ...found] }
}

/** The topic, in error when the quota does not allow its deletion. */
function charged(
  image: MetadataImage,
  topic: DeletedTopic,
  charge: ((partitions: number) => void) | undefined,
): DeletedTopic {
  if (!charge || topic.error) return topic
  try {
    charge(image.topicsById.get(topic.topicId)!.partitions.length)
    return topic
  } catch (error) {
    if (error instanceof KafkaError) return { ...topic, error }
    throw error
  }
}

/** Names and ids given once; everything else has its error already. */
function sortOut(topics: readonly TopicToDelete[]) {
  const names = new Set<string>()
  const ids = new Set<Uuid>()
  const refused: DeletedTopic[] = []
  const twice = new Set<string>()
  const refuse = (topic: TopicToDelete, why: string) =>
    refused.push({ ...topic, error: new KafkaError('INVALID_REQUEST', why) })
  const addOnce = (set: Set<string>, key: string, topic: TopicToDelete, what: string) => {
    if (!set.has(key)) set.add(key)
    else if (!twice.has(key)) {
      twice.add(key)
      refuse(topic, `Duplicate topic ${what}.`)
    }
  }
  for (const topic of topics) {
    const { name, topicId } = topic
    if (name === null && topicId === ZERO_UUID) {
      refuse(topic, 'Neither topic name nor id were specified.')
    } else if (name !== null && topicId !== ZERO_UUID) {
      refuse(topic, 'You may not specify both topic name and topic id.')
    } else if (name === null) addOnce(ids, topicId, topic, 'id')
    else addOnce(names, name, topic, 'name')
  }
  for (const key of twice) {
    names.delete(key)
    ids.delete(key)
  }
  return { names, ids, refused }
}

function unknownId(topicId: Uuid): DeletedTopic {
  const error = new KafkaError('UNKNOWN_TOPIC_ID', 'This server does not host this topic ID.')
  return { name: null, topicId, error }
}

function unknownName(name: string): DeletedTopic {
  const why = 'This server does not host this topic-partition.'
  return { name, topicId: ZERO_UUID, error: new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', why) }
}
