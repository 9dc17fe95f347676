import { api, array, int16, int32, int64, nullableString, string, uint16, uuid } from '../schema.ts'

/**
 * Describes voters and observers of the controller quorum (KIP-595). v1 fetch times (KIP-836); v2
 * directories, endpoints and messages (KIP-853).
 */
export const DescribeQuorum = api({
  key: 55,
  name: 'DescribeQuorum',
  versions: [0, 2],
  flexibleSince: 0,
  request: {
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
      }),
    }),
  },
  response: {
    errorCode: int16(),
    errorMessage: nullableString({ since: 2 }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ since: 2 }),
        leaderId: int32(),
        leaderEpoch: int32(),
        highWatermark: int64(),
        currentVoters: array({
          replicaId: int32(),
          replicaDirectoryId: uuid({ since: 2 }),
          logEndOffset: int64(),
          lastFetchTimestamp: int64({ since: 1, default: -1 }),
          lastCaughtUpTimestamp: int64({ since: 1, default: -1 }),
        }),
        observers: array({
          replicaId: int32(),
          replicaDirectoryId: uuid({ since: 2 }),
          logEndOffset: int64(),
          lastFetchTimestamp: int64({ since: 1, default: -1 }),
          lastCaughtUpTimestamp: int64({ since: 1, default: -1 }),
        }),
      }),
    }),
    nodes: array(
      {
        nodeId: int32(),
        listeners: array({
          name: string(),
          host: string(),
          port: uint16(),
        }),
      },
      { since: 2 },
    ),
  },
})
