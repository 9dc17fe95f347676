import { api, array, int8, int16, int32, int64, nullableString, string, uuid } from '../schema.ts'

/** Changes the durable state of share partitions (KIP-932). v1 count of completed deliveries. */
export const WriteShareGroupState = api({
  key: 85,
  name: 'WriteShareGroupState',
  versions: [0, 1],
  flexibleSince: 0,
  request: {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
        stateEpoch: int32(),
        leaderEpoch: int32(),
        startOffset: int64(),
        deliveryCompleteCount: int32({ since: 1, default: -1 }),
        stateBatches: array({
          firstOffset: int64(),
          lastOffset: int64(),
          deliveryState: int8(),
          deliveryCount: int16(),
        }),
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
