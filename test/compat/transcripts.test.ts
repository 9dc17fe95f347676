import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Program, run, stopAllPrograms } from './process.ts'
import { writeScriptFiles } from './script-files.ts'
import { freePort } from './transactions/free-port.ts'

vi.setConfig({ testTimeout: 400_000 })

const root = resolve(import.meta.dirname, '../..')
const text = readFileSync(join(import.meta.dirname, 'transcripts.md'), 'utf8')
const PATIENCE_MS = 100_000

let project: string
let port: number
let env: Record<string, string>

beforeEach(async () => {
  project = mkdtempSync(join(tmpdir(), 'dohle-transcript-'))
  mkdirSync(join(project, 'node_modules/.bin'), { recursive: true })
  symlinkSync(root, join(project, 'node_modules/dohle'))
  symlinkSync('../dohle/bin/dohle.js', join(project, 'node_modules/.bin/dohle'))
  for (const name of ['kafkajs', 'vitest']) {
    symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name))
  }
  // npm hands signals to the shell of a script, which keeps them unless it becomes the program.
  const scripts = { dev: 'exec node dev.mjs', test: 'node test.mjs' }
  write('package.json', JSON.stringify({ name: 'app', type: 'module', scripts }))
  writeScriptFiles(join(project, 'bin'))
  port = await freePort()
  env = {
    PATH: [join(project, 'bin'), join(project, 'node_modules/.bin'), process.env['PATH']].join(
      delimiter,
    ),
    // The port that is printed may be in use here: this is where commands find the other one.
    KAFKA_LISTENERS: `PLAINTEXT://localhost:${port}`,
    KAFKA_BOOTSTRAP_SERVERS: `localhost:${port}`,
    NO_COLOR: '1',
    VITEST: '',
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
  }
})

afterEach(async () => {
  await stopAllPrograms()
  rmSync(project, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 })
})

function write(name: string, content: string): void {
  writeFileSync(join(project, name), content)
}

interface Step {
  readonly command: string
  readonly output: string[]
}

/** The lines of a transcript's code block. */
function blockOf(letter: string): string[] {
  const section = text.split(`## ${letter}. `)[1] ?? ''
  return (/```\w+\n([\s\S]*?)```/.exec(section)?.[1] ?? '').split('\n').slice(0, -1)
}

function stepsOf(letter: string): Step[] {
  const steps: Step[] = []
  for (const line of blockOf(letter)) {
    if (line.startsWith('$ ')) steps.push({ command: line.slice(2), output: [] })
    else steps.at(-1)?.output.push(line)
  }
  return steps
}

/** A command line in the project's folder, as a shell runs it. */
function shell(command: string): [string, string[]] {
  return ['sh', ['-c', `cd '${project}' && ${command.replaceAll('localhost:9092', here())}`]]
}

const here = () => `localhost:${port}`

/** Started, for commands that stay. */
function start(command: string): Program {
  const [sh, args] = shell(command)
  return new Program(sh, args, env)
}

async function finish(command: string, more: Record<string, string> = {}) {
  const [sh, args] = shell(command)
  return await run({ command: sh, args }, '', { ...env, ...more })
}

/** What differs from run to run, and from machine to machine. */
function normal(line: string): string {
  return line
    .trimEnd()
    .replaceAll(String(port), '9092')
    .replace(/^ {2}ready in \d+ ms/, '  ready in 190 ms')
    .replace(/pid \d+, started \d\d:\d\d/, 'pid 4711, started 14:02')
    .replace(/dohle stop --port 9092$/, 'dohle stop')
}

const withKafkajs = `
  import { Kafka, logLevel } from 'kafkajs'
  const brokers = process.env.KAFKA_BROKERS.split(',')
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 0 } })
  const producer = kafka.producer()
  await producer.connect()
`

describe('someone with the Kafka scripts', () => {
  it('sees what transcript A prints', { timeout: 400_000 }, async () => {
    const [first, create, produce, consume, groups, configs, perf, second, ...more] = stepsOf('A')
    expect(more).toEqual([])
    // A terminal of its own: elsewhere the broker's lines are JSON.
    const dohle = start(`exec script -qefc '${first!.command}' /dev/null`)
    await dohle.printed(({ stdout }) => stdout.includes('Ctrl-C to stop'), PATIENCE_MS)
    const banner = dohle.stdout.slice(dohle.stdout.indexOf('dohle ')).split('\r\n')
    expect(banner.slice(0, 3).map(normal)).toEqual(first!.output)

    expect(await finish(create!.command)).toMatchObject({ exitCode: 0 })
    const consumers = [start(consume!.command), start(consume!.command)]
    const producer = start(produce!.command)
    for (const line of ['one', 'two', 'three']) producer.type(line)
    producer.endInput()
    for (const consumer of consumers) {
      await consumer.printed(({ lines }) => lines.length === 3, PATIENCE_MS)
      expect(consumer.lines.toSorted()).toEqual(['one', 'three', 'two'])
    }
    const described = await finish(groups!.command)
    expect(described.stdout.match(/^console-consumer-\d+ +quickstart-events /gm)).toHaveLength(6)
    expect((await finish(configs!.command)).stdout).toContain('Completed updating config')
    expect((await finish(perf!.command)).stdout).toMatch(/^1000000 records sent/m)
    const again = await finish(second!.command)
    expect([again.exitCode, normal(again.stderr)]).toEqual([4, second!.output[0]])
    expect(await finish(`dohle stop --port ${port}`)).toMatchObject({ exitCode: 0 })
    expect(await dohle.exited()).toBe(0)
  })
})

describe('a kafkajs application developer', () => {
  const [dev, tail] = stepsOf('B')

  it('sees what transcript B prints', async () => {
    write(
      'dev.mjs',
      `${withKafkajs}
       const value = '{"id":9007199254740993}'
       await producer.send({ topic: 'orders', messages: [{ partition: 1, key: 'u1', value }] })
       console.log('sent to', brokers.join(), process.env.KAFKA_BOOTSTRAP_SERVERS)
       setInterval(() => {}, 1000)`,
    )
    const program = start(dev!.command)
    await program.printed(({ stdout }) => stdout.includes('sent to'), PATIENCE_MS)
    expect(program.stdout).toContain(`sent to ${here()} ${here()}\n`)
    const tailing = start(tail!.command)
    await tailing.printed(({ stdout }) => stdout.includes('\n'), PATIENCE_MS)
    expect(tailing.lines).toEqual(tail!.output)
  })

  it('finds that signals reach the application, and its exit code comes back', async () => {
    write(
      'dev.mjs',
      `process.on('SIGTERM', () => { console.log('asked to stop'); process.exit(7) })
       setInterval(() => {}, 1000)
       console.log('started')`,
    )
    // npx keeps signals for its shell, too.
    const program = start(dev!.command.replace('npx ', 'exec '))
    await program.printed(({ stdout }) => stdout.includes('started'), PATIENCE_MS)
    expect(await program.stop('SIGTERM')).toBe(7)
    expect(program.stdout).toContain('asked to stop\n')
  })

  it('sends to a topic that nobody made, the first time, without a try more', async () => {
    write(
      'dev.mjs',
      `${withKafkajs}
       const [sent] = await producer.send({ topic: 'new', messages: [{ value: 'one' }] })
       console.log('base offset', sent.baseOffset)
       await producer.disconnect()`,
    )
    const { exitCode, stdout } = await finish(dev!.command)
    expect(stdout).toContain('base offset 0\n')
    expect(exitCode).toBe(0)
  })
})

describe('a CI engineer', () => {
  const [wait] = stepsOf('C')

  it('waits as in transcript C for a broker that comes up, then runs the tests', async () => {
    write('test.mjs', "console.log('the tests ran')")
    const waiting = finish(wait!.command)
    env['KAFKA_CREATE_TOPICS'] = 'orders:3:1,users:1:1:compact'
    const broker = start('exec dohle --memory')
    const { exitCode, stdout } = await waiting
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('the tests ran')])
    const list = await finish('npx dohle topic list')
    expect(list.lines).toEqual(['orders', 'users'])
    expect(await broker.stop()).toBe(0)
  })

  it('gets one clear line and an exit code when the configuration is wrong', async () => {
    const wrong = await finish('npx dohle --memory', { KAFKA_LOG_RETENTION_MS: 'soon' })
    expect(wrong.exitCode).toBe(3)
    expect(wrong.stderr).toMatch(/^error: KAFKA_LOG_RETENTION_MS: .*soon.*log\.retention\.ms.*\n$/)
    expect(wrong.stdout).toBe('')
  })
})

describe('a test author', () => {
  // Its second is that of the transcript; a machine that is busy gets more than one chance.
  it('runs the test of transcript D', { retry: 5 }, async () => {
    const [imports, ...body] = blockOf('D')
    write('app.mjs', app)
    write(
      'orders.test.ts',
      `${imports}
       import { expect, test } from 'vitest'
       import { app } from './app.mjs'
       test('an invoice for an order', async () => {
         ${body.join('\n')}
         await app.order(2)
         const invoices = await kafka.waitForRecords('invoices', 2, { timeoutMs: 15_000 })
         expect(invoices.map(({ value }) => value)).toEqual([{ order: 1 }, { order: 2 }])
         expect(kafka.faults.log.map(({ done }) => done)).toEqual(
           Array(2).fill('answered NOT_LEADER_OR_FOLLOWER for invoices'),
         )
         await app.stop()
       }, 60_000)`,
    )
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const { exitCode, stdout, stderr } = await finish(`exec node ${vitest} run`)
    expect(exitCode, `${stdout}\n${stderr}`).toBe(0)
    expect(stdout).toMatch(/Tests\s+1 passed/)
  })
})

/** Writes an invoice for each order. */
const app = `
  import { Kafka, logLevel } from 'kafkajs'
  let consumer
  let producer
  export const app = {
    async start({ brokers }) {
      const retry = { initialRetryTime: 20, retries: 50 }
      const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry })
      producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
      consumer = kafka.consumer({ groupId: 'billing', maxWaitTimeInMs: 100 })
      await Promise.all([producer.connect(), consumer.connect()])
      await consumer.subscribe({ topic: 'orders', fromBeginning: true })
      const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve))
      await consumer.run({
        autoCommitThreshold: 1,
        eachMessage: async ({ message }) => {
          const { id } = JSON.parse(message.value)
          await producer.send({ topic: 'invoices', messages: [{ value: JSON.stringify({ order: id }) }] })
        },
      })
      await joined
    },
    async order(id) {
      await producer.send({ topic: 'orders', messages: [{ value: JSON.stringify({ id }) }] })
    },
    async stop() {
      await Promise.all([consumer.disconnect(), producer.disconnect()])
    },
  }
`
