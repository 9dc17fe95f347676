import { Kafka, logLevel } from 'kafkajs'
import { kafkaServerTool } from '../test/compat/kafka-tools.ts'
import { runWell } from '../test/compat/process.ts'

/** Kafka's own performance tools, and kafkajs. */
export interface PerfTest {
  readonly topic: string
  readonly records: number
  readonly recordBytes: number
  readonly lingerMs: number
}

/** MB/s as the tool says it. */
export async function producerPerfTest(address: string, test: PerfTest): Promise<number> {
  const { topic, records, recordBytes, lingerMs } = test
  const printed = await runWell(
    kafkaServerTool(
      'kafka-producer-perf-test',
      [
        ...['--topic', topic, '--num-records', `${records}`, '--record-size', `${recordBytes}`],
        ...['--throughput', '-1', '--command-property', `bootstrap.servers=${address}`, 'acks=all'],
        ...[`linger.ms=${lingerMs}`, 'batch.size=131072'],
      ],
      '512m',
    ),
  )
  return Number(/\(([\d.]+) MB\/sec\)/.exec(printed.at(-1) ?? '')?.[1])
}

/** MB/s with the time to join the group, and of the fetching alone. */
export async function consumerPerfTest(
  address: string,
  topic: string,
  records: number,
): Promise<{ total: number; fetching: number }> {
  const args = ['--bootstrap-server', address, '--topic', topic, '--messages', `${records}`]
  const printed = await runWell(kafkaServerTool('kafka-consumer-perf-test', args, '512m'))
  const columns = printed.at(-1)?.split(', ') ?? []
  return { total: Number(columns[3]), fetching: Number(columns[8]) }
}

/** Records per second, each sent when the one before is acknowledged. */
export async function kafkajsSends(address: string, topic: string, count: number): Promise<number> {
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING })
  const producer = kafka.producer()
  await producer.connect()
  const send = () => producer.send({ topic, messages: [{ value: 'x'.repeat(100) }] })
  for (let warm = 0; warm < 50; warm++) await send()
  const since = performance.now()
  for (let sent = 0; sent < count; sent++) await send()
  const seconds = (performance.now() - since) / 1000
  await producer.disconnect()
  return count / seconds
}
