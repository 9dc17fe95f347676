import { randomBytes } from 'node:crypto'

/**
 * Sixteen bytes as a latin1 string of 16 characters: cheap to read, to compare and to use as a
 * `Map` key. Printed for people with `formatUuid`.
 */
export type Uuid = string

export const ZERO_UUID: Uuid = '\0'.repeat(16)
/** A replica that has no log directory yet (KIP-858). */
export const UNASSIGNED_DIRECTORY: Uuid = `${'\0'.repeat(15)}\x01`
/** One whose log directory is gone. */
export const LOST_DIRECTORY: Uuid = `${'\0'.repeat(15)}\x02`
/** Reserved for `__cluster_metadata` (KIP-516). */
export const METADATA_TOPIC_UUID: Uuid = `${'\0'.repeat(15)}\x01`

/** The 22 character base64url text that Kafka prints. */
export function formatUuid(uuid: Uuid): string {
  return Buffer.from(uuid, 'latin1').toString('base64url')
}

/** The inverse of `formatUuid`; undefined when the text is not exactly sixteen bytes. */
export function parseUuid(text: string): Uuid | undefined {
  if (!/^[A-Za-z0-9_-]{22}$/.test(text)) return undefined
  return Buffer.from(text, 'base64url').toString('latin1')
}

/** A random version 4 id that is not reserved and whose text does not begin with "-" (as Kafka's). */
export function randomUuid(random: (size: number) => Buffer = randomBytes): Uuid {
  for (;;) {
    const bytes = random(16)
    bytes[6] = (bytes[6]! & 0x0f) | 0x40
    bytes[8] = (bytes[8]! & 0x3f) | 0x80
    const uuid = bytes.toString('latin1')
    if (!formatUuid(uuid).startsWith('-')) return uuid
  }
}
