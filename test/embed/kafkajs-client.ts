import { type Consumer, type ConsumerConfig, Kafka, logLevel, type ProducerConfig } from 'kafkajs'
import { type BrokerOptions, type RunningBroker, startBroker } from '../../src/index.ts'

/** Brokers and clients of a test, closed by `closeAll` in the order that needs no waiting. */
const open: { close(): unknown }[] = []

export async function closeAll(): Promise<void> {
  for (const one of open.splice(0).reverse()) await one.close()
}

export async function start(options: BrokerOptions = {}): Promise<RunningBroker> {
  const broker = await startBroker(options)
  open.push({ close: () => broker.stop() })
  return broker
}

export interface ClientOptions {
  readonly clientId?: string
  readonly retries?: number
  readonly requestTimeout?: number
}

export function clientOf(
  broker: Pick<RunningBroker, 'bootstrapServers'>,
  options: ClientOptions = {},
): Kafka {
  const { clientId = 'app', retries = 5, requestTimeout = 5_000 } = options
  return new Kafka({
    brokers: broker.bootstrapServers.split(','),
    clientId,
    logLevel: logLevel.NOTHING,
    requestTimeout,
    retry: { retries, initialRetryTime: 20, maxRetryTime: 50 },
  })
}

export async function producerOf(
  broker: RunningBroker,
  { producer: config, ...options }: ClientOptions & { readonly producer?: ProducerConfig } = {},
) {
  const producer = clientOf(broker, options).producer(config)
  await producer.connect()
  open.push({ close: () => producer.disconnect() })
  return producer
}

export interface Consumed {
  readonly consumer: Consumer
  /** Values as text, in the order they came. */
  readonly values: string[]
  /** Member id and generation of each join. */
  readonly joins: { readonly memberId: string; readonly groupId: string }[]
  readonly crashes: Error[]
}

/** A consumer that reads `topic` from its beginning and commits every record. */
export async function consume(
  broker: RunningBroker,
  topic: string,
  {
    consumer: config,
    ...options
  }: ClientOptions & { readonly consumer?: Partial<ConsumerConfig> } = {},
): Promise<Consumed> {
  const consumer = clientOf(broker, options).consumer({
    groupId: 'billing',
    maxWaitTimeInMs: 100,
    heartbeatInterval: 30,
    ...config,
  })
  const consumed: Consumed = { consumer, values: [], joins: [], crashes: [] }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => consumed.joins.push(payload))
  consumer.on(consumer.events.CRASH, ({ payload }) => consumed.crashes.push(payload.error))
  await consumer.connect()
  open.push({ close: () => consumer.disconnect() })
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async ({ message }) => {
      consumed.values.push(String(message.value))
    },
  })
  return consumed
}
