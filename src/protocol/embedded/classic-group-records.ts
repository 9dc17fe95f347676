import { array, bytes, int32, int64, nullableString, string, uuid } from '../schema.ts'
import { recordType } from './record-type.ts'

/** A committed offset as brokers before Kafka 0.9 wrote it. */
export const LegacyOffsetCommitRecord = recordType({
  id: 0,
  name: 'LegacyOffsetCommit',
  key: {
    group: string(),
    topic: string(),
    partition: int32(),
  },
  value: {
    versions: [0, 0],
    fields: {
      offset: int64(),
      metadata: string(),
      commitTimestamp: int64(),
    },
  },
})

/** A committed offset. v1 expiry; v3 leader epoch; v4 flexible, topic id. */
export const OffsetCommitRecord = recordType({
  id: 1,
  name: 'OffsetCommit',
  key: {
    group: string(),
    topic: string(),
    partition: int32(),
  },
  value: {
    versions: [0, 4],
    flexibleSince: 4,
    fields: {
      offset: int64(),
      leaderEpoch: int32({ since: 3, default: -1 }),
      metadata: string(),
      commitTimestamp: int64(),
      expireTimestamp: int64({ since: 1, until: 1, default: -1 }),
      topicId: uuid({ since: 4, tag: 0 }),
    },
  },
})

/**
 * A classic group at rest. v1 rebalance timeout; v2 time of the state; v3 static members; v4
 * flexible.
 */
export const GroupMetadataRecord = recordType({
  id: 2,
  name: 'GroupMetadata',
  key: {
    group: string(),
  },
  value: {
    versions: [0, 4],
    flexibleSince: 4,
    fields: {
      protocolType: string(),
      generation: int32(),
      protocol: nullableString(),
      leader: nullableString(),
      currentStateTimestamp: int64({ since: 2, default: -1 }),
      members: array({
        memberId: string(),
        groupInstanceId: nullableString({ since: 3 }),
        clientId: string(),
        clientHost: string(),
        rebalanceTimeout: int32({ since: 1, default: -1 }),
        sessionTimeout: int32(),
        subscription: bytes(),
        assignment: bytes(),
      }),
    },
  },
})
