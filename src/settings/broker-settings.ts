import type { Setting } from './setting.ts'
import { clusterSettings } from './tables/cluster.ts'
import { dohleSettings } from './tables/dohle.ts'
import { groupSettings } from './tables/groups.ts'
import { logSettings } from './tables/log.ts'
import { loginSettings } from './tables/logins.ts'
import { networkSettings } from './tables/network.ts'
import { pluginSettings, replicationQuotaSettings } from './tables/plugins.ts'
import { replicationSettings } from './tables/replication.ts'
import { securitySettings } from './tables/security.ts'
import { serverSettings } from './tables/server.ts'
import { shareGroupSettings } from './tables/share-groups.ts'
import { tieredStorageSettings } from './tables/tiered-storage.ts'
import { transactionSettings } from './tables/transactions.ts'

/** Every setting of Kafka's own table (admin-and-config.md section 6). */
export const kafkaSettings = {
  ...clusterSettings,
  ...networkSettings,
  ...serverSettings,
  ...logSettings,
  ...replicationSettings,
  ...groupSettings,
  ...shareGroupSettings,
  ...transactionSettings,
  ...securitySettings,
  ...loginSettings,
  ...tieredStorageSettings,
}

/** Every setting of a broker, with those of plugins and dohle's own. */
export const brokerSettings = {
  ...kafkaSettings,
  ...replicationQuotaSettings,
  ...pluginSettings,
  ...dohleSettings,
}

export type BrokerSettings = typeof brokerSettings
export type BrokerSettingName = keyof BrokerSettings
export type ValueOf<S> = S extends Setting<infer T> ? T : never

/** By name, for names that come from a file or a client. */
export const brokerSettingsByName: ReadonlyMap<string, Setting> = new Map(
  Object.entries(brokerSettings),
)

/** Those whose type Kafka knows; others are unknown names to DescribeConfigs. */
export const knownSettingsByName: ReadonlyMap<string, Setting> = new Map<string, Setting>(
  Object.entries({ ...kafkaSettings, ...replicationQuotaSettings }),
)

/** Those that DescribeConfigs shows even when nobody has set them. */
export const listedSettingNames: readonly string[] = Object.entries<Setting>(kafkaSettings)
  .filter(([, { internal }]) => !internal)
  .map(([name]) => name)

/** `retention.ms` is `retentionMs`; the prefix `dohle.` falls away. */
export type CamelCase<Name extends string> = Name extends `dohle.${infer Rest}`
  ? CamelCase<Rest>
  : Name extends `${infer Head}.${infer Tail}`
    ? `${Head}${Capitalize<CamelCase<Tail>>}`
    : Name

export function camelCase(name: string): string {
  return name
    .replace(/^dohle\./, '')
    .replace(/\.(\w)/g, (_, letter: string) => letter.toUpperCase())
}

/** The parsed values of a table, by camel case names. */
export type ValuesOf<Table extends Record<string, Setting>> = {
  readonly [Name in keyof Table & string as CamelCase<Name>]: ValueOf<Table[Name]>
}
