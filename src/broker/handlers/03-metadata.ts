import { type Uuid, ZERO_UUID } from '../../base/uuid.ts'
import { Metadata } from '../../protocol/apis/03-metadata.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import type { TopicImage } from '../../storage/metadata-store.ts'
import {
  allClusterOperations,
  allTopicOperations,
  OPERATIONS_NOT_ASKED,
} from '../authorized-operations.ts'
import type { Broker } from '../broker.ts'
import { controllerId } from '../controller.ts'
import { handler, type RequestContext } from '../handler.ts'
import { CLUSTER_METADATA_TOPIC, isInternalTopic, isLegalTopicName } from '../topics/topic-name.ts'

type Request = RequestOf<typeof Metadata>
type TopicMetadata = ResponseOf<typeof Metadata>['topics'][number]

/** Rules: api-keys.md section 7 and observed.md. */
export const metadata = handler(
  Metadata,
  [0, 13],
  (request, context, broker) => {
    const topics = findTopics(request, context, broker)
    return topics instanceof Promise
      ? topics.then((found) => answer(request, context, broker, found))
      : answer(request, context, broker, topics)
  },
  {
    errorResponse: (request, { errorCode }) => ({
      errorCode,
      brokers: [],
      topics: inError(request, errorCode),
    }),
  },
)

function inError(request: Request, errorCode: ErrorCode): TopicMetadata[] {
  return (request.topics ?? []).map(({ name, topicId }) => ({
    errorCode,
    name: name ?? '',
    topicId,
    partitions: [],
  }))
}

function answer(
  request: Request,
  { peer }: RequestContext,
  broker: Broker,
  topics: readonly TopicMetadata[],
): ResponseOf<typeof Metadata> {
  return {
    brokers: broker
      .nodes(peer)
      .map(({ brokerId, host, port, rack }) => ({ nodeId: brokerId, host, port, rack })),
    clusterId: broker.clusterId,
    controllerId: controllerId(broker),
    topics: request.includeTopicAuthorizedOperations ? topics.map(withOperations) : topics,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? allClusterOperations
      : OPERATIONS_NOT_ASKED,
  }
}

/** Topics that are not there have them too, if they have a name. */
function withOperations(topic: TopicMetadata): TopicMetadata {
  if (topic.name === null) return topic
  return { ...topic, topicAuthorizedOperations: allTopicOperations }
}

function findTopics(
  request: Request,
  context: RequestContext,
  broker: Broker,
): TopicMetadata[] | Promise<TopicMetadata[]> {
  const { topicsByName } = broker.engine.metadata.image
  if (asksForAll(request, context)) {
    return Array.from(topicsByName.values(), (topic) => describe(topic))
  }
  const asked = request.topics!
  if (context.apiVersion < 12) refuseIds(asked)
  const ids = new Set(asked.map(({ topicId }) => topicId))
  ids.delete(ZERO_UUID)
  if (ids.size > 0) return findById(ids, broker)
  return findByName(namesOf(asked), request, broker)
}

function asksForAll({ topics }: Request, { apiVersion }: RequestContext): boolean {
  return topics === null || (apiVersion === 0 && topics.length === 0)
}

/** v10 and v11 carry ids and nullable names before either had a meaning. */
function refuseIds(asked: NonNullable<Request['topics']>): void {
  if (asked.some(({ name, topicId }) => name === null || topicId !== ZERO_UUID)) {
    throw new KafkaError('INVALID_REQUEST')
  }
}

function namesOf(asked: NonNullable<Request['topics']>): Set<string> {
  const names = new Set<string>()
  for (const { name } of asked) {
    // Neither name nor id: Kafka answers the whole request with this code.
    if (name === null) throw new KafkaError('UNKNOWN_SERVER_ERROR')
    names.add(name)
  }
  return names
}

function findById(ids: ReadonlySet<Uuid>, broker: Broker): TopicMetadata[] {
  const { topicsById } = broker.engine.metadata.image
  return Array.from(ids, (topicId) => {
    const topic = topicsById.get(topicId)
    if (topic) return describe(topic)
    return { errorCode: ErrorCode.UNKNOWN_TOPIC_ID, name: null, topicId, partitions: [] }
  })
}

function findByName(
  names: ReadonlySet<string>,
  request: Request,
  broker: Broker,
): TopicMetadata[] | Promise<TopicMetadata[]> {
  const { topicsByName } = broker.engine.metadata.image
  const missing = Array.from(names).filter((name) => mayBeCreated(name, request, broker))
  if (missing.length > 0) return createAndFind(names, missing, broker)
  return Array.from(names, (name) => {
    const topic = topicsByName.get(name)
    return topic ? describe(topic) : unknownTopic(name)
  })
}

function mayBeCreated(name: string, request: Request, { engine, settings }: Broker): boolean {
  return (
    !engine.metadata.image.topicsByName.has(name) &&
    request.allowAutoTopicCreation &&
    settings.autoCreateTopicsEnable &&
    isLegalTopicName(name) &&
    name !== CLUSTER_METADATA_TOPIC
  )
}

function unknownTopic(name: string, errorCode?: ErrorCode): TopicMetadata {
  const code = isLegalTopicName(name)
    ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    : ErrorCode.INVALID_TOPIC_EXCEPTION
  return {
    errorCode: errorCode ?? code,
    name,
    isInternal: isInternalTopic(name),
    partitions: [],
  }
}

/**
 * Kafka answers UNKNOWN_TOPIC_OR_PARTITION now and creates the topic meanwhile; the client asks
 * again after its back-off. Here the first answer has the leader: the first send succeeds. Only who
 * asks first for a topic that has been deleted is answered as by Kafka: that it is gone.
 */
async function createAndFind(
  names: ReadonlySet<string>,
  missing: readonly string[],
  broker: Broker,
): Promise<TopicMetadata[]> {
  const failures = new Map<string, ErrorCode>()
  for (const name of missing) {
    const gone = broker.topics.wasDeleted(name)
    const outcome = await broker.topics.autoCreate(name)
    if (typeof outcome === 'number') failures.set(name, outcome)
    else if (gone) failures.set(name, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
  }
  const { topicsByName } = broker.engine.metadata.image
  return Array.from(names, (name) => {
    const topic = failures.has(name) ? undefined : topicsByName.get(name)
    return topic ? describe(topic) : unknownTopic(name, failures.get(name))
  })
}

function describe(topic: TopicImage): TopicMetadata {
  return {
    errorCode: ErrorCode.NONE,
    name: topic.name,
    topicId: topic.topicId,
    isInternal: isInternalTopic(topic.name),
    partitions: topic.partitions.map(({ partition, leader, leaderEpoch, replicas, isr }) => ({
      errorCode: leader < 0 ? ErrorCode.LEADER_NOT_AVAILABLE : ErrorCode.NONE,
      partitionIndex: partition,
      leaderId: leader,
      leaderEpoch,
      replicaNodes: replicas,
      isrNodes: isr,
    })),
  }
}
