import { api, array, bool, int16, int32, int64, nullableString, string } from '../schema.ts'

/**
 * Tells which requests the broker takes. v1 throttle; v3 flexible, client software and features
 * (KIP-511, KIP-584); v4 features may begin at level 0; v5 the client names the broker it means
 * (KIP-1242). The response header is never flexible.
 */
export const ApiVersions = api({
  key: 18,
  name: 'ApiVersions',
  versions: [0, 5],
  flexibleSince: 3,
  request: {
    clientSoftwareName: string({ since: 3 }),
    clientSoftwareVersion: string({ since: 3 }),
    clusterId: nullableString({ since: 5 }),
    nodeId: int32({ since: 5, default: -1 }),
  },
  response: {
    errorCode: int16(),
    apiKeys: array({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16(),
    }),
    throttleTimeMs: int32({ since: 1 }),
    supportedFeatures: array(
      {
        name: string(),
        minVersion: int16(),
        maxVersion: int16(),
      },
      { since: 3, tag: 0 },
    ),
    finalizedFeaturesEpoch: int64({ since: 3, tag: 1, default: -1 }),
    finalizedFeatures: array(
      {
        name: string(),
        maxVersionLevel: int16(),
        minVersionLevel: int16(),
      },
      { since: 3, tag: 2 },
    ),
    zkMigrationReady: bool({ since: 3, tag: 3 }),
  },
})
