import {
  api,
  array,
  bool,
  int8,
  int16,
  int32,
  int64,
  nullableString,
  string,
  struct,
  uuid,
} from '../schema.ts'

/** Acknowledges records of a share group (KIP-932). v2 renewal of acquisition locks (KIP-1222). */
export const ShareAcknowledge = api({
  key: 79,
  name: 'ShareAcknowledge',
  versions: [0, 2],
  flexibleSince: 0,
  request: {
    groupId: nullableString({ default: null }),
    memberId: nullableString(),
    shareSessionEpoch: int32(),
    isRenewAck: bool({ since: 2 }),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        acknowledgementBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          acknowledgeTypes: array(int8()),
        }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    acquisitionLockTimeoutMs: int32({ since: 2 }),
    responses: array({
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
        currentLeader: struct({
          leaderId: int32(),
          leaderEpoch: int32(),
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
