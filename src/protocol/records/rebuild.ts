import { KafkaError } from '../error-code.ts'
import {
  type BatchView,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  NO_TIMESTAMP,
  type TimestampType,
} from './batch.ts'
import { sealBatch } from './builder.ts'
import type { Compression } from './compression/compression.ts'
import { type RecordBytes, rewriteRecords } from './rewrite-records.ts'

export interface RebuildSettings {
  readonly timestampType: TimestampType
  readonly compressionLevel?: number | undefined
}

/**
 * A produced batch again with another codec, for topics whose compression.type is not the
 * producer's. Offsets become 0, 1, 2... and the producer's fields are kept. The records were walked
 * before, so they parse.
 */
export function rebuildBatch(
  batch: BatchView,
  source: RecordBytes,
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
  const { bytes, recordCount, baseTimestamp, minTimestamp, maxTimestamp } = rewriteRecords(
    batch,
    source,
    { renumber: true },
  )
  if (minTimestamp < NO_TIMESTAMP) throw refused('timestamp')
  return sealBatch(bytes, {
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    compression,
    compressionLevel: settings.compressionLevel,
    timestampType: settings.timestampType,
    transactional: batch.isTransactional,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    baseTimestamp,
    maxTimestamp: settings.timestampType === 'LogAppendTime' ? nowMs : maxTimestamp,
    lastOffsetDelta: recordCount - 1,
    recordCount,
  })
}

function refused(what: string): KafkaError {
  return new KafkaError('UNKNOWN_SERVER_ERROR', `Invalid negative ${what} in a batch to be rebuilt`)
}
