import { ErrorCode } from '../protocol/error-code.ts'
import type { PartitionImage, TopicImage } from '../storage/metadata-store.ts'
import type { Broker } from './broker.ts'

/** No leader epoch was given: nothing to check. */
export const NO_EPOCH = -1

/** The partition when this broker leads it, else the code that says why not. */
export function ledPartition(
  { brokerId, engine }: Broker,
  topic: TopicImage | undefined,
  index: number,
): PartitionImage | ErrorCode {
  const partition = topic?.partitions[index]
  if (!partition) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  if (partition.leader === brokerId) return partition
  if (partition.leader >= 0 || !topic) return ErrorCode.NOT_LEADER_OR_FOLLOWER
  const { errorCode } = engine.log.bounds({ topicId: topic.topicId, partition: index })
  return errorCode === ErrorCode.KAFKA_STORAGE_ERROR ? errorCode : ErrorCode.NOT_LEADER_OR_FOLLOWER
}

/** Compares the epoch a client believes in with ours (KIP-320). */
export function checkLeaderEpoch(clientEpoch: number, { leaderEpoch }: PartitionImage): ErrorCode {
  if (clientEpoch === NO_EPOCH || clientEpoch === leaderEpoch) return ErrorCode.NONE
  return clientEpoch < leaderEpoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH
}
