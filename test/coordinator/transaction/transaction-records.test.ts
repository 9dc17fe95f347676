import { describe, expect, it } from 'vitest'
import {
  decodeTransactionRecord,
  encodeTransactionRecord,
  type TransactionValue,
} from '../../../src/coordinator/transaction/transaction-records.ts'

const value: TransactionValue = {
  producerId: 1001,
  previousProducerId: 1000,
  nextProducerId: 1002,
  producerEpoch: 32767,
  nextProducerEpoch: -1,
  transactionTimeoutMs: 60_000,
  transactionStatus: 2,
  transactionPartitions: [{ topic: 'orders', partitionIds: [0, 2] }],
  transactionLastUpdateTimestampMs: 1_700_000_000_000,
  transactionStartTimestampMs: 1_699_999_999_000,
  clientTransactionVersion: 2,
}

describe('a record of __transaction_state', () => {
  it('keeps everything from transaction.version 1 on', () => {
    const { key, value: bytes } = encodeTransactionRecord({ transactionalId: 'tx', value }, 1)
    expect(key.toString('hex')).toBe('000000027478')
    expect(bytes?.readInt16BE(0)).toBe(1)
    expect(decodeTransactionRecord(key, bytes)).toEqual({ transactionalId: 'tx', value })
  })

  it('lacks the ids and epochs of KIP-890 below', () => {
    const { key, value: bytes } = encodeTransactionRecord({ transactionalId: 'tx', value }, 0)
    expect(bytes?.readInt16BE(0)).toBe(0)
    expect(decodeTransactionRecord(key, bytes)?.value).toEqual({
      ...value,
      previousProducerId: -1,
      nextProducerId: -1,
      clientTransactionVersion: 0,
    })
  })

  it('is a tombstone when the id is forgotten', () => {
    const record = { transactionalId: 'tx', value: null }
    const { key, value: bytes } = encodeTransactionRecord(record, 2)
    expect(bytes).toBeNull()
    expect(decodeTransactionRecord(key, null)).toEqual(record)
  })

  it('is skipped when its kind, its version or its state is not known', () => {
    const { key, value: bytes } = encodeTransactionRecord({ transactionalId: 'tx', value }, 2)
    const otherKind = Buffer.from(key)
    otherKind.writeInt16BE(1)
    expect(decodeTransactionRecord(otherKind, bytes)).toBeUndefined()
    const newer = Buffer.from(bytes!)
    newer.writeInt16BE(2)
    expect(decodeTransactionRecord(key, newer)).toBeUndefined()
    const strange = encodeTransactionRecord(
      { transactionalId: 'tx', value: { ...value, transactionStatus: 29 } },
      2,
    )
    expect(decodeTransactionRecord(strange.key, strange.value)).toBeUndefined()
  })
})
