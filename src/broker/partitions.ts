import { ErrorCode } from '../protocol/error-code.ts'
import type { PartitionImage, TopicImage } from '../storage/metadata-store.ts'
import type { Broker } from './broker.ts'

/** No leader epoch was given: nothing to check. */
export const NO_EPOCH = -1

/** The partition when this broker leads it, else the code that says why not. */
export function ledPartition(
  { brokerId }: Broker,
  topic: TopicImage | undefined,
  index: number,
): PartitionImage | ErrorCode {
  const partition = topic?.partitions[index]
  if (!partition) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
  return partition.leader === brokerId ? partition : ErrorCode.NOT_LEADER_OR_FOLLOWER
}

/** Compares the epoch a client believes in with ours (KIP-320). */
export function checkLeaderEpoch(clientEpoch: number, { leaderEpoch }: PartitionImage): ErrorCode {
  if (clientEpoch === NO_EPOCH || clientEpoch === leaderEpoch) return ErrorCode.NONE
  return clientEpoch < leaderEpoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH
}
