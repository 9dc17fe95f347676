import {
  array,
  bool,
  bytes,
  float64,
  int8,
  int16,
  int32,
  int64,
  nullableArray,
  nullableString,
  string,
  uint16,
  uuid,
} from '../schema.ts'
import { metadataRecord } from './metadata-record.ts'

const endPoints = array({
  name: string(),
  host: string(),
  port: uint16(),
  securityProtocol: int16(),
})

const features = array({
  name: string(),
  minSupportedVersion: int16(),
  maxSupportedVersion: int16(),
})

/** v1 controlled shutdown; v2 migration; v3 log directories (KIP-858); v4 cordoned ones. */
export const RegisterBrokerRecord = metadataRecord({
  id: 0,
  name: 'RegisterBrokerRecord',
  versions: [0, 4],
  fields: {
    brokerId: int32(),
    isMigratingZkBroker: bool({ since: 2 }),
    incarnationId: uuid(),
    brokerEpoch: int64(),
    endPoints,
    features,
    rack: nullableString(),
    fenced: bool({ default: true }),
    inControlledShutdown: bool({ since: 1 }),
    logDirs: array(uuid(), { since: 3, tag: 0 }),
    cordonedLogDirs: nullableArray(uuid(), { since: 4, tag: 1 }),
  },
})

export const UnregisterBrokerRecord = metadataRecord({
  id: 1,
  name: 'UnregisterBrokerRecord',
  versions: [0, 0],
  fields: { brokerId: int32(), brokerEpoch: int64() },
})

export const TopicRecord = metadataRecord({
  id: 2,
  name: 'TopicRecord',
  versions: [0, 0],
  fields: { name: string(), topicId: uuid() },
})

/** v1 directories (KIP-858); v2 eligible leader replicas (KIP-966). */
export const PartitionRecord = metadataRecord({
  id: 3,
  name: 'PartitionRecord',
  versions: [0, 2],
  fields: {
    partitionId: int32({ default: -1 }),
    topicId: uuid(),
    replicas: array(int32()),
    isr: array(int32()),
    removingReplicas: array(int32()),
    addingReplicas: array(int32()),
    leader: int32({ default: -1 }),
    leaderRecoveryState: int8({ tag: 0 }),
    leaderEpoch: int32({ default: -1 }),
    partitionEpoch: int32({ default: -1 }),
    directories: array(uuid(), { since: 1 }),
    eligibleLeaderReplicas: nullableArray(int32(), { since: 2, tag: 1 }),
    lastKnownElr: nullableArray(int32(), { since: 2, tag: 2 }),
  },
})

/** A null value removes the config. */
export const ConfigRecord = metadataRecord({
  id: 4,
  name: 'ConfigRecord',
  versions: [0, 0],
  fields: {
    resourceType: int8(),
    resourceName: string(),
    name: string(),
    value: nullableString(),
  },
})

/** Fields left at null, or the leader at -2, do not change. v1 directories; v2 eligible leaders. */
export const PartitionChangeRecord = metadataRecord({
  id: 5,
  name: 'PartitionChangeRecord',
  versions: [0, 2],
  fields: {
    partitionId: int32({ default: -1 }),
    topicId: uuid(),
    isr: nullableArray(int32(), { tag: 0 }),
    leader: int32({ tag: 1, default: -2 }),
    replicas: nullableArray(int32(), { tag: 2 }),
    removingReplicas: nullableArray(int32(), { tag: 3 }),
    addingReplicas: nullableArray(int32(), { tag: 4 }),
    leaderRecoveryState: int8({ tag: 5, default: -1 }),
    directories: nullableArray(uuid(), { since: 1, tag: 8 }),
    eligibleLeaderReplicas: nullableArray(int32(), { since: 2, tag: 6 }),
    lastKnownElr: nullableArray(int32(), { since: 2, tag: 7 }),
  },
})

export const FenceBrokerRecord = metadataRecord({
  id: 7,
  name: 'FenceBrokerRecord',
  versions: [0, 0],
  fields: { id: int32(), epoch: int64() },
})

export const UnfenceBrokerRecord = metadataRecord({
  id: 8,
  name: 'UnfenceBrokerRecord',
  versions: [0, 0],
  fields: { id: int32(), epoch: int64() },
})

export const RemoveTopicRecord = metadataRecord({
  id: 9,
  name: 'RemoveTopicRecord',
  versions: [0, 0],
  fields: { topicId: uuid() },
})

export const DelegationTokenRecord = metadataRecord({
  id: 10,
  name: 'DelegationTokenRecord',
  versions: [0, 0],
  fields: {
    owner: string(),
    requester: string(),
    renewers: array(string()),
    issueTimestamp: int64(),
    maxTimestamp: int64(),
    expirationTimestamp: int64(),
    tokenId: string(),
  },
})

export const UserScramCredentialRecord = metadataRecord({
  id: 11,
  name: 'UserScramCredentialRecord',
  versions: [0, 0],
  fields: {
    name: string(),
    mechanism: int8(),
    salt: bytes(),
    storedKey: bytes(),
    serverKey: bytes(),
    iterations: int32(),
  },
})

export const FeatureLevelRecord = metadataRecord({
  id: 12,
  name: 'FeatureLevelRecord',
  versions: [0, 0],
  fields: { name: string(), featureLevel: int16() },
})

/** A null entity name is the default entity. */
export const ClientQuotaRecord = metadataRecord({
  id: 14,
  name: 'ClientQuotaRecord',
  versions: [0, 0],
  fields: {
    entity: array({ entityType: string(), entityName: nullableString() }),
    key: string(),
    value: float64(),
    remove: bool(),
  },
})

export const ProducerIdsRecord = metadataRecord({
  id: 15,
  name: 'ProducerIdsRecord',
  versions: [0, 0],
  fields: { brokerId: int32(), brokerEpoch: int64({ default: -1 }), nextProducerId: int64() },
})

/** 0 = no change, 1 = yes, -1 = no. v1 controlled shutdown; v2 log directories; v3 cordoned ones. */
export const BrokerRegistrationChangeRecord = metadataRecord({
  id: 17,
  name: 'BrokerRegistrationChangeRecord',
  versions: [0, 3],
  fields: {
    brokerId: int32(),
    brokerEpoch: int64(),
    fenced: int8({ tag: 0 }),
    inControlledShutdown: int8({ since: 1, tag: 1 }),
    logDirs: array(uuid(), { since: 2, tag: 2 }),
    cordonedLogDirs: nullableArray(uuid(), { since: 3, tag: 3 }),
  },
})

export const AccessControlEntryRecord = metadataRecord({
  id: 18,
  name: 'AccessControlEntryRecord',
  versions: [0, 0],
  fields: {
    id: uuid(),
    resourceType: int8(),
    resourceName: string(),
    patternType: int8(),
    principal: string(),
    host: string(),
    operation: int8(),
    permissionType: int8(),
  },
})

export const RemoveAccessControlEntryRecord = metadataRecord({
  id: 19,
  name: 'RemoveAccessControlEntryRecord',
  versions: [0, 0],
  fields: { id: uuid() },
})

/** Written now and then so that the log's end tells the time. */
export const NoOpRecord = metadataRecord({
  id: 20,
  name: 'NoOpRecord',
  versions: [0, 0],
  fields: {},
})

export const ZkMigrationStateRecord = metadataRecord({
  id: 21,
  name: 'ZkMigrationStateRecord',
  versions: [0, 0],
  fields: { zkMigrationState: int8() },
})

export const RemoveUserScramCredentialRecord = metadataRecord({
  id: 22,
  name: 'RemoveUserScramCredentialRecord',
  versions: [0, 0],
  fields: { name: string(), mechanism: int8() },
})

/** Records up to EndTransactionRecord take effect together, or not at all (KIP-868). */
export const BeginTransactionRecord = metadataRecord({
  id: 23,
  name: 'BeginTransactionRecord',
  versions: [0, 0],
  fields: { name: nullableString({ tag: 0 }) },
})

export const EndTransactionRecord = metadataRecord({
  id: 24,
  name: 'EndTransactionRecord',
  versions: [0, 0],
  fields: {},
})

export const AbortTransactionRecord = metadataRecord({
  id: 25,
  name: 'AbortTransactionRecord',
  versions: [0, 0],
  fields: { reason: nullableString({ tag: 0 }) },
})

export const RemoveDelegationTokenRecord = metadataRecord({
  id: 26,
  name: 'RemoveDelegationTokenRecord',
  versions: [0, 0],
  fields: { tokenId: string() },
})

export const RegisterControllerRecord = metadataRecord({
  id: 27,
  name: 'RegisterControllerRecord',
  versions: [0, 0],
  fields: {
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: bool(),
    endPoints,
    features,
  },
})

export const ClearElrRecord = metadataRecord({
  id: 28,
  name: 'ClearElrRecord',
  versions: [0, 0],
  fields: { topicName: string() },
})

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

export const clusterMetadataRecords = Object.values(metadataRecordTypes)
