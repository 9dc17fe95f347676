import { api, array, int16, int32, int64, nullableString, string, uuid } from '../schema.ts'

/** Begins the durable state of share partitions (KIP-932). */
export const InitializeShareGroupState = api({
  key: 83,
  name: 'InitializeShareGroupState',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        stateEpoch: int32(),
        startOffset: int64(),
      }),
    }),
  },
  response: {
    results: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
      }),
    }),
  },
})
