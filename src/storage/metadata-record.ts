import {
  AbortTransactionRecord,
  AccessControlEntryRecord,
  BeginTransactionRecord,
  BrokerRegistrationChangeRecord,
  ClearElrRecord,
  ClientQuotaRecord,
  ConfigRecord,
  DelegationTokenRecord,
  EndTransactionRecord,
  FeatureLevelRecord,
  FenceBrokerRecord,
  NoOpRecord,
  PartitionChangeRecord,
  PartitionRecord,
  ProducerIdsRecord,
  RegisterBrokerRecord,
  RegisterControllerRecord,
  RemoveAccessControlEntryRecord,
  RemoveDelegationTokenRecord,
  RemoveTopicRecord,
  RemoveUserScramCredentialRecord,
  TopicRecord,
  UnfenceBrokerRecord,
  UnregisterBrokerRecord,
  UserScramCredentialRecord,
  ZkMigrationStateRecord,
} from '../protocol/embedded/cluster-metadata.ts'
import type { DecodedOf, EncodableOf } from '../protocol/schema.ts'

/** Every kind of record in `__cluster_metadata`, by its schema name. */
export const metadataRecordTypes = {
  RegisterBrokerRecord,
  UnregisterBrokerRecord,
  TopicRecord,
  PartitionRecord,
  ConfigRecord,
  PartitionChangeRecord,
  FenceBrokerRecord,
  UnfenceBrokerRecord,
  RemoveTopicRecord,
  DelegationTokenRecord,
  UserScramCredentialRecord,
  FeatureLevelRecord,
  ClientQuotaRecord,
  ProducerIdsRecord,
  BrokerRegistrationChangeRecord,
  AccessControlEntryRecord,
  RemoveAccessControlEntryRecord,
  NoOpRecord,
  ZkMigrationStateRecord,
  RemoveUserScramCredentialRecord,
  BeginTransactionRecord,
  EndTransactionRecord,
  AbortTransactionRecord,
  RemoveDelegationTokenRecord,
  RegisterControllerRecord,
  ClearElrRecord,
}

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
