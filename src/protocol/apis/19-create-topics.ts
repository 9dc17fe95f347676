import {
  api,
  array,
  bool,
  int8,
  int16,
  int32,
  nullableArray,
  nullableString,
  string,
  uuid,
} from '../schema.ts'

/**
 * Creates topics. v1 validate only; v2 throttle; v4 -1 takes the broker's defaults (KIP-464); v5
 * flexible, answers configs (KIP-525); v6 quotas (KIP-599); v7 topic ids.
 */
export const CreateTopics = api({
  key: 19,
  name: 'CreateTopics',
  versions: [0, 7],
  flexibleSince: 5,
  request: {
    topics: array({
      name: string(),
      numPartitions: int32(),
      replicationFactor: int16(),
      assignments: array({
        partitionIndex: int32(),
        brokerIds: array(int32()),
      }),
      configs: array({
        name: string(),
        value: nullableString(),
      }),
    }),
    timeoutMs: int32({ default: 60000 }),
    validateOnly: bool({ since: 1 }),
  },
  response: {
    throttleTimeMs: int32({ since: 2 }),
    topics: array({
      name: string(),
      topicId: uuid({ since: 7 }),
      errorCode: int16(),
      errorMessage: nullableString({ since: 1 }),
      topicConfigErrorCode: int16({ since: 5, tag: 0 }),
      numPartitions: int32({ since: 5, default: -1 }),
      replicationFactor: int16({ since: 5, default: -1 }),
      configs: nullableArray(
        {
          name: string(),
          value: nullableString(),
          readOnly: bool(),
          configSource: int8({ default: -1 }),
          isSensitive: bool(),
        },
        { since: 5 },
      ),
    }),
  },
})
