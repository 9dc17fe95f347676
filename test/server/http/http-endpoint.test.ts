import { Kafka, logLevel } from 'kafkajs'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/base/clock.ts'
import { rootLoggerLevels } from '../../../src/broker/configs/logger-levels.ts'
import { silentLogger } from '../../../src/broker/logger.ts'
import { BindError } from '../../../src/server/bind.ts'
import { unreadyReasons } from '../../../src/server/http/health.ts'
import { type RunningBroker, runBroker } from '../../../src/server/run-broker.ts'
import { parseHttpListener } from '../../../src/settings/http-listener.ts'
import { loadSettings } from '../../../src/settings/load-settings.ts'
import { ConfigError } from '../../../src/settings/parse-value.ts'
import { MemoryFiles } from '../../../src/storage/local/memory-files.ts'

const running: RunningBroker[] = []
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop()
})

class WriteProtected extends MemoryFiles {
  isProtected = false

  override writeFile(path: string, content: Uint8Array | string): void {
    if (this.isProtected) throw new Error('EROFS: read-only file system')
    super.writeFile(path, content)
  }
}

async function start(http = '0', files = new WriteProtected(() => systemClock.nowMs())) {
  const flags = new Map([
    ['listeners', 'PLAINTEXT://localhost:0'],
    ['dohle.memory', 'true'],
    ['dohle.topics', 'orders:2'],
    ['dohle.http.listener', http],
  ])
  const { settings } = loadSettings({ flags })
  const loggers = rootLoggerLevels('INFO', () => {})
  const log = silentLogger
  const broker = await runBroker({
    settings,
    clock: systemClock,
    log,
    loggers,
    keepAlive: false,
    files,
  })
  running.push(broker)
  const { host, port } = broker.http!
  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`http://${host}:${port}${path}`, { method })
    return { status: response.status, text: await response.text() }
  }
  return { broker, files, get }
}

/** Values by sample, as `name{labels}`. */
function samples(text: string): Map<string, number> {
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line): [string, number] => {
        const blank = line.lastIndexOf(' ')
        return [line.slice(0, blank), Number(line.slice(blank + 1))]
      }),
  )
}

describe('health', () => {
  test('is alive and ready when it serves, and answers nothing else', async () => {
    const { get } = await start()
    expect(await get('/livez')).toEqual({ status: 200, text: '{"status":"ok"}\n' })
    expect(await get('/readyz?verbose')).toEqual({
      status: 200,
      text: '{"status":"ready","reasons":[]}\n',
    })
    expect((await get('/')).status).toBe(404)
    expect((await get('/readyz', 'POST')).status).toBe(405)
    expect(await get('/livez', 'HEAD')).toEqual({ status: 200, text: '' })
  })

  test('is not ready while storage cannot be written, and says why', async () => {
    const { get, files } = await start()
    files.isProtected = true
    const { status, text } = await get('/readyz')
    expect(status).toBe(503)
    expect(JSON.parse(text)).toEqual({
      status: 'not ready',
      reasons: ['storage cannot be written: EROFS: read-only file system'],
    })
    files.isProtected = false
    expect((await get('/readyz')).status).toBe(200)
  })

  test('is not ready while the data is opened anew, and gone after a stop', async () => {
    const { broker, get } = await start()
    let during = 0
    await broker.reopen(async () => {
      during = (await get('/readyz')).status
      return { cutConnections: false }
    })
    expect(during).toBe(503)
    expect((await get('/readyz')).status).toBe(200)
    await broker.stop()
    await expect(get('/livez')).rejects.toThrow()
  })

  test('is not ready from the moment it is told to stop, before it drains', async () => {
    const { broker } = await start()
    const served = { broker: broker.broker, brokers: [broker.broker] }
    const source = { ...served, listening: true, storageProblem: () => undefined }
    expect(unreadyReasons({ ...source, phase: 'stopping' })).toEqual(['the broker is stopping'])
    expect(unreadyReasons({ ...source, phase: 'serving' })).toEqual([])
    expect(unreadyReasons({ ...source, phase: 'serving', listening: false })).toHaveLength(1)
    const starting = { ...source, broker: undefined, phase: 'starting' } as const
    expect(unreadyReasons(starting)).toEqual(['the data directory is being recovered'])
  })

  test('an address that is taken stops the start', async () => {
    const { broker } = await start()
    await expect(start(String(broker.http!.port))).rejects.toThrow(BindError)
  })
})

describe('metrics', () => {
  test('count what clients did, and know the lag of groups', async () => {
    const { broker, get } = await start()
    const { boundPort } = broker.listeners[0]!
    const kafka = new Kafka({ brokers: [`localhost:${boundPort}`], logLevel: logLevel.NOTHING })
    const producer = kafka.producer()
    await producer.connect()
    const messages = [1, 2, 3].map((n) => ({ value: `v${n}`, partition: 1 }))
    await producer.send({ topic: 'orders', messages })
    await producer.disconnect()
    const admin = kafka.admin()
    await admin.connect()
    const partitions = [{ partition: 1, offset: '1' }]
    await admin.setOffsets({ groupId: 'g"1', topic: 'orders', partitions })
    const { text } = await get('/metrics')
    await admin.disconnect()
    const found = samples(text)
    const of = (name: string) => found.get(name)
    expect(of('kafka_server_brokertopicmetrics_messagesin_total{topic="orders"}')).toBe(3)
    expect(of('kafka_server_brokertopicmetrics_bytesin_total')).toBeGreaterThan(60)
    expect(of('kafka_server_brokertopicmetrics_totalproducerequests_total')).toBe(1)
    expect(of('kafka_network_requestmetrics_requests_total{request="Produce"}')).toBe(1)
    expect(of('kafka_topic_partition_current_offset{topic="orders",partition="1"}')).toBe(3)
    expect(of('kafka_log_log_logendoffset{topic="orders",partition="0"}')).toBe(0)
    expect(of('kafka_log_log_size{topic="orders",partition="1"}')).toBeGreaterThan(60)
    const group = 'consumergroup="g\\"1",topic="orders"'
    expect(of(`kafka_consumergroup_current_offset{${group},partition="1"}`)).toBe(1)
    expect(of(`kafka_consumergroup_lag{${group},partition="1"}`)).toBe(2)
    expect(of(`kafka_consumergroup_lag_sum{${group}}`)).toBe(2)
    expect(of('kafka_consumergroup_members{consumergroup="g\\"1"}')).toBe(0)
    expect(of('kafka_server_replicamanager_underreplicatedpartitions')).toBe(0)
    expect(of('kafka_server_socket_server_metrics_connection_count')).toBeGreaterThan(0)
    expect(of('nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0)
    expect([...found.values()].every(Number.isFinite)).toBe(true)
  })

  test('every family is declared once, before its samples', async () => {
    const { get } = await start()
    const { text } = await get('/metrics')
    const families = [...text.matchAll(/^# TYPE (\S+) (counter|gauge)$/gm)].map(([, name]) => name)
    expect(new Set(families).size).toBe(families.length)
    for (const name of samples(text).keys()) expect(families).toContain(name.split('{', 1)[0])
  })
})

describe('the address', () => {
  test.each([
    ['8080', '127.0.0.1', 8080],
    [':0', '127.0.0.1', 0],
    ['0.0.0.0:9000', '0.0.0.0', 9000],
    ['[::1]:9000', '::1', 9000],
    ['localhost:9000', 'localhost', 9000],
  ])('%s is host %s and port %i', (text, host, port) => {
    expect(parseHttpListener(text)).toEqual({ host, port })
  })

  test.each(['', 'on', '99999', '::1:80', 'a b:80', '80:'])("'%s' is none", (text) => {
    expect(() => parseHttpListener(text)).toThrow(ConfigError)
    const flags = new Map([['dohle.http.listener', text]])
    expect(loadSettings({ flags }).errors.map(({ name }) => name)).toEqual(['dohle.http.listener'])
  })
})
