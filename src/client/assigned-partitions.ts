import { decodeVersioned } from '../protocol/body.ts'
import { ProtocolError } from '../protocol/bytes/protocol-error.ts'
import { ConsumerProtocolAssignment } from '../protocol/embedded/consumer-protocol.ts'
import type { TopicPartition } from './list-offsets.ts'

/**
 * What the assignment of a member of protocol type "consumer" names; nothing for bytes that do not
 * hold to the protocol: whoever made them knows.
 */
export function assignedPartitionsOf(assignment: Buffer): TopicPartition[] {
  if (assignment.length === 0) return []
  try {
    const { assignedPartitions } = decodeVersioned(ConsumerProtocolAssignment, assignment)
    return assignedPartitions.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    )
  } catch (error) {
    if (error instanceof ProtocolError) return []
    throw error
  }
}
