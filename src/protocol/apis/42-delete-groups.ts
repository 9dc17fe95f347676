import { api, array, int16, int32, nullableString, string } from '../schema.ts'

/** Deletes groups. v2 flexible; v3 error messages. */
export const DeleteGroups = api({
  key: 42,
  name: 'DeleteGroups',
  versions: [0, 3],
  flexibleSince: 2,
  request: {
    groupsNames: array(string()),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      groupId: string(),
      errorCode: int16(),
      errorMessage: nullableString({ since: 3 }),
    }),
  },
})
