import { decodeVersioned, encodeVersioned } from '../../protocol/body.ts'
import { ProtocolError } from '../../protocol/bytes/protocol-error.ts'
import { Reader } from '../../protocol/bytes/reader.ts'
import { read } from '../../protocol/codec.ts'
import {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from '../../protocol/embedded/consumer-protocol.ts'
import type { DecodedOf } from '../../protocol/schema.ts'

/** What members of protocol type "consumer" put into the bytes of JoinGroup and SyncGroup. */
export type Subscription = DecodedOf<typeof ConsumerProtocolSubscription>
export type Assignment = DecodedOf<typeof ConsumerProtocolAssignment>

/**
 * The topics that a member of protocol type "consumer" names in its metadata; undefined when the
 * bytes do not say. Version 0 of the subscription is the beginning of all versions.
 */
export function subscribedTopics(metadata: Buffer): readonly string[] | undefined {
  return attempt(() => {
    const reader = new Reader(metadata)
    if (reader.int16('version') < 0) return undefined
    return read(ConsumerProtocolSubscription, 0, reader).topics
  })
}

/** Undefined: not a subscription. */
export function readSubscription(metadata: Buffer): Subscription | undefined {
  return attempt(() => decodeVersioned(ConsumerProtocolSubscription, metadata))
}

/** Undefined: not an assignment. */
export function readAssignment(bytes: Buffer): Assignment | undefined {
  return attempt(() => decodeVersioned(ConsumerProtocolAssignment, bytes))
}

/** In the version that the member itself speaks, which its metadata begin with. */
export function writeAssignment(
  metadata: Buffer,
  assignedPartitions: Assignment['assignedPartitions'],
): Buffer {
  const spoken = metadata.length >= 2 ? metadata.readInt16BE(0) : 0
  const [min, max] = ConsumerProtocolAssignment.versions
  const version = Math.min(Math.max(spoken, min), max)
  return encodeVersioned(ConsumerProtocolAssignment, version, {
    assignedPartitions,
    userData: null,
  })
}

function attempt<Value>(parse: () => Value): Value | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
