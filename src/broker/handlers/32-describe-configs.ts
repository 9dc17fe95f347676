import { DescribeConfigs } from '../../protocol/apis/32-describe-configs.ts'
import { ErrorCode, KafkaError } from '../../protocol/error-code.ts'
import type { RequestOf, ResponseOf } from '../../protocol/schema.ts'
import { ConfigResourceType } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import { ConfigSource } from '../configs/config-source.ts'
import { describeResource } from '../configs/describe-configs.ts'
import { handler } from '../handler.ts'

type Request = RequestOf<typeof DescribeConfigs>
type Result = ResponseOf<typeof DescribeConfigs>['results'][number]

/** Rules: admin-and-config.md section 3. */
export const describeConfigs = handler(
  DescribeConfigs,
  [0, 4],
  (request, _context, broker) => {
    requireKnownTypes(request)
    const results = request.resources.map((resource) => describe(resource, request, broker))
    return { throttleTimeMs: 0, results }
  },
  {
    errorResponse: ({ resources }, error) => ({
      throttleTimeMs: 0,
      results: resources.map(({ resourceType, resourceName }) => ({
        ...error,
        resourceType,
        resourceName,
        configs: [],
      })),
    }),
  },
)

/** One unknown type spoils the whole request, as in Kafka. */
function requireKnownTypes({ resources }: Request): void {
  const known: readonly number[] = Object.values(ConfigResourceType)
  if (resources.every(({ resourceType }) => known.includes(resourceType))) return
  throw new KafkaError(
    'INVALID_REQUEST',
    'This most likely occurs because of a request being malformed by the client library or the ' +
      'message was sent to an incompatible broker. See the broker logs for more details.',
  )
}

function describe(
  { resourceType, resourceName, configurationKeys }: Request['resources'][number],
  { includeSynonyms, includeDocumentation }: Request,
  broker: Broker,
): Result {
  const resource = { resourceType, resourceName }
  try {
    const entries = describeResource(broker, resource, configurationKeys)
    return {
      errorCode: ErrorCode.NONE,
      errorMessage: '',
      ...resource,
      configs: entries.map((entry) => ({
        ...entry,
        isDefault: entry.configSource === ConfigSource.DEFAULT,
        synonyms: includeSynonyms ? entry.synonyms : [],
        documentation: includeDocumentation ? entry.documentation : null,
      })),
    }
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error
    return {
      errorCode: error.errorCode,
      errorMessage: error.detail ?? '',
      ...resource,
      configs: [],
    }
  }
}
