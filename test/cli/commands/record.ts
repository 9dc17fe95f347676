import type { ShownFetched } from '../../../src/cli/commands/record-format.ts'
import type { Fetched } from '../../../src/client/fetcher.ts'
import { BatchView } from '../../../src/protocol/records/batch.ts'
import {
  type BatchHeader,
  buildBatch,
  type RecordInput,
} from '../../../src/protocol/records/builder.ts'
import { records } from '../../../src/protocol/records/iterate.ts'

export type RecordText = {
  readonly key?: string | Uint8Array | null
  readonly value?: string | Uint8Array | null
  readonly headers?: readonly (readonly [key: string, value: string | Uint8Array | null])[]
  readonly timestamp?: number
}

const bytes = (text: string | Uint8Array | null) =>
  typeof text === 'string' ? Buffer.from(text) : text

/** A record as a fetch of orders, partition 1, from offset 41 on would bring it. */
export function fetchedRecord(text: RecordText, header: BatchHeader = {}): ShownFetched {
  const input: RecordInput = {
    key: bytes(text.key ?? null),
    value: bytes(text.value ?? null),
    headers: text.headers?.map(([key, value]) => ({ key, value: bytes(value) })),
    timestamp: text.timestamp ?? 1_700_000_000_123,
  }
  const batch = new BatchView(buildBatch({ baseOffset: 41, ...header, records: [input] }))
  const [record] = records(batch)
  const from: Fetched = {
    topic: 'orders',
    partition: 1,
    records: [],
    nextOffset: 42,
    highWatermark: 50,
    lastStableOffset: 49,
    logStartOffset: 7,
  }
  return { record: record!, batch, from, count: 3 }
}
