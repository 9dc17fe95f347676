import { api, int16, int32, nullableString, uuid } from '../schema.ts'

/** Removes a voter from the controller quorum (KIP-853). */
export const RemoveRaftVoter = api({
  key: 81,
  name: 'RemoveRaftVoter',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    clusterId: nullableString(),
    voterId: int32(),
    voterDirectoryId: uuid(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
  },
})
