import { ErrorCode, type ErrorName } from '../../protocol/error-code.ts'
import { ConfigError } from '../../settings/parse-value.ts'
import { type ApiName, apiNames } from '../api-name.ts'

/** Which requests a fault is for. What is left out does not matter; all that is given must fit. */
export interface FaultMatch {
  /** By Kafka's name, such as `Produce`, or several. */
  readonly api?: ApiName | readonly ApiName[]
  /** Requests about this topic; of the others in the same request nothing is changed. */
  readonly topic?: string
  /** Of `topic`. */
  readonly partition?: number
  /** Requests about this group. */
  readonly group?: string
  readonly transactionalId?: string
  readonly clientId?: string
  /** The number of a connection, as the journal of requests shows it. */
  readonly connection?: number
  /** Lets so many of the matching requests pass first. */
  readonly skip?: number
  /** Then hits so many; all of them when left out. */
  readonly times?: number
  /** Of those each with this probability, 0 to 1, by chance that comes from `seed`. */
  readonly probability?: number
  readonly seed?: number
}

/** What happens to a request. `delayMs` and `throttleMs` may be combined with one of the others. */
export interface FaultEffect {
  /** Answers this error. */
  readonly error?: ErrorName
  /** Whether the work is done all the same: `after`, as when an answer is lost. Left out: `before`. */
  readonly when?: 'before' | 'after'
  /** Waits first, on the broker's clock. */
  readonly delayMs?: number
  /** Closes the connection before or after the work is done. */
  readonly drop?: 'before' | 'after'
  /** Never answers, and so nothing that comes after it on the same connection. */
  readonly hang?: true
  /** Tells the client to slow down, and takes nothing more from its connection for as long. */
  readonly throttleMs?: number
  /**
   * Hands out damaged batches (of Fetch): one bit of the last record is wrong, the format is
   * unknown, or half of the first batch is missing. What is stored stays whole.
   */
  readonly corrupt?: 'bit' | 'magic' | 'cut'
  /**
   * `moved`: the partition's leader is another broker than the client believes. `none`: there is
   * none, and Metadata says so.
   */
  readonly leader?: 'moved' | 'none'
  /** What the coordinator of groups and transactions answers. */
  readonly coordinator?: 'moved' | 'loading' | 'unavailable'
  /** Writes to the partition fail as on a full disk; only with `topic`, `partition` and `times`. */
  readonly outOfSpace?: true
}

export type FaultSpec = FaultMatch & FaultEffect

const matchNames = [
  'api',
  'topic',
  'partition',
  'group',
  'transactionalId',
  'clientId',
  'connection',
  'skip',
  'times',
  'probability',
  'seed',
]
const exclusive = [
  'error',
  'drop',
  'hang',
  'corrupt',
  'leader',
  'coordinator',
  'outOfSpace',
] as const
const effectNames = [...exclusive, 'when', 'delayMs', 'throttleMs']

const choices: Readonly<Record<string, readonly unknown[]>> = {
  when: ['before', 'after'],
  drop: ['before', 'after'],
  hang: [true],
  corrupt: ['bit', 'magic', 'cut'],
  leader: ['moved', 'none'],
  coordinator: ['moved', 'loading', 'unavailable'],
  outOfSpace: [true],
}

const isCount = (value: unknown) => Number.isInteger(value) && Number(value) >= 0
const isText = (value: unknown) => typeof value === 'string'
const isDuration = (value: unknown) => Number.isFinite(value) && Number(value) >= 0

const kinds: Readonly<Record<string, readonly [is: (value: unknown) => boolean, what: string]>> = {
  topic: [isText, 'a name'],
  group: [isText, 'a name'],
  transactionalId: [isText, 'a name'],
  clientId: [isText, 'a name'],
  partition: [isCount, 'a number'],
  connection: [isCount, 'a number'],
  skip: [isCount, 'a number'],
  times: [isCount, 'a number'],
  seed: [isCount, 'a number'],
  delayMs: [isDuration, 'a number of milliseconds'],
  throttleMs: [isDuration, 'a number of milliseconds'],
  probability: [(value) => isDuration(value) && Number(value) <= 1, 'a number from 0 to 1'],
}

/**
 * The same, checked: specs come from JavaScript and over HTTP too. Throws `ConfigError` that names
 * the field, what it is and what it may be.
 */
export function checkFault(spec: unknown): FaultSpec {
  if (typeof spec !== 'object' || spec === null) throw wrong('a fault should be an object')
  for (const [name, value] of Object.entries(spec)) {
    if (value !== undefined) checkField(name, value)
  }
  // Every field was looked at.
  const fault: FaultSpec = spec
  checkTogether(fault)
  return fault
}

function checkField(name: string, value: unknown): void {
  if (!matchNames.includes(name) && !effectNames.includes(name)) {
    throw wrong(`a fault has no '${name}'; it has ${[...matchNames, ...effectNames].join(', ')}`)
  }
  if (name === 'api') checkApis(value)
  if (name === 'error' && !(isText(value) && Object.hasOwn(ErrorCode, String(value)))) {
    throw wrong(`error: ${show(value)} is not the name of one of Kafka's errors`)
  }
  const allowed = choices[name]
  if (allowed && !allowed.includes(value)) {
    throw wrong(`${name}: ${show(value)} should be ${allowed.map(show).join(' or ')}`)
  }
  const kind = kinds[name]
  if (kind && !kind[0](value)) throw wrong(`${name}: ${show(value)} should be ${kind[1]}`)
}

function checkApis(value: unknown): void {
  const known: ReadonlySet<unknown> = new Set(apiNames)
  for (const api of Array.isArray(value) ? value : [value]) {
    if (!known.has(api)) throw wrong(`api: ${show(api)} is not the name of one of Kafka's APIs`)
  }
}

function checkTogether(fault: FaultSpec): void {
  const given = exclusive.filter((name) => fault[name] !== undefined)
  if (given.length > 1) throw wrong(`a fault does one thing: ${given.join(' or ')}`)
  if (given.length === 0 && fault.delayMs === undefined && fault.throttleMs === undefined) {
    throw wrong(
      `a fault should do something: ${[...exclusive, 'delayMs', 'throttleMs'].join(', ')}`,
    )
  }
  if (fault.error === 'NONE') throw wrong("error: 'NONE' is no error")
  if (fault.when && !fault.error) throw wrong('when: only with error')
  if (fault.partition !== undefined && fault.topic === undefined) {
    throw wrong('partition: only with topic')
  }
  if (fault.outOfSpace) checkOutOfSpace(fault)
}

function checkOutOfSpace(fault: FaultSpec): void {
  if (fault.topic === undefined) throw wrong('outOfSpace: only with topic')
  const allowed = ['outOfSpace', 'topic', 'partition', 'times']
  const other = Object.keys(fault).find((name) => !allowed.includes(name))
  if (other) throw wrong(`${other}: not with outOfSpace, which knows no requests`)
}

const show = (value: unknown) => JSON.stringify(value) ?? String(value)

function wrong(message: string): ConfigError {
  return new ConfigError(message)
}
