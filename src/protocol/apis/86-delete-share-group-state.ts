import { api, array, int16, int32, nullableString, string, uuid } from '../schema.ts'

/** Deletes the durable state of share partitions (KIP-932). */
export const DeleteShareGroupState = api({
  key: 86,
  name: 'DeleteShareGroupState',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    groupId: string(),
    topics: array({
      topicId: uuid(),
      partitions: array({
        partition: int32(),
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
