import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parseCommandLine } from '../../src/cli/command-line.ts'
import { describeProblem, loadConfiguration } from '../../src/cli/configuration.ts'
import { ExitCode, StartError } from '../../src/cli/exit-code.ts'
import { resolveListeners } from '../../src/settings/listeners.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'dohle-cli-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

async function load(...args: string[]) {
  return loadUnder({}, ...args)
}

async function loadUnder(environment: Record<string, string>, ...args: string[]) {
  const options = await parseCommandLine(args)
  if (!options) throw new Error('asks for help')
  return loadConfiguration(options, environment)
}

function properties(text: string): string {
  const file = join(directory, 'server.properties')
  writeFileSync(file, text)
  return file
}

async function refusal(...args: string[]): Promise<StartError> {
  try {
    await load(...args)
  } catch (error) {
    if (error instanceof StartError) return error
    throw error
  }
  throw new Error('was taken')
}

describe('the configuration', () => {
  it('is a durable broker on localhost:9092 when nothing is said', async () => {
    const { settings } = await load()
    expect(settings.logDirs).toEqual(['./.dohle'])
    expect(settings.listeners).toEqual(['PLAINTEXT://localhost:9092'])
    expect(settings.memory).toBe(false)
  })

  it('takes options in the words of Kafka', async () => {
    const { settings } = await load(
      ...[
        '--port',
        '0',
        '--host',
        '::1',
        '--data',
        'd',
        '--topic',
        'a:3',
        '--topic',
        'b:1:compact',
      ],
    )
    expect(settings.listeners).toEqual(['PLAINTEXT://[::1]:0'])
    expect(settings.logDirs).toEqual(['d'])
    expect(settings.topics).toEqual(['a:3', 'b:1:compact'])
  })

  it('merges defaults < file < options < overrides', async () => {
    const config = properties('num.partitions=3\nlog.dirs=/from-file\nlog.retention.ms=1000\n')
    const { settings } = await load('--config', config, '--override', 'num.partitions=5')
    expect(settings.numPartitions).toBe(5)
    expect(settings.logDirs).toEqual(['/from-file'])
    expect(settings.logRetentionMs).toBe(1000)
    const other = await load('--config', config, '--data', '/from-option')
    expect(other.settings.logDirs).toEqual(['/from-option'])
  })

  it('refuses a wrong value with the place, the setting and what is allowed', async () => {
    const config = properties('# first\nnum.partitions=many\n')
    const { exitCode, message } = await refusal('--config', config)
    expect(exitCode).toBe(ExitCode.CONFIGURATION)
    expect(message).toContain(
      `${config} line 2: Invalid value many for configuration num.partitions`,
    )
    expect(message).toContain('allowed: int')
    expect(message).not.toContain('\n')
  })

  it('refuses a file that cannot be read', async () => {
    const missing = join(directory, 'missing.properties')
    const { exitCode, message } = await refusal('--config', missing)
    expect(exitCode).toBe(ExitCode.CONFIGURATION)
    expect(message).toBe(`cannot read --config ${missing}: there is no such file`)
    expect((await refusal('--config', directory)).message).toContain('a directory')
  })

  it('warns of a name that is no setting, and goes on', async () => {
    const { warnings } = await load('--override', 'num.partitons=1')
    expect(warnings.map(({ message }) => message)).toEqual([
      'num.partitons is not a setting; did you mean num.partitions?',
    ])
  })

  it.each([
    [['--host', '0.0.0.0'], 'would be open to other machines without any login'],
    [['--override', 'listeners=PLAINTEXT://0.0.0.0:9092'], 'on 0.0.0.0 would be open'],
    [['--override', 'listeners=SSL://localhost:9092'], 'asks for SSL, which is not built yet'],
    [['--override', 'authorizer.class.name=x.Y'], 'ACLs are not built yet'],
    [['--mode', 'prod', '--port', '9092'], 'requires authentication, which is not built yet'],
  ])('refuses %s: protection fails closed', async (args, reason) => {
    const { exitCode, message } = await refusal(...args)
    expect(exitCode).toBe(ExitCode.CONFIGURATION)
    expect(message).toContain(reason)
  })

  it('keeps a listener without a host on loopback, and says so', async () => {
    const config = properties('listeners=PLAINTEXT://:9092\n')
    const { settings, warnings } = await load('--config', config)
    expect(resolveListeners(settings)).toMatchObject([{ host: 'localhost', port: 9092 }])
    expect(warnings.map(describeProblem)).toEqual([
      `${config} line 1: listener PLAINTEXT names no host: it is on loopback only, ` +
        'and on all interfaces with dohle.insecure=true',
    ])
    const open = await load('--config', config, '--override', 'dohle.insecure=true')
    expect(resolveListeners(open.settings)).toMatchObject([{ host: '' }])
    expect(open.warnings).toEqual([])
  })

  it('takes with --port what the file advertises for its own listeners away', async () => {
    const config = properties(
      'listeners=PLAINTEXT://:9092,CONTROLLER://:9093\n' +
        'advertised.listeners=PLAINTEXT://example.org:9092,CONTROLLER://example.org:9093\n',
    )
    const { settings } = await load('--config', config, '--port', '0')
    expect(resolveListeners(settings)).toMatchObject([
      { host: 'localhost', port: 0, advertised: undefined },
    ])
  })

  it('takes variables of both kinds of images over the file and under the options', async () => {
    const config = properties('num.partitions=3\nlog.retention.ms=1000\nlog.dirs=/from-file\n')
    const environment = {
      KAFKA_NUM_PARTITIONS: '4',
      KAFKA_CFG_LOG_RETENTION_MS: '2000',
      KAFKA_LOG_DIRS: '/from-variable',
      KAFKA_HEAP_OPTS: '-Xmx1g',
    }
    const { settings, warnings } = await loadUnder(environment, '--config', config)
    expect(settings.numPartitions).toBe(4)
    expect(settings.logRetentionMs).toBe(2000)
    expect(settings.logDirs).toEqual(['/from-variable'])
    expect(warnings).toEqual([])
    const over = await loadUnder(environment, '--override', 'num.partitions=5', '--data', '/d')
    expect(over.settings.numPartitions).toBe(5)
    expect(over.settings.logDirs).toEqual(['/d'])
  })

  it('names the variable whose value is wrong, and warns of one that is no setting', async () => {
    const wrong = loadUnder({ KAFKA_NUM_PARTITIONS: 'many' })
    await expect(wrong).rejects.toThrow('KAFKA_NUM_PARTITIONS: Invalid value many')
    const { warnings } = await loadUnder({ KAFKA_NUM_PARTITONS: '3' })
    expect(warnings.map(({ where }) => where)).toEqual(['KAFKA_NUM_PARTITONS'])
  })

  it('has topics of KAFKA_CREATE_TOPICS at start, which --topic replaces', async () => {
    const environment = { KAFKA_CREATE_TOPICS: 'orders:3:1, users:1:1:compact,plain' }
    const { settings } = await loadUnder(environment)
    expect(settings.topics).toEqual(['orders:3:1', 'users:1:1:compact', 'plain:1'])
    const other = await loadUnder(environment, '--topic', 'b')
    expect(other.settings.topics).toEqual(['b:1'])
  })

  it.each(['orders:0:1', 'orders:3:0', 'orders:3:1:squash', ':3:1', 'a:1:1:compact:x'])(
    'refuses to create topic %s',
    async (text) => {
      const refused = loadUnder({ KAFKA_CREATE_TOPICS: text })
      await expect(refused).rejects.toThrow(`KAFKA_CREATE_TOPICS: '${text}' is not a topic`)
    },
  )

  it('refuses values of config providers, which it would have to take literally', async () => {
    const config = properties(`log.dirs=\${env:DATA}\n`)
    const { exitCode, message } = await refusal('--config', config)
    expect(exitCode).toBe(ExitCode.CONFIGURATION)
    expect(message).toContain('line 1: log.dirs asks a config provider for its value')
    expect(message).toContain('KAFKA_LOG_DIRS')
    const providers = await refusal('--override', 'config.providers=env')
    expect(providers.message).toContain('config providers are not built')
  })

  it('serves health and metrics where --http says, on loopback unless that is accepted', async () => {
    expect((await load()).settings.httpListener).toBeNull()
    expect((await load('--http', '8080')).settings.httpListener).toBe('8080')
    const open = await refusal('--http', '0.0.0.0:8080')
    expect(open.message).toContain('metrics on 0.0.0.0 would be open to other machines')
    expect((await refusal('--http', 'on')).message).toContain("'on' is not an address")
  })

  it('lets other machines in where that was accepted', async () => {
    const { settings } = await load('--host', '0.0.0.0', '--override', 'dohle.insecure=true')
    expect(settings.listeners).toEqual(['PLAINTEXT://0.0.0.0:9092'])
  })
})
