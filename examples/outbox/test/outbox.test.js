import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import { startBroker } from 'dohle'
import { Kafka, logLevel } from 'kafkajs'
import { Outbox, relay } from '../src/outbox.js'

let kafka
let producer
let outbox

before(async () => {
  kafka = await startBroker({ topics: ['events'] })
  const brokers = [kafka.bootstrapServers]
  const client = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 0 } })
  producer = client.producer()
  await producer.connect()
})

after(async () => {
  await producer.disconnect()
  await kafka.stop()
})

beforeEach(async () => {
  kafka.faults.clear()
  await kafka.reset()
  outbox = new Outbox()
})

const published = async () =>
  (await kafka.records('events')).map(({ headers, value }) => [headers['event-id'], value.type])

test('publishes what is pending, once', async () => {
  outbox.add('u1', { type: 'created' })
  outbox.add('u1', { type: 'paid' })
  await relay(outbox, producer, 'events')
  await relay(outbox, producer, 'events')
  assert.deepEqual(await published(), [
    ['1', 'created'],
    ['2', 'paid'],
  ])
  assert.equal(outbox.pending().length, 0)
})

test('keeps events while the broker refuses them', async () => {
  kafka.faults.add({ api: 'Produce', topic: 'events', error: 'NOT_ENOUGH_REPLICAS', times: 1 })
  outbox.add('u1', { type: 'created' })
  await assert.rejects(relay(outbox, producer, 'events'))
  assert.equal(outbox.pending().length, 1)
  await relay(outbox, producer, 'events')
  assert.deepEqual(await published(), [['1', 'created']])
})

test('publishes again when the answer was lost, under the same id', async () => {
  // The events are in the topic, but the connection breaks before the relay hears of it.
  kafka.faults.add({ api: 'Produce', topic: 'events', drop: 'after', times: 1 })
  outbox.add('u1', { type: 'created' })
  await assert.rejects(relay(outbox, producer, 'events'))
  await relay(outbox, producer, 'events')
  assert.deepEqual(await published(), [
    ['1', 'created'],
    ['1', 'created'],
  ])
  assert.deepEqual(
    kafka.faults.log.map(({ done }) => done),
    ['closed the connection, the work was done'],
  )
})

test('waits while the partition has no space, and loses nothing', async () => {
  const full = kafka.faults.add({ outOfSpace: true, topic: 'events' })
  outbox.add('u1', { type: 'created' })
  await assert.rejects(relay(outbox, producer, 'events'))
  full.remove()
  outbox.add('u1', { type: 'paid' })
  await relay(outbox, producer, 'events')
  assert.deepEqual(await published(), [
    ['1', 'created'],
    ['2', 'paid'],
  ])
})
