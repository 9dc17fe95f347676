/**
 * Bytes that are not the message they should be, or a value the protocol cannot carry. The message
 * says which field and where. A connection that sent such bytes is closed, as Kafka does.
 */
export class ProtocolError extends Error {
  override name = 'ProtocolError'
}
