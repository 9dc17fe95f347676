import { api, array, int16, int32, int64, nullableString, string, uuid } from '../schema.ts'

/**
 * Reads the start of the durable state of share partitions (KIP-932). v1 count of completed
 * deliveries.
 */
export const ReadShareGroupStateSummary = api({
  key: 87,
  name: 'ReadShareGroupStateSummary',
  versions: [0, 1],
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
        leaderEpoch: int32(),
        startOffset: int64(),
        deliveryCompleteCount: int32({ since: 1, default: -1 }),
      }),
    }),
  },
})
