import type { BatchView } from '../../src/protocol/records/batch.ts'
import { controlRecord, records } from '../../src/protocol/records/iterate.ts'

export type BatchContent = ReturnType<typeof batchContent>

/** All of a batch but the leader epoch, which a broker stamps. */
export function batchContent(batch: BatchView) {
  return {
    offsets: [batch.baseOffset, batch.lastOffset],
    attributes: batch.attributes,
    maxTimestamp: batch.maxTimestamp,
    producer: [batch.producerId, batch.producerEpoch, batch.baseSequence],
    control: controlRecord(batch)?.type,
    isTransactional: batch.isTransactional,
    records: [...records(batch)].map(({ offset, timestamp, key, value }) => ({
      offset,
      timestamp,
      key: key && Buffer.from(key).toString('latin1'),
      value: value && Buffer.from(value).toString('latin1'),
    })),
  }
}
