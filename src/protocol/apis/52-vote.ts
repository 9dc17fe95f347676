import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  nullableString,
  string,
  uint16,
  uuid,
} from '../schema.ts'

/**
 * Asks controllers for their vote (KIP-595). v1 voter directories (KIP-853); v2 pre-votes
 * (KIP-996).
 */
export const Vote = api({
  key: 52,
  name: 'Vote',
  versions: [0, 2],
  flexibleSince: 0,
  request: {
    clusterId: nullableString({ default: null }),
    voterId: int32({ since: 1, default: -1 }),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        replicaEpoch: int32(),
        replicaId: int32(),
        replicaDirectoryId: uuid({ since: 1 }),
        voterDirectoryId: uuid({ since: 1 }),
        lastOffsetEpoch: int32(),
        lastOffset: int64(),
        preVote: bool({ since: 2 }),
      }),
    }),
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
        voteGranted: bool(),
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
