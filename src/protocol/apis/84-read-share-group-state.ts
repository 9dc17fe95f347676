import { api, array, int8, int16, int32, int64, nullableString, string, uuid } from '../schema.ts'

/** Reads the durable state of share partitions (KIP-932). */
export const ReadShareGroupState = api({
  key: 84,
  name: 'ReadShareGroupState',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        leaderEpoch: int32(),
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
        stateEpoch: int32(),
        startOffset: int64(),
        stateBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          deliveryState: int8(),
          deliveryCount: int16(),
        }),
      }),
    }),
  },
})
