import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ExitCode } from '../../src/cli/exit-code.ts'
import { startBroker } from '../../src/index.ts'
import { runInProcess } from './commands/in-process.ts'

let broker: Awaited<ReturnType<typeof startBroker>>
const run = (args: readonly string[], input?: string) =>
  runInProcess(args, broker.bootstrapServers, input)

/** What a command prints that has to succeed. */
async function print(args: readonly string[], input?: string): Promise<string> {
  const { exitCode, stdout, stderr } = await run(args, input)
  if (exitCode !== 0) throw new Error(`${args.join(' ')}: exit code ${exitCode}: ${stderr}`)
  return stdout
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '')

beforeAll(async () => {
  broker = await startBroker({ topics: ['orders:3'] })
})
afterAll(() => broker.stop())

describe('topics', () => {
  it('are made, listed, described, altered and deleted', async () => {
    expect(
      await print(['topic', 'create', 'users:2:compact', 'logs', '-c', 'retention.ms=60000']),
    ).toBe('created users with 2 partitions\ncreated logs with 1 partition\n')
    expect(lines(await print(['topic', 'list']))).toEqual(['logs', 'orders', 'users'])
    expect(JSON.parse(await print(['topic', 'ls', '--json']))).toMatchObject([
      { name: 'logs', partitions: 1, replicationFactor: 1, internal: false },
      { name: 'orders', partitions: 3 },
      { name: 'users', partitions: 2 },
    ])
    expect(await print(['topic', 'describe', 'users'])).toMatch(
      /^users: partitions 2, replication factor 1, id [\w-]{22}\n {2}cleanup.policy=compact\n/,
    )
    await print(['topic', 'alter', 'users', '-p', '3', '--delete-config', 'cleanup.policy'])
    const [users] = JSON.parse(await print(['topic', 'describe', 'users', '--json']))
    expect(users).toMatchObject({
      name: 'users',
      partitions: [0, 1, 2].map((partition) => ({
        partition,
        leader: 1,
        replicas: [1],
        isr: [1],
        startOffset: 0,
        endOffset: 0,
      })),
      configs: { 'retention.ms': '60000' },
    })
    expect(users.configs['cleanup.policy']).toBeUndefined()
    expect(await print(['topic', 'delete', 'users', 'logs'])).toBe('deleted users\ndeleted logs\n')
    expect(lines(await print(['topic', 'list']))).toEqual(['orders'])
  })

  it('answer with the name and the words of what the broker refuses', async () => {
    expect(await run(['topic', 'create', 'orders'])).toEqual({
      exitCode: ExitCode.REFUSED,
      stdout: '',
      stderr: "error: TOPIC_ALREADY_EXISTS: Topic 'orders' already exists.\n",
    })
    expect(await print(['topic', 'create', 'orders', '--if-not-exists'])).toBe(
      'orders is there, with 3 partitions\n',
    )
    expect(await run(['topic', 'describe', 'nope'])).toMatchObject({
      exitCode: ExitCode.REFUSED,
      stderr:
        'error: UNKNOWN_TOPIC_OR_PARTITION: nope: This server does not host this topic-partition.\n',
    })
    expect(await print(['topic', 'delete', 'nope', '--if-exists'])).toBe('nope is not there\n')
  })
})

describe('records', () => {
  const long = '{"id":9007199254740993}'

  it('go in and come out as they are, keys where the Java client puts them', async () => {
    await print(['topic', 'create', 'deeds:3'])
    const input = `u1 ${long}\nu2 text\nu3 12345678901234567890\n`
    const sent = await run(['produce', 'deeds', '-f', '%k %v\\n'], input)
    expect(sent).toEqual({ exitCode: 0, stdout: '', stderr: '3 records to deeds\n' })
    expect(lines(await print(['tail', 'deeds', '--no-follow'])).toSorted()).toEqual([
      '{"topic":"deeds","partition":0,"offset":0,"key":"u2","value":"text","headers":{}}',
      `{"topic":"deeds","partition":1,"offset":0,"key":"u1","value":${long},"headers":{}}`,
      '{"topic":"deeds","partition":1,"offset":1,"key":"u3","value":12345678901234567890,"headers":{}}',
    ])
    expect(await print(['consume', 'deeds', '-p', '1', '-e', '-f', '%p/%o %k=%v\\n'])).toBe(
      `1/0 u1=${long}\n1/1 u3=12345678901234567890\n`,
    )
  })

  it('have the same shape in and out, for all codecs', async () => {
    const shapes = [
      `{"topic":"all","partition":0,"offset":0,"key":null,"value":null,"headers":{}}`,
      `{"topic":"all","partition":0,"offset":1,"key":"k","value":${long},"headers":{"a":["1","2"],"b":null}}`,
      `{"topic":"all","partition":0,"offset":2,"key":"","value":"","headers":{}}`,
      `{"topic":"all","partition":0,"offset":3,"key":{"id":1.0},"value":"/w==","headers":{},"valueEncoding":"base64"}`,
    ]
    await print(['produce', '--json'], shapes.join('\n'))
    const all = await print(['consume', 'all', '-e'])
    expect(lines(all)).toEqual(shapes)
    const copy = async (codec: string) => {
      const copied = `copy-${codec}`
      const places = lines(await print(['produce', copied, '--json', '-z', codec], all))
      expect(places.map((line) => JSON.parse(line))).toEqual(
        [0, 1, 2, 3].map((offset) => ({ topic: copied, partition: 0, offset })),
      )
      const copies = await print(['consume', copied, '-e', '-f', '%a{compression}\\n'])
      expect(new Set(lines(copies))).toEqual(new Set([codec]))
      return lines(await print(['consume', copied, '-e'])).map((line) =>
        line.replace(copied, 'all'),
      )
    }
    const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd']
    expect(await Promise.all(codecs.map(copy))).toEqual(codecs.map(() => shapes))
  })

  it('are chosen by offset, number, partition and pattern', async () => {
    await print(['produce', 'counted'], 'a\nb\nc\nd\ne\n')
    const read = async (...args: string[]) =>
      (await print(['consume', 'counted', '-f', '%v', ...args])) as string
    expect(await read('-n', '2')).toBe('ab')
    expect(await read('-o', '3', '-e')).toBe('de')
    expect(await read('-o', '+1:-1')).toBe('bcd')
    expect(await read('-o', '-2:end')).toBe('de')
    expect(await read('-o', ':2')).toBe('ab')
    expect(await read('-o', '@:-1h')).toBe('')
    expect(await read('-o', '@-1h', '-n', '5')).toBe('abcde')
    expect(await print(['consume', 'count.*', '-r', '-n', '1', '-f', '%t'])).toBe('counted')
    expect(await run(['consume', 'counted', '-p', '1'])).toMatchObject({
      exitCode: ExitCode.USAGE,
      stderr: 'error: counted has no partition 1: it has 1\n',
    })
  })

  it('take key, headers, partition and tombstones from options', async () => {
    const options = ['-k', 'u1', '-H', 'trace:7', '-p', '2', '-Z']
    await print(['produce', 'orders', ...options], 'x\n\n')
    expect(lines(await print(['consume', 'orders', '-p', '2', '-e']))).toEqual([
      '{"topic":"orders","partition":2,"offset":0,"key":"u1","value":"x","headers":{"trace":"7"}}',
      '{"topic":"orders","partition":2,"offset":1,"key":"u1","value":null,"headers":{"trace":"7"}}',
    ])
  })

  it('of transactions are shown when they are committed, if only those are asked for', async () => {
    const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({
      transactionalId: 'deeds',
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await producer.connect()
    const transact = async (value: string, end: 'commit' | 'abort' | undefined) => {
      const transaction = await producer.transaction()
      await transaction.send({ topic: 'ledger', messages: [{ value, partition: 0 }] })
      if (end) await transaction[end]()
      return transaction
    }
    await print(['topic', 'create', 'ledger'])
    await transact('kept', 'commit')
    await transact('dropped', 'abort')
    const open = await transact('open', undefined)
    const all = ['consume', 'ledger', '-e', '-f', '%v ']
    expect(await print(all)).toBe('kept dropped open ')
    expect(await print([...all, '--read-committed'])).toBe('kept ')
    await open.commit()
    expect(await print([...all, '--read-committed'])).toBe('kept open ')
    await producer.disconnect()
  })

  it('say which line of the input is wrong', async () => {
    expect(await run(['produce', 'orders', '--json'], '{"value":1}\n{"value":}\n')).toMatchObject({
      exitCode: ExitCode.USAGE,
      stderr: expect.stringMatching(/error: standard input: line 2: /),
    })
    expect(await run(['produce'], 'x\n')).toMatchObject({
      exitCode: ExitCode.USAGE,
      stderr: 'error: produce: to which topic?\n',
    })
  })
})

describe('groups', () => {
  it('read on where they were, are described, moved and deleted', async () => {
    await print(['produce', 'work'], 'a\nb\nc\n')
    const read = (...more: string[]) =>
      print(['consume', 'work', '-g', 'workers', '-f', '%v', ...more])
    expect(await read('-n', '2')).toBe('ab')
    expect(JSON.parse(await print(['group', 'describe', 'workers', '--json']))).toMatchObject([
      {
        group: 'workers',
        state: 'Empty',
        type: 'classic',
        lag: 1,
        members: [],
        partitions: [{ topic: 'work', partition: 0, offset: 2, endOffset: 3, lag: 1 }],
      },
    ])
    expect(await read('-e')).toBe('c')
    const moved = ['TOPIC  PARTITION  OLD  NEW', 'work           0    3    1']
    expect(lines(await print(['group', 'seek', 'workers', '--to', '+1', '--dry-run']))).toEqual(
      moved,
    )
    expect(lines(await print(['group', 'seek', 'workers', '--to', '+1']))).toEqual(moved)
    expect(await read('-e')).toBe('bc')
    await print(['group', 'reset', 'workers'])
    expect(await read('-e')).toBe('abc')
    expect(await print(['group', 'list'])).toMatch(
      /^GROUP +STATE +TYPE\n(?:.*\n)*workers +Empty +classic\n/,
    )
    expect(await print(['group', 'delete', 'workers'])).toBe('deleted workers\n')
    expect(await run(['group', 'describe', 'workers'])).toMatchObject({
      exitCode: ExitCode.REFUSED,
      stderr: 'error: GROUP_ID_NOT_FOUND: Group workers not found.\n',
    })
  })
})

describe('settings', () => {
  it('of topics are shown, set and taken back', async () => {
    const set = ['config', 'set', 'topic', 'orders']
    expect(await print([...set, 'retention.ms=60000'])).toBe('retention.ms=60000\n')
    expect(await print(['config', 'get', 'topic', 'orders', 'retention.ms'])).toBe('60000\n')
    const shown = JSON.parse(await print(['config', 'get', 'topic', 'orders', '--json']))
    expect(shown).toContainEqual({
      name: 'retention.ms',
      value: '60000',
      source: 'topic',
      readOnly: false,
      sensitive: false,
    })
    await print([...set, '--delete', 'retention.ms'])
    expect(await print(['config', 'get', 'topic', 'orders', 'retention.ms'])).toBe('604800000\n')
    expect(await run([...set, 'nope=1'])).toMatchObject({
      exitCode: ExitCode.REFUSED,
      stderr: 'error: INVALID_CONFIG: Unknown topic config name: nope\n',
    })
  })

  it('of a start are printed with where they come from', async () => {
    const printed = await print(['config', 'print', '--port', '7', '--json'])
    const settings: { name: string; value: string; from: string }[] = JSON.parse(printed)
    expect(settings).toContainEqual({
      name: 'listeners',
      value: 'PLAINTEXT://localhost:7',
      from: 'command line',
    })
    expect(settings.some(({ from }) => from === 'default')).toBe(false)
    expect(await run(['config', 'print', '--override', 'num.partitions=x'])).toMatchObject({
      exitCode: ExitCode.CONFIGURATION,
    })
  })
})

describe('ping, wait, doctor', () => {
  it('say that a broker answers', async () => {
    expect(await print(['ping'])).toMatch(
      /^localhost:\d+ answers in \d+ ms \(cluster [\w-]{22}, 1 broker\)\n$/,
    )
    expect(await print(['wait', '--topic', 'orders', '--timeout', '20s'])).toBe('')
    expect(await print(['doctor', '--memory', '--port', String(broker.port)])).toContain(
      'which works from here',
    )
  })

  it('say that none does, or not in time, by their exit codes', async () => {
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port: free } = server.address() as AddressInfo
    await new Promise((closed) => server.close(closed))
    const nowhere = ['-b', `127.0.0.1:${free}`]
    expect(await run(['ping', ...nowhere])).toEqual({
      exitCode: ExitCode.UNREACHABLE,
      stdout: '',
      stderr: `error: 127.0.0.1:${free}: connection refused. Start a broker with: dohle\n`,
    })
    expect(await run(['wait', ...nowhere, '--timeout', '300ms'])).toMatchObject({
      exitCode: ExitCode.NOT_IN_TIME,
      stderr: `error: not ready within 300 ms: 127.0.0.1:${free}: connection refused\n`,
    })
    expect(await run(['wait', '--topic', 'nope', '--timeout', '300ms'])).toMatchObject({
      exitCode: ExitCode.NOT_IN_TIME,
      stderr: 'error: not ready within 300 ms: nope is not there\n',
    })
    const doctor = await run(['doctor', '--memory', '--json', '--port', '0', ...nowhere])
    expect(doctor.exitCode).toBe(ExitCode.UNHEALTHY)
    expect(JSON.parse(doctor.stdout)).toContainEqual({
      check: 'clients',
      status: 'fail',
      text: `no broker answers at 127.0.0.1:${free}: connection refused`,
    })
  })
})

describe('doctor', () => {
  it('finds advertised addresses that clients cannot reach', async () => {
    const lost = await startBroker({
      settings: { 'advertised.listeners': 'PLAINTEXT://127.0.0.1:1' },
    })
    const args = ['doctor', '--memory', '--port', '0', '-b', lost.bootstrapServers, '--json']
    const { exitCode, stdout } = await run(args)
    await lost.stop()
    expect(exitCode).toBe(ExitCode.UNHEALTHY)
    expect(JSON.parse(stdout)).toContainEqual({
      check: 'clients',
      status: 'fail',
      text:
        'broker 1 tells clients to use 127.0.0.1:1, which does not work from here ' +
        `(connection refused), although ${lost.bootstrapServers} does. ` +
        'Set advertised.listeners to an address that clients can dial',
    })
  })

  it('finds ports that others have, and directories that cannot be written', async () => {
    const other = net.createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    // Below what is no directory.
    const data = `${import.meta.filename}/here`
    const args = ['doctor', '--host', '127.0.0.1', '--port', `${port}`, '--data', data, '--json']
    const { exitCode, stdout } = await run(args)
    await new Promise((closed) => other.close(closed))
    expect(exitCode).toBe(ExitCode.UNHEALTHY)
    const findings: { check: string; status: string; text: string }[] = JSON.parse(stdout)
    expect(findings).toContainEqual({
      check: 'port',
      status: 'fail',
      text: `PLAINTEXT 127.0.0.1:${port} is taken by another program. Use --port 0 for a free one`,
    })
    expect(findings).toContainEqual({
      check: 'disk',
      status: 'fail',
      text: expect.stringContaining(`${data} cannot be written`),
    })
  })
})

describe('completion', () => {
  it('knows commands, and the topics and groups of the broker', async () => {
    await print(['produce', 'orders', '-p', '0'], 'x\n')
    await print(['consume', 'orders', '-g', 'readers', '-n', '1'])
    const complete = async (...words: string[]) =>
      lines(await print(['--get-yargs-completions', 'dohle', ...words]))
    expect(await complete('consume', 'ord')).toEqual(['orders'])
    expect(await complete('topic', 'describe', 'orders', '')).toContain('orders')
    expect(await complete('group', 'reset', '')).toContain('readers')
    expect(await complete('group', 'describe', 'ord')).not.toContain('orders')
  })
})

describe('the command line', () => {
  it.each([
    ['topic', 'topic: use list, create, describe, alter or delete (see dohle topic --help)'],
    ['topic lsit', 'Unknown argument: lsit (see dohle topic --help)'],
    ['topic list --jsn', 'Unknown argument: jsn (see dohle topic --help)'],
    [
      'consume',
      'Not enough non-option arguments: got 0, need at least 1 (see dohle consume --help)',
    ],
    ['consume x -n 0', '--num 0: use a whole number from 1'],
    ['consume x -n 1 -n 2', '--n is given twice'],
    ['consume x -f %q', "--format: '%q' in the format is no letter of a record"],
    ['produce x --acks 2', '--acks 2: use all, 1 or 0'],
    ['ping --timeout 3', '--timeout 3: use a time as 20s, 500ms or 1m30s'],
    ['ping -b a:b', "'a:b' is not the address of a broker: use host:port"],
    ['run --port x -- true', '--port x: use a number from 0 to 65535 (see dohle --help)'],
  ])('%s: says what is wrong in one line', async (text, message) => {
    expect(await run(text.split(' '))).toEqual({
      exitCode: ExitCode.USAGE,
      stdout: '',
      stderr: `error: ${message}\n`,
    })
  })
})
