import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { buildPackage, linkModules, root } from './built-package.ts'

let project: string

// Each is a runner's process.
vi.setConfig({ testTimeout: 60_000 })

beforeAll(buildPackage, 120_000)

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'dohle-runner-'))
  linkModules(project)
  write('package.json', '{ "type": "module" }')
})

afterEach(() => {
  rmSync(project, { recursive: true })
})

function write(name: string, text: string): void {
  writeFileSync(join(project, name), text)
}

interface Result {
  readonly status: number | null
  readonly output: string
}

function run(command: string, args: readonly string[]): Result {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: project,
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, VITEST: '', NO_COLOR: '1', FORCE_COLOR: '0' },
  })
  return { status, output: `${stdout}\n${stderr}` }
}

const vitest = () =>
  run(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', '--root', project])

const withKafkajs = `
  import { Kafka, logLevel } from 'kafkajs'
  export async function send(brokers, topic, value) {
    const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING })
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic, messages: [{ value }] })
    await producer.disconnect()
  }
`

describe('dohle/vitest', () => {
  test('starts one broker for the run, which files share by names of their own', () => {
    write('vitest.config.mjs', "export default { test: { globalSetup: 'dohle/vitest' } }")
    write('send.mjs', withKafkajs)
    const file = `
      import { expect, inject, test } from 'vitest'
      import { isolatedNames, sharedBroker } from 'dohle/vitest'
      import { send } from './send.mjs'
      const names = isolatedNames()
      test('alone', async () => {
        const { bootstrapServers } = inject('kafka')
        expect(process.env.KAFKA_BROKERS).toBe(bootstrapServers)
        await send(bootstrapServers, names.topic('orders'), 'mine')
        const kafka = await sharedBroker()
        expect(await kafka.waitForRecords(names.topic('orders'), 1)).toMatchObject([{ value: 'mine' }])
      })
    `
    write('a.test.mjs', file)
    write('b.test.mjs', file)
    const { status, output } = vitest()
    expect(output).toMatch(/Tests\s+2 passed/)
    expect(status).toBe(0)
  })

  test('takes options in a setup file', () => {
    write(
      'kafka.setup.mjs',
      `
      import { kafkaSetup } from 'dohle/vitest'
      export const { setup } = kafkaSetup({ topics: ['orders:3'] })
    `,
    )
    write('vitest.config.mjs', "export default { test: { globalSetup: './kafka.setup.mjs' } }")
    write(
      'a.test.mjs',
      `
      import { expect, test } from 'vitest'
      import { sharedBroker } from 'dohle/vitest'
      test('has its topics', async () => {
        expect(await (await sharedBroker()).topics()).toMatchObject([{ name: 'orders' }])
      })
    `,
    )
    expect(vitest()).toMatchObject({ status: 0, output: expect.stringMatching(/Tests\s+1 passed/) })
  })

  test('gives each file or each test a broker of its own', () => {
    write(
      'a.test.mjs',
      `
      import { describe, expect, test } from 'vitest'
      import { useBroker } from 'dohle/vitest'
      const outside = useBroker({ topics: ['orders'] })
      test('one', async () => { await outside().produce('orders', [{ value: 1 }]) })
      test('two', async () => { expect(await outside().records('orders')).toHaveLength(1) })
      describe('per test', () => {
        const kafka = useBroker({ topics: ['orders'], per: 'test' })
        test.each([1, 2])('%i', async () => {
          expect(await kafka().records('orders')).toEqual([])
          await kafka().produce('orders', [{ value: 1 }])
        })
      })
    `,
    )
    expect(vitest()).toMatchObject({ status: 0, output: expect.stringMatching(/Tests\s+4 passed/) })
  })

  test('says what is missing when there is no global setup', () => {
    write(
      'a.test.mjs',
      `
      import { test } from 'vitest'
      import { sharedBroker } from 'dohle/vitest'
      test('x', async () => { await sharedBroker() })
    `,
    )
    const { status, output } = vitest()
    expect(output).toContain("there is no shared broker: set globalSetup: 'dohle/vitest'")
    expect(status).toBe(1)
  })
})

describe('node:test', () => {
  test('needs no runner of ours, and ends although nobody stops the broker', () => {
    write('send.mjs', withKafkajs)
    write(
      'a.test.mjs',
      `
      import assert from 'node:assert/strict'
      import { before, test } from 'node:test'
      import { startBroker } from 'dohle'
      import { send } from './send.mjs'
      let kafka
      before(async () => { kafka = await startBroker({ topics: ['orders'] }) })
      test('sends', async () => {
        await send(kafka.bootstrapServers, 'orders', 'one')
        const [record] = await kafka.waitForRecords('orders', 1)
        assert.equal(record.value, 'one')
      })
    `,
    )
    const { status, output } = run(process.execPath, ['--test'])
    expect(output).toMatch(/pass 1/)
    expect(status).toBe(0)
  })

  test('CommonJS finds the same library', () => {
    write(
      'a.cjs',
      `
      const { startBroker } = require('dohle')
      startBroker({ topics: ['orders'] }).then(async (kafka) => {
        await kafka.produce('orders', [{ value: { id: 1 } }])
        console.log(JSON.stringify((await kafka.records('orders'))[0].value))
      })
    `,
    )
    expect(run(process.execPath, ['a.cjs'])).toEqual({ status: 0, output: '{"id":1}\n\n' })
  })
})
