/**
 * What idempotence and transactions cost: `npx tsx bench/transactions.ts [directory]`, after a build.
 * Appends to the local engine of the same bytes by a plain, an idempotent and a transactional
 * producer, in the same rounds (median of CPU time per append), then the resident memory of a broker
 * that is told of 10,000 transactional ids, each with an open transaction, and of 100,000 producer
 * ids. Memory is Linux's, of a process that has not been asked to collect its garbage.
 */
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Produce } from '../src/protocol/apis/00-produce.ts'
import { FindCoordinator } from '../src/protocol/apis/10-find-coordinator.ts'
import { CreateTopics } from '../src/protocol/apis/19-create-topics.ts'
import { InitProducerId } from '../src/protocol/apis/22-init-producer-id.ts'
import { BASE_SEQUENCE_AT } from '../src/protocol/records/batch.ts'
import { buildBatch } from '../src/protocol/records/builder.ts'
import type { AppendItem } from '../src/storage/engine.ts'
import { Dohle } from '../test/compat/broker.ts'
import { WireClient } from '../test/compat/wire-client.ts'
import { VolatileMetadata } from '../test/storage/volatile-metadata.ts'
import { bareEngine } from './bare-engine.ts'
import { rssMb } from './brokers.ts'
import { summary } from './summary.ts'

const ROUNDS = 15
const APPENDS = 10_000
const TOPIC = 'bench-topic-id--'
const TRANSACTIONAL_IDS = 10_000
const PRODUCER_IDS = 100_000

const directory = fs.mkdtempSync(join(process.argv[2] ?? tmpdir(), 'dohle-bench-transactions-'))
try {
  for (const bytes of [1024, 16 * 1024]) await measureAppends(bytes)
  await measureMemory()
} finally {
  fs.rmSync(directory, { recursive: true, force: true })
}

async function measureAppends(bytes: number): Promise<void> {
  const metadata = new VolatileMetadata()
  const engine = bareEngine(join(directory, `data-${bytes}`), metadata)
  await engine.open()
  metadata.createTopic('bench', TOPIC, 3)
  const kinds = [
    { name: 'plain', producer: {} },
    { name: 'idempotent', producer: { producerId: 1, producerEpoch: 0 } },
    { name: 'transactional', producer: { producerId: 2, producerEpoch: 0, transactional: true } },
  ].map(({ name, producer }, partition) => {
    const value = Buffer.alloc(bytes - 80, 'x')
    const records = [{ key: null, value, timestamp: Date.now() }]
    const batch = buildBatch({ records, ...producer })
    const item = { topicId: TOPIC, partition, batch, origin: 'client', transactionVerified: true }
    return { name, item: item as AppendItem, batch, sequence: 0, samples: [] as number[] }
  })
  for (let round = 0; round <= ROUNDS; round++) {
    for (const kind of kinds) {
      const before = process.cpuUsage()
      for (let index = 0; index < APPENDS; index++) {
        // All three write a number, so that this costs all of them the same.
        const sequence = kind.name === 'plain' ? -1 : kind.sequence++
        kind.batch.writeInt32BE(sequence, BASE_SEQUENCE_AT)
        const results = engine.log.append([kind.item], { nowMs: Date.now() })
        if (results instanceof Promise || results[0]?.errorCode !== 0)
          throw new Error('not appended')
      }
      const { user, system } = process.cpuUsage(before)
      // The first round warms up.
      if (round > 0) kind.samples.push((user + system) / APPENDS)
    }
  }
  for (const { name, samples } of kinds) {
    const cpuUs = summary(samples).median
    process.stdout.write(`append ${bytes} B, ${name.padEnd(14)} ${cpuUs.toFixed(2)} us CPU\n`)
  }
  await engine.close()
}

async function measureMemory(): Promise<void> {
  const broker = await Dohle.start([], join(directory, 'broker'))
  const client = await WireClient.connect(broker.bootstrap)
  const { topics } = await client.ask(CreateTopics, 7, {
    topics: [
      { name: 'bench', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] },
    ],
    timeoutMs: 10_000,
  })
  const { topicId } = topics[0]!
  // As a client: it asks for the coordinator before it asks the coordinator.
  await client.ask(FindCoordinator, 3, { key: 'id-0', keyType: 1 })
  const one = async (transactionalId: string | null) => {
    const request = { transactionalId, transactionTimeoutMs: 900_000 }
    const { errorCode, producerId, producerEpoch } = await client.ask(InitProducerId, 4, request)
    if (errorCode !== 0) throw new Error(`InitProducerId: ${errorCode}`)
    const records = buildBatch({
      records: [{ key: null, value: Buffer.from('value'), timestamp: Date.now() }],
      producerId,
      producerEpoch,
      baseSequence: 0,
      transactional: transactionalId !== null,
    })
    const topicData = [{ topicId, partitionData: [{ index: 0, records }] }]
    const sent = { transactionalId, acks: -1, timeoutMs: 10_000, topicData }
    const { responses } = await client.ask(Produce, 13, sent)
    const { errorCode: refusal } = responses[0]!.partitionResponses[0]!
    if (refusal !== 0) throw new Error(`Produce: ${refusal}`)
  }
  // What the code itself and its garbage take is there before the first measurement.
  for (let index = 0; index < 2_000; index++) await one(null)
  let before = rssMb(broker.program).now
  const report = (what: string) => {
    const { now } = rssMb(broker.program)
    process.stdout.write(`${what}: ${before.toFixed(0)} MiB, then ${now.toFixed(0)} MiB\n`)
    before = now
  }
  for (let index = 0; index < TRANSACTIONAL_IDS; index++) await one(`id-${index}`)
  report(`${TRANSACTIONAL_IDS} transactional ids with an open transaction`)
  for (let index = 0; index < PRODUCER_IDS; index++) await one(null)
  report(`${PRODUCER_IDS} producer ids`)
  client.close()
  await broker.stop()
}
