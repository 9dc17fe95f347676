import { api, array, int8, int16, int32, string } from '../schema.ts'

/**
 * Lists names of resources that have configs; v0 of client metrics only (KIP-714); v1 of given
 * types (KIP-1142).
 */
export const ListConfigResources = api({
  key: 74,
  name: 'ListConfigResources',
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    resourceTypes: array(int8(), { since: 1 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    configResources: array({
      resourceName: string(),
      resourceType: int8({ since: 1, default: 16 }),
    }),
  },
})
