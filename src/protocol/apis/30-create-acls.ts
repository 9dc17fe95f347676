import { api, array, int8, int16, int32, nullableString, string } from '../schema.ts'

/** Creates access rules. v1 pattern types (KIP-290); v2 flexible; v3 user resources. */
export const CreateAcls = api({
  key: 30,
  name: 'CreateAcls',
  versions: [0, 3],
  flexibleSince: 2,
  request: {
    creations: array({
      resourceType: int8(),
      resourceName: string(),
      resourcePatternType: int8({ since: 1, default: 3 }),
      principal: string(),
      host: string(),
      operation: int8(),
      permissionType: int8(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      errorCode: int16(),
      errorMessage: nullableString(),
    }),
  },
})
