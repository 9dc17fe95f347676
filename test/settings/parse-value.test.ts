import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { brokerSettings, brokerSettingsByName } from '../../src/settings/broker-settings.ts'
import { javaDouble } from '../../src/settings/java-double.ts'
import { canonicalText, parseValue } from '../../src/settings/parse-value.ts'
import type { Setting } from '../../src/settings/setting.ts'
import { groupConfigTable } from '../../src/settings/tables/group-configs.ts'
import { topicSettingsByName } from '../../src/settings/topic-settings.ts'

const all = new Map<string, Setting>([
  ...brokerSettingsByName,
  ...Object.entries(groupConfigTable),
  ...topicSettingsByName,
])

function parse(name: string, text: string) {
  return parseValue(name, all.get(name)!, text)
}

const THROTTLED =
  'leader.replication.throttled.replicas must be the literal ' +
  "'*' or a list of replicas in the following format: " +
  '[partitionId]:[brokerId],[partitionId]:[brokerId],...'
const RESET =
  "The value must be either 'earliest', 'latest' or of the format 'by_duration:<PnDTnHnMn.nS>'."

describe('a wrong value is refused in the words of Apache Kafka', () => {
  test.each([
    ['retention.ms', 'abc', 'Not a number of type LONG'],
    ['retention.ms', '', 'Not a number of type LONG'],
    ['retention.ms', '99999999999999999999', 'Not a number of type LONG'],
    ['retention.ms', '-2', 'Value must be at least -1'],
    ['segment.bytes', '5', 'Value must be at least 1048576'],
    ['segment.bytes', '3000000000', 'Not a number of type INT'],
    ['segment.bytes', '1.5', 'Not a number of type INT'],
    ['offsets.topic.replication.factor', '40000', 'Not a number of type SHORT'],
    ['min.cleanable.dirty.ratio', 'x', 'Not a number of type DOUBLE'],
    ['min.cleanable.dirty.ratio', '1.5', 'Value must be no more than 1'],
    ['preallocate', 'yes', 'Expected value to be either true or false'],
    ['cleanup.policy', 'foo', 'String must be one of: compact, delete'],
    [
      'compression.type',
      'foo',
      'String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer',
    ],
    ['compression.gzip.level', '0', 'Value must be between 1 and 9 or equal to -1'],
    ['compression.lz4.level', '18', 'Value must be no more than 17'],
    [
      'share.isolation.level',
      'READ_COMMITTED',
      'String must be one of: read_committed, read_uncommitted',
    ],
    ['remote.log.storage.manager.impl.prefix', '', 'String must be non-empty'],
    [
      'group.consumer.migration.policy',
      'x',
      'String must be one of (case insensitive): DISABLED, DOWNGRADE, UPGRADE, BIDIRECTIONAL',
    ],
    [
      'share.auto.offset.reset',
      'by_duration:-P1D',
      `Invalid value \`by_duration:-P1D\` for configuration share.auto.offset.reset. ${RESET}`,
    ],
  ])('%s=%s', (name, text, why) => {
    expect(() => parse(name, text)).toThrow(
      `Invalid value ${text} for configuration ${name}: ${why}`,
    )
  })

  test('a double is shown as Java shows it', () => {
    const message =
      'Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1'
    expect(() => parse('min.cleanable.dirty.ratio', '2')).toThrow(message)
  })

  test.each([
    [
      'leader.replication.throttled.replicas',
      '*,0:1',
      `Invalid value [*, 0:1] for configuration leader.replication.throttled.replicas: ${THROTTLED}`,
    ],
    [
      'cleanup.policy',
      'delete,,compact',
      "Configuration 'cleanup.policy' values must not be empty.",
    ],
    [
      'log.dirs',
      '',
      "Configuration 'log.dirs' must not be empty. Valid values include: any non-empty value",
    ],
    [
      'group.coordinator.rebalance.protocols',
      '',
      "Configuration 'group.coordinator.rebalance.protocols' must not be empty. Valid values include: [consumer, classic, share, streams]",
    ],
    [
      'controller.quorum.voters',
      '1@h:p',
      'Failed to parse host name from entry 1@h:p for the configuration controller.quorum.voters. Each entry should be in the form `{id}@{host}:{port}`.',
    ],
  ])('%s=%s', (name, text, message) => {
    expect(() => parse(name, text)).toThrow(message)
  })
})

describe('a good value is read as Java reads it', () => {
  test('a list with as many blanks as there can be, in as many steps', () => {
    const blanks = ' '.repeat(200_000)
    const text = `a${blanks}b${blanks},${blanks}c`
    expect(parse('log.dirs', text)).toEqual([`a${blanks}b`, 'c'])
  })

  test.each([
    ['retention.ms', ' 5 ', 5, '5'],
    ['retention.ms', '+5', 5, '5'],
    ['retention.ms', '007', 7, '7'],
    ['flush.ms', '9223372036854775807', Number.MAX_SAFE_INTEGER, '9223372036854775807'],
    ['min.cleanable.dirty.ratio', '0.50', 0.5, '0.5'],
    ['min.cleanable.dirty.ratio', '1e-5', 1e-5, '1.0E-5'],
    ['min.cleanable.dirty.ratio', '1', 1, '1.0'],
    ['preallocate', ' TRUE', true, 'true'],
    ['cleanup.policy', 'delete,delete', ['delete'], 'delete'],
    ['cleanup.policy', ' delete , compact ', ['delete', 'compact'], 'delete,compact'],
    ['cleanup.policy', '', [], ''],
    [
      'share.auto.offset.reset',
      'by_duration:PT1H30M',
      'by_duration:PT1H30M',
      'by_duration:PT1H30M',
    ],
    ['leader.replication.throttled.replicas', '0:1,1:2', ['0:1', '1:2'], '0:1,1:2'],
  ])('%s=%s', (name, text, value, shown) => {
    expect(parse(name, text)).toEqual(value)
    expect(canonicalText(all.get(name)!, text)).toBe(shown)
  })
})

test('every default of every table is an allowed value', () => {
  for (const [name, { defaultText }] of all) {
    if (defaultText != null) expect(() => parse(name, defaultText), name).not.toThrow()
  }
})

test('a double is printed as Java prints it', () => {
  const shown = [0, 1, 0.1, 1e-3, 1e-4, 1e7, 123456.5, 1.7976931348623157e308].map(javaDouble)
  expect(shown).toEqual([
    '0.0',
    '1.0',
    '0.1',
    '0.001',
    '1.0E-4',
    '1.0E7',
    '123456.5',
    '1.7976931348623157E308',
  ])
})

test('a password does not print itself', () => {
  const secret = parseValue('sasl.jaas.config', brokerSettings['sasl.jaas.config'], 'hunter2')!
  expect([String(secret), JSON.stringify({ secret }), inspect({ secret })].join()).not.toContain(
    'hunter2',
  )
  expect(secret.reveal()).toBe('hunter2')
})
