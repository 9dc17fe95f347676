import { api, array, bool, int16, int32, nullableArray, nullableString, string } from '../schema.ts'

/** Moves partitions to other brokers (KIP-455). v1 may forbid changing the replication factor. */
export const AlterPartitionReassignments = api({
  key: 45,
  name: 'AlterPartitionReassignments',
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    timeoutMs: int32({ default: 60000 }),
    allowReplicationFactorChange: bool({ since: 1, default: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        replicas: nullableArray(int32(), { default: null }),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    allowReplicationFactorChange: bool({ since: 1, default: true }),
    errorCode: int16(),
    errorMessage: nullableString(),
    responses: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: nullableString(),
      }),
    }),
  },
})
