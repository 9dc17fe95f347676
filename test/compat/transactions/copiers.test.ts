import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Kafka, logLevel, type Producer } from 'kafkajs'
import { afterEach, describe, expect, it } from 'vitest'
import { ListOffsets } from '../../../src/protocol/apis/02-list-offsets.ts'
import type { ReadRecord, TransactionHistory } from '../../sim/history.ts'
import { findAnomalies } from '../../sim/history-checker.ts'
import { Dohle } from '../broker.ts'
import { runWell, stopAllPrograms } from '../process.ts'
import { tools } from '../tools.mjs'
import { WireClient } from '../wire-client.ts'
import { Copier, copierKinds, FENCED, PATIENCE_MS } from './copier.ts'
import { freePort } from './free-port.ts'

/** `DOHLE_COMPAT_KILLS=100` for a longer run. */
const KILLS = Number(process.env['DOHLE_COMPAT_KILLS'] ?? 6)
/** Transactions that each copier has ended between two kills, so that each hits a working one. */
const ENDED_BETWEEN = 6

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
  it(
    `copy every record once over ${KILLS} kills of the broker`,
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'dohle-transactions-'))
      const port = ['--port', `${await freePort()}`]
      let dohle = await Dohle.start([...port, '--topic', 'input'], directory)
      const { bootstrap } = dohle
      const source = new Source(bootstrap, 'input')
      const running = copierKinds.map((kind) => new Copier(kind, bootstrap, directory))
      await Promise.all(running.map((copier) => copier.ready()))
      for (let kill = 0; kill < KILLS; kill++) {
        await Promise.all(running.map((copier) => copier.ends(ENDED_BETWEEN, () => dohle)))
        await delay(Math.random() * 100)
        await dohle.program.stop('SIGKILL')
        dohle = await Dohle.start(port, directory)
      }
      await Promise.all(running.map((copier) => copier.ends(2, () => dohle)))
      await source.stop()
      for (const copier of running) {
        copier.program.endInput()
        const exitCode = await copier.program.exited()
        expect(exitCode, exitCode ? await copier.diagnosis(dohle) : '').toBe(0)
      }
      const transactions: TransactionHistory[][] = []
      const final: ReadRecord[][] = []
      for (const { name } of copierKinds) {
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
      const outputs = copierKinds.map(({ name }) => `output-${name}`)
      expect(await openTransactions(bootstrap, outputs)).toEqual([])
      const count = running.reduce((sum, { ended }) => sum + ended, 0)
      const restarts = running.reduce((sum, copier) => sum + copier.restarts, 0)
      expect(restarts).toBeLessThanOrEqual(KILLS)
      console.info(
        `${count} transactions over ${KILLS} kills, ${restarts} fenced by themselves, ` +
          `${findings.length} anomalies`,
      )
      expect(await dohle.stop()).toBe(0)
      rmSync(directory, { recursive: true })
    },
    (KILLS + 3) * PATIENCE_MS,
  )

  // That of franz-go is a member of its group, where a second one waits for a partition.
  it.each(copierKinds.slice(0, 2))(
    '$name: a second one of the same id fences the first',
    async (kind) => {
      const dohle = await Dohle.start(['--topic', 'input'])
      const source = new Source(dohle.bootstrap, 'input')
      const start = () => new Copier(kind, dohle.bootstrap, dohle.directory, 'same')
      const first = start()
      await first.ends(5, () => dohle)
      const second = start()
      const exitCode = await first.program.exited()
      expect(exitCode, await first.diagnosis(dohle)).toBe(FENCED)
      expect(first.program.lines.at(-1)).toBe('fenced')
      await second.ends(20, () => dohle)
      await source.stop()
      second.program.endInput()
      expect(await second.program.exited(), second.program.stderr).toBe(0)
      const copied = await committedOffset(dohle.bootstrap, 'same')
      const final = await readCommitted(dohle.bootstrap, `output-${kind.name}`)
      const transactions = historyOf(kind.name, copied)
      const findings = findAnomalies({ transactions, final, consumers: [], finalOffsets: [] })
      expect(findings.slice(0, 5)).toEqual([])
      await dohle.stop()
    },
    3 * PATIENCE_MS,
  )
})
