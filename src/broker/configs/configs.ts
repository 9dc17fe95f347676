import { KafkaError } from '../../protocol/error-code.ts'
import { brokerSettingsByName } from '../../settings/broker-settings.ts'
import { clientMetricsSettingsByName } from '../../settings/client-metrics-settings.ts'
import { groupSettingsByName } from '../../settings/group-settings.ts'
import { withoutEmptyEnd } from '../../settings/parse-value.ts'
import type { Setting } from '../../settings/setting.ts'
import type { Settings } from '../../settings/settings.ts'
import { topicSettingsByName } from '../../settings/topic-settings.ts'
import {
  ConfigResourceType,
  type MetadataImage,
  type MetadataRecord,
} from '../../storage/metadata-store.ts'
import type { Decision, MetadataWriter } from '../metadata-writer.ts'
import { type Configs, checkProposal } from './config-rules.ts'
import { changeLevels, type LoggerLevels } from './logger-levels.ts'

const ConfigOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const

export interface ConfigChange {
  readonly name: string
  readonly configOperation: number
  readonly value: string | null
}

export interface ConfigResource {
  readonly resourceType: number
  readonly resourceName: string
}

/** A resource and what shall change about it. */
export interface ResourceChanges extends ConfigResource {
  readonly configs: readonly ConfigChange[]
}

/** A resource and all the configs it shall have. */
export interface ResourceReplacement extends ConfigResource {
  readonly configs: readonly { readonly name: string; readonly value: string | null }[]
}

export interface AlteredResource extends ConfigResource {
  readonly error: KafkaError | undefined
}

interface AlterOptions {
  readonly validateOnly: boolean
}

/** Changes dynamic configs: Kafka's rules, order of checks and words; one answer per resource. */
export class ConfigAdmin {
  readonly #metadata: MetadataWriter
  readonly #settings: Settings
  readonly #brokerId: number
  readonly #loggers: LoggerLevels

  constructor(options: {
    metadata: MetadataWriter
    settings: Settings
    brokerId: number
    loggers: LoggerLevels
  }) {
    this.#metadata = options.metadata
    this.#settings = options.settings
    this.#brokerId = options.brokerId
    this.#loggers = options.loggers
  }

  /** IncrementalAlterConfigs. */
  alter(
    resources: readonly ResourceChanges[],
    { validateOnly }: AlterOptions,
  ): AlteredResource[] | Promise<AlteredResource[]> {
    return this.#metadata.update((image) =>
      this.#decide(image, resources, validateOnly, (resource) => {
        checkKeys(
          resource.configs,
          ({ configOperation }) => configOperation !== ConfigOperation.DELETE,
        )
        this.#checkBrokerName(resource)
        if (resource.resourceType === ConfigResourceType.BROKER_LOGGER) {
          changeLevels(this.#loggers, resource.configs, validateOnly)
          return undefined
        }
        return changed(image, resource)
      }),
    )
  }

  /** AlterConfigs: what the request leaves out goes back to its default. */
  replace(
    resources: readonly ResourceReplacement[],
    { validateOnly }: AlterOptions,
  ): AlteredResource[] | Promise<AlteredResource[]> {
    return this.#metadata.update((image) =>
      this.#decide(image, resources, validateOnly, (resource) => {
        checkKeys(resource.configs, () => true)
        if (resource.resourceType === ConfigResourceType.BROKER_LOGGER) {
          throw unknownType(resource.resourceType)
        }
        this.#checkBrokerName(resource)
        return new Map(resource.configs.map(({ name, value }) => [name, value!]))
      }),
    )
  }

  /** `propose` tells what the resource shall have; undefined when nothing is to be stored. */
  #decide<R extends ConfigResource & { readonly configs: readonly { readonly name: string }[] }>(
    image: MetadataImage,
    resources: readonly R[],
    validateOnly: boolean,
    propose: (resource: R) => Configs | undefined,
  ): Decision<AlteredResource[]> {
    const repeated = repeatedResources(resources)
    const records: MetadataRecord[] = []
    const result = resources.map((resource): AlteredResource => {
      const { resourceType, resourceName, configs } = resource
      const answer = (error?: KafkaError) => ({ resourceType, resourceName, error })
      if (repeated.has(keyOf(resource))) {
        return answer(invalidRequest('Each resource must appear at most once.'))
      }
      try {
        checkType(resourceType)
        const next = propose(resource)
        if (!next) return answer()
        const current = stored(image, resource)
        const asked = configs.map(({ name }) => name)
        const proposal = { name: resourceName, current, next, asked }
        checkProposal(resourceType, proposal, image, this.#settings)
        records.push(...configRecords(resource, current, next))
        return answer()
      } catch (error) {
        if (error instanceof KafkaError) return answer(error)
        throw error
      }
    })
    return { records: validateOnly ? [] : records, result }
  }

  #checkBrokerName({ resourceType, resourceName }: ConfigResource): void {
    const { BROKER, BROKER_LOGGER } = ConfigResourceType
    if (resourceType !== BROKER && resourceType !== BROKER_LOGGER) return
    if (resourceType === BROKER && resourceName === '') return
    if (!/^[+-]?\d{1,10}$/.test(resourceName)) {
      throw invalidRequest(`Node id must be an integer, but it is: ${resourceName}`)
    }
    if (Number(resourceName) === this.#brokerId) return
    throw invalidRequest(
      resourceType === BROKER
        ? `Unexpected broker id, expected ${this.#brokerId}, but received ${resourceName}`
        : `Unexpected node id. Expected ${this.#brokerId}, but received ${resourceName}`,
    )
  }
}

function invalidRequest(message: string): KafkaError {
  return new KafkaError('INVALID_REQUEST', message)
}

function unknownType(resourceType: number): KafkaError {
  return invalidRequest(`Unknown resource type ${resourceType}`)
}

function checkType(resourceType: number): void {
  if (!Object.values<number>(ConfigResourceType).includes(resourceType)) {
    throw unknownType(resourceType)
  }
}

function keyOf({ resourceType, resourceName }: ConfigResource): string {
  return `${resourceType} ${resourceName}`
}

function repeatedResources(resources: readonly ConfigResource[]): Set<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const resource of resources) {
    const key = keyOf(resource)
    if (seen.has(key)) repeated.add(key)
    seen.add(key)
  }
  return repeated
}

function checkKeys<C extends { readonly name: string; readonly value: string | null }>(
  configs: readonly C[],
  needsValue: (config: C) => boolean,
): void {
  if (new Set(configs.map(({ name }) => name)).size !== configs.length) {
    throw invalidRequest('Error due to duplicate config keys')
  }
  const nulls = configs.filter((config) => config.value === null && needsValue(config))
  if (nulls.length > 0) {
    const names = nulls.map(({ name }) => name).join(', ')
    throw invalidRequest(`Null value not supported for : ${names}`)
  }
}

function stored(image: MetadataImage, { resourceType, resourceName }: ConfigResource): Configs {
  // The caller has checked the type.
  return image.configs(resourceType as ConfigResourceType, resourceName)
}

/** The configs that a resource has once the changes are made. */
function changed(image: MetadataImage, resource: ResourceChanges): Configs {
  const next = new Map(stored(image, resource))
  for (const { name, configOperation, value } of resource.configs) {
    switch (configOperation) {
      case ConfigOperation.SET:
        next.set(name, value!)
        break
      case ConfigOperation.DELETE:
        next.delete(name)
        break
      case ConfigOperation.APPEND:
      case ConfigOperation.SUBTRACT: {
        const setting = listSetting(resource.resourceType, name, configOperation)
        const text = next.get(name) ?? setting.defaultText ?? ''
        next.set(name, editedList(text, value!, configOperation))
        break
      }
      default:
        throw new KafkaError('UNKNOWN_SERVER_ERROR')
    }
  }
  return next
}

/**
 * Not `splitList`: to Kafka's controller blanks are a part of an item here, empty items go from what
 * was there, and of what is named only those at the end.
 */
function editedList(
  text: string,
  named: string,
  operation: typeof ConfigOperation.APPEND | typeof ConfigOperation.SUBTRACT,
): string {
  const items = text.split(',').filter((item) => item !== '')
  const namedItems = named === '' ? [''] : withoutEmptyEnd(named.split(','))
  const edit = operation === ConfigOperation.APPEND ? appended : subtracted
  return edit(items, namedItems).join(',')
}

/** Both in one pass: thousands of items fit into the text that a client may send. */
function appended(items: readonly string[], named: readonly string[]): readonly string[] {
  const known = new Set(items)
  return [...items, ...new Set(named.filter((item) => !known.has(item)))]
}

/** Each that is named takes the first one out that equals it. */
function subtracted(items: readonly string[], named: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  for (const item of named) counts.set(item, (counts.get(item) ?? 0) + 1)
  return items.filter((item) => {
    const count = counts.get(item) ?? 0
    counts.set(item, count - 1)
    return count <= 0
  })
}

const tables: ReadonlyMap<number, ReadonlyMap<string, Setting>> = new Map([
  [ConfigResourceType.TOPIC, topicSettingsByName],
  [ConfigResourceType.BROKER, brokerSettingsByName],
  [ConfigResourceType.GROUP, groupSettingsByName],
  [ConfigResourceType.CLIENT_METRICS, clientMetricsSettingsByName],
])

/** Settings that Kafka keeps apart from those of a broker. */
const THROTTLES: ReadonlySet<string> = new Set([
  'leader.replication.throttled.rate',
  'follower.replication.throttled.rate',
  'replica.alter.log.dirs.io.max.bytes.per.second',
])

function listSetting(resourceType: number, name: string, operation: number): Setting {
  const setting = tables.get(resourceType)?.get(name)
  // Kafka's subscriptions have lists of their own kind.
  const isList = setting?.type === 'list' && resourceType !== ConfigResourceType.CLIENT_METRICS
  if (isList) return setting
  if (resourceType === ConfigResourceType.BROKER && (!setting || THROTTLES.has(name))) {
    throw new KafkaError('INVALID_CONFIG', `Unknown config name: ${name}`)
  }
  const verb = operation === ConfigOperation.APPEND ? 'append' : 'subtract'
  throw new KafkaError(
    'INVALID_CONFIG',
    resourceType === ConfigResourceType.BROKER
      ? `Config value ${verb} is not allowed for config key: ${name}`
      : `Can't ${verb.toUpperCase()} to key ${name} because its type is not LIST.`,
  )
}

function configRecords(
  { resourceType, resourceName }: ConfigResource,
  current: Configs,
  next: Configs,
): MetadataRecord[] {
  const records: MetadataRecord[] = []
  const put = (name: string, value: string | null) =>
    records.push({ type: 'ConfigRecord', value: { resourceType, resourceName, name, value } })
  for (const [name, value] of next) if (current.get(name) !== value) put(name, value)
  for (const name of current.keys()) if (!next.has(name)) put(name, null)
  return records
}
