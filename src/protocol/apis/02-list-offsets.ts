import { api, array, int8, int16, int32, int64, string } from '../schema.ts'

/**
 * Finds offsets by timestamp; the special times are negative numbers. v0 answers several segment
 * starts; v1 one offset; v2 isolation level; v4 leader epochs; v6 flexible; v7-v9, v11 one more
 * special time each; v10 timeout.
 */
export const ListOffsets = api({
  key: 2,
  name: 'ListOffsets',
  versions: [0, 11],
  flexibleSince: 6,
  request: {
    replicaId: int32(),
    isolationLevel: int8({ since: 2 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        currentLeaderEpoch: int32({ since: 4, default: -1 }),
        timestamp: int64(),
        maxNumOffsets: int32({ until: 0, default: 1 }),
      }),
    }),
    timeoutMs: int32({ since: 10 }),
  },
  response: {
    throttleTimeMs: int32({ since: 2 }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        oldStyleOffsets: array(int64(), { until: 0 }),
        timestamp: int64({ since: 1, default: -1 }),
        offset: int64({ since: 1, default: -1 }),
        leaderEpoch: int32({ since: 4, default: -1 }),
      }),
    }),
  },
})
