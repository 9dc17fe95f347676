import { KafkaError } from '../protocol/error-code.ts'
import {
  ConfigResourceType,
  type MetadataImage,
  type MetadataRecord,
} from '../storage/metadata-store.ts'
import { supportedFeatures } from './features.ts'

/** Kinds of change that UpdateFeatures knows (KIP-778). */
const UpgradeType = { UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const

export interface FeatureUpdate {
  readonly feature: string
  readonly maxVersionLevel: number
  readonly upgradeType: number
}

const ELIGIBLE_LEADER_REPLICAS = 'eligible.leader.replicas.version'

/**
 * The records that bring finalized features to these levels: all of them, or INVALID_UPDATE_VERSION
 * for the first one that cannot be (admin-and-config.md section 8).
 */
export function featureRecords(
  image: MetadataImage,
  updates: readonly FeatureUpdate[],
  broker: { readonly brokerId: number; readonly minInsyncReplicas: number },
): MetadataRecord[] {
  return updates.flatMap((update) => {
    const problem = problemOf(update, image, broker.brokerId)
    if (problem) {
      throw new KafkaError(
        'INVALID_UPDATE_VERSION',
        `The update failed for all features since the following feature had an error: ${problem}`,
      )
    }
    return recordsOf(update, image, broker.minInsyncReplicas)
  })
}

function problemOf(
  { feature, maxVersionLevel, upgradeType }: FeatureUpdate,
  image: MetadataImage,
  brokerId: number,
): string | undefined {
  const invalid = (why: string) =>
    `Invalid update version ${maxVersionLevel} for feature ${feature}. ${why}`
  const current = image.features.get(feature) ?? 0
  const isKnownType = Object.values<number>(UpgradeType).includes(upgradeType)
  if (!isKnownType) return invalid('The controller does not support the given upgrade type.')
  if (maxVersionLevel < 0) return invalid('A feature version cannot be less than 0.')
  const supported = supportedFeatures.find(({ name }) => name === feature)
  if (!supported) {
    // Everything supports level 0 of everything.
    return maxVersionLevel === 0
      ? invalid(`Feature ${feature} not found.`)
      : invalid(`Local controller ${brokerId} does not support this feature.`)
  }
  const { minVersion, maxVersion } = supported
  if (maxVersionLevel < minVersion || maxVersionLevel > maxVersion) {
    const range = `${minVersion}-${maxVersion}`
    return invalid(`Local controller ${brokerId} only supports versions ${range}`)
  }
  if (maxVersionLevel < current) {
    if (upgradeType === UpgradeType.UPGRADE) {
      return invalid(
        "Can't downgrade the version of this feature without setting the upgrade type to either " +
          'safe or unsafe downgrade.',
      )
    }
    if (feature === 'kraft.version') return invalid("Can't downgrade the version of this feature.")
    if (feature === 'metadata.version') {
      return (
        `Unsupported metadata.version downgrade from ${current} to ${maxVersionLevel}. ` +
        (upgradeType === UpgradeType.SAFE_DOWNGRADE
          ? 'Refusing to perform the requested downgrade because it might delete metadata information.'
          : 'Unsafe metadata downgrade is not supported in this version.')
      )
    }
  }
  if (maxVersionLevel > current && upgradeType !== UpgradeType.UPGRADE) {
    return invalid("Can't downgrade to a higher version.")
  }
  if (maxVersionLevel > current && feature === 'kraft.version') {
    return invalid('The voters of this directory are configured, not recorded.')
  }
  return undefined
}

function recordsOf(
  { feature: name, maxVersionLevel: featureLevel }: FeatureUpdate,
  image: MetadataImage,
  minInsyncReplicas: number,
): MetadataRecord[] {
  const current = image.features.get(name) ?? 0
  // The level of kraft.version stands in the log's control records.
  if (featureLevel === current || name === 'kraft.version') return []
  const record: MetadataRecord = { type: 'FeatureLevelRecord', value: { name, featureLevel } }
  if (name !== ELIGIBLE_LEADER_REPLICAS) return [record]
  if (featureLevel === 0) return [record, { type: 'ClearElrRecord', value: { topicName: '' } }]
  return [record, ...clusterMinInsync(image, minInsyncReplicas)]
}

/** With eligible leader replicas the number must be the same on all brokers (KIP-966). */
function clusterMinInsync(image: MetadataImage, value: number): MetadataRecord[] {
  const name = 'min.insync.replicas'
  const resourceType = ConfigResourceType.BROKER
  if (image.configs(resourceType, '').has(name)) return []
  return [
    {
      type: 'ConfigRecord',
      value: { resourceType, resourceName: '', name, value: String(value) },
    },
  ]
}
