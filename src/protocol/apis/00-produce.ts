import {
  api,
  array,
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
 * Appends record batches to partitions. v3 transactions and only magic 2; v5 log start offset; v8
 * record errors (KIP-467); v9 flexible; v10 leader hints (KIP-951); v12 adds partitions to the
 * transaction by itself (KIP-890); v13 topic ids (KIP-516).
 */
export const Produce = api({
  key: 0,
  name: 'Produce',
  versions: [0, 13],
  flexibleSince: 9,
  request: {
    transactionalId: nullableString({ since: 3 }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({
      name: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitionData: array({
        index: int32(),
        records: nullableRecords(),
      }),
    }),
  },
  response: {
    responses: array({
      name: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ since: 2, default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        recordErrors: array(
          {
            batchIndex: int32(),
            batchIndexErrorMessage: nullableString({ default: null }),
          },
          { since: 8 },
        ),
        errorMessage: nullableString({ since: 8 }),
        currentLeader: struct(
          {
            leaderId: int32({ default: -1 }),
            leaderEpoch: int32({ default: -1 }),
          },
          { since: 10, tag: 0 },
        ),
      }),
    }),
    throttleTimeMs: int32({ since: 1 }),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: int32(),
        rack: nullableString({ default: null }),
      },
      { since: 10, tag: 0 },
    ),
  },
})
