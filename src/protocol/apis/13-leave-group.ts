import { api, array, int16, int32, nullableString, string } from '../schema.ts'

/**
 * Leaves a classic group. v1 throttle; v3 several members at once (KIP-345); v4 flexible; v5 reason
 * (KIP-800).
 */
export const LeaveGroup = api({
  key: 13,
  name: 'LeaveGroup',
  versions: [0, 5],
  flexibleSince: 4,
  request: {
    groupId: string(),
    memberId: string({ until: 2 }),
    members: array(
      {
        memberId: string(),
        groupInstanceId: nullableString({ default: null }),
        reason: nullableString({ since: 5 }),
      },
      { since: 3 },
    ),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16(),
    members: array(
      {
        memberId: string(),
        groupInstanceId: nullableString(),
        errorCode: int16(),
      },
      { since: 3 },
    ),
  },
})
