import { api, array, int16, int32, nullableString, string, uuid } from '../schema.ts'

/** Deletes the start offsets of a share group (KIP-932). */
export const DeleteShareGroupOffsets = api({
  key: 92,
  name: 'DeleteShareGroupOffsets',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    groupId: string(),
    topics: array({
      topicName: string(),
    }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    responses: array({
      topicName: string(),
      topicId: uuid(),
      errorCode: int16(),
      errorMessage: nullableString({ default: null }),
    }),
  },
})
