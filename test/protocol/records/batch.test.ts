import { describe, expect, it } from 'vitest'
import {
  BatchView,
  batches,
  decrementSequence,
  incrementSequence,
  setMaxTimestamp,
  stampBatch,
} from '../../../src/protocol/records/batch.ts'
import {
  bytesOf,
  corruptVectors,
  goldenJson,
  saturated,
  type Verdict,
  validVectors,
} from './golden.ts'

const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

describe('batch view', () => {
  it.each(validVectors)('reads every header field of $name', (vector) => {
    const bytes = bytesOf(vector.hex)
    const found = [...batches(bytes)]
    expect(found.length).toBe(vector.batches.length)
    found.forEach((batch, i) => {
      const golden = vector.batches[i]!
      expect(batch.position).toBe(golden.position)
      expect(batch.sizeInBytes).toBe(golden.sizeInBytes)
      expect(batch.magic).toBe(golden.magic)
      if (golden.magic < 2) return
      expect({
        ...Object.fromEntries(
          Object.keys(golden.header).map((field) => [field, batch[field as keyof BatchView]]),
        ),
        compression: codecNames[batch.compression],
        timestampType: batch.timestampType,
        lastOffset: batch.lastOffset,
        nextOffset: batch.nextOffset,
        lastSequence: batch.lastSequence,
        isTransactional: batch.isTransactional,
        isControlBatch: batch.isControl,
        deleteHorizonMs: batch.deleteHorizonMs,
      }).toEqual({
        ...Object.fromEntries(
          Object.entries(golden.header).map(([field, value]) => [field, saturated(value)]),
        ),
        compression: golden.compression,
        timestampType: golden.timestampType,
        lastOffset: saturated(golden.lastOffset),
        nextOffset: saturated(golden.nextOffset),
        lastSequence: golden.lastSequence,
        isTransactional: golden.isTransactional,
        isControlBatch: golden.isControlBatch,
        deleteHorizonMs:
          golden.deleteHorizonMs === undefined ? undefined : saturated(golden.deleteHorizonMs),
      })
      batch.ensureValid()
    })
  })

  it.each(corruptVectors)('steps over the batches of $name as Kafka does', (vector) => {
    const { split } = vector.verdict
    if (vector.name === 'length-max-int') {
      // Kafka trips over its own arithmetic there; a size beyond the bytes is a fragment to us.
      expect([...batches(bytesOf(vector.hex))].length).toBe(0)
      return
    }
    expectVerdict(split, () => {
      const count = [...batches(bytesOf(vector.hex))].length
      return `${count} batch${count === 1 ? '' : 'es'}`
    })
  })

  it.each(
    corruptVectors.filter((vector) => vector.verdict.ensureValid && !/^v[01]-/.test(vector.name)),
  )('checks size and CRC of $name as Kafka does', (vector) => {
    const batch = new BatchView(bytesOf(vector.hex))
    if (batch.magic < 2) return
    expectVerdict(vector.verdict.ensureValid, () => {
      batch.ensureValid()
      return 'ok'
    })
  })

  it('is stamped without a new CRC', () => {
    const bytes = bytesOf(validVectors.find((vector) => vector.name === 'v2-none-three')!.hex)
    const batch = new BatchView(bytes)
    stampBatch(batch, 2 ** 40 + 7, 12)
    expect([batch.baseOffset, batch.partitionLeaderEpoch]).toEqual([2 ** 40 + 7, 12])
    batch.ensureValid()
  })

  it('takes the append time with the bit, the largest timestamp and a new CRC', () => {
    const bytes = bytesOf(validVectors.find((vector) => vector.name === 'v2-none-three')!.hex)
    const batch = new BatchView(bytes)
    setMaxTimestamp(batch, 'LogAppendTime', 1795420793824)
    expect([batch.timestampType, batch.maxTimestamp]).toEqual(['LogAppendTime', 1795420793824])
    batch.ensureValid()
  })

  it('keeps its bytes when type and largest timestamp are right already', () => {
    const hex = validVectors.find((vector) => vector.name === 'v2-attributes-unused-bits')!.hex
    const batch = new BatchView(bytesOf(hex))
    setMaxTimestamp(batch, 'CreateTime', batch.maxTimestamp)
    expect(Buffer.from(batch.bytes).toString('hex')).toBe(hex)
  })
})

describe('sequences', () => {
  it('wrap from 2147483647 to 0 and back', () => {
    const vectors =
      goldenJson<{ sequence: number; by: number; incremented: number; decremented: number }[]>(
        'sequences.json',
      )
    for (const { sequence, by, incremented, decremented } of vectors) {
      expect(incrementSequence(sequence, by)).toBe(incremented)
      expect(decrementSequence(sequence, by)).toBe(decremented)
    }
  })
})

function expectVerdict(verdict: Verdict | undefined, run: () => string): void {
  if (verdict === undefined) return
  if (typeof verdict === 'string') expect(run()).toBe(verdict)
  else expect(run).toThrow(verdict.message)
}
