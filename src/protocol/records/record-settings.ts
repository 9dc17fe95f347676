import type { TimestampType } from './batch.ts'
import type { Codec } from './compression/compression.ts'

/** Settings of a topic that bear on its batches, in Kafka's values. */
export interface RecordSettings {
  /** cleanup.policy includes compact: every record needs a key. */
  readonly compacted: boolean
  readonly maxMessageBytes: number
  readonly timestampType: TimestampType
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
  /** compression.type; `producer` keeps what the client chose. */
  readonly compressionType: 'producer' | 'uncompressed' | Codec
  /** compression.<type>.level of that type; the codec's default when left out. */
  readonly compressionLevel?: number | undefined
}

export interface ProduceContext {
  readonly requestVersion: number
  readonly nowMs: number
  /** For messages only. */
  readonly topic: string
  readonly partition: number
}

/** The largest setting stands for no limit. */
export function within(distanceMs: number, limitMs: number): boolean {
  return distanceMs <= limitMs || limitMs >= Number.MAX_SAFE_INTEGER
}
