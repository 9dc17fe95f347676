import { api, array, bool, int16, int32, nullableArray, nullableString, string } from '../schema.ts'

/** Adds partitions to topics. v2 flexible; v3 quotas (KIP-599). */
export const CreatePartitions = api({
  key: 37,
  name: 'CreatePartitions',
  versions: [0, 3],
  flexibleSince: 2,
  request: {
    topics: array({
      name: string(),
      count: int32(),
      assignments: nullableArray({
        brokerIds: array(int32()),
      }),
    }),
    timeoutMs: int32(),
    validateOnly: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    results: array({
      name: string(),
      errorCode: int16(),
      errorMessage: nullableString({ default: null }),
    }),
  },
})
