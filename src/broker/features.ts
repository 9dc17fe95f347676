/**
 * Feature levels that Kafka 4.3 supports in production, in the order in which it lists them
 * (admin-and-config.md section 8).
 */
export const supportedFeatures: readonly {
  readonly name: string
  readonly minVersion: number
  readonly maxVersion: number
}[] = [
  { name: 'group.version', minVersion: 0, maxVersion: 1 },
  { name: 'kraft.version', minVersion: 0, maxVersion: 1 },
  { name: 'metadata.version', minVersion: 7, maxVersion: 30 },
  { name: 'share.version', minVersion: 0, maxVersion: 1 },
  { name: 'streams.version', minVersion: 0, maxVersion: 1 },
  { name: 'transaction.version', minVersion: 0, maxVersion: 2 },
  { name: 'eligible.leader.replicas.version', minVersion: 0, maxVersion: 1 },
]
