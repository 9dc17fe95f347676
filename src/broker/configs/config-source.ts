import type { SettingSource } from '../../settings/settings.ts'

/** Where DescribeConfigs says that a value comes from (admin-and-config.md section 3). */
export const ConfigSource = {
  TOPIC: 1,
  DYNAMIC_BROKER: 2,
  DYNAMIC_DEFAULT_BROKER: 3,
  STATIC_BROKER: 4,
  DEFAULT: 5,
  DYNAMIC_BROKER_LOGGER: 6,
  CLIENT_METRICS: 7,
  GROUP: 8,
} as const

/** To clients, everything that was set before the start stands in the broker's file. */
export function configSourceOf(source: SettingSource): number {
  switch (source) {
    case 'dynamic':
      return ConfigSource.DYNAMIC_BROKER
    case 'dynamic-default':
      return ConfigSource.DYNAMIC_DEFAULT_BROKER
    case 'default':
      return ConfigSource.DEFAULT
    default:
      return ConfigSource.STATIC_BROKER
  }
}
