import {
  api,
  array,
  int8,
  int16,
  int32,
  int64,
  nullableArray,
  nullableRecords,
  nullableString,
  string,
  struct,
  uuid,
} from '../schema.ts'

/**
 * Reads record batches, waiting for enough of them. v4 isolation level; v7 sessions (KIP-227); v9
 * leader epochs (KIP-320); v11 racks (KIP-392); v12 flexible, diverging epochs; v13 topic ids
 * (KIP-516); v15 replica state tagged (KIP-903); v16 leader endpoints (KIP-951); v18 high watermark
 * of the follower.
 */
export const Fetch = api({
  key: 1,
  name: 'Fetch',
  versions: [0, 18],
  flexibleSince: 12,
  request: {
    clusterId: nullableString({ since: 12, tag: 0 }),
    replicaId: int32({ until: 14, default: -1 }),
    replicaState: struct(
      {
        replicaId: int32({ default: -1 }),
        replicaEpoch: int64({ default: -1 }),
      },
      { since: 15, tag: 1 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ since: 3, default: 0x7fffffff }),
    isolationLevel: int8({ since: 4 }),
    sessionId: int32({ since: 7 }),
    sessionEpoch: int32({ since: 7, default: -1 }),
    topics: array({
      topic: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ since: 9, default: -1 }),
        fetchOffset: int64(),
        lastFetchedEpoch: int32({ since: 12, default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid({ since: 17, tag: 0 }),
        highWatermark: int64({ since: 18, tag: 1, default: Number.MAX_SAFE_INTEGER }),
      }),
    }),
    forgottenTopicsData: array(
      {
        topic: string({ until: 12 }),
        topicId: uuid({ since: 13 }),
        partitions: array(int32()),
      },
      { since: 7 },
    ),
    rackId: string({ since: 11 }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16({ since: 7 }),
    sessionId: int32({ since: 7 }),
    responses: array({
      topic: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64({ since: 4, default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        divergingEpoch: struct(
          {
            epoch: int32({ default: -1 }),
            endOffset: int64({ default: -1 }),
          },
          { since: 12, tag: 0 },
        ),
        currentLeader: struct(
          {
            leaderId: int32({ default: -1 }),
            leaderEpoch: int32({ default: -1 }),
          },
          { since: 12, tag: 1 },
        ),
        snapshotId: struct(
          {
            endOffset: int64({ default: -1 }),
            epoch: int32({ default: -1 }),
          },
          { since: 12, tag: 2 },
        ),
        abortedTransactions: nullableArray(
          {
            producerId: int64(),
            firstOffset: int64(),
          },
          { since: 4 },
        ),
        preferredReadReplica: int32({ since: 11, default: -1 }),
        records: nullableRecords(),
      }),
    }),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: nullableString({ default: null }),
      },
      { since: 16, tag: 0 },
    ),
  },
})
