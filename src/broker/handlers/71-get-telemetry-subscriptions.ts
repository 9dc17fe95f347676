import { ZERO_UUID } from '../../base/uuid.ts'
import { GetTelemetrySubscriptions } from '../../protocol/apis/71-get-telemetry-subscriptions.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { telemetryCompressionTypes } from '../client-telemetry.ts'
import { handler } from '../handler.ts'

/** As in a Kafka without a telemetry plugin: answered, but not advertised (KIP-714). */
export const getTelemetrySubscriptions = handler(
  GetTelemetrySubscriptions,
  [0, 0],
  ({ clientInstanceId }, { clientId, peer, nowMs }, { telemetry, settings }) => {
    const client = { instanceId: clientInstanceId, clientId, peer }
    const { instanceId, metrics, ...subscription } = telemetry.subscribe(client, nowMs)
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      clientInstanceId: instanceId,
      ...subscription,
      acceptedCompressionTypes: telemetryCompressionTypes,
      telemetryMaxBytes: settings.telemetryMaxBytes,
      deltaTemporality: true,
      requestedMetrics: metrics,
    }
  },
  {
    advertised: false,
    errorResponse: (_, { errorCode }) => ({
      throttleTimeMs: 0,
      errorCode,
      clientInstanceId: ZERO_UUID,
      subscriptionId: 0,
      acceptedCompressionTypes: [],
      pushIntervalMs: 0,
      telemetryMaxBytes: 0,
      deltaTemporality: false,
      requestedMetrics: [],
    }),
  },
)
