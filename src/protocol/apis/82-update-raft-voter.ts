import {
  api,
  array,
  int16,
  int32,
  nullableString,
  string,
  struct,
  uint16,
  uuid,
} from '../schema.ts'

/** Updates endpoints and versions of a voter (KIP-853). */
export const UpdateRaftVoter = api({
  key: 82,
  name: 'UpdateRaftVoter',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    clusterId: nullableString(),
    currentLeaderEpoch: int32(),
    voterId: int32(),
    voterDirectoryId: uuid(),
    listeners: array({
      name: string(),
      host: string(),
      port: uint16(),
    }),
    kRaftVersionFeature: struct({
      minSupportedVersion: int16(),
      maxSupportedVersion: int16(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    currentLeader: struct(
      {
        leaderId: int32({ default: -1 }),
        leaderEpoch: int32({ default: -1 }),
        host: string(),
        port: int32(),
      },
      { tag: 0 },
    ),
  },
})
