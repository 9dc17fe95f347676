import { partitionFor } from '../../coordinator/partition-for.ts'
import { FindCoordinator } from '../../protocol/apis/10-find-coordinator.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import { errorMessage } from '../../protocol/error-message.ts'
import type { TopicImage } from '../../storage/metadata-store.ts'
import type { Broker, Node } from '../broker.ts'
import { handler, type RequestContext } from '../handler.ts'

/** What a key names, and the internal topic whose partitions share the keys out. */
const KeyType = { GROUP: 0, TRANSACTION: 1, SHARE: 2 } as const
const topicsByKeyType = new Map<number, string>([
  [KeyType.GROUP, '__consumer_offsets'],
  [KeyType.TRANSACTION, '__transaction_state'],
  [KeyType.SHARE, '__share_group_state'],
])

/** Several keys from here on. */
const KEYS_SINCE = 4
/** Share groups are known from here on (KIP-932). */
const SHARE_SINCE = 6

interface Found {
  readonly errorCode: ErrorCode
  readonly node: Omit<Node, 'rack'>
}

/**
 * Kafka answers COORDINATOR_NOT_AVAILABLE until the internal topic exists, and creates it
 * meanwhile. Here the first answer is the coordinator: the first consumer need not ask again.
 */
export const findCoordinator = handler(
  FindCoordinator,
  [0, 6],
  async (request, context, broker) => {
    const { apiVersion } = context
    if (apiVersion < KEYS_SINCE) {
      const { errorCode, node } = await find(request.keyType, request.key, context, broker)
      return { errorCode, errorMessage: messageOf(errorCode), ...address(node) }
    }
    const coordinators = []
    for (const key of request.coordinatorKeys) {
      const { errorCode, node } = await find(request.keyType, key, context, broker)
      coordinators.push({ key, errorCode, errorMessage: '', ...address(node) })
    }
    return { coordinators }
  },
  {
    errorResponse: (request, { errorCode }, apiVersion) => {
      const error = { errorCode, errorMessage: messageOf(errorCode), ...address(noNode) }
      if (apiVersion < KEYS_SINCE) return error
      return { coordinators: request.coordinatorKeys.map((key) => ({ key, ...error })) }
    },
  },
)

/** Kafka says success in a word. */
function messageOf(errorCode: ErrorCode): string {
  return errorCode === ErrorCode.NONE ? 'NONE' : errorMessage(errorCode)
}

const noNode = { brokerId: -1, host: '', port: -1 }

function address({ brokerId, host, port }: Found['node']) {
  return { nodeId: brokerId, host, port }
}

async function find(
  keyType: number,
  key: string,
  context: RequestContext,
  broker: Broker,
): Promise<Found> {
  const topicName = topicsByKeyType.get(keyType)
  // Kafka cannot read such a request: that fails all of it, with a message.
  if (topicName === undefined) throw new KafkaError('INVALID_REQUEST')
  const tooNew = keyType === KeyType.SHARE && context.apiVersion < SHARE_SINCE
  if (tooNew || (keyType === KeyType.SHARE && !isShareKey(key))) {
    return { errorCode: ErrorCode.INVALID_REQUEST, node: noNode }
  }
  const topic = await internalTopic(topicName, broker)
  if (!topic) return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, node: noNode }
  const partition = partitionFor(key, topic.partitions.length)
  const leader = topic.partitions[partition]?.leader
  const node = broker.nodes(context.peer).find(({ brokerId }) => brokerId === leader)
  if (!node) return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, node: noNode }
  if (keyType === KeyType.GROUP) await broker.groups.loaded(partition)
  if (keyType === KeyType.TRANSACTION) await broker.transactions.loaded(partition)
  return { errorCode: ErrorCode.NONE, node }
}

async function internalTopic(name: string, broker: Broker): Promise<TopicImage | undefined> {
  const existing = broker.engine.metadata.image.topicsByName.get(name)
  if (existing) return existing
  const created = await broker.topics.autoCreate(name)
  return typeof created === 'number' ? undefined : created
}

/** groupId:topicId:partition, where the group id may have colons of its own. */
function isShareKey(key: string): boolean {
  return /^.+:[A-Za-z0-9_-]{22}:\d{1,10}$/s.test(key)
}
