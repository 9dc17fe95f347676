import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatUuid, randomUuid } from '../../src/base/uuid.ts'
import { ApiVersions } from '../../src/protocol/apis/18-api-versions.ts'
import { kafkaServerTool, kafkaTool } from './kafka-tools.ts'
import { Program, runWell } from './process.ts'
import { freePort } from './transactions/free-port.ts'
import { WireClient } from './wire-client.ts'

/**
 * A real single-node Apache Kafka over a data directory that is there, whoever wrote it. `properties`
 * are added to the least that a node needs; docs/ON_DISK.md shows the same ones.
 */
export class ApacheKafka {
  readonly port: number
  readonly program: Program

  private constructor(program: Program, port: number) {
    this.program = program
    this.port = port
  }

  /** Makes a new data directory, as Kafka wants it before its first start. */
  static async format(
    directory: string,
    properties: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const file = writeProperties(directory, await freePort(), await freePort(), properties)
    const clusterId = formatUuid(randomUuid())
    await runWell(
      kafkaTool('kafka-storage', ['format', '--standalone', '-t', clusterId, '-c', file]),
    )
  }

  /** `directory` holds `server.properties`; the data is in `directory/data`. */
  static async start(
    directory: string,
    properties: Readonly<Record<string, string>> = {},
  ): Promise<ApacheKafka> {
    const port = await freePort()
    const file = writeProperties(directory, port, await freePort(), properties)
    const { command, args } = kafkaServerTool('kafka-server-start', [file], '512m')
    const kafka = new ApacheKafka(new Program(command, args), port)
    await kafka.#ready()
    return kafka
  }
  get bootstrap(): string {
    return `localhost:${this.port}`
  }

  /** What it logs that is worse than a warning. */
  get errors(): string[] {
    return this.program.stderr.split('\n').filter((line) => /\] (?:ERROR|FATAL) /.test(line))
  }

  async #ready(): Promise<void> {
    for (const deadline = Date.now() + 180_000; ; ) {
      if (this.program.ended) throw this.program.failure('did not start')
      try {
        const client = await WireClient.connect(this.bootstrap)
        await client.ask(ApiVersions, 3, {})
        client.close()
        return
      } catch (error) {
        if (Date.now() > deadline) throw error
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    }
  }

  /** Resolves with the exit code: 143 after SIGTERM. */
  stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    return this.program.stop(signal)
  }
}

/** Returns the path of the file. */
function writeProperties(
  directory: string,
  port: number,
  controllerPort: number,
  properties: Readonly<Record<string, string>> = {},
): string {
  const all = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.bootstrap.servers': `localhost:${controllerPort}`,
    listeners: `PLAINTEXT://localhost:${port},CONTROLLER://localhost:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': join(directory, 'data'),
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.num.partitions': '1',
    'transaction.state.log.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    ...properties,
  }
  const file = join(directory, 'server.properties')
  const lines = Object.entries(all).map(([name, value]) => `${name}=${value}\n`)
  writeFileSync(file, lines.join(''))
  return file
}
