import { UnregisterBroker } from '../../protocol/apis/64-unregister-broker.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import { handler } from '../handler.ts'

/** Rules: admin-and-config.md section 9. A broker cannot take away its own registration. */
export const unregisterBroker = handler(
  UnregisterBroker,
  [0, 0],
  async ({ brokerId }, _context, { engine, brokerId: ownId }) => {
    const registered = engine.metadata.image.brokers.get(brokerId)
    if (!registered) {
      throw new KafkaError(
        'BROKER_ID_NOT_REGISTERED',
        `Broker ID ${brokerId} is not currently registered`,
      )
    }
    if (brokerId === ownId) {
      throw new KafkaError('INVALID_REQUEST', `Broker ${brokerId} runs: stop it instead`)
    }
    const { brokerEpoch } = registered
    await engine.metadata.commit([
      { type: 'UnregisterBrokerRecord', value: { brokerId, brokerEpoch } },
    ])
    return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null }
  },
)
