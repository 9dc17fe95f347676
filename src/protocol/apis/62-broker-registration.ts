import {
  api,
  array,
  bool,
  int16,
  int32,
  int64,
  nullableString,
  string,
  uint16,
  uuid,
} from '../schema.ts'

/**
 * Registers a starting broker with the controller (KIP-631). v1 migration; v2 log directories
 * (KIP-858); v3 previous epoch; v4 features may begin at level 0.
 */
export const BrokerRegistration = api({
  key: 62,
  name: 'BrokerRegistration',
  versions: [0, 4],
  flexibleSince: 0,
  request: {
    brokerId: int32(),
    clusterId: string(),
    incarnationId: uuid(),
    listeners: array({
      name: string(),
      host: string(),
      port: uint16(),
      securityProtocol: int16(),
    }),
    features: array({
      name: string(),
      minSupportedVersion: int16(),
      maxSupportedVersion: int16(),
    }),
    rack: nullableString(),
    isMigratingZkBroker: bool({ since: 1 }),
    logDirs: array(uuid(), { since: 2 }),
    previousBrokerEpoch: int64({ since: 3, default: -1 }),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    brokerEpoch: int64({ default: -1 }),
  },
})
