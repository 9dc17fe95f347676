import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import v8 from 'node:v8'
import vm from 'node:vm'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ConfigError, type RunningBroker, startBroker, WaitError } from '../../src/index.ts'
import { Fetch } from '../../src/protocol/apis/01-fetch.ts'
import { encodeRequest } from '../../src/protocol/message.ts'
import { RawClient, until } from '../server/toy.ts'

const open: { close(): unknown }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

function collectGarbage(): number {
  v8.setFlagsFromString('--expose-gc')
  const gc: () => void = vm.runInNewContext('gc')
  gc()
  return process.memoryUsage().heapUsed
}

const handles = () =>
  process
    .getActiveResourcesInfo()
    .filter((name) => /TCP|Pipe|FSReq|Timeout/.test(name))
    .toSorted()

describe('startBroker', () => {
  test('100 brokers live side by side and share nothing', async () => {
    const starting = Array.from({ length: 100 }, (_, index) =>
      startBroker({ topics: [`only-${index}`] }),
    )
    const brokers = await Promise.all(starting)
    open.push({ close: () => Promise.all(brokers.map((broker) => broker.stop())) })
    expect(new Set(brokers.map(({ port }) => port)).size).toBe(100)
    expect(new Set(brokers.map(({ clusterId }) => clusterId)).size).toBe(100)
    for (const [index, broker] of brokers.entries()) {
      await broker.produce(`only-${index}`, [{ value: `value ${index}` }])
    }
    for (const [index, broker] of brokers.entries()) {
      expect(broker.topics().map(({ name }) => name)).toEqual([`only-${index}`])
      expect(await broker.records(`only-${index}`)).toMatchObject([{ value: `value ${index}` }])
    }
  })

  test('200 starts and stops leave no handle, no timer and no memory behind', async () => {
    const cycle = async () => {
      const broker = await startBroker({ topics: ['orders:3'] })
      const client = net.connect(broker.port, '127.0.0.1')
      await once(client, 'connect')
      await broker.produce('orders', [{ value: 'x'.repeat(10_000) }])
      await broker.stop()
      client.destroy()
    }
    for (let count = 0; count < 50; count++) await cycle()
    await until(() => handles().every((name) => !/TCP/.test(name)))
    const handlesBefore = handles()
    const heapBefore = collectGarbage()
    for (let count = 0; count < 200; count++) await cycle()
    await until(() => handles().length <= handlesBefore.length)
    // A broker that is kept alive holds much more than this each.
    expect(collectGarbage() - heapBefore).toBeLessThan(200 * 5_000)
  })

  test('a broker that nobody stops lets the process exit, with clients connected', () => {
    const directory = mkdtempSync(join(tmpdir(), 'dohle-embed-'))
    open.push({ close: () => rmSync(directory, { recursive: true }) })
    const program = `
      import net from 'node:net'
      import { startBroker } from '${join(import.meta.dirname, '../../src/index.ts')}'
      const memory = await startBroker({ topics: ['orders'] })
      const directory = await startBroker({ dataDir: '${directory}', topics: ['orders'] })
      await memory.produce('orders', [{ value: 'one' }])
      await directory.produce('orders', [{ value: 'one' }])
      for (const { port } of [memory, directory]) {
        const client = net.connect(port, '127.0.0.1')
        await new Promise((resolve) => client.once('connect', resolve))
        client.unref()
      }
      console.log('end of program')
    `
    const { status, stdout, stderr, signal } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', program],
      { cwd: join(import.meta.dirname, '../..'), timeout: 15_000, encoding: 'utf8' },
    )
    expect({ status, signal, stdout, stderr }).toEqual({
      status: 0,
      signal: null,
      stdout: 'end of program\n',
      stderr: '',
    })
  })

  test('goes by its own time, whatever timers a test puts in place for its application', async () => {
    vi.useFakeTimers()
    try {
      const broker = await startBroker({ topics: ['orders'] })
      open.push({ close: () => broker.stop() })
      const client = await RawClient.connect(broker.port)
      const header = { correlationId: 1, clientId: 'raw' }
      const maxWaitMs = 30
      const fetch = { maxWaitMs, minBytes: 1, topics: [{ topic: 'orders', partitions: [] }] }
      const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]
      const topics = [{ topic: 'orders', partitions }]
      client.send(Buffer.concat(encodeRequest(Fetch, 11, header, { ...fetch, topics }).chunks))
      await once(client.socket, 'data')
      client.close()
      await expect(broker.waitForRecords('orders', 1, { timeoutMs: 20 })).rejects.toThrow(WaitError)
    } finally {
      vi.useRealTimers()
    }
  })

  test('refuses what it does not know, and says what it knows', async () => {
    const wrong = { topic: 'orders' } as object
    await expect(startBroker(wrong)).rejects.toThrow(
      /^startBroker has no option 'topic'. It has: port, host, dataDir/,
    )
    await expect(startBroker({ brokers: 33 })).rejects.toThrow('no more than 32')
    await expect(startBroker({ port: 70_000 })).rejects.toThrow(ConfigError)
    await expect(startBroker({ topics: ['orders:0'] })).rejects.toThrow(ConfigError)
  })

  test('keeps its data in a directory from one start to the next', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'dohle-embed-'))
    open.push({ close: () => rmSync(dataDir, { recursive: true }) })
    const run = async <T>(use: (broker: RunningBroker) => Promise<T>) => {
      await using broker = await startBroker({ dataDir, topics: ['orders'] })
      return await use(broker)
    }
    await run((broker) => broker.produce('orders', [{ key: 'k', value: { id: 1 } }]))
    const records = await run((broker) => broker.records('orders'))
    expect(records).toMatchObject([{ key: 'k', value: { id: 1 }, offset: 0 }])
  })
})
