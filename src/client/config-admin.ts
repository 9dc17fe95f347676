import { DescribeConfigs } from '../protocol/apis/32-describe-configs.ts'
import { IncrementalAlterConfigs } from '../protocol/apis/44-incremental-alter-configs.ts'
import { throwIfError } from './broker-error.ts'
import type { Cluster } from './cluster.ts'
import type { Connection } from './connection.ts'

/** What has configs, by the word that users say, with the number of the protocol. */
export const CONFIG_RESOURCE_TYPES = {
  topic: 2,
  broker: 4,
  'broker-logger': 8,
  'client-metrics': 16,
  group: 32,
} as const
export type ConfigResourceType = keyof typeof CONFIG_RESOURCE_TYPES

export interface ConfigResource {
  readonly type: ConfigResourceType
  /** Of brokers the id; empty for the default of all brokers. */
  readonly name: string
}

/** Where a value comes from; the numbers of the protocol. */
const SOURCES: Readonly<Record<number, string>> = {
  1: 'topic',
  2: 'broker',
  3: 'all brokers',
  4: 'server.properties',
  5: 'default',
  6: 'broker logger',
  7: 'client metrics',
  8: 'group',
}
const DEFAULT_SOURCE = 5

export interface ConfigEntry {
  readonly name: string
  /** Null when the broker keeps it to itself, or there is none. */
  readonly value: string | null
  readonly source: string
  readonly isDefault: boolean
  readonly isReadOnly: boolean
  readonly isSensitive: boolean
}

/** All of them, or those named; sorted by name. Throws what the broker answers. */
export async function describeConfigs(
  cluster: Cluster,
  resource: ConfigResource,
  names: readonly string[] | null = null,
): Promise<ConfigEntry[]> {
  return await cluster.retry(async () => {
    const connection = await connectionFor(cluster, resource)
    const response = await connection.request(DescribeConfigs, {
      resources: [
        {
          resourceType: CONFIG_RESOURCE_TYPES[resource.type],
          resourceName: resource.name,
          configurationKeys: names,
        },
      ],
    })
    const answer = response.results[0]
    throwIfError(answer?.errorCode ?? -1, answer?.errorMessage)
    const entries = (answer?.configs ?? []).map((config) => ({
      name: config.name,
      value: config.value,
      source: SOURCES[config.configSource] ?? (config.isDefault ? 'default' : 'unknown'),
      isDefault: config.isDefault || config.configSource === DEFAULT_SOURCE,
      isReadOnly: config.readOnly,
      isSensitive: config.isSensitive,
    }))
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  })
}

export type ConfigChange =
  | { readonly name: string; readonly op: 'set' | 'append' | 'subtract'; readonly value: string }
  | { readonly name: string; readonly op: 'delete' }

const OPERATIONS = { set: 0, delete: 1, append: 2, subtract: 3 } as const

export async function alterConfigs(
  cluster: Cluster,
  resource: ConfigResource,
  changes: readonly ConfigChange[],
): Promise<void> {
  await cluster.retry(async () => {
    const connection = await connectionFor(cluster, resource)
    const response = await connection.request(IncrementalAlterConfigs, {
      resources: [
        {
          resourceType: CONFIG_RESOURCE_TYPES[resource.type],
          resourceName: resource.name,
          configs: changes.map((change) => ({
            name: change.name,
            configOperation: OPERATIONS[change.op],
            value: change.op === 'delete' ? null : change.value,
          })),
        },
      ],
      validateOnly: false,
    })
    const answer = response.responses[0]
    throwIfError(answer?.errorCode ?? -1, answer?.errorMessage)
  })
}

/** What belongs to one broker is asked there. */
async function connectionFor(
  cluster: Cluster,
  { type, name }: ConfigResource,
): Promise<Connection> {
  const isOfBroker = (type === 'broker' || type === 'broker-logger') && /^\d+$/.test(name)
  if (!isOfBroker) return await cluster.any()
  await cluster.describe()
  return await cluster.node(Number(name))
}
