import type { Setting } from './setting.ts'
import { clientMetricsTable } from './tables/client-metrics.ts'

export const clientMetricsSettingsByName: ReadonlyMap<string, Setting> = new Map(
  Object.entries(clientMetricsTable),
)

export const PUSH_INTERVAL_MS_MIN = 100
export const PUSH_INTERVAL_MS_MAX = 3_600_000

/** What a client can be matched by (KIP-714). */
const clientMatchKeys = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
] as const
export type ClientMatchKey = (typeof clientMatchKeys)[number]

/** Splits `key=pattern`; undefined when the key is none or there is no pattern. */
export function parseClientMatch(
  item: string,
): { readonly key: ClientMatchKey; readonly pattern: string } | undefined {
  const parts = item.split('=')
  const key = clientMatchKeys.find((one) => one === parts[0]?.trim())
  if (!key || parts.length !== 2) return undefined
  return { key, pattern: parts[1]!.trim() }
}
