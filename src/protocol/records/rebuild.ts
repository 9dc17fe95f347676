import { KafkaError } from '../error-code.ts'
import {
  type BatchView,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_TIMESTAMP,
  type TimestampType,
} from './batch.ts'
import { buildBatch } from './builder.ts'
import type { Compression } from './compression/compression.ts'
import { recordViews } from './iterate.ts'
import { RecordCursor } from './record-cursor.ts'

export interface RebuildSettings {
  readonly timestampType: TimestampType
  readonly compressionLevel?: number | undefined
}

/** The records of the batch, not compressed: `bytes[start, end)`. */
export interface RebuildPayload {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/**
 * A produced batch again with another codec, for topics whose compression.type is not the
 * producer's. Offsets become 0, 1, 2... and the producer's fields are kept; oddities of the encoding
 * are gone. The records were walked before, so they parse.
 */
export function rebuildBatch(
  batch: BatchView,
  { bytes, start, end }: RebuildPayload,
  compression: Compression,
  settings: RebuildSettings,
  { nowMs }: { readonly nowMs: number },
): Buffer {
  // Kafka's builder refuses these with an error that has no code of its own.
  if (batch.producerId === NO_PRODUCER_ID) {
    if (batch.isTransactional) throw refused('producer id')
  } else {
    if (batch.producerEpoch === NO_PRODUCER_EPOCH) throw refused('producer epoch')
    if (batch.baseSequence < 0) throw refused('sequence')
  }
  const records = [...recordViews(batch, new RecordCursor(bytes, start, end))]
  if (records.some(({ timestamp }) => timestamp < NO_TIMESTAMP)) throw refused('timestamp')
  return buildBatch({
    records,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    compression,
    compressionLevel: settings.compressionLevel,
    timestampType: settings.timestampType,
    transactional: batch.isTransactional,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    maxTimestamp: settings.timestampType === 'LogAppendTime' ? nowMs : undefined,
  })
}

function refused(what: string): KafkaError {
  return new KafkaError('UNKNOWN_SERVER_ERROR', `Invalid negative ${what} in a batch to be rebuilt`)
}
