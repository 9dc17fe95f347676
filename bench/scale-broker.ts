/**
 * The whole broker with many partitions: `npx tsx bench/scale-broker.ts [directory [topics [partitions
 * of each]]]` (1,000 with 10) after `npm run build`. One record goes to each partition; then the
 * broker stops and starts again a few times. Prints how long that takes, and what it occupies.
 */
import fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Produce } from '../src/protocol/apis/00-produce.ts'
import { CreateTopics } from '../src/protocol/apis/19-create-topics.ts'
import { buildBatch } from '../src/protocol/records/builder.ts'
import { Dohle } from '../test/compat/broker.ts'
import { WireClient } from '../test/compat/wire-client.ts'
import { cpuSeconds, rssMb } from './brokers.ts'

const [parent = tmpdir(), topicCount = '1000', partitionCount = '10'] = process.argv.slice(2)
const TOPICS = Number(topicCount)
const PARTITIONS = Number(partitionCount)
const STARTS = 3

const nameOf = (topic: number) => `topic-${topic}`

async function fill(client: WireClient): Promise<void> {
  for (let topic = 0; topic < TOPICS; topic++) {
    const what = { numPartitions: PARTITIONS, replicationFactor: 1, assignments: [], configs: [] }
    const topics = [{ name: nameOf(topic), ...what }]
    const created = await client.ask(CreateTopics, 6, { topics, validateOnly: false })
    if (created.topics[0]?.errorCode !== 0) throw new Error(`create: ${created.topics[0]}`)
    const partitionData = Array.from({ length: PARTITIONS }, (_, index) => {
      const record = { key: null, value: Buffer.alloc(100, 'x'), timestamp: Date.now() }
      return { index, records: buildBatch({ records: [record] }) }
    })
    await client.ask(Produce, 9, {
      transactionalId: null,
      acks: 1,
      timeoutMs: 30_000,
      topicData: [{ name: nameOf(topic), partitionData }],
    })
  }
}

async function timed(name: string, dohle: Dohle, work: () => Promise<unknown>): Promise<void> {
  const startedAt = performance.now()
  await work()
  const tookMs = (performance.now() - startedAt).toFixed(0)
  const { program } = dohle
  const { pid } = program.child
  const shown = program.ended
    ? ''
    : `, ${cpuSeconds(program).toFixed(2)} s CPU, RSS ${rssMb(program).now.toFixed(0)} MB, ${fs.readdirSync(`/proc/${pid}/fd`).length} descriptors`
  process.stdout.write(`${name.padEnd(40)} ${tookMs} ms${shown}\n`)
}

const directory = fs.mkdtempSync(join(parent, 'dohle-bench-scale-'))
try {
  const first = await Dohle.start(['--override', 'auto.create.topics.enable=false'], directory)
  const client = await WireClient.connect(first.bootstrap)
  await timed(`${TOPICS} topics with ${PARTITIONS} partitions`, first, () => fill(client))
  client.close()
  await timed('stop, all of them dirty', first, () => first.stop())
  for (let count = 0; count < STARTS; count++) {
    const dohle = new Dohle([], directory)
    await timed('start, from exec to ready', dohle, () => dohle.ready())
    await timed('stop, nothing to write', dohle, () => dohle.stop())
  }
} finally {
  fs.rmSync(directory, { recursive: true, force: true })
}
