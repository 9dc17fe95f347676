import { PushTelemetry } from '../../protocol/apis/72-push-telemetry.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'

/** As in a Kafka without a telemetry plugin: answered, but not advertised (KIP-714). */
export const pushTelemetry = handler(
  PushTelemetry,
  [0, 0],
  ({ clientInstanceId, ...push }, { clientId, peer, nowMs }, { telemetry }) => {
    telemetry.push({ instanceId: clientInstanceId, clientId, peer }, push, nowMs)
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE }
  },
  {
    advertised: false,
    errorResponse: (_, { errorCode }) => ({ throttleTimeMs: 0, errorCode }),
  },
)
