import { describe, expect, it } from 'vitest'
import { BatchView } from '../../../src/protocol/records/batch.ts'
import { buildBatch, buildMarkerBatch } from '../../../src/protocol/records/builder.ts'
import { type BatchFilter, openForFilter } from '../../../src/protocol/records/filter-batch.ts'
import { type RecordView, records, recordViews } from '../../../src/protocol/records/iterate.ts'
import { hexOf, validVectors } from './golden.ts'

const bytesNamed = (name: string) => validVectors.find((vector) => vector.name === name)!.hex
const horizon = { deleteHorizonMs: 1700000006000 }
const input = {
  partitionLeaderEpoch: 0,
  records: ['a', 'b', 'c'].map((key, i) => ({
    key: Buffer.from(key),
    value: i === 2 ? null : Buffer.from(String(i + 1)),
    timestamp: 1700000000000,
  })),
}

interface WholeFilter extends BatchFilter {
  readonly keep: (record: RecordView) => boolean
}

/** All of its steps at once. */
function filterBatch(batch: BatchView, filter: WholeFilter): Uint8Array | null {
  const kept = openForFilter(batch)
  for (const record of recordViews(batch, kept.cursor)) {
    if (filter.keep(record)) kept.keep(record.hasValue)
    else kept.drop()
  }
  return kept.batch(filter)
}

describe('what compaction leaves of a batch', () => {
  it('equals what the cleaner of Kafka wrote: a tombstone and the marker of an empty transaction', () => {
    const data = filterBatch(new BatchView(buildBatch(input)), {
      keep: (record) => hexOf(record.key) !== '61',
      ...horizon,
    })
    const marker = buildMarkerBatch('COMMIT', {
      producerId: 4001,
      producerEpoch: 3,
      coordinatorEpoch: 9,
      timestamp: 1700000000000,
      baseOffset: 3,
      partitionLeaderEpoch: 0,
    })
    const kept = filterBatch(new BatchView(marker), {
      keep: () => true,
      isMarkerOfEmptyTransaction: true,
      ...horizon,
    })
    expect(hexOf(Buffer.concat([data!, kept!]))).toBe(bytesNamed('v2-cleaned'))
  })

  it('is the batch itself when everything stays and its delete horizon is set or not needed', () => {
    for (const name of ['v2-none-idempotent', 'v2-delete-horizon', 'v2-gzip-one']) {
      const batch = new BatchView(Buffer.from(bytesNamed(name), 'hex'))
      const left = filterBatch(batch, { keep: () => true, ...horizon })
      expect(hexOf(left)).toBe(bytesNamed(name))
      expect(left!.buffer).toBe(batch.bytes.buffer)
    }
  })

  it('is a header without records when the state of the producer needs it, else nothing', () => {
    const batch = buildBatch({
      baseOffset: 200,
      partitionLeaderEpoch: 3,
      lastOffsetDelta: 9,
      producerId: 77,
      producerEpoch: 2,
      baseSequence: 5,
      compression: 'lz4',
      records: [{ key: null, value: null, timestamp: 1700000000000 }],
    })
    const filter = { keep: () => false, ...horizon }
    const left = filterBatch(new BatchView(batch), { ...filter, retainEmpty: true })
    expect(hexOf(left)).toBe(bytesNamed('v2-retained-empty'))
    expect(filterBatch(new BatchView(batch), filter)).toBe(null)
  })

  it('keeps offsets, codec, timestamps, headers and the last sequence', () => {
    for (const timestampType of ['CreateTime', 'LogAppendTime'] as const) {
      const batch = new BatchView(
        buildBatch({
          baseOffset: 50,
          compression: 'snappy',
          timestampType,
          producerId: 9,
          producerEpoch: 1,
          baseSequence: 2147483646,
          maxTimestamp: 9000,
          records: [1000, 2000, 3000, 4000].map((timestamp, i) => ({
            key: Buffer.from([i]),
            value: Buffer.from('value'),
            timestamp,
            headers: [{ key: 'h', value: Buffer.from([i]) }],
          })),
        }),
      )
      const left = new BatchView(
        filterBatch(batch, { keep: (r) => r.offset % 2 === 1, ...horizon })!,
      )
      left.ensureValid()
      expect([left.lastOffset, left.lastSequence, left.compression, left.recordCount]).toEqual([
        53, 1, 2, 2,
      ])
      expect(left.deleteHorizonMs).toBe(undefined)
      const seen = [...records(left)].map(({ offset, sequence, timestamp, headers }) => [
        offset,
        sequence,
        timestamp,
        hexOf(headers[0]!.value),
      ])
      const appendTime = timestampType === 'LogAppendTime'
      expect(seen).toEqual([
        [51, 2147483647, appendTime ? 9000 : 2000, '01'],
        [53, 1, appendTime ? 9000 : 4000, '03'],
      ])
    }
  })

  it('is an error for a batch that claims more records than it can hold', () => {
    const batch = new BatchView(buildBatch(input))
    batch.view.setInt32(57, 2147483647)
    expect(() => filterBatch(batch, { keep: () => true, ...horizon })).toThrow('premature EOF')
  })
})
