import {
  decodeRecord,
  encodeRecordKey,
  encodeRecordValue,
  type ValueOf,
} from '../../protocol/embedded/record-type.ts'
import {
  TransactionLogRecord,
  transactionStateRecords,
} from '../../protocol/embedded/transaction-state.ts'
import { isWrittenStatus } from './transaction-status.ts'

/** What `__transaction_state` keeps of a transactional id. */
export type TransactionValue = ValueOf<typeof TransactionLogRecord>

export interface TransactionRecord {
  readonly transactionalId: string
  /** Null: forgotten. */
  readonly value: TransactionValue | null
}

/** The ids and epochs of KIP-890 are kept from this finalized `transaction.version` on. */
const TAGGED_FIELDS_SINCE = 1

/** `transactionVersion`: the finalized level of the feature. */
export function encodeTransactionRecord(
  record: TransactionRecord,
  transactionVersion: number,
): { key: Buffer; value: Buffer | null } {
  const { transactionalId, value } = record
  const version = transactionVersion >= TAGGED_FIELDS_SINCE ? 1 : 0
  return {
    key: encodeRecordKey(TransactionLogRecord, { transactionalId }),
    value: value && encodeRecordValue(TransactionLogRecord, version, value),
  }
}

/** Undefined for records of a kind or state that this version does not know: they are skipped. */
export function decodeTransactionRecord(
  key: Buffer,
  value: Buffer | null,
): TransactionRecord | undefined {
  const record = decodeRecord(transactionStateRecords, key, value)
  if (!record) return undefined
  if (record.value && !isWrittenStatus(record.value.transactionStatus)) return undefined
  return { transactionalId: record.key.transactionalId, value: record.value }
}
