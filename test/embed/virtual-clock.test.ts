import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Consumer } from 'kafkajs'
import { afterEach, describe, expect, test } from 'vitest'
import { type BrokerOptions, ConfigError, VirtualClock } from '../../src/index.ts'
import { closeAll, consume, producerOf, start } from './kafkajs-client.ts'

afterEach(closeAll)

async function startWithClock(options: BrokerOptions = {}) {
  const clock = new VirtualClock()
  return { clock, kafka: await start({ ...options, clock }) }
}

/** kafkajs waits for the fetch that is under way, which waits for this clock. */
async function disconnect(consumer: Consumer, clock: VirtualClock): Promise<void> {
  let isOver = false
  const leaving = consumer.disconnect().finally(() => {
    isOver = true
  })
  while (!isOver) await clock.advance('1s')
  await leaving
}

describe('time of the broker', () => {
  test('removes what retention does not keep, and no sooner', async () => {
    const { clock, kafka } = await startWithClock({ topics: ['orders'] })
    await kafka.createTopics([
      { name: 'short', configs: { 'retention.ms': 3_600_000, 'segment.ms': 600_000 } },
    ])
    await kafka.produce('short', [{ value: 'old' }])
    await kafka.produce('orders', [{ value: 'old' }])
    await clock.advance('30m')
    await kafka.produce('short', [{ value: 'new' }])
    expect(await kafka.records('short')).toHaveLength(2)
    await clock.advance('40m')
    expect(await kafka.records('short')).toMatchObject([{ value: 'new', offset: 1 }])
    expect(await kafka.records('orders')).toHaveLength(1)
    await clock.advance('7d')
    expect(await kafka.records('short')).toEqual([])
    expect(await kafka.records('orders')).toEqual([])
    expect(kafka.topics()[0]!.partitions[0]).toEqual({
      partition: 0,
      startOffset: 1,
      endOffset: 1,
    })
  })

  test('removes the files of a topic that is gone when log.segment.delete.delay.ms is over', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'dohle-clock-'))
    const settings = { 'log.segment.delete.delay.ms': 5_000 }
    const { clock, kafka } = await startWithClock({ dataDir, settings, topics: ['orders'] })
    await kafka.produce('orders', [{ value: 'one' }])
    const isThere = () => readdirSync(dataDir).some((name) => name.startsWith('orders-0'))
    await kafka.deleteTopics(['orders'])
    await clock.advance('4s')
    expect(isThere()).toBe(true)
    await clock.advance('1s')
    expect(isThere()).toBe(false)
    await kafka.stop()
    rmSync(dataDir, { recursive: true })
  })

  test('ends the session of a member that is not heard of', async () => {
    const { clock, kafka } = await startWithClock({ topics: ['orders'] })
    const consumer = { sessionTimeout: 30_000, heartbeatInterval: 29_999 }
    const { joins, consumer: member } = await consume(kafka, 'orders', { consumer })
    const { members } = await kafka.waitForGroup('billing')
    await clock.advance('29s')
    expect((await kafka.groups())[0]).toMatchObject({ state: 'Stable', members })
    expect(joins).toHaveLength(1)
    await clock.advance('31s')
    const gone = (await kafka.groups())[0]!.members.map(({ memberId }) => memberId)
    expect(gone).not.toContain(members[0]!.memberId)
    await disconnect(member, clock)
  })

  test('aborts a transaction that takes too long', async () => {
    const { clock, kafka } = await startWithClock({ topics: ['orders'] })
    const producer = await producerOf(kafka, {
      producer: { transactionalId: 'tx', maxInFlightRequests: 1, transactionTimeout: 60_000 },
    })
    const transaction = await producer.transaction()
    await transaction.send({ topic: 'orders', messages: [{ value: 'one' }] })
    await kafka.produce('orders', [{ value: 'behind it' }])
    await clock.advance('59s')
    expect(await kafka.records('orders')).toEqual([])
    await clock.advance('30s')
    expect(await kafka.records('orders')).toMatchObject([{ value: 'behind it' }])
  })

  test('answers a fetch that waits when its time is up', async () => {
    const { clock, kafka } = await startWithClock({ topics: ['orders'] })
    const fetches: number[] = []
    const { consumer } = await consume(kafka, 'orders', {
      consumer: { maxWaitTimeInMs: 10_000, heartbeatInterval: 29_999 },
    })
    consumer.on(consumer.events.FETCH, () => fetches.push(clock.nowMs()))
    const startMs = clock.nowMs()
    await kafka.waitForGroup('billing')
    await expect
      .poll(async () => {
        await clock.advance('1s')
        return fetches.length
      })
      .toBe(1)
    expect(fetches[0]! - startMs).toBeGreaterThanOrEqual(10_000)
    await disconnect(consumer, clock)
  })

  test('no consumer waits for a time to go by before its first record', async () => {
    const { clock, kafka } = await startWithClock({ topics: ['orders'] })
    await kafka.produce('orders', [{ value: 'one' }])
    const startMs = clock.nowMs()
    const first = await consume(kafka, 'orders')
    await expect.poll(() => first.values).toEqual(['one'])
    expect(clock.nowMs()).toBe(startMs)
    // Nor one that comes back.
    await disconnect(first.consumer, clock)
    await kafka.produce('orders', [{ value: 'two' }])
    const againMs = clock.nowMs()
    const second = await consume(kafka, 'orders')
    await expect.poll(() => second.values).toContain('two')
    expect(clock.nowMs()).toBe(againMs)
    await disconnect(second.consumer, clock)
  })
})

test('durations are numbers with units; others are refused', async () => {
  const clock = new VirtualClock(1_000)
  await clock.advance(500)
  await clock.advance('1h30m')
  await clock.advance('1.5s')
  expect(clock.nowMs()).toBe(1_000 + 500 + 5_400_000 + 1_500)
  for (const wrong of ['', '7', '7 days', '1h nonsense', -1, Number.NaN]) {
    await expect(clock.advance(wrong)).rejects.toThrow(ConfigError)
  }
})
