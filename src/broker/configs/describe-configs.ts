import { KafkaError } from '../../protocol/error-code.ts'
import { ConfigResourceType } from '../../storage/metadata-store.ts'
import type { Broker } from '../broker.ts'
import { topicNameProblem } from '../topics/topic-name.ts'
import {
  brokerEntries,
  type ConfigEntry,
  clientMetricsEntries,
  clusterDefaultEntries,
  groupEntries,
  topicEntries,
  type Wanted,
} from './config-entries.ts'
import { loggerEntries } from './logger-levels.ts'

/**
 * The configs of one resource. `keys` null or empty means all; unknown ones are left out. Throws
 * what the resource is to be answered with.
 */
export function describeResource(
  broker: Broker,
  resource: { readonly resourceType: number; readonly resourceName: string },
  keys: readonly string[] | null,
): ConfigEntry[] {
  const { settings, engine } = broker
  const { resourceType, resourceName } = resource
  const { image } = engine.metadata
  const asked = keys && keys.length > 0 ? new Set(keys) : undefined
  const wanted: Wanted = (name) => asked?.has(name) ?? true
  switch (resourceType) {
    case ConfigResourceType.TOPIC: {
      const problem = topicNameProblem(resourceName)
      if (problem) throw new KafkaError('INVALID_TOPIC_EXCEPTION', problem)
      if (!image.topicsByName.has(resourceName)) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION')
      return topicEntries(settings, image.configs(resourceType, resourceName), wanted)
    }
    case ConfigResourceType.BROKER:
      if (resourceName === '') return clusterDefaultEntries(settings, wanted)
      requireThisBroker(broker, resourceName, ' or empty string,')
      return brokerEntries(settings, wanted)
    case ConfigResourceType.BROKER_LOGGER:
      if (resourceName === '') throw invalid('Broker id must not be empty')
      requireThisBroker(broker, resourceName, '')
      return loggerEntries(broker.loggers, wanted)
    case ConfigResourceType.CLIENT_METRICS:
      if (resourceName === '') throw invalid('Client metrics subscription name must not be empty')
      return clientMetricsEntries(image.configs(resourceType, resourceName), wanted)
    case ConfigResourceType.GROUP:
      if (resourceName === '') throw invalid('Group name must not be empty')
      return groupEntries(settings, image.configs(resourceType, resourceName), wanted)
    default:
      throw new KafkaError('INVALID_REQUEST', `Unknown resource type ${resourceType}`)
  }
}

function invalid(message: string): KafkaError {
  return new KafkaError('INVALID_REQUEST', message)
}

function requireThisBroker({ brokerId }: Broker, name: string, alternative: string): void {
  if (!/^[+-]?\d{1,10}$/.test(name))
    throw invalid(`Broker id must be an integer, but it is: ${name}`)
  if (Number(name) !== brokerId) {
    throw invalid(`Unexpected broker id, expected ${brokerId}${alternative} but received ${name}`)
  }
}
