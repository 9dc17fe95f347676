import { isInternalTopic } from '../broker/topics/topic-name.ts'
import { CreateTopics } from '../protocol/apis/19-create-topics.ts'
import { DeleteTopics } from '../protocol/apis/20-delete-topics.ts'
import type { RunningBroker } from '../server/run-broker.ts'
import { parseStartTopic } from '../server/start-topics.ts'
import type { TopicImage } from '../storage/metadata-store.ts'
import type { LocalCalls } from './local-calls.ts'
import { throwIfRefused } from './refusal.ts'

export interface NewTopic {
  readonly name: string
  /** The broker's `num.partitions` when left out. */
  readonly partitions?: number
  /** `default.replication.factor` when left out. */
  readonly replicationFactor?: number
  /** By Kafka's names: `{ 'retention.ms': 60000 }`. */
  readonly configs?: Readonly<Record<string, string | number | boolean>>
}

export interface TopicView {
  readonly name: string
  /** Index is the partition number. */
  readonly partitions: readonly PartitionView[]
}

export interface PartitionView {
  readonly partition: number
  /** First offset that is there. */
  readonly startOffset: number
  /** Offset of the next record. */
  readonly endOffset: number
}

/** Topics of a broker in this process. */
export class LocalTopics {
  readonly #running: RunningBroker
  readonly #calls: LocalCalls

  constructor(running: RunningBroker, calls: LocalCalls) {
    this.#running = running
    this.#calls = calls
  }

  image(name: string): TopicImage | undefined {
    return this.#running.broker.engine.metadata.image.topicsByName.get(name)
  }

  async create(topics: readonly (string | NewTopic)[]): Promise<void> {
    if (topics.length === 0) return
    const response = await this.#calls.call(CreateTopics, 7, {
      topics: topics.map(request),
      timeoutMs: 30_000,
      validateOnly: false,
    })
    for (const { errorCode, errorMessage } of response.topics) {
      throwIfRefused(errorCode, errorMessage)
    }
  }

  async delete(names: readonly string[]): Promise<void> {
    if (names.length === 0) return
    const request = { topicNames: names, timeoutMs: 30_000 }
    const { responses } = await this.#calls.call(DeleteTopics, 5, request)
    for (const { name, errorCode, errorMessage } of responses) {
      throwIfRefused(errorCode, errorMessage ?? `topic ${name}`)
    }
  }

  list(): TopicView[] {
    const { topicsByName } = this.#running.broker.engine.metadata.image
    const names = [...topicsByName.keys()].filter((name) => !isInternalTopic(name)).sort()
    return names.map((name) => this.view(topicsByName.get(name)!))
  }

  view({ name, topicId, partitions }: TopicImage): TopicView {
    const { log } = this.#running.broker.engine
    return {
      name,
      partitions: partitions.map(({ partition }) => {
        const { logStartOffset, highWatermark } = log.bounds({ topicId, partition })
        return { partition, startOffset: logStartOffset, endOffset: highWatermark }
      }),
    }
  }

  /** For error messages: one line per topic. */
  describeAll(): string {
    const topics = this.list()
    if (topics.length === 0) return 'there are no topics'
    return topics.map(({ name, partitions }) => `${name}: ${describe(partitions)}`).join('\n')
  }
}

function describe(partitions: readonly PartitionView[]): string {
  const ranges = partitions.map(({ partition, startOffset, endOffset }) => {
    const count = endOffset - startOffset
    return `partition ${partition} ${count === 0 ? 'empty' : `offsets ${startOffset} to ${endOffset - 1}`}`
  })
  return ranges.join(', ')
}

function request(topic: string | NewTopic) {
  const asked: NewTopic = typeof topic === 'string' ? parsed(topic) : topic
  const { name, partitions = -1, replicationFactor = -1, configs = {} } = asked
  return {
    name,
    numPartitions: partitions,
    replicationFactor,
    assignments: [],
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value: String(value) })),
  }
}

function parsed(text: string): NewTopic {
  const { name, partitions, replicationFactor, compact } = parseStartTopic(text)
  return {
    name,
    partitions,
    replicationFactor,
    configs: compact ? { 'cleanup.policy': 'compact' } : {},
  }
}
