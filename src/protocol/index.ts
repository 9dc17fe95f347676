/**
 * `dohle/protocol`: Kafka's wire protocol as values, without any broker or socket. Declarations of
 * all APIs in all versions, whole frames to and from values, and what is inside `bytes` fields and
 * internal topics. docs/PROTOCOL.md shows how to use it.
 */

export { formatUuid, parseUuid, type Uuid, ZERO_UUID } from '../base/uuid.ts'
export * from './apis/index.ts'
export { decodeBody, decodeVersioned, encodeBody, encodeVersioned } from './body.ts'
export { ProtocolError } from './bytes/protocol-error.ts'
export { Reader, viewOf } from './bytes/reader.ts'
export { type Encoded, Writer } from './bytes/writer.ts'
export { read, write } from './codec.ts'
export { clusterMetadataRecords } from './embedded/cluster-metadata.ts'
export { consumerOffsetsRecords } from './embedded/consumer-offsets.ts'
export {
  ConsumerProtocolAssignment,
  ConsumerProtocolSubscription,
} from './embedded/consumer-protocol.ts'
export { decodeMetadataRecord, encodeMetadataRecord } from './embedded/metadata-record.ts'
export { decodeRecord, encodeRecordKey, encodeRecordValue } from './embedded/record-type.ts'
export { shareGroupStateRecords } from './embedded/share-group-state.ts'
export { transactionStateRecords } from './embedded/transaction-state.ts'
export { ErrorCode, type ErrorName, errorName, KafkaError } from './error-code.ts'
export { errorMessage } from './error-message.ts'
export { type FrameListener, FrameSplitter } from './frame.ts'
export { type RequestHeader, readRequestHeader } from './header.ts'
export {
  decodeRequest,
  decodeRequestFrame,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  writeResponse,
} from './message.ts'
export type {
  Api,
  Decoded,
  DecodedOf,
  Encodable,
  EncodableOf,
  Message,
  RequestOf,
  ResponseOf,
} from './schema.ts'
