import type { Uuid } from '../base/uuid.ts'
import { supportedFeatures } from '../broker/features.ts'
import type { MetadataImage, MetadataRecord } from '../storage/metadata-store.ts'

/** Where clients reach a broker by one of its listeners. */
export interface AdvertisedEndpoint {
  readonly name: string
  readonly host: string
  readonly port: number
}

/** SecurityProtocol's code of PLAINTEXT. */
const PLAINTEXT = 0

/** What a broker that starts writes about itself: from then on it gets partitions. */
export function registrationRecord(
  image: MetadataImage,
  broker: {
    readonly brokerId: number
    readonly incarnationId: Uuid
    readonly endpoints: readonly AdvertisedEndpoint[]
    readonly rack: string | null
  },
): MetadataRecord {
  const { brokerId, incarnationId, endpoints, rack } = broker
  return {
    type: 'RegisterBrokerRecord',
    value: {
      brokerId,
      isMigratingZkBroker: false,
      incarnationId,
      // As in Kafka: the offset of this record.
      brokerEpoch: image.offset + 1,
      endPoints: endpoints.map((endpoint) => ({ ...endpoint, securityProtocol: PLAINTEXT })),
      features: supportedFeatures.map(({ name, minVersion, maxVersion }) => ({
        name,
        minSupportedVersion: minVersion,
        maxSupportedVersion: maxVersion,
      })),
      rack,
      fenced: false,
      inControlledShutdown: false,
      logDirs: [],
      cordonedLogDirs: null,
    },
  }
}
