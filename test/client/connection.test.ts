import net, { type AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { VirtualClock } from '../../src/base/clock.ts'
import { Connection, type ConnectionOptions } from '../../src/client/connection.ts'
import { Heartbeat } from '../../src/protocol/apis/12-heartbeat.ts'
import { ListGroups } from '../../src/protocol/apis/16-list-groups.ts'
import { ApiVersions } from '../../src/protocol/apis/18-api-versions.ts'
import { ErrorCode } from '../../src/protocol/error-code.ts'
import { FakeBroker } from './fake-broker.ts'

const options: ConnectionOptions = {
  clientId: 'me',
  softwareVersion: '1.2.3',
  connectTimeoutMs: 5_000,
  requestTimeoutMs: 5_000,
}
const beat = { groupId: 'g', generationId: 1, memberId: 'm' }

let broker: FakeBroker
let connection: Connection | undefined
beforeEach(async () => {
  broker = await FakeBroker.start()
})
afterEach(async () => {
  connection?.close()
  connection = undefined
  await broker.stop()
})

const open = async (more: Partial<ConnectionOptions> = {}) => {
  connection = await Connection.open(broker.address, { ...options, ...more })
  return connection
}

describe('a connection', () => {
  it('introduces itself and uses the newest version that both sides know', async () => {
    broker.on(Heartbeat, () => ({ errorCode: 0 }))
    broker.versions = [{ apiKey: Heartbeat.key, minVersion: 1, maxVersion: 2 }]
    await (await open()).request(Heartbeat, beat)
    expect(broker.asked.map(({ name, apiVersion }) => [name, apiVersion])).toEqual([
      ['ApiVersions', 4],
      ['Heartbeat', 2],
    ])
    expect(broker.asked[0]!.request).toMatchObject({
      clientSoftwareName: 'dohle',
      clientSoftwareVersion: '1.2.3',
    })
    expect(broker.asked[1]!.clientId).toBe('me')
  })

  it('steps down when the broker does not know our version of ApiVersions', async () => {
    const answers = [ErrorCode.UNSUPPORTED_VERSION, ErrorCode.NONE]
    // Brokers answer such a question in version 0.
    const server = net.createServer((socket) => {
      socket.on('data', (frame: Buffer) => {
        const answer = Buffer.alloc(14)
        answer.writeInt32BE(10)
        answer.writeInt32BE(frame.readInt32BE(8), 4)
        answer.writeInt16BE(answers.shift()!, 8)
        socket.write(answer)
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    connection = await Connection.open({ host: '127.0.0.1', port }, options)
    expect(answers).toEqual([])
    connection.close()
    await new Promise((resolve) => server.close(resolve))
  })

  it('refuses what the broker does not answer, without asking', async () => {
    broker.versions = [{ apiKey: ApiVersions.key, minVersion: 0, maxVersion: 4 }]
    await expect((await open()).request(Heartbeat, beat)).rejects.toMatchObject({
      errorCode: ErrorCode.UNSUPPORTED_VERSION,
    })
    expect(broker.asked).toHaveLength(1)
  })

  it('asks again before it is answered, and matches answers by their number', async () => {
    const answers: (() => void)[] = []
    broker.on(Heartbeat, async ({ generationId }) => {
      await new Promise<void>((resolve) => answers.push(resolve))
      return { errorCode: generationId }
    })
    const asking = await open()
    const both = [1, 2].map((generationId) => asking.request(Heartbeat, { ...beat, generationId }))
    await vi.waitUntil(() => answers.length === 2)
    answers[1]!()
    answers[0]!()
    expect((await Promise.all(both)).map(({ errorCode }) => errorCode)).toEqual([1, 2])
  })

  it('ends everything that is asked when the broker hangs up', async () => {
    broker.on(Heartbeat, () => 'silence').on(ListGroups, () => 'close')
    const asking = await open()
    const both = [asking.request(Heartbeat, beat), asking.request(ListGroups, {})]
    const closed = { name: 'ConnectionError', fault: 'closed' }
    for (const one of both) await expect(one).rejects.toMatchObject(closed)
    expect(asking.isOpen).toBe(false)
    await expect(asking.request(Heartbeat, beat)).rejects.toMatchObject(closed)
  })

  it('gives up when no answer comes in time', async () => {
    broker.on(Heartbeat, () => 'silence')
    const clock = new VirtualClock()
    const asking = await open({ clock })
    const answer = asking.request(Heartbeat, beat, { waitMs: 1_000 })
    clock.advance(5_999)
    expect(asking.isOpen).toBe(true)
    clock.advance(1)
    await expect(answer).rejects.toMatchObject({
      fault: 'timeout',
      message: `127.0.0.1:${broker.port}: no answer to Heartbeat within 6000 ms`,
    })
  })

  it('says why there is no connection', async () => {
    const { address } = broker
    await broker.stop()
    await expect(Connection.open(address, options)).rejects.toMatchObject({
      fault: 'unreachable',
      message: `127.0.0.1:${address.port}: connection refused`,
    })
    broker = await FakeBroker.start()
  })

  it('notices that it talks to something else', async () => {
    const server = net.createServer((socket) =>
      socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    )
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await expect(Connection.open({ host: '127.0.0.1', port }, options)).rejects.toMatchObject({
      fault: 'protocol',
      message: `127.0.0.1:${port}: what answers there is no Kafka broker`,
    })
    await new Promise((resolve) => server.close(resolve))
  })
})
