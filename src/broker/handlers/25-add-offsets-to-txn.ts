import { partitionFor } from '../../coordinator/partition-for.ts'
import { AddOffsetsToTxn } from '../../protocol/apis/25-add-offsets-to-txn.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { Broker } from '../broker.ts'
import { handler } from '../handler.ts'
import { settled } from '../settled.ts'

/** Older clients do not know PRODUCER_FENCED. */
const FENCED_SINCE = 2

/** Adds the partition that keeps a group's offsets (reference: transactions.md section 6). */
export const addOffsetsToTxn = handler(
  AddOffsetsToTxn,
  [0, 4],
  (request, { apiVersion }, broker) => {
    const topics = [offsetsPartition(request.groupId, broker)]
    const added = broker.transactions.submit<ErrorCode>(
      request.transactionalId,
      (coordinator, to, nowMs) =>
        coordinator.addPartitions({ ...request, topics, clientTransactionVersion: 0 }, to, nowMs),
    )
    return settled(added, (errorCode) => {
      const isOldFence = errorCode === ErrorCode.PRODUCER_FENCED && apiVersion < FENCED_SINCE
      return {
        throttleTimeMs: 0,
        errorCode: isOldFence ? ErrorCode.INVALID_PRODUCER_EPOCH : errorCode,
      }
    })
  },
)

/** Known also before the topic is there: its partitions are counted by the settings. */
function offsetsPartition(groupId: string, broker: Broker) {
  const topic = broker.engine.groups.topicName
  const image = broker.engine.metadata.image.topicsByName.get(topic)
  const partitionCount = image?.partitions.length ?? broker.settings.offsetsTopicNumPartitions
  return { topic, partitionIds: [partitionFor(groupId, partitionCount)] }
}
