import { BROKERS_MAX } from '../settings/tables/dohle.ts'
import { ExitCode, StartError } from './exit-code.ts'

/** A topic to have at start. */
export interface TopicOption {
  readonly name: string
  readonly partitions: number
  /** Undefined: the default. */
  readonly replicationFactor: number | undefined
  readonly compact: boolean
}

/** Kafka's own rule for topic names. */
const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/

/** More than this in one request Kafka refuses. */
const PARTITIONS_MAX = 10_000

/** Reads `name:partitions:replicas:compact`, of which all but the name may be left out. Throws `StartError`. */
export function parseTopicOption(text: string): TopicOption {
  const [name = '', count = '1', ...rest] = text.split(':')
  const factor = /^\d+$/.test(rest[0] ?? '') ? rest.shift() : undefined
  const [policy, ...more] = rest
  if (!TOPIC_NAME.test(name) || name === '.' || name === '..') {
    throw wrong(text, `'${name}' is not a topic name: use 1 to 249 letters, digits, '.', '_', '-'`)
  }
  const partitions = /^\d{1,5}$/.test(count) ? Number(count) : 0
  if (partitions < 1 || partitions > PARTITIONS_MAX) {
    throw wrong(text, `'${count}' is not a number of partitions: use 1 to ${PARTITIONS_MAX}`)
  }
  if (more.length > 0 || (policy !== undefined && policy !== 'compact')) {
    throw wrong(text, 'after the numbers of partitions and replicas only :compact may follow')
  }
  const replicationFactor = factor === undefined ? undefined : Number(factor)
  if (replicationFactor === 0 || Number(replicationFactor) > BROKERS_MAX) {
    throw wrong(text, `'${factor}' is not a number of replicas: use 1 to ${BROKERS_MAX}`)
  }
  return { name, partitions, replicationFactor, compact: policy === 'compact' }
}

function wrong(text: string, reason: string): StartError {
  return new StartError(ExitCode.USAGE, `--topic ${text}: ${reason} (as in --topic orders:3)`)
}
