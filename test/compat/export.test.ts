import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { startBroker } from '../../src/index.ts'
import { clientOf } from '../embed/kafkajs-client.ts'
import { ApacheKafka } from './apache-kafka.ts'
import { kafkaTool } from './kafka-tools.ts'
import { runWell, stopAllPrograms } from './process.ts'

let directory = ''
afterEach(async () => {
  await stopAllPrograms()
  rmSync(directory, { recursive: true, force: true })
})

/** A broker in memory with records, a transaction of each outcome and committed offsets. */
async function exportTo(target: string): Promise<{ clusterId: string }> {
  await using kafka = await startBroker({ topics: ['orders:2', 'users:1:compact'] })
  await kafka.produce('orders', [
    { partition: 0, key: 'u1', value: { id: 1 }, headers: { trace: 'abc' } },
    { partition: 1, value: 'two' },
  ])
  await kafka.produce('users', [{ key: 'u1', value: 'ann' }])
  const client = clientOf(kafka)
  const producer = client.producer({ transactionalId: 'tx', maxInFlightRequests: 1 })
  await producer.connect()
  for (const outcome of ['commit', 'abort'] as const) {
    const transaction = await producer.transaction()
    await transaction.send({ topic: 'orders', messages: [{ partition: 1, value: outcome }] })
    await transaction[outcome]()
  }
  await producer.disconnect()
  const admin = client.admin()
  await admin.connect()
  await admin.setOffsets({
    groupId: 'billing',
    topic: 'orders',
    partitions: [{ partition: 1, offset: '1' }],
  })
  await admin.disconnect()
  await kafka.waitForRecords('orders', 3)
  await kafka.exportTo(target)
  return { clusterId: kafka.clusterId }
}

const LONG = { timeout: 400_000 }
it("what is exported is read by Kafka's tools, and Apache Kafka starts from it", LONG, async () => {
  directory = mkdtempSync(join(tmpdir(), 'dohle-export-'))
  const data = join(directory, 'data')
  const { clusterId } = await exportTo(data)

  const logs = ['orders-0', 'orders-1', 'users-0'].flatMap((name) =>
    readdirSync(join(data, name))
      .filter((file) => file.endsWith('.log'))
      .map((file) => join(data, name, file)),
  )
  const options = ['--print-data-log', '--files', logs.join(',')]
  const dumped = (await runWell(kafkaTool('kafka-dump-log', options))).join('\n')
  expect(dumped).toContain('key: u1 payload: {"id":1}')
  expect(dumped).toContain('payload: two')
  expect(dumped).toContain('payload: ann')
  expect(dumped).not.toContain('isvalid: false')

  const apache = await ApacheKafka.start(directory)
  const bootstrap = ['--bootstrap-server', apache.bootstrap]
  const read = kafkaTool('kafka-console-consumer', [
    ...bootstrap,
    ...['--topic', 'orders', '--from-beginning', '--max-messages', '3'],
    ...['--command-property', 'isolation.level=read_committed'],
  ])
  expect((await runWell(read)).toSorted()).toEqual(['commit', 'two', '{"id":1}'])
  const described = ['--describe', '--group', 'billing']
  const group = await runWell(kafkaTool('kafka-consumer-groups', [...bootstrap, ...described]))
  expect(group.join('\n')).toMatch(/^billing +orders +1 +1 +5 +4 /m)
  const topic = ['--describe', '--topic', 'users']
  expect((await runWell(kafkaTool('kafka-topics', [...bootstrap, ...topic]))).join('\n')).toContain(
    'cleanup.policy=compact',
  )
  const id = await runWell(kafkaTool('kafka-cluster', ['cluster-id', ...bootstrap]))
  expect(id.join('\n')).toContain(clusterId)
  expect(apache.errors).toEqual([])
  await apache.stop()
})
