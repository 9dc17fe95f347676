import {
  clusterMetadataRecords,
  metadataRecordTypes,
} from '../protocol/embedded/cluster-metadata.ts'
import { decodeMetadataRecord, encodeMetadataRecord } from '../protocol/embedded/metadata-record.ts'
import type { EncodableOf } from '../protocol/schema.ts'
import type { MetadataRecord, MetadataRecordName, ReplayedRecord } from './metadata-record.ts'

/** The bytes of a record in the newest version that Kafka 4.3 knows. */
export function encodeRecord({ type, value }: MetadataRecord): Buffer {
  return encodeOf(type, value as EncodableOf<(typeof metadataRecordTypes)[typeof type]>)
}

function encodeOf<Name extends MetadataRecordName>(
  name: Name,
  value: EncodableOf<(typeof metadataRecordTypes)[Name]>,
): Buffer {
  const type = metadataRecordTypes[name]
  return encodeMetadataRecord(type, type.versions[1], value)
}

/** Throws `ProtocolError` for a record that another release wrote: metadata cannot be skipped. */
export function decodeRecord(bytes: Buffer): ReplayedRecord {
  return decodeMetadataRecord(clusterMetadataRecords, bytes)
}
