/**
 * What reading and writing of messages costs, in nanoseconds of CPU time per message:
 * `npx tsx bench/codec.ts`. The column "target" is what generated code was measured to need on a
 * Zen 4 class core with Node 20; rounds of all cases alternate, and the median is printed.
 */

import { Produce } from '../src/protocol/apis/00-produce.ts'
import { Fetch } from '../src/protocol/apis/01-fetch.ts'
import { Metadata } from '../src/protocol/apis/03-metadata.ts'
import { Heartbeat } from '../src/protocol/apis/12-heartbeat.ts'
import { Reader, viewOf } from '../src/protocol/bytes/reader.ts'
import { Writer } from '../src/protocol/bytes/writer.ts'
import { readRequestHeader } from '../src/protocol/header.ts'
import { decodeRequest, encodeRequest, writeResponse } from '../src/protocol/message.ts'
import type { Api, EncodableOf, ResponseOf } from '../src/protocol/schema.ts'

const ROUNDS = 11
const ROUND_MS = 120

interface Case {
  readonly name: string
  readonly targetNs: number | undefined
  readonly run: () => void
}

function reading<A extends Api>(
  name: string,
  targetNs: number | undefined,
  api: A,
  version: number,
  request: EncodableOf<A['request']>,
): Case {
  const header = { correlationId: 1, clientId: 'bench-client' }
  const { chunks, byteLength } = encodeRequest(api, version, header, request)
  const frame = Buffer.concat(chunks, byteLength)
  const view = viewOf(frame)
  const reader = new Reader()
  const run = () => {
    reader.reset(frame, view, 4, frame.length)
    const { apiVersion } = readRequestHeader(reader)
    decodeRequest(api, apiVersion, reader)
  }
  return { name: `read  ${name} (${byteLength} B)`, targetNs, run }
}

function writing<A extends Api>(
  name: string,
  targetNs: number | undefined,
  api: A,
  version: number,
  response: ResponseOf<A>,
): Case {
  const writer = new Writer()
  writeResponse(writer, api, version, 1, response)
  const { byteLength } = writer.take()
  const run = () => {
    writeResponse(writer, api, version, 1, response)
    writer.take()
  }
  return { name: `write ${name} (${byteLength} B)`, targetNs, run }
}

function times<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index))
}

const records = Buffer.alloc(1024, 'r')
const topicId = 'topic-id-16chars'
const group = { groupId: 'orders-group', memberId: 'consumer-1-4f0c', generationId: 7 }

const cases: Case[] = [
  reading('Heartbeat v4', 304, Heartbeat, 4, group),
  writing('Heartbeat v4', 268, Heartbeat, 4, { errorCode: 0 }),
  reading('Produce v9, 10 partitions of 1 KiB', 1150, Produce, 9, {
    acks: -1,
    timeoutMs: 30_000,
    topicData: [{ name: 'orders', partitionData: times(10, (index) => ({ index, records })) }],
  }),
  writing('Produce v9, 10 partitions', undefined, Produce, 9, {
    responses: [
      {
        name: 'orders',
        partitionResponses: times(10, (index) => {
          return { index, errorCode: 0, baseOffset: 123_456_789, logStartOffset: 0 }
        }),
      },
    ],
  }),
  reading('Fetch v13, 100 partitions', 2100, Fetch, 13, {
    maxWaitMs: 500,
    minBytes: 1,
    topics: [
      {
        topicId,
        partitions: times(100, (partition) => {
          return { partition, fetchOffset: 123_456, partitionMaxBytes: 1_048_576 }
        }),
      },
    ],
    forgottenTopicsData: [],
  }),
  writing('Fetch v13, 100 partitions of 1 KiB', undefined, Fetch, 13, {
    responses: [
      {
        topicId,
        partitions: times(100, (partitionIndex) => {
          return { partitionIndex, errorCode: 0, highWatermark: 99, records }
        }),
      },
    ],
  }),
  writing('Metadata v12, 1000 topics of 3', 304_000, Metadata, 12, {
    brokers: [{ nodeId: 1, host: 'localhost', port: 9092 }],
    topics: times(1000, (topic) => ({
      errorCode: 0,
      name: `some.topic.name.${topic}`,
      topicId,
      partitions: times(3, (partitionIndex) => {
        return { errorCode: 0, partitionIndex, leaderId: 1, replicaNodes: [1], isrNodes: [1] }
      }),
    })),
  }),
]

/** CPU nanoseconds per call, over about ROUND_MS. */
function measure({ run }: Case, calls: number): number {
  const before = process.cpuUsage()
  for (let call = 0; call < calls; call++) run()
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1000) / calls
}

const callsPerRound = cases.map((measured) => {
  measure(measured, 200)
  const ns = Math.max(20, measure(measured, 2000))
  return Math.ceil((ROUND_MS * 1e6) / ns)
})

const results: number[][] = cases.map(() => [])
for (let round = 0; round < ROUNDS; round++) {
  cases.forEach((measured, index) => {
    results[index]!.push(measure(measured, callsPerRound[index]!))
  })
}

console.log(`${'ns of CPU per message'.padEnd(52)}   median      min   target`)
cases.forEach(({ name, targetNs }, index) => {
  const sorted = results[index]!.sort((a, b) => a - b)
  const [min, median] = [sorted[0]!, sorted[ROUNDS >> 1]!]
  const cell = (value: number | undefined) => (value?.toFixed(0) ?? '').padStart(9)
  console.log(`${name.padEnd(52)}${cell(median)}${cell(min)}${cell(targetNs)}`)
})
