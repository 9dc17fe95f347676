import { ExitCode, StartError } from './exit-code.ts'

/** A topic to have at start. */
export interface TopicOption {
  readonly name: string
  readonly partitions: number
  readonly compact: boolean
}

/** Kafka's own rule for topic names. */
const TOPIC_NAME = /^[a-zA-Z0-9._-]{1,249}$/

/** More than this in one request Kafka refuses. */
const PARTITIONS_MAX = 10_000

/** Reads `name`, `name:partitions` or `name:partitions:compact`. Throws `StartError`. */
export function parseTopicOption(text: string): TopicOption {
  const [name = '', count = '1', policy, ...more] = text.split(':')
  if (!TOPIC_NAME.test(name) || name === '.' || name === '..') {
    throw wrong(text, `'${name}' is not a topic name: use 1 to 249 letters, digits, '.', '_', '-'`)
  }
  const partitions = /^\d{1,5}$/.test(count) ? Number(count) : 0
  if (partitions < 1 || partitions > PARTITIONS_MAX) {
    throw wrong(text, `'${count}' is not a number of partitions: use 1 to ${PARTITIONS_MAX}`)
  }
  if (more.length > 0 || (policy !== undefined && policy !== 'compact')) {
    throw wrong(text, 'after the number of partitions only :compact may follow')
  }
  return { name, partitions, compact: policy === 'compact' }
}

function wrong(text: string, reason: string): StartError {
  return new StartError(ExitCode.USAGE, `--topic ${text}: ${reason} (as in --topic orders:3)`)
}
