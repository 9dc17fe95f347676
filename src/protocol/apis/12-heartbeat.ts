import { api, int16, int32, nullableString, string } from '../schema.ts'

/** Keeps a member in its group. v1 throttle; v3 static members (KIP-345); v4 flexible. */
export const Heartbeat = api({
  key: 12,
  name: 'Heartbeat',
  versions: [0, 4],
  flexibleSince: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: nullableString({ since: 3 }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16(),
  },
})
