import {
  api,
  array,
  bool,
  float64,
  int8,
  int16,
  int32,
  nullableArray,
  nullableString,
  string,
} from '../schema.ts'

/** Lists client quotas that match a filter (KIP-546). v1 flexible. */
export const DescribeClientQuotas = api({
  key: 48,
  name: 'DescribeClientQuotas',
  versions: [0, 1],
  flexibleSince: 1,
  request: {
    components: array({
      entityType: string(),
      matchType: int8(),
      match: nullableString(),
    }),
    strict: bool(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    entries: nullableArray({
      entity: array({
        entityType: string(),
        entityName: nullableString(),
      }),
      values: array({
        key: string(),
        value: float64(),
      }),
    }),
  },
})
