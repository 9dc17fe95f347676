import { api, array, bool, int16, int32, int64, nullableArray, uuid } from '../schema.ts'

/** Keeps a broker registered (KIP-631). v1 offline log directories (KIP-858); v2 cordoned ones. */
export const BrokerHeartbeat = api({
  key: 63,
  name: 'BrokerHeartbeat',
  versions: [0, 2],
  flexibleSince: 0,
  request: {
    brokerId: int32(),
    brokerEpoch: int64({ default: -1 }),
    currentMetadataOffset: int64(),
    wantFence: bool(),
    wantShutDown: bool(),
    offlineLogDirs: array(uuid(), { since: 1, tag: 0 }),
    cordonedLogDirs: nullableArray(uuid(), { since: 2, tag: 1 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    isCaughtUp: bool({ default: false }),
    isFenced: bool({ default: true }),
    shouldShutDown: bool(),
  },
})
