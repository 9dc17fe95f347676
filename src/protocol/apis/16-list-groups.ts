import { api, array, int16, int32, string } from '../schema.ts'

/**
 * Lists the groups of a broker. v1 throttle; v3 flexible; v4 states (KIP-518); v5 types (KIP-848).
 */
export const ListGroups = api({
  key: 16,
  name: 'ListGroups',
  versions: [0, 5],
  flexibleSince: 3,
  request: {
    statesFilter: array(string(), { since: 4 }),
    typesFilter: array(string(), { since: 5 }),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    errorCode: int16(),
    groups: array({
      groupId: string(),
      protocolType: string(),
      groupState: string({ since: 4 }),
      groupType: string({ since: 5 }),
    }),
  },
})
