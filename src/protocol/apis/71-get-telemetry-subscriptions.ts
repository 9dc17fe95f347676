import { api, array, bool, int8, int16, int32, string, uuid } from '../schema.ts'

/** Asks which metrics a client should push (KIP-714). */
export const GetTelemetrySubscriptions = api({
  key: 71,
  name: 'GetTelemetrySubscriptions',
  versions: [0, 0],
  flexibleSince: 0,
  request: {
    clientInstanceId: uuid(),
  },
  response: {
    throttleTimeMs: int32(),
    errorCode: int16(),
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    acceptedCompressionTypes: array(int8()),
    pushIntervalMs: int32(),
    telemetryMaxBytes: int32(),
    deltaTemporality: bool(),
    requestedMetrics: array(string()),
  },
})
