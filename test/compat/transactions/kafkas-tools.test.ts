import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ApacheKafka } from '../apache-kafka.ts'
import { Dohle } from '../broker.ts'
import { kafkaTool } from '../kafka-tools.ts'
import { run, runWell, stopAllPrograms } from '../process.ts'
import { WireClient } from '../wire-client.ts'
import { Interview } from './interview.ts'

/** What the tools print of Apache Kafka: `DOHLE_COMPAT_KAFKA=1` asks it again. */
const golden = '../../golden/transactions'
const KIND = process.env['DOHLE_COMPAT_KAFKA'] ? 'Apache Kafka' : 'dohle'
const settings = {
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
  // Lets a batch into a partition that its transaction knows nothing of.
  'transaction.partition.verification.enable': 'false',
}
/** Longer ago than any transaction may take. */
const LONG_AGO_MS = Date.UTC(2020, 0, 1)

afterEach(() => stopAllPrograms())

async function start(directory: string): Promise<ApacheKafka | Dohle> {
  if (KIND === 'Apache Kafka') {
    await ApacheKafka.format(directory)
    return await ApacheKafka.start(directory, settings)
  }
  const overrides = Object.entries(settings).flatMap(([name, value]) => [
    '--override',
    `${name}=${value}`,
  ])
  return await Dohle.start(overrides, join(directory, 'data'))
}

/** Transactions of both generations, ended each way, one that is open, and one that hangs. */
async function transactions(bootstrap: string): Promise<void> {
  const client = await WireClient.connect(bootstrap)
  const it = new Interview(client, '')
  await it.createTopic('orders', 1)
  await it.find('new', 1)
  await it.find('group', 0)
  const [newer, older] = [it.producer('new'), it.producer('old')]
  const [open, ghost] = [it.producer('open'), it.producer('ghost')]
  // It stays open however slow the machine is.
  const options = { quiet: true, timeoutMs: 900_000 } as const
  for (const producer of [newer, older, open, ghost]) await it.init(producer, options)
  for (const outcome of ['commit', 'abort'] as const) {
    await it.produce(newer, 12, 'orders', 0, { quiet: true })
    await it.commitOffsets(newer, 5, 'group', 'orders', { quiet: true })
    await it.end(newer, 5, outcome)
    await it.settle('new')
  }
  for (const [sequence, outcome] of (['commit', 'abort'] as const).entries()) {
    await it.add(older, { orders: [0] })
    await it.addOffsets(older, 'group')
    await it.produce(older, 9, 'orders', sequence)
    await it.commitOffsets(older, 3, 'group', 'orders', { quiet: true })
    await it.end(older, 4, outcome)
    await it.settle('old')
  }
  await it.produce(ghost, 9, 'orders', 0, { timestampMs: LONG_AGO_MS })
  await it.produce(open, 12, 'orders', 0)
  client.close()
}

/** What differs from run to run is the order of rows, times, and durations behind them. */
function settledRows(text: string, hasDurations: boolean): string[] {
  const [header = '', ...rows] = settled(text).split('\n')
  const shown = hasDurations ? rows.map((row) => row.replace(/TIME\s+\d+ */, 'TIME LONG')) : rows
  return [header, ...shown.sort()]
}

function settled(text: string): string {
  return text
    .replace(/[ \t]+$/gm, '')
    .replace(/\b1[5-9]\d{11}\b/g, 'TIME')
    .replace(/crc: \d+/g, 'crc: CRC')
    .replace(/^Dumping .*\/([^/]+\/[^/]+)$/gm, 'Dumping $1')
}

describe(`of ${KIND}`, () => {
  it('kafka-transactions lists, describes, finds and aborts; kafka-dump-log reads it all', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'dohle-tools-'))
    mkdirSync(join(directory, 'data'))
    const broker = await start(directory)
    await transactions(broker.bootstrap)
    const lines: string[] = []
    const ask = async (...args: string[]) => {
      const command = kafkaTool('kafka-transactions', [
        '--bootstrap-server',
        broker.bootstrap,
        ...args,
      ])
      const { exitCode, stdout, stderr } = await run(command)
      const hasDurations = args[0] !== 'describe-producers'
      lines.push(`$ kafka-transactions ${args.join(' ')}`)
      lines.push(...settledRows((stdout + stderr).trimEnd(), hasDurations))
      if (exitCode !== 0) lines.push(`= ${exitCode}`)
    }
    await ask('list')
    for (const id of ['new', 'open', 'nobody']) await ask('describe', '--transactional-id', id)
    const where = ['--topic', 'orders', '--partition', '0']
    await ask('describe-producers', ...where)
    await ask('find-hanging', '--broker-id', '1')
    await ask('abort', ...where, '--start-offset', '8')
    await ask('abort', ...where, '--start-offset', '99')
    await ask('find-hanging', '--broker-id', '1')
    await ask('describe-producers', ...where)
    expect(await broker.stop()).toBe(KIND === 'dohle' ? 0 : 143)
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`${golden}/tools.txt`)

    const dumps: string[] = []
    const dump = async (partition: string, ...options: string[]) => {
      const folder = join(directory, 'data', partition)
      const logs = readdirSync(folder).filter((file) => file.endsWith('.log'))
      const files = logs.map((file) => join(folder, file)).join(',')
      const all = [...options, '--files', files]
      dumps.push(...(await runWell(kafkaTool('kafka-dump-log', all))))
    }
    await dump('orders-0', '--print-data-log')
    await dump('__transaction_state-0', '--transaction-log-decoder')
    await dump('__consumer_offsets-0', '--offsets-decoder')
    await expect(`${settled(dumps.join('\n'))}\n`).toMatchFileSnapshot(`${golden}/dumps.txt`)
    rmSync(directory, { recursive: true })
  }, 600_000)
})
