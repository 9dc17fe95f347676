import { api, array, bytes, int8, int16, int32, nullableString, string } from '../schema.ts'

/** Sets and deletes SCRAM credentials (KIP-554). */
export const AlterUserScramCredentials = api({
  key: 51,
  name: 'AlterUserScramCredentials',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    deletions: array({
      name: string(),
      mechanism: int8(),
    }),
    upsertions: array({
      name: string(),
      mechanism: int8(),
      iterations: int32(),
      salt: bytes(),
      saltedPassword: bytes(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: nullableString(),
    }),
  },
})
