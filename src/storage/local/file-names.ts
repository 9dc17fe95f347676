import { randomUuid } from '../../base/uuid.ts'

/** Names of files and directories of a data directory (reference: log-storage.md section 1). */
export const META_PROPERTIES_FILE = 'meta.properties'
export const LOCK_FILE = '.lock'
/** Written and removed again to see whether the directory can be written. */
export const PROBE_FILE = '.probe'
export const CLEAN_SHUTDOWN_FILE = '.kafka_cleanshutdown'
export const RECOVERY_POINT_FILE = 'recovery-point-offset-checkpoint'
export const LOG_START_FILE = 'log-start-offset-checkpoint'
export const HIGH_WATERMARK_FILE = 'replication-offset-checkpoint'
export const CLEANER_OFFSET_FILE = 'cleaner-offset-checkpoint'
export const LEADER_EPOCH_FILE = 'leader-epoch-checkpoint'
/** In the directory of a partition that has moved: the id of the data directory it moved to. */
export const MOVED_FILE = 'moved-to'
export const PARTITION_METADATA_FILE = 'partition.metadata'
export const METADATA_TOPIC_NAME = '__cluster_metadata'

export const LOG_SUFFIX = '.log'
export const OFFSET_INDEX_SUFFIX = '.index'
export const TIME_INDEX_SUFFIX = '.timeindex'
export const TRANSACTION_INDEX_SUFFIX = '.txnindex'
export const SNAPSHOT_SUFFIX = '.snapshot'
export const DELETED_SUFFIX = '.deleted'
export const CLEANED_SUFFIX = '.cleaned'
export const SWAP_SUFFIX = '.swap'

const FILE_NAME_LENGTH_MAX = 255
const OFFSET_DIGITS = 20

/** `offset` as it begins the names of segment files and producer snapshots. */
export function offsetName(offset: number): string {
  return String(offset).padStart(OFFSET_DIGITS, '0')
}

/** The inverse for a name with that suffix; undefined for any other name. */
export function offsetOfName(name: string, suffix: string): number | undefined {
  if (name.length !== OFFSET_DIGITS + suffix.length || !name.endsWith(suffix)) return undefined
  const digits = name.slice(0, OFFSET_DIGITS)
  if (!/^[0-9]+$/.test(digits)) return undefined
  const offset = Number(digits)
  return Number.isSafeInteger(offset) ? offset : undefined
}

export interface PartitionName {
  readonly topic: string
  readonly partition: number
}

export function partitionDirectoryName(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

/** The partition number is the digits after the last "-"; undefined for any other name. */
export function parsePartitionDirectoryName(name: string): PartitionName | undefined {
  const match = /^(.+)-([0-9]+)$/.exec(name)
  const [, topic, digits] = match ?? []
  if (topic === undefined || digits === undefined) return undefined
  const partition = Number(digits)
  // Anything but the canonical form would be a second directory of the same partition.
  if (partition > 2147483647 || String(partition) !== digits) return undefined
  return { topic, partition }
}

export type AsideKind = 'delete' | 'stray' | 'future'

/** `<topic>-<partition>.<32 hex>-<kind>`, the topic cut so that the name stays a legal one. */
export function asideDirectoryName(name: string, kind: AsideKind): string {
  const suffix = `.${Buffer.from(randomUuid(), 'latin1').toString('hex')}-${kind}`
  const dash = name.lastIndexOf('-')
  const partition = name.slice(dash)
  const topic = name.slice(
    0,
    Math.min(dash, FILE_NAME_LENGTH_MAX - suffix.length - partition.length),
  )
  return topic + partition + suffix
}

/** What a directory set aside is; undefined for any other name. */
export function asideKindOf(name: string): AsideKind | undefined {
  const [, kind] = /\.[0-9a-f]{32}-(delete|stray|future)$/.exec(name) ?? []
  return kind === 'delete' || kind === 'stray' || kind === 'future' ? kind : undefined
}

/** The partition directory that a copy on its way is to become; undefined for any other name. */
export function partitionOfFuture(name: string): string | undefined {
  const [, partition] = /^(.+)\.[0-9a-f]{32}-future$/.exec(name) ?? []
  return partition
}
