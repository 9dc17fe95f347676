const MAX_TOPIC_NAME_LENGTH = 249
const LEGAL = /^[a-zA-Z0-9._-]+$/

/** Kafka's rules for names of topics; they also make a name safe as part of a folder's name. */
export function isLegalTopicName(name: string): boolean {
  return name.length <= MAX_TOPIC_NAME_LENGTH && LEGAL.test(name) && name !== '.' && name !== '..'
}

const INTERNAL_TOPICS = new Set([
  '__consumer_offsets',
  '__transaction_state',
  '__share_group_state',
])

/** Topics that only the broker writes to. */
export function isInternalTopic(name: string): boolean {
  return INTERNAL_TOPICS.has(name)
}

/** Reserved: a log of the broker's own that clients cannot see as a topic. */
export const CLUSTER_METADATA_TOPIC = '__cluster_metadata'
