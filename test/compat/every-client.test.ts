import { describe, expect, it } from 'vitest'
import { brokerForThisFile, uniqueName } from './broker.ts'
import { clients } from './clients.ts'
import { kafkaTool } from './kafka-tools.ts'
import { runWell } from './process.ts'
import { tools } from './tools.mjs'

const broker = brokerForThisFile()
const PARTITIONS = 3
const RECORDS = 120

function createTopic(topic: string): Promise<string[]> {
  const where = ['--bootstrap-server', broker.bootstrap, '--topic', topic]
  return runWell(kafkaTool('kafka-topics', [...where, '--create', '--partitions', `${PARTITIONS}`]))
}

/** The columns that make a record: partition, offset, timestamp, key, value, headers. */
function sorted(lines: readonly string[]): string[] {
  const order = new Intl.Collator('en', { numeric: true })
  return [...lines].sort(order.compare)
}

function keyOf(line: string): string {
  return line.split('\t')[3] ?? ''
}

function keysOf(label: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${label}-${i}`)
}

describe.each(clients)('$name', (client) => {
  it.each(client.codecs)(
    'reads back what it wrote, where it was told it is (%s)',
    async (codec) => {
      const topic = uniqueName('alone')
      await createTopic(topic)
      const label = uniqueName('one')
      const acked = await runWell(client.produce(broker.bootstrap, topic, label, RECORDS, codec))
      const read = await runWell(
        client.consume(broker.bootstrap, topic, RECORDS, uniqueName('group')),
      )
      expect(sorted(acked.map((line) => line.split('\t')[2] ?? ''))).toEqual(
        sorted(keysOf(label, RECORDS)),
      )
      expect(sorted(read.map(placeAndKey))).toEqual(sorted(acked))
      expect(new Set(read.map((line) => line.split('\t')[5]))).toEqual(new Set([`from=${label}`]))
    },
  )
})

describe('the consumer protocol of KIP-848', () => {
  const able = clients.flatMap(({ name, produce, consumeByNewProtocol }) =>
    consumeByNewProtocol ? [{ name, produce, consume: consumeByNewProtocol }] : [],
  )

  it.each(able)('serves $name', async ({ produce, consume }) => {
    const topic = uniqueName('new-protocol')
    await createTopic(topic)
    const [label, group] = [uniqueName('one'), uniqueName('group')]
    const acked = await runWell(produce(broker.bootstrap, topic, label, RECORDS, 'none'))
    const read = await runWell(consume(broker.bootstrap, topic, RECORDS, group))
    expect(sorted(read.map(placeAndKey))).toEqual(sorted(acked))
    const about = ['--bootstrap-server', broker.bootstrap, '--group', group]
    const groups = ['--describe', '--state', ...about]
    const state = (await runWell(kafkaTool('kafka-consumer-groups', groups))).join('\n')
    expect(state).toMatch(/\bEmpty\b/)
  })
})

/** `partition offset key`, as producers print it. */
function placeAndKey(line: string): string {
  const [partition, offset, , key] = line.split('\t')
  return [partition, offset, key].join('\t')
}

describe('all clients at once', () => {
  it('produce to one topic, consume it meanwhile, and agree on every record', async () => {
    const topic = uniqueName('together')
    await createTopic(topic)
    const total = RECORDS * (clients.length + 1)
    const producing = clients.map((client, i) => {
      const codec = client.codecs[i % client.codecs.length] ?? 'none'
      return runWell(client.produce(broker.bootstrap, topic, `c${i}`, RECORDS, codec))
    })
    const kcatInput = keysOf('kcat', RECORDS).map((key, i) => `${key}:{"from":"kcat","i":${i}}`)
    const kcatProducing = runWell(
      kcat('-P', '-t', topic, '-K:', '-H', 'from=kcat'),
      lines(kcatInput),
    )
    const consuming = clients.map((client) =>
      runWell(client.consume(broker.bootstrap, topic, total, uniqueName('group'))),
    )
    const [acked, , consumed] = await Promise.all([
      Promise.all(producing),
      kcatProducing,
      Promise.all(consuming),
    ])
    const [first = [], ...others] = consumed.map(sorted)
    const format = ['-f', '%p\\t%o\\t%T\\t%k\\t%s\\t%h\\n']
    others.push(sorted(await runWell(kcat('-C', '-t', topic, '-e', '-o', 'beginning', ...format))))

    const keys = clients.flatMap((_, i) => keysOf(`c${i}`, RECORDS))
    expect(sorted(first.map(keyOf))).toEqual(sorted([...keys, ...keysOf('kcat', RECORDS)]))
    for (const other of others) expect(other).toEqual(first)
    const fromKcat = first.filter((line) => keyOf(line).startsWith('kcat-')).map(placeAndKey)
    expect(sorted([...acked.flat(), ...fromKcat])).toEqual(sorted(first.map(placeAndKey)))
  }, 240_000)
})

function kcat(...args: string[]) {
  return { command: tools.kcat, args: ['-q', '-b', broker.bootstrap, ...args] }
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join('')
}
