import { api, array, int16, int32, int64, nullableString, string, uuid } from '../schema.ts'

/** Moves the start offsets of a share group (KIP-932). */
export const AlterShareGroupOffsets = api({
  key: 91,
  name: 'AlterShareGroupOffsets',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    groupId: string(),
    topics: array({
      topicName: string(),
      partitions: array({
        partitionIndex: int32(),
        startOffset: int64(),
      }),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    responses: array({
      topicName: string(),
      topicId: uuid(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        errorMessage: nullableString({ default: null }),
      }),
    }),
  },
})
