import { afterEach, describe, expect, test } from 'vitest'
import { SaslAuthenticate } from '../../src/protocol/apis/36-sasl-authenticate.ts'
import { IncrementalAlterConfigs } from '../../src/protocol/apis/44-incremental-alter-configs.ts'
import { encodeRequest } from '../../src/protocol/message.ts'
import { type LogLine, RawClient, recordingLogger } from '../server/toy.ts'
import { closeAll, consume, producerOf, start } from './kafkajs-client.ts'

afterEach(closeAll)

describe('the journal of requests', () => {
  test('keeps what clients asked and were answered, decoded', async () => {
    const kafka = await start({ topics: ['orders'], recordRequests: true })
    const producer = await producerOf(kafka)
    const messages = [{ key: 'u1', value: '{"id":1}', headers: { trace: 'abc' } }]
    await producer.send({ topic: 'orders', messages })
    const [produce, ...more] = kafka.requests.filter({ api: 'Produce' })
    expect(more).toEqual([])
    expect(produce).toMatchObject({
      api: 'Produce',
      apiVersion: 7,
      clientId: 'app',
      outcome: 'answered',
    })
    expect(produce!.request).toMatchObject({
      acks: -1,
      topicData: [
        {
          name: 'orders',
          partitionData: [
            {
              index: 0,
              records: [
                {
                  baseOffset: 0,
                  records: [
                    {
                      key: 'u1',
                      value: { id: 1 },
                      headers: [{ key: 'trace', value: 'abc' }],
                    },
                  ],
                },
              ],
            },
          ],
        },
      ],
    })
    expect(produce!.response).toMatchObject({
      responses: [
        { name: 'orders', partitionResponses: [{ index: 0, errorCode: 0, baseOffset: 0 }] },
      ],
    })
    expect(JSON.parse(JSON.stringify(produce))).toMatchObject({ api: 'Produce', clientId: 'app' })
  })

  test('shows the consumer protocol, records of fetches, and what faults have answered', async () => {
    const kafka = await start({ topics: ['orders'], recordRequests: true })
    await kafka.produce('orders', [{ value: 'one' }])
    kafka.faults.add({ api: 'JoinGroup', error: 'COORDINATOR_LOAD_IN_PROGRESS', times: 1 })
    const { values } = await consume(kafka, 'orders')
    await expect.poll(() => values).toEqual(['one'])
    const joins = kafka.requests.filter({ api: 'JoinGroup' })
    expect(joins[0]!.response).toMatchObject({ errorCode: 'COORDINATOR_LOAD_IN_PROGRESS' })
    expect(joins.at(-1)!.request).toMatchObject({
      protocols: [{ metadata: { topics: ['orders'] } }],
    })
    const fetched = await kafka.requests.waitFor(({ api, response }) => {
      return api === 'Fetch' && JSON.stringify(response).includes('"value":"one"')
    })
    expect(fetched.tookMs).toBeGreaterThanOrEqual(0)
  })

  test('is off until it is started, and says so', async () => {
    const kafka = await start({ topics: ['orders'] })
    expect(() => kafka.requests.filter()).toThrow('requests.start()')
    const producer = await producerOf(kafka)
    const send = (value: string) => producer.send({ topic: 'orders', messages: [{ value }] })
    await send('one')
    kafka.requests.start()
    expect(kafka.requests.filter()).toEqual([])
    await send('two')
    kafka.requests.stop()
    await send('three')
    expect(kafka.requests.filter({ api: 'Produce', clientId: 'app' })).toHaveLength(1)
    expect(kafka.requests.filter({ clientId: 'other' })).toEqual([])
    kafka.requests.clear()
    expect(kafka.requests.filter()).toEqual([])
  })

  test('what does not come is told with what came', async () => {
    const kafka = await start({ recordRequests: true })
    await producerOf(kafka)
    await expect(kafka.requests.waitFor({ api: 'Fetch' }, { timeoutMs: 20 })).rejects.toThrow(
      /waited 20 ms for a request\n1 ApiVersions v\d app answered/,
    )
  })

  test('masks secrets', async () => {
    const kafka = await start({ recordRequests: true })
    const client = await RawClient.connect(kafka.port)
    const header = { correlationId: 1, clientId: 'raw' }
    const name = 'listener.name.x.ssl.keystore.password'
    const configs = [
      { name, configOperation: 0, value: 'hunter2' },
      { name: 'log.retention.ms', configOperation: 0, value: '1000' },
    ]
    const alter = {
      resources: [{ resourceType: 4, resourceName: '1', configs }],
      validateOnly: true,
    }
    client.send(
      Buffer.concat([
        ...encodeRequest(IncrementalAlterConfigs, 1, header, alter).chunks,
        ...encodeRequest(SaslAuthenticate, 2, header, { authBytes: Buffer.from('hunter2') }).chunks,
      ]),
    )
    await kafka.requests.waitFor({ api: 'SaslAuthenticate' })
    client.close()
    const text = JSON.stringify(kafka.requests.filter())
    expect(text).not.toContain('hunter2')
    expect(text).not.toContain(Buffer.from('hunter2').toString('base64'))
    expect(text).toContain('"value":"1000"')
    expect(text).toContain('(masked)')
  })
})

test('no broker logs requests unless asked to', async () => {
  const lines: LogLine[] = []
  const kafka = await start({ logger: recordingLogger(lines), topics: ['orders'] })
  await producerOf(kafka)
  expect(lines.filter(({ message }) => message === 'request')).toEqual([])
})
