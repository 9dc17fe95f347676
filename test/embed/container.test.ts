import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { buildPackage, packageRoot, root } from './built-package.ts'
import { clientOf } from './kafkajs-client.ts'

const example = join(root, 'examples/container')

vi.setConfig({ testTimeout: 60_000 })

beforeAll(buildPackage, 120_000)

const variablesOf = (file: string, pattern: RegExp) =>
  Object.fromEntries(
    [...readFileSync(join(example, file), 'utf8').matchAll(pattern)].map(
      ([, name = '', value = '']) => [name, value] as const,
    ),
  )

test("the variables of a compose file for Apache Kafka's image start the image's broker", async () => {
  const directory = mkdtempSync(join(tmpdir(), 'dohle-container-'))
  symlinkSync(join(packageRoot, 'bin/dohle.js'), join(directory, 'dohle'))
  const image = variablesOf('Dockerfile', /(KAFKA_\w+)=(\S+)/g)
  const compose = variablesOf('compose.yaml', /^ {6}(CLUSTER_ID|KAFKA_\w+): (\S+)$/gm)
  expect(Object.keys(compose).length).toBeGreaterThan(10)
  const child = spawn(join(example, 'entrypoint.sh'), {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      ...process.env,
      ...image,
      ...compose,
      // There is no container here: free ports, and a directory that can be written.
      KAFKA_LISTENERS: compose['KAFKA_LISTENERS']!.replace(/:\d+/g, ':0'),
      KAFKA_ADVERTISED_LISTENERS: compose['KAFKA_ADVERTISED_LISTENERS']!.replace(
        'kafka',
        'localhost',
      ).replace(/:\d+/g, ':0'),
      KAFKA_LOG_DIRS: join(directory, 'data'),
      KAFKA_CREATE_TOPICS: 'orders:3:1,users:1:1:compact',
      PATH: `${directory}${delimiter}${process.env['PATH']}`,
    },
  })
  try {
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    await expect.poll(() => output, { timeout: 30_000 }).toContain('"msg":"ready"')
    const ready = JSON.parse(output.trim().split('\n').at(-1) ?? '{}')
    expect(ready.clusterId).toBe(compose['CLUSTER_ID'])
    expect(ready.kafka.split(',')).toHaveLength(2)
    const admin = clientOf({ bootstrapServers: `localhost:${ready.port}` }).admin()
    await admin.connect()
    expect((await admin.listTopics()).toSorted()).toEqual(['orders', 'users'])
    await admin.disconnect()
  } finally {
    child.kill()
    if (child.exitCode === null) await once(child, 'exit')
    rmSync(directory, { recursive: true })
  }
})
