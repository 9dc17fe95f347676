import { afterEach, describe, expect, test } from 'vitest'
import type { ServerLimits } from '../../src/server/connection-host.ts'
import { frame, RawClient, startToyServer, type ToyRequest, until } from './toy.ts'

type Toy = Awaited<ReturnType<typeof startToyServer>>
const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function startServer(options: Parameters<typeof startToyServer>[0] = {}): Promise<Toy> {
  const toy = await startToyServer(options)
  open.push(toy)
  return toy
}

async function connect(toy: Toy): Promise<RawClient> {
  const client = await RawClient.connect(toy.port)
  open.push(client)
  return client
}

const pattern = (byteCount: number) => Buffer.alloc(byteCount, 'the quick brown fox ')

describe.each(['onread', 'data'] as const)('receiving by %s', (mode) => {
  test('requests of one packet are answered in their order', async () => {
    const client = await connect(await startServer({ mode }))
    client.send(Buffer.concat(['a', 'bb', 'ccc'].map(frame)))
    await client.frameCount(3)
    expect(client.texts).toEqual(['a', 'bb', 'ccc'])
  })

  test('a request that comes byte by byte is put together', async () => {
    const toy = await startServer({ mode })
    const client = await connect(toy)
    for (const byte of frame('slow')) {
      client.send(Buffer.of(byte))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await client.frameCount(1)
    expect(client.texts).toEqual(['slow'])
    expect(toy.server.requestMemory.usedBytes).toBe(0)
  })

  test('requests larger than every buffer come through whole, small ones behind them too', async () => {
    const toy = await startServer({ mode })
    const client = await connect(toy)
    const sizes = [100, 3_000_000, 5, 70_000, 1_048_572, 1_048_576, 17, 9_000_000, 1]
    client.send(Buffer.concat(sizes.map((size) => frame(pattern(size)))))
    const frames = await client.frameCount(sizes.length)
    expect(frames.map((bytes) => bytes.equals(pattern(bytes.byteLength)))).toEqual(
      sizes.map(() => true),
    )
    expect(frames.map((bytes) => bytes.byteLength)).toEqual(sizes)
    expect(toy.server.requestMemory.usedBytes).toBe(0)
  })

  test('requests behind one that waits begin when it is answered, also from the same packet', async () => {
    const toy = await startServer({ mode, answer: answerAllBut('wait') })
    const client = await connect(toy)
    client.send(Buffer.concat(['1', 'wait', '2', '3'].map(frame)))
    await client.frameCount(1)
    expect(toy.requests.map((request) => request.text)).toEqual(['1', 'wait'])
    toy.requests[1]!.exchange.answer('waited')
    await client.frameCount(4)
    expect(client.texts).toEqual(['1', 'waited', '2', '3'])
    expect(toy.server.requestMemory.usedBytes).toBe(0)
  })
})

const answerAllBut =
  (held: string) =>
  ({ text, exchange }: ToyRequest) => {
    if (text !== held) exchange.answer(text)
  }

test('a handler may let the next request begin: answers still keep the order', async () => {
  const toy = await startServer({
    answer({ text, exchange }) {
      if (text.startsWith('wait')) exchange.startNext()
      else exchange.answer(text)
    },
  })
  const client = await connect(toy)
  client.send(Buffer.concat(['wait-1', 'wait-2', '3'].map(frame)))
  await until(() => toy.requests.length === 3)
  toy.requests[1]!.exchange.answer('second')
  const other = await connect(toy)
  other.send(frame('ping'))
  await other.frameCount(1)
  expect(client.frames).toHaveLength(0)
  toy.requests[0]!.exchange.answer('first')
  await client.frameCount(3)
  expect(client.texts).toEqual(['first', 'second', '3'])
})

test('no more requests begin than may be in flight', async () => {
  const toy = await startServer({
    limits: { maxInFlightRequests: 2 },
    answer: ({ exchange }) => exchange.startNext(),
  })
  const client = await connect(toy)
  client.send(Buffer.concat(['1', '2', '3', '4'].map(frame)))
  await until(() => toy.requests.length === 2)
  toy.requests[0]!.exchange.answer('1')
  await until(() => toy.requests.length === 3)
  expect(client.texts).toEqual(['1'])
})

test('a request without a response is followed by the next', async () => {
  const toy = await startServer({
    answer: ({ text, exchange }) =>
      text === 'quiet' ? exchange.stayQuiet() : exchange.answer(text),
  })
  const client = await connect(toy)
  client.send(Buffer.concat(['quiet', 'loud'].map(frame)))
  await client.frameCount(1)
  expect(client.texts).toEqual(['loud'])
  expect(toy.requests.map(({ exchange }) => exchange.sentCount)).toEqual([1, 1])
})

test('every exchange is told once that it was sent, also when the client leaves before', async () => {
  const toy = await startServer({ answer: answerAllBut('wait') })
  const client = await connect(toy)
  client.send(Buffer.concat(['a', 'wait'].map(frame)))
  await client.frameCount(1)
  client.close()
  await until(() => toy.requests[1]!.peer.closed)
  toy.requests[1]!.exchange.answer('too late')
  expect(toy.requests.map(({ exchange }) => exchange.sentCount)).toEqual([1, 1])
})

describe('bytes that are no Kafka request', () => {
  async function closeReason(bytes: Uint8Array, limits: Partial<ServerLimits> = {}) {
    const toy = await startServer({ limits })
    const witness = await connect(toy)
    const client = await connect(toy)
    client.send(bytes)
    await until(() => client.closed)
    witness.send(frame('still here'))
    await witness.frameCount(1)
    expect(witness.texts).toEqual(['still here'])
    const warnings = toy.lines.filter(({ level }) => level === 'warn')
    expect(warnings).toHaveLength(1)
    expect(warnings[0]!.fields['client']).toMatch(/^127\.0\.0\.1:\d+$/)
    return { texts: client.texts, fields: warnings[0]!.fields }
  }

  test('a size of 2 GiB closes the connection, and says the limit', async () => {
    const { fields } = await closeReason(Buffer.from('7fffffff00', 'hex'))
    expect(fields['reason']).toContain('2147483647 bytes, the limit is 104857600')
  })

  test.each([
    ['negative', 'ffffffff'],
    ['zero', '00000000'],
  ])('a %s size closes the connection', async (_name, hex) => {
    await closeReason(Buffer.from(hex, 'hex'))
  })

  test('a good request in front of a bad size is answered', async () => {
    const bytes = Buffer.concat([frame('good'), Buffer.from('ffffffff', 'hex')])
    expect((await closeReason(bytes)).texts).toEqual(['good'])
  })

  test('the log line tells HTTP from TLS', async () => {
    const http = await closeReason(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
    expect(http.fields['hint']).toContain('HTTP')
    const tls = await closeReason(Buffer.from('16030100f1010000ed0303', 'hex'))
    expect(tls.fields['hint']).toContain('TLS')
  })

  test('a request that the dispatcher refuses closes the connection after earlier answers', async () => {
    const toy = await startServer({
      answer: ({ text, exchange }) =>
        text === 'bad' ? exchange.fail('it is bad') : exchange.answer(text),
    })
    const client = await connect(toy)
    client.send(Buffer.concat(['good', 'bad', 'never'].map(frame)))
    await until(() => client.closed)
    expect(client.texts).toEqual(['good'])
    expect(toy.requests).toHaveLength(2)
    expect(toy.lines.map(({ fields }) => fields['reason'])).toEqual(['it is bad'])
  })
})

describe('limits', () => {
  test('a client that does not read is not read from, and others are served', async () => {
    const toy = await startServer({ limits: { maxUnsentBytes: 1_000_000 } })
    const greedy = await connect(toy)
    greedy.socket.pause()
    const request = frame(pattern(500_000))
    for (let count = 0; count < 200; count++) greedy.send(request)
    const witness = await connect(toy)
    for (let count = 1; count <= 50; count++) {
      witness.send(frame('ping'))
      await witness.frameCount(count)
    }
    // The kernel's buffers take some megabytes; 200 answers would be a hundred.
    expect(toy.requests.filter(({ text }) => text !== 'ping').length).toBeLessThan(100)
    expect(toy.server.requestMemory.usedBytes).toBeLessThan(3_000_000)
    greedy.socket.resume()
    await greedy.frameCount(200)
    expect(greedy.frames).toHaveLength(200)
  })

  test('half requests beyond the memory limit wait, and all come through in the end', async () => {
    const toy = await startServer({ limits: { requestMemoryBytes: 1_000_000 } })
    const clients = await Promise.all(Array.from({ length: 8 }, () => connect(toy)))
    const request = frame(pattern(600_000))
    for (const client of clients) client.send(request.subarray(0, 400_000))
    await until(() => toy.server.requestMemory.exhausted)
    for (const client of clients) client.send(request.subarray(400_000))
    for (const client of clients) await client.frameCount(1)
    expect(toy.requests).toHaveLength(8)
    expect(toy.server.requestMemory.usedBytes).toBe(0)
  })

  test('half a request that stands still is cut off while memory is exhausted', async () => {
    const limits = { requestMemoryBytes: 100_000, stalledRequestMs: 50 }
    const toy = await startServer({ limits })
    const stalled = await connect(toy)
    stalled.send(frame(pattern(600_000)).subarray(0, 400_000))
    await until(() => stalled.closed)
    expect(toy.lines[0]!.fields['reason']).toContain('half a request')
    expect(toy.server.requestMemory.usedBytes).toBe(0)
  })

  test('an announced size allocates no more than a small multiple of what has come', async () => {
    const toy = await startServer()
    const client = await connect(toy)
    client.send(Buffer.from('0640000000', 'hex')) // 100 MiB and one byte of it
    await until(() => toy.server.requestMemory.usedBytes > 0)
    expect(toy.server.requestMemory.usedBytes).toBeLessThanOrEqual(16 * 1024)
  })

  test('connections over the limits are closed at once', async () => {
    const toy = await startServer({ limits: { maxConnections: 2, maxConnectionsPerAddress: 1 } })
    const first = await connect(toy)
    const second = await connect(toy)
    await until(() => second.closed)
    expect(toy.lines[0]!.fields['reason']).toBe('max.connections.per.ip is 1')
    first.close()
    await until(() => toy.server.connectionCount === 0)
    const third = await connect(toy)
    third.send(frame('x'))
    await third.frameCount(1)
    expect(third.texts).toEqual(['x'])
  })

  test('an idle connection ends, a pending long poll does not keep it', async () => {
    const toy = await startServer({
      limits: { connectionsMaxIdleMs: 100 },
      answer: answerAllBut('wait'),
    })
    const client = await connect(toy)
    client.send(frame('wait'))
    await until(() => client.closed)
    expect(toy.lines.filter(({ level }) => level === 'warn')).toEqual([])
  })
})

describe('addresses', () => {
  test('both loopback addresses answer on the same port', async () => {
    const toy = await startServer()
    const port = await toy.server.listen('PLAINTEXT', undefined, 0)
    for (const host of ['127.0.0.1', '::1']) {
      const client = await RawClient.connect(port, host)
      open.push(client)
      client.send(frame(host))
      await client.frameCount(1)
      expect(client.texts).toEqual([host])
      expect(toy.requests.at(-1)!.peer).toMatchObject({ address: host, localAddress: host })
    }
  })

  test('an empty host is every interface, by IPv4 and IPv6', async () => {
    const toy = await startServer()
    const port = await toy.server.listen('PLAINTEXT', '', 0)
    for (const host of ['127.0.0.1', '::1']) {
      const client = await RawClient.connect(port, host)
      open.push(client)
      client.send(frame(host))
      await client.frameCount(1)
      expect(toy.requests.at(-1)!.peer.localAddress).toBe(host)
    }
  })

  test('a taken port is an error that says so', async () => {
    const toy = await startServer()
    await expect(toy.server.listen('PLAINTEXT', '127.0.0.1', toy.port)).rejects.toThrow(
      `cannot listen on 127.0.0.1:${toy.port}: the port is taken`,
    )
  })
})

describe('stopping', () => {
  test('requests that have begun are answered, then connections end', async () => {
    const toy = await startServer({ answer: answerAllBut('wait') })
    const client = await connect(toy)
    const idle = await connect(toy)
    client.send(Buffer.concat(['wait', 'never begun'].map(frame)))
    await until(() => toy.requests.length === 1)
    const stopped = toy.server.close(5_000)
    await until(() => idle.closed)
    toy.requests[0]!.exchange.answer('in time')
    await stopped
    await until(() => client.closed)
    expect(client.texts).toEqual(['in time'])
    expect(toy.server.connectionCount).toBe(0)
  })

  test('connections that do not end are cut', async () => {
    const toy = await startServer({ answer: answerAllBut('wait') })
    const client = await connect(toy)
    client.send(frame('wait'))
    await until(() => toy.requests.length === 1)
    const begin = performance.now()
    await toy.server.close(50)
    expect(performance.now() - begin).toBeLessThan(1_000)
    await until(() => client.closed)
  })
})

describe('quotas', () => {
  test('a client that has to wait is answered at once and not read until its time is over', async () => {
    const { server, port, requests, close } = await startToyServer({
      answer({ text, exchange }) {
        if (text === 'much') exchange.throttleTimeMs = 80
        exchange.answer(text)
      },
    })
    const client = await RawClient.connect(port)
    const startMs = performance.now()
    client.socket.write(Buffer.concat([frame('much'), frame('more')]))
    await until(() => client.frames.length === 1)
    expect(requests.map(({ text }) => text)).toEqual(['much'])
    await until(() => client.frames.length === 2)
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(78)
    expect(server.connectionCount).toBe(1)
    client.socket.destroy()
    await close()
  })

  test('a connection over the rate of its address is closed after its wait', async () => {
    const { server, port, close } = await startToyServer()
    let calls = 0
    server.throttleAddress = () => (++calls > 1 ? 30 : 0)
    const first = await RawClient.connect(port)
    await until(() => server.connectionCount === 1)
    const second = await RawClient.connect(port)
    await until(() => second.closed)
    expect(server.connectionCount).toBe(1)
    expect(first.closed).toBe(false)
    first.socket.destroy()
    await close()
  })
})
