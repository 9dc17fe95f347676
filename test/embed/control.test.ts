import http from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import {
  BindError,
  ConfigError,
  KafkaError,
  RemoteBroker,
  VirtualClock,
  WaitError,
} from '../../src/index.ts'
import { closeAll, consume, producerOf, start } from './kafkajs-client.ts'

afterEach(closeAll)

async function startControlled(options: Parameters<typeof start>[0] = {}) {
  const kafka = await start({ controlPort: 0, ...options })
  return { kafka, remote: await RemoteBroker.connect(kafka.controlUrl!) }
}

/** fetch does not let headers be set that browsers set themselves. */
async function ask(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; body: { error: { message: string } } }> {
  const { body, ...rest } = options
  return await new Promise((resolve, reject) => {
    const request = http.request(url, rest, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (part) => {
        text += part
      })
      response.on('end', () => resolve({ status: response.statusCode!, body: JSON.parse(text) }))
    })
    request.on('error', reject)
    request.end(body)
  })
}

describe('the control API', () => {
  test('writes and reads records, text, JSON and bytes', async () => {
    const { kafka, remote } = await startControlled()
    expect(remote.bootstrapServers).toBe(kafka.bootstrapServers)
    await remote.createTopics(['orders:2', { name: 'events', configs: { 'retention.ms': 1000 } }])
    const bytes = Buffer.from([0xff, 0])
    await remote.produce('orders', [
      { key: 'u1', value: { id: 1 }, headers: { trace: 'abc' } },
      { value: [1, 2], partition: 0 },
      { key: bytes, value: bytes, partition: 0 },
      { key: 'gone', value: null, partition: 0 },
    ])
    expect(await remote.topics()).toEqual(kafka.topics())
    const records = await remote.waitForRecords('orders', 4, { timeoutMs: 1_000 })
    expect(records).toEqual(await kafka.records('orders'))
    await remote.deleteTopics(['events'])
    expect((await remote.topics()).map(({ name }) => name)).toEqual(['orders'])
  })

  test('scripts faults that clients see', async () => {
    const { remote, kafka } = await startControlled({ topics: ['orders'] })
    const fault = await remote.addFault({
      api: 'Produce',
      error: 'NOT_LEADER_OR_FOLLOWER',
      times: 1,
    })
    const other = await remote.addFault({ api: 'Fetch', delayMs: 1 })
    const producer = await producerOf(kafka)
    await producer.send({ topic: 'orders', messages: [{ value: 'one' }] })
    expect(await remote.faultLog()).toMatchObject([
      { fault: fault.id, done: 'answered NOT_LEADER_OR_FOLLOWER' },
    ])
    expect(await remote.faults()).toMatchObject([{ id: other.id, hits: 0 }])
    await remote.removeFault(other.id)
    await expect(remote.removeFault(other.id)).rejects.toThrow('there is no fault 2')
    await remote.addFault({ hang: true })
    await remote.clearFaults()
    expect(await remote.faults()).toEqual([])
  })

  test('sees and disturbs groups, and keeps requests', async () => {
    const { remote, kafka } = await startControlled({ topics: ['orders'] })
    await remote.recordRequests()
    const { joins } = await consume(kafka, 'orders')
    const group = await remote.waitForGroup('billing', { members: 1 })
    expect(group).toEqual((await kafka.groups())[0])
    await remote.rebalance('billing')
    await expect.poll(() => joins.length).toBe(2)
    await remote.waitForGroup('billing')
    expect(await remote.expireMember('billing', { clientId: 'app' })).toBe(joins[0]!.memberId)
    await remote.produce('orders', [{ value: 'one' }])
    await expect
      .poll(() => remote.committedOffsets('billing'), { timeout: 5_000 })
      .toMatchObject([{ offset: 1 }])
    expect(await remote.requests({ api: 'JoinGroup', clientId: 'app' })).toContainEqual(
      expect.objectContaining({ api: 'JoinGroup', outcome: 'answered' }),
    )
  })

  test('takes and restores snapshots, resets, moves the clock', async () => {
    const clock = new VirtualClock(1_000)
    const { remote, kafka } = await startControlled({ topics: ['orders'], clock })
    await remote.produce('orders', [{ value: 'one' }])
    const id = await remote.snapshot()
    await remote.produce('orders', [{ value: 'two' }])
    await remote.restore(id)
    expect(await remote.records('orders')).toMatchObject([{ value: 'one' }])
    await remote.reset({ connections: 'cut' })
    expect(await kafka.records('orders')).toEqual([])
    expect(await remote.advanceClock('1h')).toBe(3_601_000)
    await expect(remote.restore('nope')).rejects.toThrow('there is no snapshot nope')
  })

  test('tells what is wrong as the same errors', async () => {
    const { remote, kafka } = await startControlled({ topics: ['orders'] })
    const error = async (promise: Promise<unknown>) =>
      await promise.then(
        () => new Error('it went well'),
        (cause: Error) => cause,
      )
    const waited = await error(remote.waitForRecords('orders', 1, { timeoutMs: 10 }))
    expect(waited).toBeInstanceOf(WaitError)
    expect(waited.message).toContain("waited 10 ms for 1 record of topic 'orders'")
    const refused = await error(remote.rebalance('nobody'))
    expect(refused).toBeInstanceOf(KafkaError)
    expect(refused.message).toBe('group nobody is not there')
    const wrong = await error(remote.addFault({ api: 'Produce' }))
    expect(wrong).toBeInstanceOf(ConfigError)
    await expect(remote.advanceClock('1h')).rejects.toThrow('new VirtualClock()')
    const post = { method: 'POST', headers: { 'content-type': 'application/json' } }
    const url = kafka.controlUrl!
    expect(await ask(`${url}/topics/x/records`, { ...post, body: '[{"valeu":1}]' })).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining("a record has no 'valeu'; it has key") } },
    })
    expect(await ask(`${url}/faults`, { ...post, body: '{' })).toMatchObject({ status: 400 })
    expect(await ask(`${url}/nothing`)).toMatchObject({ status: 404 })
    expect(await ask(`${url}/reset`)).toMatchObject({
      status: 405,
      body: { error: { message: '/reset takes POST' } },
    })
  })

  test('obeys no web page', async () => {
    const { kafka } = await startControlled()
    const url = `${kafka.controlUrl}/reset`
    const post = { method: 'POST', body: '{}' }
    const json = { 'content-type': 'application/json' }
    const from = (headers: Record<string, string>) => ask(url, { ...post, headers })
    expect(await from({ ...json, origin: 'https://evil.test' })).toMatchObject({ status: 403 })
    expect(await from({ ...json, host: 'rebound.evil.test' })).toMatchObject({ status: 403 })
    expect(await from({ 'content-type': 'text/plain' })).toMatchObject({ status: 415 })
    expect(await from(json)).toMatchObject({ status: 200 })
  })

  test('is off unless asked for, ends with the broker, and says when its port is taken', async () => {
    const { kafka } = await startControlled()
    const url = kafka.controlUrl!
    const controlPort = Number(new URL(url).port)
    await expect(start({ controlPort })).rejects.toThrow(BindError)
    await kafka.stop()
    await expect(RemoteBroker.connect(url)).rejects.toThrow()
    expect((await start()).controlUrl).toBeUndefined()
  })
})
