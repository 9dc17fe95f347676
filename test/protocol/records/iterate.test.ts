import { describe, expect, it } from 'vitest'
import { KafkaError } from '../../../src/protocol/error-code.ts'
import { BatchView, batches } from '../../../src/protocol/records/batch.ts'
import { controlRecord, records } from '../../../src/protocol/records/iterate.ts'
import { bytesOf, corruptVectors, expectRecord, hexOf, validVectors } from './golden.ts'

const v2Vectors = validVectors.filter((vector) => vector.batches.every(({ magic }) => magic === 2))

/** A batch shorter than its header is the business of `ensureValid`; nobody reads its records. */
const readable = corruptVectors.filter(
  ({ name, verdict }) => verdict.records && !/v[01]|^length-(14|48)$/.test(name),
)

describe('records of a batch', () => {
  it.each(v2Vectors)('are read from $name as Kafka reads them', (vector) => {
    const found = [...batches(bytesOf(vector.hex))]
    found.forEach((batch, i) => {
      const golden = vector.batches[i]!
      const read = [...records(batch)]
      expect(read.length).toBe(golden.records.length)
      read.forEach((record, j) => {
        const expected = golden.records[j]!
        expectRecord(record, expected)
        expect(record.sequence).toBe(expected.sequence)
        const headers = record.headers.map((header) => ({
          key: Buffer.from(header.key).toString('hex'),
          value: hexOf(header.value),
        }))
        if (!golden.isControlBatch) expect(headers).toEqual(expected.headers)
      })
      const control = controlRecord(batch)
      expect(control?.type).toBe(golden.records[0]?.controlType)
      if (control) {
        expect(control.coordinatorEpoch).toBe(golden.records[0]!.coordinatorEpoch ?? -1)
      }
    })
  })

  it.each(readable)('of corrupt $name are refused or read as by Kafka', (vector) => {
    const batch = new BatchView(bytesOf(vector.hex))
    if (batch.magic < 2) return
    const verdict = vector.verdict.records
    const read = () => [...records(batch)].length
    if (typeof verdict === 'string') {
      const count = read()
      expect(`${count} record${count === 1 ? '' : 's'}`).toBe(verdict)
      return
    }
    expect(read).toThrow(KafkaError)
    try {
      read()
    } catch (error) {
      // A length that is no varint is an error without a code only where a broker looks at it.
      const noVarint = verdict!.message?.startsWith('Varint is too long')
      const invalid = verdict!.error === 'InvalidRecordException' || noVarint
      if (vector.name === 'gzip-garbage-inside') {
        // The stream's checksum is wrong, which a reader of whole streams sees first.
        expect((error as KafkaError).errorCode).toBe(-1)
      } else {
        expect((error as KafkaError).errorCode).toBe(invalid ? 87 : -1)
      }
    }
  })
})
