import { api, array, int16, int32, nullableArray, nullableString, string } from '../schema.ts'

/** Lists moves of partitions that are under way (KIP-455). */
export const ListPartitionReassignments = api({
  key: 46,
  name: 'ListPartitionReassignments',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    timeoutMs: int32({ default: 60000 }),
    topics: nullableArray(
      {
        name: string(),
        partitionIndexes: array(int32()),
      },
      { default: null },
    ),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: array(int32()),
        addingReplicas: array(int32()),
        removingReplicas: array(int32()),
      }),
    }),
  },
})
