import { UnregisterBroker } from '../../protocol/apis/64-unregister-broker.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { BrokerImage, MetadataImage, MetadataRecord } from '../../storage/metadata-store.ts'
import { handler } from '../handler.ts'
import { settled } from '../settled.ts'

/** Rules: admin-and-config.md section 9. */
export const unregisterBroker = handler(
  UnregisterBroker,
  [0, 0],
  ({ brokerId }, _context, { metadata }) =>
    settled(
      metadata.update((image) => {
        const broker = image.brokers.get(brokerId)
        if (!broker) {
          const message = `Broker ID ${brokerId} is not currently registered`
          throw new KafkaError('BROKER_ID_NOT_REGISTERED', message)
        }
        return { records: removal(broker, image), result: undefined }
      }),
      () => ({ throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: '' }),
    ),
  { errorResponse: (_, error) => ({ throttleTimeMs: 0, ...error }) },
)

/** A broker that lives registers again at once, else it would get no partitions any more. */
function removal(broker: BrokerImage, image: MetadataImage): MetadataRecord[] {
  const { brokerId, brokerEpoch, endpoints, ...rest } = broker
  const unregister: MetadataRecord = {
    type: 'UnregisterBrokerRecord',
    value: { brokerId, brokerEpoch },
  }
  if (broker.fenced) return [unregister]
  const value = { ...rest, brokerId, brokerEpoch: image.offset + 2, endPoints: endpoints }
  return [unregister, { type: 'RegisterBrokerRecord', value }]
}
