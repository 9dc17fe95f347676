import { ZERO_UUID } from '../base/uuid.ts'
import { CreateTopics } from '../protocol/apis/19-create-topics.ts'
import { DeleteTopics } from '../protocol/apis/20-delete-topics.ts'
import { CreatePartitions } from '../protocol/apis/37-create-partitions.ts'
import { brokerError, throwIfError } from './broker-error.ts'
import type { Cluster } from './cluster.ts'

/** Controllers are given this long to make what was asked for available. */
const TIMEOUT_MS = 30_000

export interface NewTopic {
  readonly name: string
  /** The broker's defaults when left out. */
  readonly partitions?: number | undefined
  readonly replicationFactor?: number | undefined
  readonly configs?: ReadonlyMap<string, string> | undefined
}

/** Throws what the controller answers for the topic. */
export async function createTopic(
  cluster: Cluster,
  topic: NewTopic,
  options: { readonly validateOnly?: boolean } = {},
): Promise<void> {
  await cluster.retry(async () => {
    const controller = await cluster.controller()
    const response = await controller.request(
      CreateTopics,
      {
        topics: [
          {
            name: topic.name,
            // From version 4 on -1 takes the broker's default.
            numPartitions: topic.partitions ?? (controller.versionOf(CreateTopics) >= 4 ? -1 : 1),
            replicationFactor:
              topic.replicationFactor ?? (controller.versionOf(CreateTopics) >= 4 ? -1 : 1),
            assignments: [],
            configs: [...(topic.configs ?? [])].map(([name, value]) => ({ name, value })),
          },
        ],
        timeoutMs: TIMEOUT_MS,
        validateOnly: options.validateOnly ?? false,
      },
      { waitMs: TIMEOUT_MS },
    )
    const answer = response.topics[0]
    throwIfError(answer?.errorCode ?? -1, answer?.errorMessage)
  })
}

export async function deleteTopic(cluster: Cluster, name: string): Promise<void> {
  await cluster.retry(async () => {
    const controller = await cluster.controller()
    const byName = controller.versionOf(DeleteTopics) < 6
    const response = await controller.request(
      DeleteTopics,
      {
        ...(byName ? { topicNames: [name] } : { topics: [{ name, topicId: ZERO_UUID }] }),
        timeoutMs: TIMEOUT_MS,
      },
      { waitMs: TIMEOUT_MS },
    )
    const answer = response.responses[0]
    // What is said of a topic that is not there does not name it.
    const errorCode = answer?.errorCode ?? -1
    const text = `${name}: ${answer?.errorMessage ?? brokerError(errorCode).message}`
    throwIfError(errorCode, text)
  })
}

/** `count` is how many there are afterwards. */
export async function createPartitions(
  cluster: Cluster,
  name: string,
  count: number,
): Promise<void> {
  await cluster.retry(async () => {
    const controller = await cluster.controller()
    const response = await controller.request(
      CreatePartitions,
      {
        topics: [{ name, count, assignments: null }],
        timeoutMs: TIMEOUT_MS,
        validateOnly: false,
      },
      { waitMs: TIMEOUT_MS },
    )
    const answer = response.results[0]
    throwIfError(answer?.errorCode ?? -1, answer?.errorMessage)
  })
}
