import {
  api,
  array,
  bool,
  int8,
  int16,
  int32,
  int64,
  nullableRecords,
  nullableString,
  string,
  struct,
  uuid,
} from '../schema.ts'

/**
 * Acquires records for a share group and acknowledges earlier ones (KIP-932). v1 batch sizes; v2
 * acquire modes and renewal (KIP-1206, KIP-1222).
 */
export const ShareFetch = api({
  key: 78,
  name: 'ShareFetch',
  versions: [0, 2],
  flexibleSince: 0,
  request: {
    groupId: nullableString({ default: null }),
    memberId: nullableString(),
    shareSessionEpoch: int32(),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 0x7fffffff }),
    maxRecords: int32({ since: 1 }),
    batchSize: int32({ since: 1 }),
    shareAcquireMode: int8({ since: 2 }),
    isRenewAck: bool({ since: 2 }),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        partitionMaxBytes: int32({ until: 0 }),
        acknowledgementBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          acknowledgeTypes: array(int8()),
        }),
      }),
    }),
    forgottenTopicsData: array({
      topicId: uuid(),
      partitions: array(int32()),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    acquisitionLockTimeoutMs: int32({ since: 1 }),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
        acknowledgeErrorCode: int16(),
        acknowledgeErrorMessage: nullableString({ default: null }),
        currentLeader: struct({
          leaderId: int32(),
          leaderEpoch: int32(),
        }),
        records: nullableRecords(),
        acquiredRecords: array({
          firstOffset: int64(),
          lastOffset: int64(),
          deliveryCount: int16(),
        }),
      }),
    }),
    nodeEndpoints: array({
      nodeId: int32(),
      host: string(),
      port: int32(),
      rack: nullableString({ default: null }),
    }),
  },
})
