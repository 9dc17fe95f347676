import { api, array, int8, int16, int32, nullableString, string } from '../schema.ts'

/**
 * Lists access rules that match a filter. v1 pattern types (KIP-290); v2 flexible; v3 user
 * principals in resources.
 */
export const DescribeAcls = api({
  key: 29,
  name: 'DescribeAcls',
  versions: [0, 3],
  flexibleSince: 2,
  request: {
    resourceTypeFilter: int8(),
    resourceNameFilter: nullableString(),
    patternTypeFilter: int8({ since: 1, default: 3 }),
    principalFilter: nullableString(),
    hostFilter: nullableString(),
    operation: int8(),
    permissionType: int8(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      patternType: int8({ since: 1, default: 3 }),
      acls: array({
        principal: string(),
        host: string(),
        operation: int8(),
        permissionType: int8(),
      }),
    }),
  },
})
