import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ExitCode } from '../../src/cli/exit-code.ts'

const root = resolve(import.meta.dirname, '../..')
let directory: string
const children: ChildProcess[] = []

beforeAll(() => {
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs')])
}, 60_000)
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dohle-process-'))
})
afterEach(async () => {
  await Promise.all(children.splice(0).map(killed))
  rmSync(directory, { recursive: true, force: true })
})

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'close')
}

/** The command as a process in `directory`, with what it prints. */
class Command {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''

  constructor(args: readonly string[]) {
    const env = { ...process.env, XDG_CACHE_HOME: join(directory, 'cache') }
    this.child = spawn(process.execPath, [join(root, 'bin/dohle.js'), ...args], {
      cwd: directory,
      env,
    })
    children.push(this.child)
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
  }

  get lines(): Record<string, unknown>[] {
    return this.stdout.split('\n').flatMap((line) => (line ? [JSON.parse(line)] : []))
  }

  /** The line of log that says that clients may come. */
  async ready(): Promise<Record<string, unknown>> {
    for (;;) {
      const line = this.stdout.includes('"msg":"ready"') && this.lines.at(-1)
      if (line) return line
      if (this.child.exitCode !== null) throw new Error(this.stderr)
      await Promise.race([once(this.child.stdout!, 'data'), once(this.child, 'close')])
    }
  }

  async ended(): Promise<number | null> {
    if (this.child.exitCode === null) await once(this.child, 'close')
    return this.child.exitCode
  }
}

/** Runs the command to its end. */
async function refused(...args: string[]): Promise<{ exitCode: number | null; message: string }> {
  const command = new Command(args)
  const exitCode = await command.ended()
  expect(command.stderr.trim().split('\n')).toHaveLength(1)
  return { exitCode, message: command.stderr.trim() }
}

describe('the command as a process', () => {
  it('starts without an argument but a free port, keeps data in ./.dohle, and stops cleanly', async () => {
    const command = new Command(['--port', '0', '--topic', 'orders:3'])
    const ready = await command.ready()
    expect(ready).toMatchObject({ kafka: `localhost:${ready['port']}`, dataDirectory: './.dohle' })
    expect(readFileSync(join(directory, '.dohle/.gitignore'), 'utf8')).toBe('*\n')
    const admin = new Kafka({
      brokers: [String(ready['kafka'])],
      logLevel: logLevel.NOTHING,
    }).admin()
    await admin.connect()
    expect(await admin.listTopics()).toEqual(['orders'])
    expect(await admin.fetchTopicOffsets('orders')).toHaveLength(3)
    await admin.disconnect()
    const stoppedAt = performance.now()
    command.child.kill('SIGTERM')
    expect(await command.ended()).toBe(ExitCode.OK)
    expect(performance.now() - stoppedAt).toBeLessThan(1_000)
    expect(command.stderr).toBe('')
  })

  it('finds its topics again, and takes a topic that exists as it is', async () => {
    for (const topic of ['orders:2', 'orders:5']) {
      const command = new Command(['--port', '0', '--topic', topic])
      const { kafka } = await command.ready()
      const admin = new Kafka({ brokers: [String(kafka)], logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      expect(await admin.fetchTopicOffsets('orders')).toHaveLength(2)
      await admin.disconnect()
      command.child.kill('SIGINT')
      expect(await command.ended()).toBe(ExitCode.OK)
    }
  })

  it('takes signals that come together as one wish to stop', async () => {
    const command = new Command(['--port', '0', '--memory'])
    await command.ready()
    for (const signal of ['SIGTERM', 'SIGTERM', 'SIGINT'] as const) command.child.kill(signal)
    expect(await command.ended()).toBe(ExitCode.OK)
  })

  it('touches no disk with --memory', async () => {
    const command = new Command(['--port', '0', '--memory', '--topic', 'a:1'])
    expect((await command.ready())['dataDirectory']).toBeNull()
    expect(readdirSync(directory).filter((name) => name !== 'cache')).toEqual([])
  })

  it('logs requests and answers, decoded, when asked to', async () => {
    const command = new Command(['--port', '0', '--memory', '--topic', 'a', '--log-requests'])
    const { kafka } = await command.ready()
    const client = new Kafka({ brokers: [String(kafka)], logLevel: logLevel.NOTHING })
    const producer = client.producer()
    await producer.connect()
    await producer.send({ topic: 'a', messages: [{ value: 'one' }] })
    await producer.disconnect()
    const requests = () => command.lines.filter(({ msg }) => msg === 'request')
    await expect
      .poll(() => requests().at(-1))
      .toMatchObject({
        api: 'Produce',
        outcome: 'answered',
        request: { topicData: [{ name: 'a' }] },
        response: { responses: [{ name: 'a' }] },
      })
    const admin = client.admin()
    await admin.connect()
    const configEntries = [{ name: 'ssl.keystore.password', value: 'hunter2' }]
    const resources = [{ type: ConfigResourceTypes.TOPIC, name: 'a', configEntries }]
    await expect(admin.alterConfigs({ validateOnly: false, resources })).rejects.toThrow()
    await admin.disconnect()
    await expect.poll(() => requests().map(({ api }) => api)).toContain('AlterConfigs')
    const text = JSON.stringify(requests())
    expect(text).toContain('"name":"ssl.keystore.password","value":"(masked)"')
    expect(text).not.toContain('hunter2')
  })

  it('opens the control API, and tells its URL to the command that it runs', async () => {
    const program = `fetch(process.env.DOHLE_CONTROL_URL + '/topics')
      .then((response) => response.json())
      .then((topics) => console.log(topics[0].name))`
    const options = ['--port', '0', '--control-port', '0', '--memory', '--topic', 'orders']
    const command = new Command(['run', ...options, '--', process.execPath, '-e', program])
    expect(await command.ended()).toBe(ExitCode.OK)
    expect(command.stdout).toBe('orders\n')
    const broker = new Command(options)
    const { control } = await broker.ready()
    expect(await (await fetch(`${control}/topics`)).json()).toMatchObject([{ name: 'orders' }])
    const taken = new Command([
      '--port',
      '0',
      '--memory',
      '--control-port',
      new URL(`${control}`).port,
    ])
    expect(await taken.ended()).toBe(ExitCode.ADDRESS)
  })

  it('says which dohle has the port', async () => {
    const first = new Command(['--port', '0', '--memory'])
    const { port } = await first.ready()
    const { exitCode, message } = await refused('--port', `${port}`)
    expect(exitCode).toBe(ExitCode.ADDRESS)
    expect(message).toMatch(
      new RegExp(
        `^error: port ${port} is taken by another dohle \\(pid ${first.child.pid}, started \\d\\d:\\d\\d\\)\\. Use --port 0 for a free one`,
      ),
    )
    expect(existsSync(join(directory, '.dohle'))).toBe(false)
  })

  it('says so when something else has the port', async () => {
    const other = net.createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as net.AddressInfo
    const { exitCode, message } = await refused('--port', `${port}`)
    expect([exitCode, message]).toEqual([
      ExitCode.ADDRESS,
      `error: port ${port} is taken by another program. Use --port 0 for a free one`,
    ])
    expect(existsSync(join(directory, '.dohle'))).toBe(false)
    other.close()
  })

  it('refuses a directory that another process uses', async () => {
    const first = new Command(['--port', '0', '--data', 'shared'])
    await first.ready()
    const { exitCode, message } = await refused('--port', '0', '--data', 'shared')
    expect(exitCode).toBe(ExitCode.DIRECTORY_LOCKED)
    expect(message).toContain('shared')
  })

  it('refuses a directory of another broker, and of a newer format, and changes nothing', async () => {
    const first = new Command(['--port', '0', '--data', 'data'])
    await first.ready()
    first.child.kill('SIGTERM')
    await first.ended()
    const file = join(directory, 'data/meta.properties')
    const properties = readFileSync(file, 'utf8')
    const mismatch = await refused('--port', '0', '--data', 'data', '--override', 'node.id=7')
    expect(mismatch.exitCode).toBe(ExitCode.DIRECTORY_MISMATCH)
    expect(mismatch.message).toContain('7')
    writeFileSync(file, properties.replace(/^version=\d+$/m, 'version=99'))
    const newer = await refused('--port', '0', '--data', 'data')
    expect(newer.exitCode).toBe(ExitCode.DIRECTORY_MISMATCH)
    expect(newer.message).toContain('99')
    expect(readFileSync(file, 'utf8')).toContain('version=99')
  })

  it('refuses a directory of another cluster, and names both', async () => {
    const [own, other] = ['own-cluster-0123456789', 'other-cluster-01234567']
    const first = new Command(['--port', '0', '--data', 'data', '--cluster-id', own])
    expect((await first.ready())['clusterId']).toBe(own)
    first.child.kill('SIGTERM')
    await first.ended()
    const { exitCode, message } = await refused(
      '--port',
      '0',
      '--data',
      'data',
      '--cluster-id',
      other,
    )
    expect(exitCode).toBe(ExitCode.DIRECTORY_MISMATCH)
    expect(message).toContain(own)
    expect(message).toContain(other)
    expect(readFileSync(join(directory, 'data/meta.properties'), 'utf8')).toContain(own)
  })

  it.skipIf(process.platform !== 'linux')('refuses a place where none can be made', async () => {
    const { exitCode, message } = await refused('--port', '0', '--data', '/proc/dohle/data')
    expect(exitCode).toBe(ExitCode.DIRECTORY_UNUSABLE)
    expect(message).toContain('/proc/dohle')
  })

  it('refuses a directory it cannot make', async () => {
    writeFileSync(join(directory, 'file'), '')
    const { exitCode, message } = await refused('--port', '0', '--data', 'file/data')
    expect(exitCode).toBe(ExitCode.DIRECTORY_UNUSABLE)
    expect(message).toContain('file/data')
  })

  it('refuses wrong settings before it touches anything', async () => {
    const { exitCode, message } = await refused('--port', '0', '--override', 'num.partitions=x')
    expect(exitCode).toBe(ExitCode.CONFIGURATION)
    expect(message).toMatch(
      /^error: command line: Invalid value x for configuration num.partitions/,
    )
    expect(existsSync(join(directory, '.dohle'))).toBe(false)
  })

  it('refuses to be reached from elsewhere without protection', async () => {
    const { exitCode, message } = await refused('--port', '0', '--host', '0.0.0.0')
    expect(exitCode).toBe(ExitCode.CONFIGURATION)
    expect(message).toContain('dohle.insecure')
    expect(existsSync(join(directory, '.dohle'))).toBe(false)
  })
})
