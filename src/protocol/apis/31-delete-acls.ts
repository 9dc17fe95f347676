import { api, array, int8, int16, int32, nullableString, string } from '../schema.ts'

/**
 * Deletes access rules that match filters. v1 pattern types (KIP-290); v2 flexible; v3 user
 * resources.
 */
export const DeleteAcls = api({
  key: 31,
  name: 'DeleteAcls',
  versions: [0, 3],
  flexibleSince: 2,
  request: {
    filters: array({
      resourceTypeFilter: int8(),
      resourceNameFilter: nullableString(),
      patternTypeFilter: int8({ since: 1, default: 3 }),
      principalFilter: nullableString(),
      hostFilter: nullableString(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    filterResults: array({
      errorCode: int16(),
      errorMessage: nullableString(),
      matchingAcls: array({
        errorCode: int16(),
        errorMessage: nullableString(),
        resourceType: int8(),
        resourceName: string(),
        patternType: int8({ since: 1, default: 3 }),
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
})
