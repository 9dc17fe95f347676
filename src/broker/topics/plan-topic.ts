import type { Uuid } from '../../base/uuid.ts'
import { KafkaError } from '../../protocol/error-code.ts'
import type { Settings } from '../../settings/settings.ts'
import type { NewPlacement } from '../../storage/engine.ts'
import {
  ConfigResourceType,
  type MetadataImage,
  type MetadataRecord,
} from '../../storage/metadata-store.ts'
import { checkTopicConfigs } from '../configs/topic-config-rules.ts'
import { partitionRecord } from './partition-record.ts'
import { checkAssignment, checkSomeLive, placeReplicas } from './replica-assignment.ts'
import { collisionKey, mayCollide, topicNameProblem } from './topic-name.ts'

/** A topic as CreateTopics asks for it. */
export interface NewTopic {
  readonly name: string
  /** -1 takes the broker's default. */
  readonly numPartitions: number
  readonly replicationFactor: number
  /** Brokers of each partition; empty leaves the choice to the broker. */
  readonly assignments: readonly {
    readonly partitionIndex: number
    readonly brokerIds: readonly number[]
  }[]
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

/** A topic that was created, or would be. */
export interface CreatedTopic {
  readonly topicId: Uuid
  readonly numPartitions: number
  readonly replicationFactor: number
  /** Configs of its own. */
  readonly configs: ReadonlyMap<string, string>
}

/** Checks a new topic as Kafka does, first error first, and tells the records that make it. */
export function planTopic(
  spec: NewTopic,
  {
    image,
    settings,
    twins,
    topicId,
    start,
    place,
  }: {
    image: MetadataImage
    settings: Settings
    twins: TopicTwins
    topicId: Uuid
    start: number
    place?: NewPlacement | undefined
  },
): { topic: CreatedTopic; records: MetadataRecord[] } {
  checkName(spec.name, image, twins)
  const configs = new Map(spec.configs.map(({ name, value }) => [name, value]))
  checkTopicConfigs(configs, settings)
  const replicas = spec.assignments.length > 0 ? assigned(spec, image) : placed()
  return {
    topic: {
      topicId,
      numPartitions: replicas.length,
      replicationFactor: replicas[0]!.length,
      configs,
    },
    records: [
      { type: 'TopicRecord', value: { name: spec.name, topicId } },
      ...Array.from(configs, ([name, value]): MetadataRecord => {
        const resourceType = ConfigResourceType.TOPIC
        return {
          type: 'ConfigRecord',
          value: { resourceType, resourceName: spec.name, name, value },
        }
      }),
      ...replicas.map((ids, partition) =>
        partitionRecord(image, { topicId, partition, replicas: ids, place }),
      ),
    ],
  }

  function placed(): readonly (readonly number[])[] {
    const { numPartitions, replicationFactor } = spec
    if (replicationFactor === 0 || replicationFactor < -1) {
      throw new KafkaError(
        'INVALID_REPLICATION_FACTOR',
        'Replication factor must be larger than 0, or -1 to use the default value.',
      )
    }
    if (numPartitions === 0 || numPartitions < -1) {
      throw new KafkaError(
        'INVALID_PARTITIONS',
        'Number of partitions was set to an invalid non-positive value.',
      )
    }
    return placeReplicas(image.brokers, {
      count: numPartitions === -1 ? settings.numPartitions : numPartitions,
      replicationFactor:
        replicationFactor === -1 ? settings.defaultReplicationFactor : replicationFactor,
      start,
    })
  }
}

/** Finds existing topics whose names collide with new ones; made when first needed. */
export class TopicTwins {
  readonly #names: Iterable<string>
  #byKey: Map<string, string> | undefined

  constructor(names: Iterable<string>) {
    this.#names = names
  }

  of(name: string): string | undefined {
    if (!mayCollide(name)) return undefined
    this.#byKey ??= new Map(Array.from(this.#names, (other) => [collisionKey(other), other]))
    return this.#byKey.get(collisionKey(name))
  }
}

function checkName(name: string, image: MetadataImage, twins: TopicTwins): void {
  if (image.topicsByName.has(name)) {
    throw new KafkaError('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`)
  }
  const problem = topicNameProblem(name)
  if (problem) throw new KafkaError('INVALID_TOPIC_EXCEPTION', problem)
  const twin = twins.of(name)
  if (twin) {
    const message = `Topic '${name}' collides with existing topic: ${twin}`
    throw new KafkaError('INVALID_TOPIC_EXCEPTION', message)
  }
}

function assigned(spec: NewTopic, image: MetadataImage): readonly (readonly number[])[] {
  if (spec.replicationFactor !== -1) {
    throw new KafkaError(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but replication factor was not set to -1.',
    )
  }
  if (spec.numPartitions !== -1) {
    throw new KafkaError(
      'INVALID_REQUEST',
      'A manual partition assignment was specified, but numPartitions was not set to -1.',
    )
  }
  const byPartition = new Map<number, readonly number[]>()
  let replicaCount: number | undefined
  for (const { partitionIndex, brokerIds } of spec.assignments) {
    if (byPartition.has(partitionIndex)) {
      throw new KafkaError(
        'INVALID_REPLICA_ASSIGNMENT',
        `Found multiple manual partition assignments for partition ${partitionIndex}`,
      )
    }
    checkAssignment(image.brokers, brokerIds, replicaCount)
    replicaCount = brokerIds.length
    checkSomeLive(image.brokers, brokerIds)
    byPartition.set(partitionIndex, brokerIds)
  }
  return Array.from({ length: byPartition.size }, (_, partition) => {
    const brokerIds = byPartition.get(partition)
    if (brokerIds) return brokerIds
    throw new KafkaError(
      'INVALID_REPLICA_ASSIGNMENT',
      'partitions should be a consecutive 0-based integer sequence',
    )
  })
}
