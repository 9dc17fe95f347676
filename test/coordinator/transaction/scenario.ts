import { readFileSync } from 'node:fs'
import type { ReplyTo } from '../../../src/coordinator/effect.ts'
import { checkInitProducerId } from '../../../src/coordinator/transaction/init-producer-id.ts'
import type { TopicPartitions } from '../../../src/coordinator/transaction/partition-set.ts'
import {
  type ProducerAnswer,
  TransactionCoordinator,
} from '../../../src/coordinator/transaction/transaction-coordinator.ts'
import type {
  AllocateProducerId,
  Effects,
  WriteMarkers,
} from '../../../src/coordinator/transaction/transaction-effect.ts'
import {
  describeTransaction,
  listTransactions,
} from '../../../src/coordinator/transaction/transaction-listing.ts'
import type { TransactionRecord } from '../../../src/coordinator/transaction/transaction-records.ts'
import { statusName } from '../../../src/coordinator/transaction/transaction-status.ts'
import { ErrorCode, type ErrorName, errorName } from '../../../src/protocol/error-code.ts'

type Append = Extract<Effects[number], { type: 'append' }>
type Words = readonly string[]

const START_MS = 1_000_000

/**
 * Runs a script of requests and faults against one coordinator and writes behind every line what
 * happened. Lines:
 *
 *   level N                            finalized transaction.version
 *   set NAME=VALUE                     a setting
 *   init ID [timeout=S] [given=PID/EPOCH] [2pc] [keep]
 *   add ID PID/EPOCH [v2] TOPIC-N...   AddPartitionsToTxn, or the implicit one
 *   verify ID PID/EPOCH TOPIC-N...
 *   end ID PID/EPOCH commit|abort [v2]
 *   advance S                          seconds pass
 *   hold appends|markers|ids           what is asked from now on waits...
 *   release                            ...until now
 *   fail ERROR                         the next append fails
 *   fail ids                           the next producer id cannot be had
 *   marker TOPIC-N ERROR|gone          answers markers for it, until told NONE
 *   epoch ID EPOCH                     writes the record that many earlier steps would have led to
 *   restart                            a new coordinator reads the log
 *   list [state=S] [pid=N] [longer=S] [like=PREFIX]
 *   describe ID
 */
export class Scenario {
  readonly #settings = {
    transactionAbortTimedOutTransactionCleanupIntervalMs: 1,
    transactionMaxTimeoutMs: 900_000,
    transactionTwoPhaseCommitEnable: false,
    transactionalIdExpirationMs: 604_800_000,
    transactionRemoveExpiredTransactionCleanupIntervalMs: 3_600_000,
  }
  #nowMs = START_MS
  #level = 2
  #nextProducerId = 1000
  readonly #log: TransactionRecord[] = []
  #coordinator = this.#newCoordinator()
  readonly #timers = new Map<string, { owner: string; timer: string; atMs: number }>()
  #held = new Set<string>()
  #waiting: (() => void)[] = []
  #nextFailure: ErrorCode | undefined
  #lacksIds = false
  readonly #markerOutcomes = new Map<string, ErrorCode | 'gone'>()
  #events: string[] = []

  #newCoordinator(): TransactionCoordinator {
    return new TransactionCoordinator({
      settings: this.#settings,
      coordinatorEpoch: 7,
      transactionVersion: () => this.#level,
    })
  }

  /** The script with the outcomes it has now. */
  play(script: string): string {
    this.#carryOut(this.#coordinator.loaded(this.#nowMs))
    return script
      .split('\n')
      .map((line) => this.#playLine(line))
      .join('\n')
  }

  #playLine(line: string): string {
    const [command = ''] = line.split(/\s*->/)
    if (command.trim() === '' || command.startsWith('#')) return line
    this.#events = []
    const [verb = '', ...words] = command.trim().split(/\s+/)
    this.#run(verb, words)
    const outcome = this.#events.length > 0 ? this.#events.join('; ') : 'nothing'
    return `${command.trimEnd()} -> ${outcome}`
  }

  #run(verb: string, words: Words): void {
    switch (verb) {
      case 'level':
        this.#level = Number(words[0])
        break
      case 'set': {
        const [name = '', value] = (words[0] ?? '').split('=')
        Object.assign(this.#settings, { [name]: value === 'true' ? true : Number(value) })
        break
      }
      case 'init':
        this.#init(words)
        break
      case 'add':
        this.#add(words)
        break
      case 'verify':
        this.#verify(words)
        break
      case 'end':
        this.#end(words)
        break
      case 'advance':
        this.#advance(Number(words[0]) * 1000)
        break
      case 'hold':
        this.#held.add(words[0]!)
        break
      case 'release':
        this.#release()
        break
      case 'fail':
        if (words[0] === 'ids') this.#lacksIds = true
        else this.#nextFailure = ErrorCode[words[0] as ErrorName]
        break
      case 'marker':
        this.#markerOutcomes.set(words[0]!, outcomeOf(words[1]!))
        break
      case 'epoch':
        this.#jump(words[0]!, Number(words[1]))
        break
      case 'restart':
        this.#restart()
        break
      case 'list':
        this.#list(words)
        break
      case 'describe':
        this.#describe(words[0]!)
        break
      default:
        throw new Error(`unknown verb ${verb}`)
    }
  }

  #init(words: Words): void {
    const [transactionalId = ''] = words
    const given = option(words, 'given')?.split('/') ?? ['-1', '-1']
    const request = {
      transactionalId: unquoted(transactionalId),
      transactionTimeoutMs: Number(option(words, 'timeout') ?? 60) * 1000,
      producerId: Number(given[0]),
      producerEpoch: Number(given[1]),
      enable2Pc: words.includes('2pc'),
      keepPreparedTxn: words.includes('keep'),
    }
    const errorCode = checkInitProducerId(request, this.#settings)
    if (errorCode !== ErrorCode.NONE) this.#say(`refused ${errorName(errorCode)}`)
    else {
      const to = this.#producerReply()
      this.#carryOut(this.#coordinator.initProducerId(request, to, this.#nowMs))
    }
  }

  #add(words: Words): void {
    const request = {
      ...producerOf(words),
      clientTransactionVersion: words.includes('v2') ? 2 : 0,
      topics: topicsOf(words),
    }
    const to: ReplyTo<ErrorCode> = { deliver: (code) => this.#say(`reply ${errorName(code)}`) }
    this.#carryOut(this.#coordinator.addPartitions(request, to, this.#nowMs))
  }

  #verify(words: Words): void {
    for (const { topic, partitionIds } of topicsOf(words)) {
      for (const partition of partitionIds) {
        const code = this.#coordinator.verifyPartition(producerOf(words), topic, partition)
        this.#say(`${topic}-${partition} ${errorName(code)}`)
      }
    }
  }

  #end(words: Words): void {
    const request = {
      ...producerOf(words),
      committed: words.includes('commit'),
      clientTransactionVersion: words.includes('v2') ? 2 : 0,
    }
    this.#carryOut(this.#coordinator.endTxn(request, this.#producerReply(), this.#nowMs))
  }

  #producerReply(): ReplyTo<ProducerAnswer> {
    return {
      deliver: ({ errorCode, producerId, producerEpoch }) =>
        this.#say(
          `reply ${errorName(errorCode)}${producerId < 0 ? '' : ` ${producerId}/${producerEpoch}`}`,
        ),
    }
  }

  #advance(ms: number): void {
    const untilMs = this.#nowMs + ms
    for (;;) {
      const due = [...this.#timers.entries()]
        .filter(([, { atMs }]) => atMs <= untilMs)
        .sort(([, one], [, other]) => one.atMs - other.atMs)[0]
      if (!due) break
      const [key, { owner, timer, atMs }] = due
      this.#timers.delete(key)
      this.#nowMs = Math.max(this.#nowMs, atMs)
      this.#carryOut(this.#coordinator.wake(owner, timer, this.#nowMs))
    }
    this.#nowMs = untilMs
  }

  #release(): void {
    this.#held = new Set()
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }

  #restart(): void {
    this.#timers.clear()
    this.#waiting = []
    this.#coordinator = this.#newCoordinator()
    for (const record of this.#log) this.#coordinator.replay(record)
    this.#carryOut(this.#coordinator.loaded(this.#nowMs))
    this.#advance(0)
  }

  #jump(transactionalId: string, producerEpoch: number): void {
    const { value } = this.#coordinator.transactions.get(transactionalId)!
    const record = { transactionalId, value: { ...value, producerEpoch } }
    this.#log.push(record)
    this.#coordinator.replay(record)
  }

  #list(words: Words): void {
    const states = option(words, 'state')
    const producerId = option(words, 'pid')
    const prefix = option(words, 'like') ?? ''
    const filter = {
      stateFilters: new Set(states?.split(',')),
      producerIdFilters: new Set(producerId?.split(',').map(Number)),
      durationFilter: Number(option(words, 'longer') ?? -0.001) * 1000,
      matchesId: (transactionalId: string) => transactionalId.startsWith(prefix),
    }
    const transactions = this.#coordinator.transactions.values()
    for (const listed of listTransactions(transactions, filter, this.#nowMs)) {
      this.#say(`${listed.transactionalId} ${listed.producerId} ${listed.transactionState}`)
    }
  }

  #describe(transactionalId: string): void {
    const described = describeTransaction(this.#coordinator.transactions.get(transactionalId))
    if (described.errorCode !== ErrorCode.NONE) this.#say(errorName(described.errorCode))
    else {
      const { producerId, producerEpoch, transactionState, transactionStartTimeMs } = described
      const started = transactionStartTimeMs < 0 ? 'never' : this.#time(transactionStartTimeMs)
      this.#say(
        `${transactionState} ${producerId}/${producerEpoch} started ${started}` +
          ` timeout ${described.transactionTimeoutMs / 1000}s ${partitionsText(described.topics)}`,
      )
    }
  }

  #carryOut(effects: Effects): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'append':
          this.#when('appends', () => this.#append(effect))
          break
        case 'reply':
          effect.to.deliver(effect.response)
          break
        case 'wake':
          this.#timers.set(`${effect.owner}/${effect.timer}`, effect)
          if (effect.owner !== '') this.#say(`wake ${effect.timer} at ${this.#time(effect.atMs)}`)
          break
        case 'forget':
          if (this.#timers.delete(`${effect.owner}/${effect.timer}`)) {
            this.#say(`forget ${effect.timer}`)
          }
          break
        case 'ask': {
          const { what } = effect
          if (what.type === 'write markers') this.#when('markers', () => this.#writeMarkers(what))
          else this.#when('ids', () => this.#allocate(what))
        }
      }
    }
  }

  #when(what: string, run: () => void): void {
    if (this.#held.has(what)) this.#waiting.push(run)
    else run()
  }

  #append(append: Append): void {
    const failure = this.#nextFailure
    this.#nextFailure = undefined
    if (failure !== undefined) {
      this.#say(`append failed ${errorName(failure)}`)
      this.#carryOut(append.failed(failure, this.#nowMs))
      return
    }
    for (const record of append.records) {
      this.#log.push(record)
      this.#say(`append ${recordText(record)}`)
      this.#coordinator.replay(record)
    }
    this.#carryOut(append.committed(this.#nowMs))
  }

  #allocate(effect: AllocateProducerId): void {
    if (this.#lacksIds) {
      this.#lacksIds = false
      this.#carryOut(effect.failed(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, this.#nowMs))
    } else this.#carryOut(effect.allocated(this.#nextProducerId++, this.#nowMs))
  }

  #writeMarkers({ marker, partitions, written }: WriteMarkers): void {
    const { producerId, producerEpoch, committed, coordinatorEpoch, transactionVersion } = marker
    const kind = committed ? 'COMMIT' : 'ABORT'
    this.#say(
      `markers ${kind} ${producerId}/${producerEpoch} coordinator=${coordinatorEpoch}` +
        ` version=${transactionVersion} ${partitionsText(partitions)}`,
    )
    const results = partitions.flatMap(({ topic, partitionIds }) =>
      partitionIds.map((partition) => {
        const outcome = this.#markerOutcomes.get(`${topic}-${partition}`) ?? ErrorCode.NONE
        return { topic, partition, outcome }
      }),
    )
    this.#carryOut(written(results, this.#nowMs))
  }

  #say(event: string): void {
    this.#events.push(event)
  }

  #time(ms: number): string {
    return `${(ms - START_MS) / 1000}s`
  }
}

function option(words: Words, name: string): string | undefined {
  return words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
}

function unquoted(word: string): string {
  return word === "''" ? '' : word
}

function producerOf(words: Words) {
  const [producerId, producerEpoch] = (words[1] ?? '').split('/').map(Number)
  return {
    transactionalId: unquoted(words[0] ?? ''),
    producerId: producerId ?? -1,
    producerEpoch: producerEpoch ?? -1,
  }
}

function topicsOf(words: Words): TopicPartitions[] {
  return words.slice(2).flatMap((word) => {
    const [, topic, partition] = /^(.+)-(\d+)$/.exec(word) ?? []
    return topic === undefined ? [] : [{ topic, partitionIds: [Number(partition)] }]
  })
}

function outcomeOf(word: string): ErrorCode | 'gone' {
  return word === 'gone' ? 'gone' : ErrorCode[word as ErrorName]
}

function partitionsText(topics: readonly TopicPartitions[]): string {
  const names = topics.flatMap(({ topic, partitionIds }) =>
    partitionIds.map((partition) => `${topic}-${partition}`),
  )
  return `[${names.join(' ')}]`
}

function recordText({ transactionalId, value }: TransactionRecord): string {
  if (value === null) return `${transactionalId} tombstone`
  const status = statusName(value.transactionStatus as Parameters<typeof statusName>[0])
  const next = value.nextProducerId < 0 ? '' : ` next=${value.nextProducerId}`
  const partitions = value.transactionPartitions
  const text = partitions && partitions.length > 0 ? ` ${partitionsText(partitions)}` : ''
  return `${transactionalId} ${status} ${value.producerId}/${value.producerEpoch}${next}${text}`
}

/** Plays the script in `file` and gives what the file should be. */
export function playScenario(file: string): string {
  return new Scenario().play(readFileSync(file, 'utf8'))
}
