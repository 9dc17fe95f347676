import { ProtocolError } from '../../protocol/bytes/protocol-error.ts'
import { Reader } from '../../protocol/bytes/reader.ts'
import { read } from '../../protocol/codec.ts'
import { ConsumerProtocolSubscription } from '../../protocol/embedded/consumer-protocol.ts'

/**
 * The topics that a member of protocol type "consumer" names in its metadata; undefined when the
 * bytes do not say. Version 0 of the subscription is the beginning of all versions.
 */
export function subscribedTopics(metadata: Buffer): readonly string[] | undefined {
  try {
    const reader = new Reader(metadata)
    if (reader.int16('version') < 0) return undefined
    return read(ConsumerProtocolSubscription, 0, reader).topics
  } catch (error) {
    if (error instanceof ProtocolError) return undefined
    throw error
  }
}
