import { api, array, int8, int16, int32, nullableString, string } from '../schema.ts'

/**
 * Finds the coordinator of a group, transaction or share partition. v1 key types; v3 flexible; v4
 * several keys (KIP-699); v6 share groups (KIP-932).
 */
export const FindCoordinator = api({
  key: 10,
  name: 'FindCoordinator',
  versions: [0, 6],
  flexibleSince: 3,
  request: {
    key: string({ until: 3 }),
    keyType: int8({ since: 1 }),
    coordinatorKeys: array(string(), { since: 4 }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16({ until: 3 }),
    errorMessage: nullableString({ since: 1, until: 3 }),
    nodeId: int32({ until: 3 }),
    host: string({ until: 3 }),
    port: int32({ until: 3 }),
    coordinators: array(
      {
        key: string(),
        nodeId: int32(),
        host: string(),
        port: int32(),
        errorCode: int16(),
        errorMessage: nullableString(),
      },
      { since: 4 },
    ),
  },
})
