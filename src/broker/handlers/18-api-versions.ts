import { ApiVersions } from '../../protocol/apis/18-api-versions.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { EncodableOf, RequestOf } from '../../protocol/schema.ts'
import type { Broker } from '../broker.ts'
import { supportedFeatures } from '../features.ts'
import { type Handler, handler, type RequestContext } from '../handler.ts'

type Response = EncodableOf<typeof ApiVersions.response>

/** KIP-511: what a client may call itself. */
const SOFTWARE_NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/

const PRODUCE_KEY = 0

/** Answers v0-v4; what it lists derives from the handlers (api-keys.md section 2). */
export const apiVersions = handler(ApiVersions, [0, 4], answer, { repeats: true })

function answer(
  request: RequestOf<typeof ApiVersions>,
  context: RequestContext,
  broker: Broker,
): Response {
  const { apiVersion, peer } = context
  if (apiVersion >= 3) {
    const { clientSoftwareName, clientSoftwareVersion } = request
    const { softwareName, softwareVersion } = peer
    const isKnown = clientSoftwareName === softwareName && clientSoftwareVersion === softwareVersion
    if (isKnown && softwareName !== '') return response(apiVersion, broker)
    if (!SOFTWARE_NAME.test(clientSoftwareName) || !SOFTWARE_NAME.test(clientSoftwareVersion)) {
      return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] }
    }
    peer.softwareName = clientSoftwareName
    peer.softwareVersion = clientSoftwareVersion
  }
  return response(apiVersion, broker)
}

interface Made {
  readonly metadataOffset: number
  readonly response: Response
}

/** By broker and version: what there is to say, for as long as the metadata is the same. */
const madeBy = new WeakMap<Broker, Made[]>()

function response(apiVersion: number, broker: Broker): Response {
  let made = madeBy.get(broker)
  if (!made) {
    made = []
    madeBy.set(broker, made)
  }
  const metadataOffset = broker.engine.metadata.image.offset
  const last = made[apiVersion]
  if (last?.metadataOffset === metadataOffset) return last.response
  const next: Response = {
    errorCode: ErrorCode.NONE,
    apiKeys: advertised(broker),
    ...features(apiVersion, broker),
  }
  made[apiVersion] = { metadataOffset, response: next }
  return next
}

/** The answer to a version that is not known: version 0, with the range of this API alone. */
export function unsupportedApiVersions({ minVersion, maxVersion }: Handler): Response {
  return {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: ApiVersions.key, minVersion, maxVersion }],
  }
}

type ApiKeys = Response['apiKeys']

/** By list of handlers, which never changes. */
const advertisedBy = new WeakMap<readonly Handler[], ApiKeys>()

function advertised({ handlers }: Broker): ApiKeys {
  let apiKeys = advertisedBy.get(handlers)
  if (!apiKeys) {
    apiKeys = apiKeysOf(handlers)
    advertisedBy.set(handlers, apiKeys)
  }
  return apiKeys
}

function apiKeysOf(handlers: readonly Handler[]): ApiKeys {
  return handlers
    .filter((one) => one.advertised)
    .map(({ api, minVersion, maxVersion }) => ({
      apiKey: api.key,
      // librdkafka turns compression off unless Produce begins at version 0.
      minVersion: api.key === PRODUCE_KEY ? 0 : minVersion,
      maxVersion,
    }))
    .sort((one, other) => one.apiKey - other.apiKey)
}

function features(apiVersion: number, { engine }: Broker): Partial<Response> {
  if (apiVersion < 3) return {}
  const { image } = engine.metadata
  return {
    // Java clients before v4 fail on a feature that begins at level 0.
    supportedFeatures: supportedFeatures.filter(
      (feature) => apiVersion >= 4 || feature.minVersion > 0,
    ),
    finalizedFeaturesEpoch: image.offset,
    finalizedFeatures: [...image.features]
      .filter(([, level]) => level > 0)
      .map(([name, level]) => ({ name, maxVersionLevel: level, minVersionLevel: level })),
  }
}
