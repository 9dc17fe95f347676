import { api, array, int16, int32, nullableString, string, uint16, uuid } from '../schema.ts'

/**
 * Announces the leader of a quorum epoch (KIP-595). v1 flexible, endpoints and directories
 * (KIP-853).
 */
export const BeginQuorumEpoch = api({
  key: 53,
  name: 'BeginQuorumEpoch',
  versions: [0, 1],
  flexibleSince: 1,
  request: {
    clusterId: nullableString({ default: null }),
    voterId: int32({ since: 1, default: -1 }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        voterDirectoryId: uuid({ since: 1 }),
        leaderId: int32(),
        leaderEpoch: int32(),
      }),
    }),
    leaderEndpoints: array(
      {
        name: string(),
        host: string(),
        port: uint16(),
      },
      { since: 1 },
    ),
  },
  response: {
    errorCode: int16(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        leaderId: int32(),
        leaderEpoch: int32(),
      }),
    }),
    nodeEndpoints: array(
      {
        nodeId: int32(),
        host: string(),
        port: uint16(),
      },
      { since: 1, tag: 0 },
    ),
  },
})
