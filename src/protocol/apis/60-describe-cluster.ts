import { api, array, bool, int8, int16, int32, nullableString, string } from '../schema.ts'

/**
 * Describes brokers and controller (KIP-700). v1 controllers by endpoint type (KIP-919); v2 fenced
 * brokers (KIP-1073).
 */
export const DescribeCluster = api({
  key: 60,
  name: 'DescribeCluster',
  versions: [0, 2],
  flexibleSince: 0,
  request: {
    includeClusterAuthorizedOperations: bool(),
    endpointType: int8({ since: 1, default: 1 }),
    includeFencedBrokers: bool({ since: 2 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString({ default: null }),
    endpointType: int8({ since: 1, default: 1 }),
    clusterId: string(),
    controllerId: int32({ default: -1 }),
    brokers: array({
      brokerId: int32(),
      host: string(),
      port: int32(),
      rack: nullableString({ default: null }),
      isFenced: bool({ since: 2 }),
    }),
    clusterAuthorizedOperations: int32({ default: -2147483648 }),
  },
})
