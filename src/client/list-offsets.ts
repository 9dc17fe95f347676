import { ListOffsets } from '../protocol/apis/02-list-offsets.ts'
import { KafkaError } from '../protocol/error-code.ts'
import { throwIfError } from './broker-error.ts'
import type { Cluster } from './cluster.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Special times of ListOffsets. */
export const LATEST = -1
export const EARLIEST = -2

export type Isolation = 'read_uncommitted' | 'read_committed'

export function isolationLevel(isolation: Isolation): number {
  return isolation === 'read_committed' ? 1 : 0
}

/**
 * The offset of the first record at `timestamp` or later, of the start (EARLIEST) or of the end
 * (LATEST), for each of the partitions in their order; -1 where there is no such record.
 */
export async function listOffsets(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  timestamp: number,
  isolation: Isolation = 'read_uncommitted',
): Promise<number[]> {
  return await cluster.retry(async () => {
    const leaders = await Promise.all(
      partitions.map(({ topic, partition }) => cluster.leaderOf(topic, partition)),
    )
    const offsets = new Map<string, number>()
    await Promise.all(
      [...new Set(leaders.map(({ leaderId }) => leaderId))].map(async (leaderId) => {
        const own = partitions.filter((_, index) => leaders[index]!.leaderId === leaderId)
        const found = await listAt(cluster, leaderId, { partitions: own, timestamp, isolation })
        for (const [name, offset] of found) offsets.set(name, offset)
      }),
    )
    return partitions.map((one) => {
      const offset = offsets.get(nameOf(one))
      if (offset === undefined) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
      return offset
    })
  })
}

interface Lookup {
  readonly partitions: readonly TopicPartition[]
  readonly timestamp: number
  readonly isolation: Isolation
}

async function listAt(
  cluster: Cluster,
  leaderId: number,
  { partitions, timestamp, isolation }: Lookup,
): Promise<Map<string, number>> {
  const connection = await cluster.node(leaderId)
  const response = await connection.request(ListOffsets, {
    replicaId: -1,
    isolationLevel: isolationLevel(isolation),
    topics: byTopic(partitions).map(([name, numbers]) => ({
      name,
      partitions: numbers.map((partitionIndex) => ({ partitionIndex, timestamp })),
    })),
  })
  const offsets = new Map<string, number>()
  for (const { name: topic, partitions: answers } of response.topics) {
    for (const { partitionIndex: partition, errorCode, offset, oldStyleOffsets } of answers) {
      throwIfError(errorCode)
      offsets.set(nameOf({ topic, partition }), oldStyleOffsets[0] ?? offset)
    }
  }
  return offsets
}

export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

/** Partition numbers by topic, in the order of first mention. */
export function byTopic(partitions: readonly TopicPartition[]): [string, number[]][] {
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of partitions) {
    const numbers = topics.get(topic)
    if (numbers) numbers.push(partition)
    else topics.set(topic, [partition])
  }
  return [...topics]
}
