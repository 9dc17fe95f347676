import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { OffsetFetch } from '../../../src/protocol/apis/09-offset-fetch.ts'
import { DescribeGroups } from '../../../src/protocol/apis/15-describe-groups.ts'
import { DescribeTransactions } from '../../../src/protocol/apis/65-describe-transactions.ts'
import type { Dohle } from '../broker.ts'
import { type Command, javaProgram } from '../kafka-tools.ts'
import { Program } from '../process.ts'
import { tools } from '../tools.mjs'
import { WireClient } from '../wire-client.ts'

/**
 * Longer than anything that may rightly hold a copier up after a kill: 60 s until the transaction
 * of one that could not end it is timed out, then its group's session, then a slow machine.
 */
export const PATIENCE_MS = 240_000

export interface CopierKind {
  readonly name: string
  start(args: readonly string[]): Command
}

/** Each copies input to an output of its own, under its own name. */
export const copierKinds: readonly CopierKind[] = [
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

/** How a copier ends that was told that another one has its transactional id. */
export const FENCED = 3

/** A program that copies `input` in transactions; what it and its broker last did can be told. */
export class Copier {
  readonly kind: CopierKind
  readonly id: string
  readonly #bootstrap: string
  readonly #directory: string
  #program: Program
  #log = ''
  #endedBefore = 0
  /** Times that it was started again. */
  restarts = 0

  /** `directory`: where its client keeps its own log. */
  constructor(kind: CopierKind, bootstrap: string, directory: string, id = kind.name) {
    this.kind = kind
    this.id = id
    this.#bootstrap = bootstrap
    this.#directory = directory
    this.#program = this.#start()
  }

  get program(): Program {
    return this.#program
  }

  #start(): Program {
    const { name, start } = this.kind
    this.#log = join(this.#directory, `${name}-${this.restarts}-${Date.now()}.log`)
    const { command, args } = start([this.#bootstrap, 'input', `output-${name}`, this.id])
    return new Program(command, args, { COPIER_LOG: this.#log })
  }

  async ready(): Promise<void> {
    await this.#program.printed(({ lines }) => lines.includes('ready'), PATIENCE_MS)
  }

  /** Transactions that it has ended, one way or the other. */
  get ended(): number {
    const ends = this.#program.lines.filter((line) => line === 'committed' || line === 'aborted')
    return this.#endedBefore + ends.length
  }

  /**
   * Until that many more transactions have ended. A producer may fence itself when the broker dies
   * between giving it a new epoch and telling it so, because no log has the epoch before: Kafka's
   * neither. It then ends as any fenced one does, and is started again.
   */
  async ends(count: number, dohle: () => Dohle): Promise<void> {
    const goal = this.ended + count
    while (this.ended < goal) {
      try {
        await this.#program.printed(() => this.ended >= goal, PATIENCE_MS)
      } catch (error) {
        const isFenced = this.#program.ended && (await this.#program.exited()) === FENCED
        if (!isFenced) {
          throw new Error(`${(error as Error).message}\n${await this.diagnosis(dohle())}`)
        }
        this.#endedBefore = this.ended
        this.restarts += 1
        this.#program = this.#start()
      }
    }
  }

  /** For who has to find out from a failed run alone. */
  async diagnosis(dohle: Dohle): Promise<string> {
    const log = existsSync(this.#log) ? lastLines(readFileSync(this.#log, 'utf8'), 60) : '-'
    const broker = lastLines(dohle.program.stdout + dohle.program.stderr, 20)
    const known = await this.#asTheBrokerSeesIt(dohle.bootstrap).catch(String)
    return `state: ${known}\nits log:\n${log}\nthe broker's log:\n${broker}`
  }

  async #asTheBrokerSeesIt(bootstrap: string): Promise<string> {
    const client = await WireClient.connect(bootstrap)
    const groupId = this.id
    const transactions = await client.ask(DescribeTransactions, 0, { transactionalIds: [groupId] })
    const group = await client.ask(DescribeGroups, 5, { groups: [groupId] })
    const topics = [{ name: 'input', partitionIndexes: [0] }]
    const groups = [{ groupId, topics }]
    const offsets = await client.ask(OffsetFetch, 8, { groups, requireStable: true })
    client.close()
    return JSON.stringify({ transactions, group, offsets }, null, 1)
  }
}

function lastLines(text: string, count: number): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}
