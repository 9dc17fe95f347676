/** Settings that group coordinators read, at the time they need them; names are Kafka's. */
export interface GroupSettings {
  readonly groupMinSessionTimeoutMs: number
  readonly groupMaxSessionTimeoutMs: number
  readonly groupInitialRebalanceDelayMs: number
  readonly groupMaxSize: number
  /** Most bytes of all that the members of a group say of themselves. */
  readonly groupBytesMax: number
  /** Most UTF-16 units of an offset's metadata. */
  readonly offsetMetadataMaxBytes: number
  readonly offsetsRetentionMinutes: number
  readonly offsetsRetentionCheckIntervalMs: number
  readonly groupConsumerMaxSize: number
  /** Names or classes; the first is the default. */
  readonly groupConsumerAssignors: readonly string[]
  /** Bidirectional, upgrade, downgrade or disabled, in any case of letters. */
  readonly groupConsumerMigrationPolicy: string
  readonly groupConsumerRegexRefreshIntervalMs: number
}
