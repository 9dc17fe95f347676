import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterEach, describe, expect, it } from 'vitest'
import { ListOffsets } from '../../../src/protocol/apis/02-list-offsets.ts'
import type { ReadRecord, TransactionHistory } from '../../sim/history.ts'
import { findAnomalies } from '../../sim/history-checker.ts'
import { Dohle } from '../broker.ts'
import { type Command, javaProgram } from '../kafka-tools.ts'
import { Program, runWell, stopAllPrograms } from '../process.ts'
import { tools } from '../tools.mjs'
import { WireClient } from '../wire-client.ts'
import { freePort } from './free-port.ts'

/** `DOHLE_COMPAT_KILLS=100` for a longer run. */
const KILLS = Number(process.env['DOHLE_COMPAT_KILLS'] ?? 6)
/** Transactions that each copier has ended between two kills, so that each hits a working one. */
const ENDED_BETWEEN = 6

/** Each copies input to an output of its own, under its own name. */
const copiers: readonly { name: string; start(args: readonly string[]): Command }[] = [
  { name: 'java', start: (args) => javaProgram('TransactionalCopier', args) },
  {
    name: 'librdkafka',
    start: (args) => {
      const program = resolve(import.meta.dirname, '../python/transactional_copier.py')
      return { command: tools.python, args: ['-u', program, ...args] }
    },
  },
  { name: 'franz-go', start: (args) => ({ command: tools.go, args: ['copy', ...args] }) },
]

afterEach(() => stopAllPrograms())

function clientOf(bootstrap: string): Kafka {
  return new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING })
}

/** Sends to a topic for as long as it runs, over any number of kills. */
class Source {
  readonly #producer: Producer
  readonly #topic: string
  #isRunning = true
  readonly #stopped: Promise<void>

  constructor(bootstrap: string, topic: string) {
    const retry = { initialRetryTime: 50, maxRetryTime: 200, retries: 1000 }
    const kafka = new Kafka({ brokers: [bootstrap], logLevel: logLevel.NOTHING, retry })
    this.#producer = kafka.producer()
    this.#topic = topic
    this.#stopped = this.#run()
  }

  async #run(): Promise<void> {
    const messages = Array.from({ length: 1000 }, () => ({ value: 'original', partition: 0 }))
    await this.#producer.connect()
    while (this.#isRunning) {
      await this.#producer.send({ topic: this.#topic, messages })
      await delay(100)
    }
    await this.#producer.disconnect()
  }

  async stop(): Promise<void> {
    this.#isRunning = false
    await this.#stopped
  }
}

function startCopier(
  { name, start }: (typeof copiers)[number],
  bootstrap: string,
  id = name,
): Program {
  const { command, args } = start([bootstrap, 'input', `output-${name}`, id])
  return new Program(command, args)
}

async function readCommitted(bootstrap: string, topic: string): Promise<ReadRecord[]> {
  const args = ['-C', '-q', '-e', '-o', 'beginning', '-t', topic, '-p', '0']
  const isolation = ['-X', 'isolation.level=read_committed']
  const lines = await runWell({
    command: tools.kcat,
    args: ['-b', bootstrap, ...isolation, ...args, '-f', '%o %s\\n'],
  })
  return lines.map((line) => {
    const [offset, value = ''] = line.split(' ')
    return { partition: topic, offset: Number(offset), value: `${topic}:${value}` }
  })
}

async function committedOffset(bootstrap: string, groupId: string): Promise<number> {
  const admin = clientOf(bootstrap).admin()
  await admin.connect()
  const [found] = await admin.fetchOffsets({ groupId, topics: ['input'] })
  await admin.disconnect()
  return Number(found?.partitions[0]?.offset)
}

/** Readers of committed records get as far as all others. */
async function openTransactions(bootstrap: string, topics: readonly string[]): Promise<string[]> {
  const client = await WireClient.connect(bootstrap)
  const endOf = async (name: string, isolationLevel: number) => {
    const partitions = [{ partitionIndex: 0, timestamp: -1 }]
    const request = { replicaId: -1, isolationLevel, topics: [{ name, partitions }] }
    const response = await client.ask(ListOffsets, 5, request)
    return response.topics[0]!.partitions[0]!.offset
  }
  const open: string[] = []
  for (const name of topics) {
    const end = await endOf(name, 0)
    const stable = await endOf(name, 1)
    if (end !== stable) open.push(`${name}: stable ${stable} of ${end}`)
  }
  client.close()
  return open
}

/** As the history of one transaction for each copy: each copy must be there once, in order. */
function historyOf(name: string, copied: number): TransactionHistory[] {
  const partition = `output-${name}`
  return Array.from({ length: copied }, (_, offset) => ({
    id: `${name}/${offset}`,
    producer: name,
    outcome: 'committed' as const,
    sends: [{ partition, value: `${partition}:${offset}` }],
    reads: [],
  }))
}

describe('copiers of three languages', () => {
  it(`copy every record once over ${KILLS} kills of the broker`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'dohle-transactions-'))
    const port = ['--port', `${await freePort()}`]
    let dohle = await Dohle.start([...port, '--topic', 'input'], directory)
    const { bootstrap } = dohle
    const source = new Source(bootstrap, 'input')
    const running = copiers.map((copier) => startCopier(copier, bootstrap))
    await Promise.all(running.map((one) => one.printed(({ lines }) => lines.includes('ready'))))
    for (let kill = 0; kill < KILLS; kill++) {
      const ended = running.map(({ lines }) => lines.length)
      await Promise.all(
        running.map((one, index) =>
          one.printed(({ lines }) => lines.length >= ended[index]! + ENDED_BETWEEN),
        ),
      )
      await delay(Math.random() * 100)
      await dohle.program.stop('SIGKILL')
      dohle = await Dohle.start(port, directory)
    }
    const ended = running.map(({ lines }) => lines.length)
    await Promise.all(
      running.map((one, index) => one.printed(({ lines }) => lines.length > ended[index]! + 1)),
    )
    await source.stop()
    for (const one of running) {
      one.endInput()
      expect(await one.exited(), one.stderr).toBe(0)
    }
    const transactions: TransactionHistory[][] = []
    const final: ReadRecord[][] = []
    for (const { name } of copiers) {
      const copied = await committedOffset(bootstrap, name)
      expect(copied, name).toBeGreaterThan(ENDED_BETWEEN * KILLS)
      transactions.push(historyOf(name, copied))
      final.push(await readCommitted(bootstrap, `output-${name}`))
    }
    const findings = findAnomalies({
      transactions: transactions.flat(),
      final: final.flat(),
      consumers: [],
      finalOffsets: [],
    })
    expect(findings.slice(0, 5)).toEqual([])
    const outputs = copiers.map(({ name }) => `output-${name}`)
    expect(await openTransactions(bootstrap, outputs)).toEqual([])
    const count = running.reduce((sum, { lines }) => sum + lines.length - 1, 0)
    console.info(`${count} transactions over ${KILLS} kills, ${findings.length} anomalies`)
    expect(await dohle.stop()).toBe(0)
    rmSync(directory, { recursive: true })
  }, 900_000)

  // That of franz-go is a member of its group, where a second one waits for a partition.
  it.each(copiers.slice(0, 2))(
    '$name: a second one of the same id fences the first',
    async (copier) => {
      const dohle = await Dohle.start(['--topic', 'input'])
      const source = new Source(dohle.bootstrap, 'input')
      const first = startCopier(copier, dohle.bootstrap, 'same')
      await first.printed(({ lines }) => lines.length > 5)
      const second = startCopier(copier, dohle.bootstrap, 'same')
      expect(await first.exited(), first.stderr).toBe(3)
      expect(first.lines.at(-1)).toBe('fenced')
      await second.printed(({ lines }) => lines.length > 20)
      await source.stop()
      second.endInput()
      expect(await second.exited(), second.stderr).toBe(0)
      const copied = await committedOffset(dohle.bootstrap, 'same')
      const final = await readCommitted(dohle.bootstrap, `output-${copier.name}`)
      const transactions = historyOf(copier.name, copied)
      const findings = findAnomalies({ transactions, final, consumers: [], finalOffsets: [] })
      expect(findings.slice(0, 5)).toEqual([])
      await dohle.stop()
    },
    120_000,
  )
})
