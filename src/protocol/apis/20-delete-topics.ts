import { api, array, int16, int32, nullableString, string, uuid } from '../schema.ts'

/** Deletes topics. v1 throttle; v4 flexible; v5 error messages; v6 by name or id. */
export const DeleteTopics = api({
  key: 20,
  name: 'DeleteTopics',
  versions: [0, 6],
  flexibleSince: 4,
  request: {
    topics: array(
      {
        name: nullableString({ default: null }),
        topicId: uuid(),
      },
      { since: 6 },
    ),
    topicNames: array(string(), { until: 5 }),
    timeoutMs: int32(),
  },
  response: {
    throttleTimeMs: int32({ since: 1 }),
    responses: array({
      name: nullableString({ nullableSince: 6 }),
      topicId: uuid({ since: 6 }),
      errorCode: int16(),
      errorMessage: nullableString({ since: 5 }),
    }),
  },
})
