export interface TopicPartitions {
  readonly topic: string
  readonly partitionIds: readonly number[]
}

/** Partitions of a transaction, by topic name as in the log. */
export class PartitionSet {
  readonly #topics = new Map<string, Set<number>>()
  #size = 0

  constructor(topics: readonly TopicPartitions[] = []) {
    this.addAll(topics)
  }

  get size(): number {
    return this.#size
  }

  has(topic: string, partition: number): boolean {
    return this.#topics.get(topic)?.has(partition) ?? false
  }

  hasAll(topics: readonly TopicPartitions[]): boolean {
    return topics.every(({ topic, partitionIds }) =>
      partitionIds.every((partition) => this.has(topic, partition)),
    )
  }

  addAll(topics: readonly TopicPartitions[]): void {
    for (const { topic, partitionIds } of topics) {
      for (const partition of partitionIds) this.add(topic, partition)
    }
  }

  add(topic: string, partition: number): void {
    let partitions = this.#topics.get(topic)
    if (!partitions) {
      partitions = new Set()
      this.#topics.set(topic, partitions)
    }
    if (partitions.has(partition)) return
    partitions.add(partition)
    this.#size++
  }

  delete(topic: string, partition: number): void {
    const partitions = this.#topics.get(topic)
    if (!partitions?.delete(partition)) return
    this.#size--
    if (partitions.size === 0) this.#topics.delete(topic)
  }

  /** A copy, in the order in which they were added. */
  topics(): TopicPartitions[] {
    return Array.from(this.#topics, ([topic, partitions]) => ({
      topic,
      partitionIds: [...partitions],
    }))
  }
}
