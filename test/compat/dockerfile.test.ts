import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { clientOf } from '../embed/kafkajs-client.ts'
import { Program, run, stopAllPrograms } from './process.ts'
import { freePort } from './transactions/free-port.ts'

const root = resolve(import.meta.dirname, '../..')
const text = readFileSync(join(root, 'examples/container/Dockerfile'), 'utf8')
let directory = ''

afterEach(async () => {
  await stopAllPrograms()
  rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
})

/** What follows an instruction, with its continued lines, each time it stands there. */
function all(instruction: string): string[] {
  const joined = text.replaceAll(/\\\n\s*/g, '')
  return [...joined.matchAll(new RegExp(`^${instruction} (.*)$`, 'gm'))].map(
    ([, rest = '']) => rest,
  )
}

/** The image's paths, here: there is no container. */
function here(command: string): string {
  return command
    .replaceAll(/(?<=^|\s|=)\/(tmp|var|src)\b/g, `${directory}/$1`)
    .replace(/ && chown \S+ \S+/, '')
}

const environment = () => ({
  HOME: join(directory, 'home'),
  npm_config_prefix: join(directory, 'usr'),
  // What was fetched already, and from where.
  npm_config_cache: process.env['npm_config_cache'] ?? join(homedir(), '.npm'),
  npm_config_userconfig: process.env['npm_config_userconfig'] ?? join(homedir(), '.npmrc'),
  PATH: `${join(directory, 'usr/bin')}${delimiter}${process.env['PATH']}`,
})

async function sh(cwd: string, command: string): Promise<void> {
  const script = `cd '${cwd}' && ${here(command)}`
  const { exitCode, stdout, stderr } = await run(
    { command: 'sh', args: ['-c', script] },
    '',
    environment(),
  )
  expect(exitCode, `${command}\n${stdout}\n${stderr}`).toBe(0)
}

it('the commands of the Dockerfile make an image that starts', { timeout: 600_000 }, async () => {
  directory = mkdtempSync(join(tmpdir(), 'dohle-image-'))
  for (const name of ['home', 'tmp', 'usr']) mkdirSync(join(directory, name))
  const ignored = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n')
  const isTaken = (path: string) =>
    !ignored.some((one) => path.endsWith(`/${one.replace('**/', '')}`))
  cpSync(root, join(directory, 'src'), { recursive: true, filter: isTaken })
  const [build, install, ...more] = all('RUN')
  expect(more).toEqual([])
  await sh(join(directory, 'src'), build!)
  await sh(directory, install!)

  const env = Object.fromEntries(
    all('ENV')
      .flatMap((line) => line.split(/\s+/))
      .map((pair) => here(pair).split('=') as [string, string]),
  )
  const port = await freePort()
  const [entrypoint = ''] = all('COPY')
    .map((line) => / (\S+entrypoint\.sh) /.exec(line)?.[1] ?? '')
    .filter(Boolean)
  const broker = new Program('sh', [join(root, entrypoint)], {
    ...environment(),
    ...env,
    // As Bitnami's image has them, beside those of Apache's.
    KAFKA_CFG_NUM_PARTITIONS: '4',
    KAFKA_LISTENERS: env['KAFKA_LISTENERS']!.replace('9092', String(port)),
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://localhost:${port}`,
  })
  await broker.printed(({ stdout }) => stdout.includes('"msg":"ready"'), 120_000)
  const admin = clientOf({ bootstrapServers: `localhost:${port}` }).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'orders' }] })
  const { topics } = await admin.fetchTopicMetadata({ topics: ['orders'] })
  expect(topics[0]!.partitions).toHaveLength(4)
  await admin.disconnect()
  const [check = ''] = all('HEALTHCHECK').map((line) => /CMD (.*)$/.exec(line)?.[1] ?? '')
  const [command = '', ...args] = JSON.parse(check)
  const health = await run({ command, args }, '', {
    ...environment(),
    KAFKA_BOOTSTRAP_SERVERS: `localhost:${port}`,
  })
  expect(health.exitCode, health.stderr).toBe(0)
  expect(await broker.stop()).toBe(0)
})
