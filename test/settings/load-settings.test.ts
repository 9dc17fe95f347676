import { describe, expect, test } from 'vitest'
import { settingOfVariable, variableOfSetting } from '../../src/settings/environment.ts'
import { resolveListeners } from '../../src/settings/listeners.ts'
import { loadSettings } from '../../src/settings/load-settings.ts'
import { logConfig } from '../../src/settings/log-config.ts'
import { parseProperties } from '../../src/settings/properties.ts'
import { resolveTopicConfig } from '../../src/settings/topic-settings.ts'
import type { LogConfig } from '../../src/storage/engine.ts'

function load(text = '', environment = {}, flags: [string, string][] = []) {
  return loadSettings({
    file: { path: 'server.properties', text },
    environment,
    flags: new Map(flags),
  })
}

describe('properties files', () => {
  test('keys end at =, : or a blank, and comments are skipped', () => {
    const text = '# c\n! c\n\na=1\nb : 2\n  c 3\nd\ne==x'
    expect(parseProperties(text)).toEqual([
      { key: 'a', value: '1', line: 4 },
      { key: 'b', value: '2', line: 5 },
      { key: 'c', value: '3', line: 6 },
      { key: 'd', value: '', line: 7 },
      { key: 'e', value: '=x', line: 8 },
    ])
  })

  test('a backslash at the end of a line continues it; two of them do not', () => {
    expect(parseProperties('a=1,\\\n   2\nb=x\\\\\nc=3')).toEqual([
      { key: 'a', value: '1,2', line: 1 },
      { key: 'b', value: 'x\\', line: 3 },
      { key: 'c', value: '3', line: 4 },
    ])
  })

  test('escapes stand for their characters in keys and values', () => {
    expect(parseProperties('a\\=b\\ c=\\u0041\\tx\\q')).toEqual([
      { key: 'a=b c', value: 'A\txq', line: 1 },
    ])
  })

  test('blanks at the end of a value stay, as in Java', () => {
    expect(parseProperties('a= x ')[0]!.value).toBe('x ')
  })
})

describe('merging', () => {
  test('defaults < file < environment < flags, with the source of each', () => {
    const { settings, where } = load(
      'num.partitions=2\nlog.segment.bytes=2000000\nlog.roll.hours=1',
      { KAFKA_NUM_PARTITIONS: '3', KAFKA_LOG_SEGMENT_BYTES: '3000000' },
      [['num.partitions', '4']],
    )
    expect(settings.numPartitions).toBe(4)
    expect(settings.logSegmentBytes).toBe(3_000_000)
    expect(settings.logRollHours).toBe(1)
    expect(settings.messageMaxBytes).toBe(1_048_588)
    expect(where.get('num.partitions')).toBe('command line')
    expect(where.get('log.segment.bytes')).toBe('KAFKA_LOG_SEGMENT_BYTES')
    expect(where.get('log.roll.hours')).toBe('server.properties line 3')
    expect(settings.source('log.segment.bytes')).toBe('environment')
    expect(settings.source('message.max.bytes')).toBe('default')
  })

  test('broker.id is node.id by an older name: with one given, both are set', () => {
    const ids = ({ settings }: ReturnType<typeof load>) => [settings.nodeId, settings.brokerId]
    expect(ids(load(''))).toEqual([1, 1])
    expect(ids(load('node.id=3'))).toEqual([3, 3])
    expect(ids(load('broker.id=0'))).toEqual([0, 0])
    expect(ids(load('broker.id=-1'))).toEqual([1, -1])
    expect(ids(load('broker.id=0', { KAFKA_NODE_ID: '2' }))).toEqual([2, 0])
  })

  test('what AlterConfigs sets wins over all, that for one broker over that for all', () => {
    const { settings } = load('log.segment.bytes=2000000')
    let changes = 0
    settings.onChange(() => changes++)
    settings.setDynamic('dynamic-default', new Map([['log.segment.bytes', '3000000']]))
    expect(settings.logSegmentBytes).toBe(3_000_000)
    settings.setDynamic('dynamic', new Map([['log.segment.bytes', '4000000']]))
    expect(settings.logSegmentBytes).toBe(4_000_000)
    settings.setDynamic('dynamic', new Map())
    settings.setDynamic('dynamic-default', new Map())
    expect(settings.logSegmentBytes).toBe(2_000_000)
    expect(changes).toBe(4)
  })

  test('a mode sets defaults below the file', () => {
    expect(load().settings.groupInitialRebalanceDelayMs).toBe(0)
    expect(load().settings.durability).toBe('os')
    expect(load('dohle.mode=prod').settings.groupInitialRebalanceDelayMs).toBe(3000)
    expect(load('dohle.mode=prod').settings.durability).toBe('sync')
    expect(load('group.initial.rebalance.delay.ms=7').settings.groupInitialRebalanceDelayMs).toBe(7)
  })

  test('variables are named as in Apache Kafka’s image', () => {
    expect(settingOfVariable('KAFKA_LOG_DIRS')).toBe('log.dirs')
    expect(settingOfVariable('KAFKA_CFG_LOG_DIRS')).toBe('log.dirs')
    expect(settingOfVariable('KAFKA_A__B___C')).toBe('a_b-c')
    expect(settingOfVariable('KAFKA_HEAP_OPTS')).toBeUndefined()
    expect(settingOfVariable('PATH')).toBeUndefined()
    expect(settingOfVariable(variableOfSetting('listener.name.a_b-c.ssl'))).toBe(
      'listener.name.a_b-c.ssl',
    )
  })
})

describe('what is told to the operator', () => {
  test('a wrong value: key, value, where, and what is allowed', () => {
    const { errors, settings } = load('num.partitions=0')
    expect(errors).toEqual([
      {
        name: 'num.partitions',
        value: '0',
        where: 'server.properties line 1',
        message:
          'Invalid value 0 for configuration num.partitions: Value must be at least 1 ' +
          '(allowed: int, at least 1)',
      },
    ])
    expect(settings.numPartitions).toBe(1)
  })

  test('an unknown key, with the nearest known one', () => {
    expect(load('num.partition=3').warnings[0]!.message).toBe(
      'num.partition is not a setting; did you mean num.partitions?',
    )
  })

  test('a key without effect', () => {
    expect(load('num.io.threads=3').warnings[0]!.message).toBe(
      'num.io.threads has no effect in dohle',
    )
  })

  test('values that do not go together', () => {
    const { errors } = load('node.id=2\nbroker.id=3')
    expect(errors.map(({ name, where }) => [name, where])).toEqual([
      ['broker.id', 'server.properties line 2'],
    ])
  })

  test('several folders for data, where the brokers of one process share one', () => {
    expect(load('log.dirs=/a,/b').errors).toEqual([])
    const { errors } = load('dohle.brokers=2\nlog.dirs=/a,/b')
    expect(errors.map(({ name, where }) => [name, where])).toEqual([
      ['log.dirs', 'server.properties line 2'],
    ])
  })

  test('a cordoned folder that log.dirs does not name', () => {
    expect(load('log.dirs=/a,/b\ncordoned.log.dirs=/b').errors).toEqual([])
    const { errors } = load('log.dirs=/a,/b\ncordoned.log.dirs=/c')
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringContaining('Missing entries : /c'),
    ])
  })

  test('the secret of a password setting is not repeated', () => {
    expect(JSON.stringify(load('ssl.key.password=hunter2'))).not.toContain('hunter2')
  })
})

describe('listeners', () => {
  test('those of the controller are left out; advertised ones go with them', () => {
    const { settings } = load(
      'dohle.insecure=true\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\n' +
        'advertised.listeners=PLAINTEXT://example.com:19092\n' +
        'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    )
    expect(resolveListeners(settings)).toEqual([
      {
        name: 'PLAINTEXT',
        securityProtocol: 'PLAINTEXT',
        host: '',
        port: 9092,
        advertised: { host: 'example.com', port: 19092 },
      },
    ])
  })

  test.each([
    ['listeners=PLAINTEXT:9092', 'Unable to parse it to an endpoint'],
    ['listeners=A://h:1', 'No security protocol defined for listener A'],
    ['listeners=PLAINTEXT://h:1,PLAINTEXT://h:2', 'Each listener must have a different name'],
    ['listeners=PLAINTEXT://h:1,SSL://h:1', 'Each listener must have a different port'],
    ['advertised.listeners=PLAINTEXT://0.0.0.0:1', 'nonroutable meta-address'],
    ['advertised.listeners=SSL://h:1', 'not one of the listeners'],
  ])('%s is refused', (text, message) => {
    expect(load(text).errors[0]!.message).toContain(message)
  })

  test('one IPv4 and one IPv6 address may share a port, and any number port 0', () => {
    const text =
      'listeners=PLAINTEXT://127.0.0.1:1,SSL://[::1]:1,SASL_SSL://h:0,SASL_PLAINTEXT://h:0'
    expect(load(text).errors).toEqual([])
  })
})

describe('topic configs', () => {
  const config = (text: string, overrides: [string, string][] = []): LogConfig =>
    logConfig(resolveTopicConfig(load(text).settings, new Map(overrides)))

  test('ms beats minutes beats hours, and any negative retention is no limit', () => {
    expect(config('').retentionMs).toBe(604_800_000)
    expect(config('log.retention.hours=1').retentionMs).toBe(3_600_000)
    expect(config('log.retention.hours=1\nlog.retention.minutes=2').retentionMs).toBe(120_000)
    expect(config('log.retention.minutes=2\nlog.retention.ms=3').retentionMs).toBe(3)
    expect(config('log.retention.hours=-5').retentionMs).toBe(-1)
  })

  test('a topic’s own config beats the broker’s', () => {
    const overrides: [string, string][] = [
      ['cleanup.policy', 'compact,delete'],
      ['segment.ms', '5'],
    ]
    expect(config('log.roll.ms=9\nlog.segment.bytes=2000000', overrides)).toMatchObject({
      segmentMs: 5,
      segmentBytes: 2_000_000,
      cleanupCompact: true,
      cleanupDelete: true,
      flushMs: Number.MAX_SAFE_INTEGER,
    })
  })
})
