import { api, array, bool, int16, int32, int64, nullableArray, string } from '../schema.ts'

/**
 * Tells sizes of replicas per log directory. v2 flexible; v3 top-level error; v4 volume sizes
 * (KIP-827); v5 whether a directory is cordoned.
 */
export const DescribeLogDirs = api({
  key: 35,
  name: 'DescribeLogDirs',
  versions: [0, 5],
  flexibleSince: 2,
  request: {
    topics: nullableArray({
      topic: string(),
      partitions: array(int32()),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16({ since: 3 }),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: bool(),
        }),
      }),
      totalBytes: int64({ since: 4, default: -1 }),
      usableBytes: int64({ since: 4, default: -1 }),
      isCordoned: bool({ since: 5 }),
    }),
  },
})
