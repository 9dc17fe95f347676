/**
 * Brokers inside a process: `npm run build && node --import tsx bench/embed.ts`. Prints how long
 * the library takes to import, and medians of what tests do often, as the package does it.
 */
import { Kafka, logLevel } from 'kafkajs'
import type { RunningBroker } from '../src/index.ts'

const ROUNDS = 50
const importedAt = performance.now()
const library = new URL('../dist/index.js', import.meta.url).href
const { startBroker, VirtualClock } = (await import(library)) as typeof import('../src/index.ts')
print('import', performance.now() - importedAt)

const first = await timed(() => startBroker({ topics: ['orders:3'] }))
print('first broker', first.ms)
await first.result.stop()

const starts: number[] = []
const stops: number[] = []
for (let round = 0; round < ROUNDS; round++) {
  const { result, ms } = await timed(() => startBroker({ topics: ['orders:3'] }))
  starts.push(ms)
  stops.push((await timed(() => result.stop())).ms)
}
print('another broker, with orders:3', starts)
print('its stop', stops)

const before = process.memoryUsage.rss()
const hundred = await timed(() =>
  Promise.all(Array.from({ length: 100 }, () => startBroker({ topics: ['orders:3'] }))),
)
print('100 brokers at once', hundred.ms)
console.log(`their memory ${((process.memoryUsage.rss() - before) / 1e6).toFixed(0)} MB`)
print('stop of 100', (await timed(() => Promise.all(hundred.result.map((one) => one.stop())))).ms)

const kafka = await startBroker({ topics: ['orders:3', 'invoices', 'users:1:compact'] })
const records = Array.from({ length: 100 }, (_, id) => ({ key: `${id}`, value: { id } }))
await kafka.produce('orders', records)
await measureState(kafka)
await measureConsumer(kafka)
await kafka.stop()

const clock = new VirtualClock()
const timeless = await startBroker({ clock, topics: ['orders:3'] })
await timeless.produce('orders', records)
print('a week', (await timed(() => clock.advance('7d'))).ms)
await timeless.stop()

async function measureState(broker: RunningBroker): Promise<void> {
  const snapshots: number[] = []
  const restores: number[] = []
  const resets: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const { result, ms } = await timed(async () => broker.snapshot())
    snapshots.push(ms)
    restores.push((await timed(() => broker.restore(result))).ms)
  }
  const clean = broker.snapshot()
  for (let round = 0; round < ROUNDS; round++) {
    resets.push((await timed(() => broker.reset())).ms)
    await broker.restore(clean)
  }
  print('snapshot, 5 partitions and 100 records', snapshots)
  print('restore', restores)
  print('reset', resets)
}

/** From `connect` to the first record, as an application starts. */
async function measureConsumer(broker: RunningBroker): Promise<void> {
  const times: number[] = []
  for (let round = 0; round < 10; round++) {
    const client = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING })
    const consumer = client.consumer({ groupId: `group-${round}`, maxWaitTimeInMs: 100 })
    const { ms } = await timed(async () => {
      await consumer.connect()
      await consumer.subscribe({ topic: 'orders', fromBeginning: true })
      await new Promise<void>((resolve) => {
        void consumer.run({ eachMessage: async () => resolve() })
      })
    })
    times.push(ms)
    await consumer.disconnect()
  }
  print("kafkajs: a consumer's first record", times)
}

async function timed<T>(work: () => Promise<T>): Promise<{ result: T; ms: number }> {
  const startedAt = performance.now()
  const result = await work()
  return { result, ms: performance.now() - startedAt }
}

function print(name: string, ms: number | number[]): void {
  const sorted = [ms].flat().toSorted((one, other) => one - other)
  const median = sorted[sorted.length >> 1] ?? 0
  const range =
    sorted.length > 1 ? ` (${sorted[0]?.toFixed(1)} to ${sorted.at(-1)?.toFixed(1)})` : ''
  console.log(`${name.padEnd(40)} ${median.toFixed(1)} ms${range}`)
}
