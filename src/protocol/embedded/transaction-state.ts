import { array, int8, int16, int32, int64, nullableArray, string } from '../schema.ts'
import { recordType } from './record-type.ts'

/**
 * A transactional id and the state of its transaction. v1 flexible, ids and epochs of KIP-890. Null
 * value: forgotten.
 */
export const TransactionLogRecord = recordType({
  id: 0,
  name: 'TransactionLog',
  key: {
    transactionalId: string(),
  },
  value: {
    versions: [0, 1],
    flexibleSince: 1,
    fields: {
      producerId: int64(),
      previousProducerId: int64({ since: 1, tag: 0, default: -1 }),
      nextProducerId: int64({ since: 1, tag: 1, default: -1 }),
      producerEpoch: int16(),
      nextProducerEpoch: int16({ since: 1, tag: 3, default: -1 }),
      transactionTimeoutMs: int32(),
      transactionStatus: int8(),
      transactionPartitions: nullableArray({
        topic: string(),
        partitionIds: array(int32()),
      }),
      transactionLastUpdateTimestampMs: int64(),
      transactionStartTimestampMs: int64(),
      clientTransactionVersion: int16({ since: 1, tag: 2 }),
    },
  },
})

/** Every record type of the topic. */
export const transactionStateRecords = [TransactionLogRecord] as const
