import { randomBytes } from 'node:crypto'
import { Produce } from '../src/protocol/apis/00-produce.ts'
import { Fetch } from '../src/protocol/apis/01-fetch.ts'
import { Metadata } from '../src/protocol/apis/03-metadata.ts'
import { Heartbeat } from '../src/protocol/apis/12-heartbeat.ts'
import { ApiVersions } from '../src/protocol/apis/18-api-versions.ts'
import { encodeRequest } from '../src/protocol/message.ts'
import { buildBatch } from '../src/protocol/records/builder.ts'
import type { Codec } from '../src/protocol/records/compression/compression.ts'
import type { Api, EncodableOf } from '../src/protocol/schema.ts'

/** Whole request frames, size included, in versions that dohle and Apache Kafka 4 both answer. */
function frame<A extends Api>(api: A, version: number, request: EncodableOf<A['request']>): Buffer {
  const header = { correlationId: 1, clientId: 'bench' }
  return Buffer.concat(encodeRequest(api, version, header, request).chunks)
}

/** Random bytes, which no file system can make smaller. */
export function randomBatch(batchBytes: number, recordBytes: number): Buffer {
  const timestamp = Date.now()
  return buildBatch({
    records: Array.from({ length: Math.max(1, Math.round(batchBytes / recordBytes)) }, () => ({
      key: null,
      value: randomBytes(Math.max(1, recordBytes - 10)),
      timestamp,
    })),
  })
}

const NAMES = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi']

/** About 16 KB of records as services send them, compressed. */
export function compressedBatch(compression: Codec): Buffer {
  const timestamp = Date.now()
  const records = Array.from({ length: 100 }, (_, index) => {
    const user = NAMES[index % NAMES.length]
    const id = randomBytes(8).toString('hex')
    const value = { id, user, event: 'page-view', path: `/products/${index * 7}`, at: timestamp }
    return { key: null, value: Buffer.from(JSON.stringify({ ...value, ok: true })), timestamp }
  })
  return buildBatch({ records, compression })
}

export function produceFrame(topic: string, index: number, records: Buffer): Buffer {
  return frame(Produce, 9, {
    transactionalId: null,
    acks: -1,
    timeoutMs: 10_000,
    topicData: [{ name: topic, partitionData: [{ index, records }] }],
  })
}

export function fetchFrame(
  topic: string,
  partition: number,
  partitionMaxBytes: number,
  fetchOffset = 0,
): Buffer {
  const partitions = [{ partition, fetchOffset, partitionMaxBytes }]
  return frame(Fetch, 11, { maxWaitMs: 0, minBytes: 1, topics: [{ topic, partitions }] })
}

export function apiVersionsFrame(): Buffer {
  return frame(ApiVersions, 3, { clientSoftwareName: 'bench', clientSoftwareVersion: '1' })
}

export function metadataFrame(topic: string): Buffer {
  return frame(Metadata, 9, { topics: [{ name: topic }] })
}

export interface Membership {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
}

export function heartbeatFrame(membership: Membership): Buffer {
  return frame(Heartbeat, 4, membership)
}
