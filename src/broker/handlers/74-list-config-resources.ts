import { ListConfigResources } from '../../protocol/apis/74-list-config-resources.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import { ConfigResourceType, type MetadataImage } from '../../storage/metadata-store.ts'
import { handler } from '../handler.ts'

const { TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP } = ConfigResourceType
const allTypes: readonly number[] = [CLIENT_METRICS, GROUP, BROKER_LOGGER, BROKER, TOPIC]

/** v0 knows client metrics only. Rules: admin-and-config.md section 3. */
export const listConfigResources = handler(
  ListConfigResources,
  [0, 1],
  ({ resourceTypes }, { apiVersion }, { engine }) => {
    const asked = apiVersion === 0 ? [CLIENT_METRICS] : resourceTypes
    if (asked.some((type) => !allTypes.includes(type))) {
      return { throttleTimeMs: 0, errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] }
    }
    const types = allTypes.filter((type) => asked.length === 0 || asked.includes(type))
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      configResources: types.flatMap((resourceType) =>
        namesOf(engine.metadata.image, resourceType).map((resourceName) => ({
          resourceName,
          resourceType,
        })),
      ),
    }
  },
  { errorResponse: (_, { errorCode }) => ({ throttleTimeMs: 0, errorCode, configResources: [] }) },
)

function namesOf(image: MetadataImage, resourceType: number): readonly string[] {
  switch (resourceType) {
    case TOPIC:
      return Array.from(image.topicsByName.keys())
    case BROKER:
    case BROKER_LOGGER:
      return Array.from(image.brokers.keys(), String)
    case GROUP:
      return image.configuredNames(GROUP)
    default:
      return image.configuredNames(CLIENT_METRICS)
  }
}
