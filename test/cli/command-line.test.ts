import { describe, expect, it } from 'vitest'
import { parseCommandLine } from '../../src/cli/command-line.ts'
import { ExitCode } from '../../src/cli/exit-code.ts'

const parse = (text: string) => parseCommandLine(text === '' ? [] : text.split(' '))

async function refusal(text: string): Promise<unknown> {
  return await parse(text).catch((error) => [error.exitCode, error.message])
}

describe('the command line', () => {
  it('says nothing of what is not given, so that a file may', async () => {
    const nothing = {
      port: undefined,
      brokers: undefined,
      host: undefined,
      dataDirectory: undefined,
      memory: false,
      clusterId: undefined,
      topics: [],
      configFile: undefined,
      overrides: [],
      mode: undefined,
      logLevel: 'info',
      logRequests: false,
      controlPort: undefined,
    }
    expect(await parse('')).toEqual(nothing)
    expect(await parse('start')).toEqual(nothing)
  })

  it('takes every option', async () => {
    const text =
      '--port 19092 --host ::1 --data /var/dohle --topic orders:3 --topic users:1:2:compact ' +
      '--config server.properties --override a.b=c=d --override e= --mode prod --log-level debug --log-requests ' +
      '--brokers 3 --control-port 9093 --cluster-id 0123456789abcdefghijAB'
    expect(await parse(text)).toEqual({
      port: 19092,
      brokers: 3,
      host: '::1',
      dataDirectory: '/var/dohle',
      memory: false,
      clusterId: '0123456789abcdefghijAB',
      topics: [
        { name: 'orders', partitions: 3, replicationFactor: undefined, compact: false },
        { name: 'users', partitions: 1, replicationFactor: 2, compact: true },
      ],
      configFile: 'server.properties',
      overrides: [
        ['a.b', 'c=d'],
        ['e', ''],
      ],
      mode: 'prod',
      logLevel: 'debug',
      logRequests: true,
      controlPort: 9093,
    })
  })

  it.each([
    ['--prot 1', 'Unknown argument: prot'],
    ['serve', "'serve' is not a command of dohle"],
    ['--port 65536', '--port 65536: use a number from 0 to 65535'],
    ['--port -1', '--port -1: use a number from 0 to 65535'],
    ['--port 9o92', '--port 9o92: use a number from 0 to 65535'],
    ['--cluster-id x', '--cluster-id x: use 22 letters, digits, - or _'],
    ['--data', 'Not enough arguments following: data'],
    ['--override novalue', '--override novalue: use key=value'],
    ['--memory --data x', '--memory keeps nothing and --data keeps it: give one of them'],
    ['--port 1 --port 2', '--port is given twice'],
    ['--topic a:1 --topic a:2', '--topic a is given twice'],
  ])('refuses %s in one line', async (text, message) => {
    expect(await refusal(text)).toEqual([ExitCode.USAGE, `${message} (see dohle --help)`])
  })

  it('names the choices where there are some', async () => {
    const [exitCode, message] = (await refusal('--mode test')) as [number, string]
    expect(exitCode).toBe(ExitCode.USAGE)
    expect(message).toMatch(/mode.*test.*dev.*prod/)
    expect(message).not.toContain('\n')
  })

  it.each([
    ['--topic a:0', "'0' is not a number of partitions: use 1 to 10000"],
    ['--topic a:10001', "'10001' is not a number of partitions: use 1 to 10000"],
    ['--topic a:x', "'x' is not a number of partitions: use 1 to 10000"],
    ['--topic a/b', "'a/b' is not a topic name: use 1 to 249 letters, digits, '.', '_', '-'"],
    ['--topic ..', "'..' is not a topic name: use 1 to 249 letters, digits, '.', '_', '-'"],
    ['--topic a:1:delete', 'after the numbers of partitions and replicas only :compact may follow'],
    ['--topic a:1:33', "'33' is not a number of replicas: use 1 to 32"],
    [
      '--topic a:1:compact:1',
      'after the numbers of partitions and replicas only :compact may follow',
    ],
  ])('refuses %s', async (text, reason) => {
    expect(await refusal(text)).toEqual([
      ExitCode.USAGE,
      `${text}: ${reason} (as in --topic orders:3)`,
    ])
  })

  it('has a topic of one partition when none is said', async () => {
    expect((await parse('--topic a'))?.topics).toEqual([
      { name: 'a', partitions: 1, replicationFactor: undefined, compact: false },
    ])
  })
})
