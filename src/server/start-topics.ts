import type { Broker } from '../broker/broker.ts'
import { isLegalTopicName } from '../broker/topic-name.ts'
import { ConfigError } from '../settings/parse-value.ts'

export interface StartTopic {
  readonly name: string
  readonly partitions: number
  readonly compact: boolean
}

/** More than this in one request Kafka refuses. */
const MAX_PARTITIONS = 10_000

/** Creates what `dohle.topics` lists and is not there: `name`, `name:3`, `name:3:compact`. */
export async function createStartTopics({ topics, settings, engine, log }: Broker): Promise<void> {
  const { topicsByName } = engine.metadata.image
  const missing = settings.topics.map(parseStartTopic).filter(({ name }) => !topicsByName.has(name))
  if (missing.length === 0) return
  const outcomes = await topics.create(
    missing.map(({ name, partitions, compact }) => ({
      name,
      numPartitions: partitions,
      replicationFactor: -1,
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

/** `name`, `name:3` for three partitions, `name:3:compact`. Throws `ConfigError`. */
export function parseStartTopic(text: string): StartTopic {
  const [name = '', count = '1', policy, ...more] = text.split(':')
  const partitions = /^\d{1,5}$/.test(count) ? Number(count) : 0
  const isPolicy = policy === undefined || policy === 'compact'
  if (!isLegalTopicName(name)) {
    throw new ConfigError(`dohle.topics: '${name}' is not a name of a topic`)
  }
  if (partitions < 1 || partitions > MAX_PARTITIONS || !isPolicy || more.length > 0) {
    throw new ConfigError(
      `dohle.topics: '${text}' should be a name, name:partitions or name:partitions:compact`,
    )
  }
  return { name, partitions, compact: policy === 'compact' }
}
