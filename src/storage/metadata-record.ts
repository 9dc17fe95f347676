import type { metadataRecordTypes } from '../protocol/embedded/cluster-metadata.ts'
import type { DecodedOf, EncodableOf } from '../protocol/schema.ts'

type Types = typeof metadataRecordTypes
export type MetadataRecordName = keyof Types

/**
 * A record to commit, by its schema name: `{ type: 'TopicRecord', value: { name, topicId } }`.
 * Fields that have a default may be left out.
 */
export type MetadataRecord = {
  [Name in MetadataRecordName]: { readonly type: Name; readonly value: EncodableOf<Types[Name]> }
}[MetadataRecordName]

/** The fields of one kind of record as they are replayed: all of them. */
export type RecordValue<Name extends MetadataRecordName> = DecodedOf<Types[Name]>

/** A record as it stands in the log. */
export type ReplayedRecord = {
  [Name in MetadataRecordName]: { readonly type: Name; readonly value: RecordValue<Name> }
}[MetadataRecordName]
