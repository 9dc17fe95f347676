import { resolve } from 'node:path'
import { type Command, javaProgram } from '../kafka-tools.ts'
import { tools } from '../tools.mjs'

/** A client that brings a group of two members; what they print is read by member-log.ts. */
export interface GroupClient {
  readonly name: string
  /** As ListGroups names it. */
  readonly groupType: 'classic' | 'consumer'
  start(bootstrap: string, topic: string, group: string): Command
}

const here = import.meta.dirname

function python(name: string): (args: readonly string[]) => Command {
  const program = resolve(here, '../python', `${name}.py`)
  return (args) => ({ command: tools.python, args: ['-u', program, ...args] })
}

function withProtocols(
  name: string,
  start: (args: readonly string[]) => Command,
): readonly GroupClient[] {
  return (['classic', 'consumer'] as const).map((groupType) => ({
    name: `${name}-${groupType}`,
    groupType,
    start: (...args) => start([...args, groupType]),
  }))
}

export const groupClients: readonly GroupClient[] = [
  ...withProtocols('java', (args) => javaProgram('GroupMembers', args)),
  ...withProtocols('librdkafka', python('confluent_members')),
  // KIP-848 is an option of franz-go: kgo.ServerSideBalancer.
  ...withProtocols('franz-go', (args) => ({ command: tools.go, args: ['members', ...args] })),
  { name: 'aiokafka', groupType: 'classic', start: (...args) => python('aiokafka_members')(args) },
  {
    name: 'kafkajs',
    groupType: 'classic',
    start: (...args) => ({
      command: process.execPath,
      args: [resolve(here, 'kafkajs-members.js'), ...args],
    }),
  },
]
