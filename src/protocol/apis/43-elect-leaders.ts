import { api, array, int8, int16, int32, nullableArray, nullableString, string } from '../schema.ts'

/** Elects the preferred or any leader of partitions. v1 election types (KIP-460); v2 flexible. */
export const ElectLeaders = api({
  key: 43,
  name: 'ElectLeaders',
  versions: [0, 2],
  flexibleSince: 2,
  request: {
    electionType: int8({ since: 1 }),
    topicPartitions: nullableArray({
      topic: string(),
      partitions: array(int32()),
    }),
    timeoutMs: int32({ default: 60000 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16({ since: 1 }),
    replicaElectionResults: array({
      topic: string(),
      partitionResult: array({
        partitionId: int32(),
        errorCode: int16(),
        errorMessage: nullableString(),
      }),
    }),
  },
})
