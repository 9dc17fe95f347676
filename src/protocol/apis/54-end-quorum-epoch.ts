import { api, array, int16, int32, nullableString, string, uint16, uuid } from '../schema.ts'

/** Resigns from leading the quorum (KIP-595). v1 flexible, endpoints and directories (KIP-853). */
export const EndQuorumEpoch = api({
  key: 54,
  name: 'EndQuorumEpoch',
  versions: [0, 1],
  flexibleSince: 1,
  request: {
    clusterId: nullableString({ default: null }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        leaderId: int32(),
        leaderEpoch: int32(),
        preferredSuccessors: array(int32(), { until: 0 }),
        preferredCandidates: array(
          {
            candidateId: int32(),
            candidateDirectoryId: uuid(),
          },
          { since: 1 },
        ),
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
