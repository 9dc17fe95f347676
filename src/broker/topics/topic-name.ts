const MAX_TOPIC_NAME_LENGTH = 249
const LEGAL = /^[a-zA-Z0-9._-]+$/

/** Kafka's rules for names of topics; they also make a name safe as part of a folder's name. */
export function isLegalTopicName(name: string): boolean {
  return topicNameProblem(name) === undefined
}

/** What is wrong with the name of a topic, in Kafka's words; undefined when nothing is. */
export function topicNameProblem(name: string): string | undefined {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed'
  if (name === '.' || name === '..') return `Topic name is invalid: '${name}' is not allowed`
  if (name.length > MAX_TOPIC_NAME_LENGTH) {
    return (
      `Topic name is invalid: the length of '${name}' is longer than the max allowed length ` +
      MAX_TOPIC_NAME_LENGTH
    )
  }
  if (LEGAL.test(name)) return undefined
  return (
    `Topic name is invalid: '${name}' contains one or more characters other than ASCII ` +
    "alphanumerics, '.', '_' and '-'"
  )
}

/** Two names with the same collision key cannot both exist: their metrics would be mixed up. */
export function collisionKey(name: string): string {
  return name.replaceAll('.', '_')
}

/** Whether a name can collide at all. */
export function mayCollide(name: string): boolean {
  return name.includes('.') || name.includes('_')
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
