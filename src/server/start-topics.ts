import type { Broker } from '../broker/broker.ts'
import { isLegalTopicName } from '../broker/topics/topic-name.ts'
import { ConfigError } from '../settings/parse-value.ts'

export interface StartTopic {
  readonly name: string
  readonly partitions: number
  /** -1 takes the broker's default. */
  readonly replicationFactor: number
  readonly compact: boolean
}

/** More than this in one request Kafka refuses. */
const MAX_PARTITIONS = 10_000

/** Creates what `dohle.topics` lists and is not there; see `parseStartTopic`. */
export async function createStartTopics({ topics, settings, engine, log }: Broker): Promise<void> {
  const { topicsByName } = engine.metadata.image
  const missing = settings.topics.map(parseStartTopic).filter(({ name }) => !topicsByName.has(name))
  if (missing.length === 0) return
  const outcomes = await topics.create(
    missing.map(({ name, partitions, replicationFactor, compact }) => ({
      name,
      numPartitions: partitions,
      replicationFactor,
      assignments: [],
      configs: compact ? [{ name: 'cleanup.policy', value: 'compact' }] : [],
    })),
    { validateOnly: false },
  )
  for (const { name, error } of outcomes) {
    if (error) throw new ConfigError(`dohle.topics: cannot create topic ${name}: ${error.message}`)
    log.info({ topic: name }, 'topic created')
  }
}

/**
 * `name`, `name:3` for three partitions, `name:3:2` for two replicas of each, and at the end, with or
 * without a number of replicas, `:compact`. Throws `ConfigError`.
 */
export function parseStartTopic(text: string): StartTopic {
  const [name = '', count = '1', ...rest] = text.split(':')
  const hasFactor = /^\d{1,2}$/.test(rest[0] ?? '')
  const replicationFactor = hasFactor ? Number(rest[0]) : -1
  const [policy, ...more] = hasFactor ? rest.slice(1) : rest
  const partitions = /^\d{1,5}$/.test(count) ? Number(count) : 0
  const isPolicy = policy === undefined || policy === 'compact'
  if (!isLegalTopicName(name)) {
    throw new ConfigError(`dohle.topics: '${name}' is not a name of a topic`)
  }
  const isCount = partitions >= 1 && partitions <= MAX_PARTITIONS
  if (!isCount || replicationFactor === 0 || !isPolicy || more.length > 0) {
    throw new ConfigError(
      `dohle.topics: '${text}' should be name:partitions:replicas:compact, of which all but the ` +
        'name may be left out',
    )
  }
  return { name, partitions, replicationFactor, compact: policy === 'compact' }
}
