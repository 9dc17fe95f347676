import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { formatUuid, randomUuid } from '../src/base/uuid.ts'
import { kafkaServerTool, kafkaTool } from '../test/compat/kafka-tools.ts'
import { Program } from '../test/compat/process.ts'

/** A broker under test: how it is made ready (not measured) and started (measured). */
export interface Contender {
  readonly name: 'dohle' | 'Apache Kafka'
  prepare(directory: string, port: number): void
  start(directory: string, port: number): Program
}

const root = resolve(import.meta.dirname, '..')

export const dohle: Contender = {
  name: 'dohle',
  prepare() {},
  start(directory, port) {
    // Port + 1 is Apache Kafka's controller.
    const args = ['--port', `${port}`, '--data', join(directory, 'data')]
    args.push('--http', `127.0.0.1:${port + 1}`)
    // As for the other: else each load meets what the one before it left to be written.
    args.push('--override', 'log.segment.delete.delay.ms=0')
    // 10,000 are measured, and others look on meanwhile.
    args.push('--override', 'max.connections=20000', '--override', 'max.connections.per.ip=20000')
    return new Program(process.execPath, [join(root, 'bin/dohle.js'), ...args])
  },
}

export const apacheKafka: Contender = {
  name: 'Apache Kafka',
  prepare(directory, port) {
    writeFileSync(join(directory, 'server.properties'), properties(directory, port))
    const id = formatUuid(randomUuid())
    const config = ['-c', join(directory, 'server.properties')]
    const { command, args } = kafkaTool('kafka-storage', [
      'format',
      '--standalone',
      '-t',
      id,
      ...config,
    ])
    const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`kafka-storage format failed: ${stderr}`)
  },
  start(directory) {
    const config = join(directory, 'server.properties')
    const { command, args } = kafkaServerTool('kafka-server-start', [config], '1g')
    return new Program(command, args)
  },
}

/** Kafka's defaults, but for what a single node needs and what dohle's default is too. */
function properties(directory: string, port: number): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:${port + 1}
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}
controller.listener.names=CONTROLLER
log.dirs=${join(directory, 'data')}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
log.segment.delete.delay.ms=0
`
}

const TICKS_PER_SECOND = 100

/** CPU seconds that a process has used so far. */
export function cpuSeconds({ child }: Program): number {
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** How long the main thread of a process could have run and had no core to run on. */
export function mainThreadWaitMs({ child }: Program): number {
  const [, waitedNs] = readFileSync(`/proc/${child.pid}/schedstat`, 'utf8').split(' ')
  return Number(waitedNs) / 1e6
}

/** Memory in use by a process, in MB: now, and at most so far. */
export function rssMb({ child }: Program): { readonly now: number; readonly most: number } {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  const mb = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024
  return { now: mb('VmRSS'), most: mb('VmHWM') }
}

/** Delay of dohle's event loop since it was last asked for, in ms. */
export async function eventLoopDelay(port: number): Promise<{ p99: number; max: number }> {
  const response = await fetch(`http://127.0.0.1:${port + 1}/metrics`)
  const text = await response.text()
  const ms = (name: string) =>
    Number(new RegExp(`^nodejs_eventloop_lag_${name}_seconds (\\S+)`, 'm').exec(text)?.[1]) * 1000
  return { p99: ms('p99'), max: ms('max') }
}
