import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DescribeConfigs } from '../../../src/protocol/apis/32-describe-configs.ts'
import { AlterConfigs } from '../../../src/protocol/apis/33-alter-configs.ts'
import { IncrementalAlterConfigs } from '../../../src/protocol/apis/44-incremental-alter-configs.ts'
import { ListConfigResources } from '../../../src/protocol/apis/74-list-config-resources.ts'
import { ConfigResourceType } from '../../../src/storage/metadata-store.ts'
import { startTestBroker, type TestBroker } from '../test-broker.ts'

/** Codes, messages, sources and synonyms are those of Apache Kafka 4.3.1, asked on the wire. */

const { TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP } = ConfigResourceType
const [SET, DELETE, APPEND, SUBTRACT] = [0, 1, 2, 3]

type Op = readonly [name: string, operation: number, value: string | null]

let broker: TestBroker
beforeEach(async () => {
  broker = await startTestBroker({ settings: { 'log.retention.hours': '100' } })
  broker.createTopic('orders')
})
afterEach(() => broker.close())

async function alter(type: number, name: string, ops: readonly Op[], validateOnly = false) {
  const { responses } = await broker.ask(IncrementalAlterConfigs, 1, {
    resources: [resource(type, name, ops)],
    validateOnly,
  })
  return [responses[0]!.errorCode, responses[0]!.errorMessage]
}

function resource(resourceType: number, resourceName: string, ops: readonly Op[]) {
  const configs = ops.map(([name, configOperation, value]) => ({ name, configOperation, value }))
  return { resourceType, resourceName, configs }
}

async function describeOne(type: number, name: string, keys: readonly string[] | null = null) {
  const { results } = await broker.ask(DescribeConfigs, 4, {
    resources: [{ resourceType: type, resourceName: name, configurationKeys: keys }],
    includeSynonyms: true,
    includeDocumentation: false,
  })
  return results[0]!
}

/** One config as [value, source, synonyms as "source name=value"]. */
async function config(type: number, name: string, key: string) {
  const { configs } = await describeOne(type, name, [key])
  const { value, configSource, synonyms } = configs[0]!
  return [value, configSource, synonyms.map((one) => `${one.source} ${one.name}=${one.value}`)]
}

function stored(type: ConfigResourceType, name: string): Record<string, string> {
  return Object.fromEntries(broker.metadata.image.configs(type, name))
}

describe('the configs of a topic', () => {
  test('an override stands before the broker’s values; the default is last', async () => {
    await alter(TOPIC, 'orders', [['segment.bytes', SET, '2000000']])
    expect(await config(TOPIC, 'orders', 'segment.bytes')).toEqual([
      '2000000',
      1,
      ['1 segment.bytes=2000000', '5 log.segment.bytes=1073741824'],
    ])
    expect(await config(TOPIC, 'orders', 'cleanup.policy')).toEqual([
      'delete',
      5,
      ['5 log.cleanup.policy=delete'],
    ])
  })

  test('a retention in hours holds but is no synonym of one in milliseconds', async () => {
    expect(await config(TOPIC, 'orders', 'retention.ms')).toEqual(['360000000', 5, []])
    await alter(BROKER, '1', [['log.retention.ms', SET, ' 3600000 ']])
    expect(await config(TOPIC, 'orders', 'retention.ms')).toEqual([
      '3600000',
      2,
      ['2 log.retention.ms= 3600000 ', '4 log.retention.hours=100', '5 log.retention.hours=168'],
    ])
  })

  test('all 33 are there, none read-only, the hidden one only when it is set', async () => {
    const { configs } = await describeOne(TOPIC, 'orders')
    expect(configs).toHaveLength(33)
    expect(configs.some(({ readOnly }) => readOnly)).toBe(false)
    await alter(TOPIC, 'orders', [['internal.segment.bytes', SET, '1000']])
    expect((await describeOne(TOPIC, 'orders')).configs).toHaveLength(34)
  })

  test('an operation that is none is answered as by Kafka, whose code fails on it', async () => {
    expect(await alter(TOPIC, 'orders', [['retention.ms', 9, '1']])).toEqual([-1, null])
  })

  test('appending and subtracting start from what holds', async () => {
    expect(await alter(TOPIC, 'orders', [['cleanup.policy', APPEND, 'compact']])).toEqual([0, null])
    expect(stored(TOPIC, 'orders')).toEqual({ 'cleanup.policy': 'delete,compact' })
    await alter(TOPIC, 'orders', [['cleanup.policy', SUBTRACT, 'delete']])
    expect(stored(TOPIC, 'orders')).toEqual({ 'cleanup.policy': 'compact' })
  })

  // Asked of Apache Kafka 4.3.1, in this order.
  test.each([
    ['blanks are a part of an item', APPEND, '0:1,0:2', '0:2, 0:3', '0:1,0:2, 0:3'],
    ['with blanks it is another one', SUBTRACT, '0:1, 0:2', '0:2', '0:1, 0:2'],
    ['the same blanks take it out', SUBTRACT, '0:1, 0:2', ' 0:2', '0:1'],
    ['only the first of equal ones goes', SUBTRACT, '0:1,0:2,0:1', '0:1', '0:2,0:1'],
    ['nothing is an item, too', APPEND, '0:1', '', '0:1,'],
    ['but for those at the end', APPEND, '0:1', ',0:5,', '0:1,,0:5'],
    ['those that were there go', APPEND, '', '0:1', '0:1'],
  ])('of lists, %s', async (_, operation, before, named, after) => {
    const name = 'leader.replication.throttled.replicas'
    await alter(TOPIC, 'orders', [[name, SET, before]])
    expect(await alter(TOPIC, 'orders', [[name, operation, named]])).toEqual([0, null])
    expect(stored(TOPIC, 'orders')).toEqual({ [name]: after })
  })

  test.each([
    ['metric.reporters', '  '],
    ['max.connections.per.ip.overrides', '  '],
    ['max.connections.per.ip.overrides', '127.0.0.1:5,'],
  ])('%s of a broker may be %j: nothing is in it, or behind it', async (name, value) => {
    expect(await alter(BROKER, '', [[name, SET, value]])).toEqual([0, null])
    expect(stored(BROKER, '')).toMatchObject({ [name]: value })
  })

  test('a deletion goes back to the default, also of what was not set', async () => {
    await alter(TOPIC, 'orders', [['retention.ms', SET, '5']])
    await alter(TOPIC, 'orders', [
      ['retention.ms', DELETE, null],
      ['foo', DELETE, 'x'],
    ])
    expect(stored(TOPIC, 'orders')).toEqual({})
  })

  test('a change takes effect at once', async () => {
    const topic = broker.metadata.image.topicsByName.get('orders')!
    expect(broker.broker.topics.config(topic).maxMessageBytes).toBe(1_048_588)
    await alter(TOPIC, 'orders', [['max.message.bytes', SET, '1000']])
    expect(broker.broker.topics.config(topic).maxMessageBytes).toBe(1000)
    await alter(BROKER, '', [['message.max.bytes', SET, '500']])
    await alter(TOPIC, 'orders', [['max.message.bytes', DELETE, null]])
    expect(broker.broker.topics.config(topic).maxMessageBytes).toBe(500)
  })

  test.each<[string, Op, number, string]>([
    [
      'orders',
      ['retention.ms', SET, 'x'],
      40,
      'Invalid value x for configuration retention.ms: Not a number of type LONG',
    ],
    ['orders', ['foo', SET, '1'], 40, 'Unknown topic config name: foo'],
    ['orders', ['retention.ms', SET, null], 42, 'Null value not supported for : retention.ms'],
    [
      'orders',
      ['retention.ms', APPEND, '1'],
      40,
      "Can't APPEND to key retention.ms because its type is not LIST.",
    ],
    ['nope', ['retention.ms', SET, '1'], 3, "The topic 'nope' does not exist."],
    ['', ['retention.ms', SET, '1'], 42, 'Default topic resources are not allowed.'],
    [
      'bad name',
      ['retention.ms', SET, '1'],
      17,
      "Topic name is invalid: 'bad name' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'",
    ],
  ])('%s: %j is refused', async (name, op, code, message) => {
    expect(await alter(TOPIC, name, [op])).toEqual([code, message])
    expect(stored(TOPIC, name)).toEqual({})
  })

  test('a value may not grow beyond what Kafka can store', async () => {
    const items = (from: number) => Array.from({ length: 3500 }, (_, i) => `${from + i}:1`).join()
    const append = (from: number) =>
      alter(TOPIC, 'orders', [['leader.replication.throttled.replicas', APPEND, items(from)]])
    expect((await append(0))[0]).toBe(0)
    expect(await append(5000)).toEqual([
      40,
      'The configuration value cannot be added because it exceeds the maximum value size of 32767 bytes.',
    ])
  })

  test.each([
    ['nope', 3, ''],
    ['', 17, 'Topic name is invalid: the empty string is not allowed'],
  ])('describing topic %j', async (name, code, message) => {
    const { errorCode, errorMessage } = await describeOne(TOPIC, name)
    expect([errorCode, errorMessage]).toEqual([code, message])
  })
})

describe('the settings of a broker', () => {
  test('all of them are shown, with what is read-only', async () => {
    const { configs } = await describeOne(BROKER, '1')
    expect(configs).toHaveLength(340)
    const find = (key: string) => configs.find(({ name }) => name === key)!
    expect(find('num.partitions').readOnly).toBe(true)
    expect(find('log.cleaner.threads')).toMatchObject({ readOnly: false, configType: 3 })
    expect(find('ssl.key.password')).toMatchObject({ isSensitive: true, value: null })
    expect(configs.some(({ name }) => name.startsWith('dohle.'))).toBe(false)
  })

  test('each synonym shows with its source', async () => {
    await alter(BROKER, '1', [['log.cleaner.threads', SET, '2']])
    expect(await config(BROKER, '1', 'log.cleaner.threads')).toEqual([
      '2',
      2,
      ['2 log.cleaner.threads=2', '5 log.cleaner.threads=1'],
    ])
    expect(await config(BROKER, '1', 'log.retention.hours')).toEqual([
      '100',
      4,
      ['4 log.retention.hours=100', '5 log.retention.hours=168'],
    ])
    expect(await config(BROKER, '1', 'log.retention.ms')).toEqual([null, 5, []])
  })

  test('the cluster default shows what is set there, and counts less than a broker’s own', async () => {
    await alter(BROKER, '', [['log.cleaner.threads', SET, '2']])
    const { configs } = await describeOne(BROKER, '')
    expect(configs.map(({ name, value, configSource }) => [name, value, configSource])).toEqual([
      ['log.cleaner.threads', '2', 3],
    ])
    expect(broker.broker.settings.logCleanerThreads).toBe(2)
    await alter(BROKER, '1', [['log.cleaner.threads', SET, '3']])
    expect(broker.broker.settings.logCleanerThreads).toBe(3)
    await alter(BROKER, '1', [['log.cleaner.threads', DELETE, null]])
    await alter(BROKER, '', [['log.cleaner.threads', DELETE, null]])
    expect(broker.broker.settings.logCleanerThreads).toBe(1)
  })

  test('names that Kafka does not know are kept and hidden like a secret', async () => {
    expect(await alter(BROKER, '1', [['my.own', SET, 'x']])).toEqual([0, null])
    const { configs } = await describeOne(BROKER, '1', ['my.own'])
    expect(configs[0]).toMatchObject({
      value: null,
      isSensitive: true,
      readOnly: true,
      configSource: 2,
      configType: 0,
    })
  })

  const WRAPPED = (why: string) =>
    `Invalid value org.apache.kafka.common.config.ConfigException: ${why} for configuration ` +
    'Invalid dynamic configuration'
  test.each<[string, Op, number, string]>([
    [
      '1',
      ['process.roles', SET, 'broker'],
      42,
      'Cannot update these configs dynamically: [process.roles]',
    ],
    [
      '2',
      ['log.cleaner.threads', SET, '2'],
      42,
      'Unexpected broker id, expected 1, but received 2',
    ],
    ['x', ['log.cleaner.threads', SET, '2'], 42, 'Node id must be an integer, but it is: x'],
    [
      '',
      ['listeners', SET, 'PLAINTEXT://:1'],
      42,
      'Cannot update these configs at default cluster level, broker id must be specified: [listeners]',
    ],
    [
      '1',
      ['log.cleaner.threads', SET, 'x'],
      42,
      'Invalid value x for configuration log.cleaner.threads: Not a number of type INT',
    ],
    [
      '1',
      ['log.cleaner.threads', SET, '5'],
      42,
      WRAPPED('Log cleaner threads cannot be increased to more than double the current value 1'),
    ],
    [
      '1',
      ['num.io.threads', SET, '17'],
      42,
      WRAPPED(
        'Dynamic thread count update validation failed for num.io.threads=17, value should not be greater than double the current value 8',
      ),
    ],
    [
      '1',
      ['num.io.threads', SET, '3'],
      42,
      WRAPPED(
        'Dynamic thread count update validation failed for num.io.threads=3, value should be at least half the current value 8',
      ),
    ],
    [
      '1',
      ['num.io.threads', SET, '0'],
      42,
      'Invalid value 0 for configuration num.io.threads: Value must be at least 1',
    ],
    [
      '1',
      ['ssl.keystore.location', SET, '/x'],
      42,
      'These security configs can be dynamically updated only per-listener using the listener prefix: [ssl.keystore.location]',
    ],
    [
      '1',
      ['log.retention.ms', APPEND, '1'],
      40,
      'Config value append is not allowed for config key: log.retention.ms',
    ],
  ])('broker %j: %j is refused', async (name, op, code, message) => {
    expect(await alter(BROKER, name, [op])).toEqual([code, message])
  })

  const cordoned = 'must be present in log.dirs or log.dir. Missing entries : /x'
  test.each([
    ['log.retention.ms', '0', 'log.retention.ms must be unlimited (-1) or, greater than'],
    ['log.roll.ms', '0', 'log.roll.ms must be greater than or equal to 1'],
    ['cordoned.log.dirs', '/x', `All entries in cordoned.log.dirs ${cordoned}`],
    ['log.cleaner.dedupe.buffer.size', '1048576', 'must be at least 1MB per cleaner thread.'],
    ['log.cleaner.threads', '0', '/ by zero'],
    ['max.connections.per.ip', '0', 'can be set to zero only if max.connections.per.ip.overrides'],
    ['max.connections.per.ip.overrides', 'nonsense', 'begin 0, end -1, length 8'],
    ['max.connections.per.ip.overrides', 'host:x', 'For input string: "x"'],
    ['max.connections', '0', 'Invalid max.connections 0'],
    ['metric.reporters', 'x', 'Validation of dynamic config update of Set(metric.reporters)'],
    [
      'group.share.assignment.interval.ms',
      '99999',
      'must be less than or equal to group.share.max',
    ],
  ])('%s=%s is refused as at the start of a broker', async (name, value, message) => {
    const [code, text] = await alter(BROKER, '1', [[name, SET, value]])
    expect(code).toBe(42)
    expect(text).toContain(message)
  })

  test('with eligible leader replicas min.insync.replicas is one for all brokers', async () => {
    await broker.metadata.commit([
      {
        type: 'FeatureLevelRecord',
        value: { name: 'eligible.leader.replicas.version', featureLevel: 1 },
      },
    ])
    await alter(BROKER, '', [['min.insync.replicas', SET, '1']])
    expect(await alter(BROKER, '1', [['min.insync.replicas', SET, '1']])).toEqual([
      40,
      'Broker-level min.insync.replicas cannot be altered while ELR is enabled.',
    ])
    expect((await alter(BROKER, '1', [['min.insync.replicas', DELETE, null]]))[0]).toBe(40)
    expect(await alter(BROKER, '', [['min.insync.replicas', DELETE, null]])).toEqual([
      40,
      'Cluster-level min.insync.replicas cannot be removed while ELR is enabled.',
    ])
  })

  test.each([
    ['x', 'Broker id must be an integer, but it is: x'],
    ['2', 'Unexpected broker id, expected 1 or empty string, but received 2'],
  ])('describing broker %j is refused', async (name, message) => {
    const { errorCode, errorMessage } = await describeOne(BROKER, name)
    expect([errorCode, errorMessage]).toEqual([42, message])
  })
})

describe('the configs of a group', () => {
  test('fall back to the broker, or to their default', async () => {
    await alter(GROUP, 'g', [['consumer.session.timeout.ms', SET, '50000']])
    expect(await config(GROUP, 'g', 'consumer.session.timeout.ms')).toEqual([
      '50000',
      8,
      ['8 consumer.session.timeout.ms=50000', '5 group.consumer.session.timeout.ms=45000'],
    ])
    expect(await config(GROUP, 'other', 'share.auto.offset.reset')).toEqual([
      'latest',
      5,
      ['5 share.auto.offset.reset=latest'],
    ])
    expect((await describeOne(GROUP, 'other')).configs).toHaveLength(17)
  })

  test.each<[string, Op, number, string]>([
    ['g', ['foo', SET, '1'], 40, 'Unknown group config name: foo'],
    ['', ['share.isolation.level', SET, 'x'], 42, 'Default group resources are not allowed.'],
    [
      'g',
      ['consumer.session.timeout.ms', SET, '1000'],
      40,
      'consumer.session.timeout.ms must be greater than or equal to group.consumer.min.session.timeout.ms',
    ],
    [
      'g',
      ['consumer.session.timeout.ms', SET, '70000'],
      40,
      'consumer.session.timeout.ms must be less than or equal to group.consumer.max.session.timeout.ms',
    ],
    [
      'g',
      ['streams.num.standby.replicas', SET, '3'],
      40,
      'streams.num.standby.replicas must be less than or equal to group.streams.max.standby.replicas',
    ],
    [
      'g',
      ['share.delivery.count.limit', SET, '1'],
      40,
      'Invalid value 1 for configuration share.delivery.count.limit: Value must be at least 2',
    ],
    [
      'g',
      ['share.partition.max.record.locks', SET, '5000'],
      40,
      'share.partition.max.record.locks must be less than or equal to group.share.max.partition.max.record.locks',
    ],
  ])('%j: %j is refused', async (name, op, code, message) => {
    expect(await alter(GROUP, name, [op])).toEqual([code, message])
  })
})

describe('subscriptions to client metrics', () => {
  test('show what is set and the defaults, also under an unknown name', async () => {
    await alter(CLIENT_METRICS, 'm', [['interval.ms', SET, '5000']])
    expect(await config(CLIENT_METRICS, 'm', 'interval.ms')).toEqual([
      '5000',
      7,
      ['7 interval.ms=5000'],
    ])
    expect(await config(CLIENT_METRICS, 'm', 'match')).toEqual(['', 5, []])
    expect(await config(CLIENT_METRICS, 'other', 'interval.ms')).toEqual(['300000', 5, []])
  })

  test.each<[string, Op, number, string]>([
    ['m', ['foo', SET, 'a'], 42, 'Unknown client metrics configuration: foo'],
    ['', ['metrics', SET, '*'], 42, "Subscription name can't be empty"],
    [
      'm',
      ['interval.ms', SET, '50'],
      42,
      'Invalid value 50 for interval.ms, interval must be between 100 and 3600000 (1 hour)',
    ],
    [
      'm',
      ['interval.ms', SET, 'x'],
      40,
      'Invalid value x for configuration interval.ms: Not a number of type INT',
    ],
    ['m', ['match', SET, 'client_id'], 40, 'Illegal client matching pattern: client_id'],
    ['m', ['match', SET, 'foo=bar'], 40, 'Illegal client matching pattern: foo=bar'],
    ['m', ['match', SET, 'client_id=['], 40, 'Illegal client matching pattern: client_id=['],
  ])('%j: %j is refused', async (name, op, code, message) => {
    expect(await alter(CLIENT_METRICS, name, [op])).toEqual([code, message])
  })
})

describe('loggers', () => {
  test('the root logger can be set and shows its level', async () => {
    expect(await alter(BROKER_LOGGER, '1', [['root', SET, 'DEBUG']])).toEqual([0, null])
    expect(await config(BROKER_LOGGER, '1', 'root')).toEqual(['DEBUG', 6, []])
    expect(await alter(BROKER_LOGGER, '1', [['root', SET, 'WARN']], true)).toEqual([0, null])
    expect(await config(BROKER_LOGGER, '1', 'root')).toEqual(['DEBUG', 6, []])
  })

  test.each<[string, Op, number, string]>([
    ['1', ['no.such', SET, 'DEBUG'], 40, 'Logger no.such does not exist!'],
    ['1', ['root', DELETE, null], 42, 'Removing the log level of the root logger is not allowed'],
    [
      '1',
      ['root', APPEND, 'DEBUG'],
      42,
      'APPEND operation is not allowed for the BROKER_LOGGER resource',
    ],
    [
      '1',
      ['root', SET, 'LOUD'],
      40,
      'Cannot set the log level of root to LOUD as it is not a supported log level. Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN',
    ],
    ['2', ['root', SET, 'DEBUG'], 42, 'Unexpected node id. Expected 1, but received 2'],
  ])('broker %s: %j is refused', async (name, op, code, message) => {
    expect(await alter(BROKER_LOGGER, name, [op])).toEqual([code, message])
  })
})

describe('requests as a whole', () => {
  test('a resource twice refuses both; a key twice refuses its resource', async () => {
    const twice = resource(TOPIC, 'orders', [['retention.ms', SET, '1']])
    const { responses } = await broker.ask(IncrementalAlterConfigs, 1, {
      resources: [
        twice,
        twice,
        resource(GROUP, 'g', [
          ['share.isolation.level', SET, 'read_committed'],
          ['share.isolation.level', SET, 'read_committed'],
        ]),
        resource(99, 'x', []),
        resource(CLIENT_METRICS, 'm', [['metrics', SET, '*']]),
      ],
      validateOnly: false,
    })
    expect(responses.map(({ errorCode, errorMessage }) => [errorCode, errorMessage])).toEqual([
      [42, 'Each resource must appear at most once.'],
      [42, 'Each resource must appear at most once.'],
      [42, 'Error due to duplicate config keys'],
      [42, 'Unknown resource type 99'],
      [0, null],
    ])
    expect(stored(TOPIC, 'orders')).toEqual({})
    expect(stored(CLIENT_METRICS, 'm')).toEqual({ metrics: '*' })
  })

  test('AlterConfigs replaces all: what is left out goes back to its default', async () => {
    await alter(TOPIC, 'orders', [
      ['retention.ms', SET, '5'],
      ['segment.ms', SET, '6'],
    ])
    const { responses } = await broker.ask(AlterConfigs, 2, {
      resources: [
        {
          resourceType: TOPIC,
          resourceName: 'orders',
          configs: [{ name: 'segment.ms', value: '7' }],
        },
        { resourceType: BROKER_LOGGER, resourceName: '1', configs: [] },
        { resourceType: BROKER, resourceName: '2', configs: [] },
      ],
      validateOnly: false,
    })
    expect(responses.map(({ errorCode, errorMessage }) => [errorCode, errorMessage])).toEqual([
      [0, null],
      [42, 'Unknown resource type 8'],
      [42, 'Unexpected broker id, expected 1, but received 2'],
    ])
    expect(stored(TOPIC, 'orders')).toEqual({ 'segment.ms': '7' })
  })

  test('an unknown type refuses a description as a whole', async () => {
    expect((await describeOne(99, 'x')).errorCode).toBe(42)
  })

  test('documentation and types come with version 3, and only when asked for', async () => {
    const ask = (version: number, includeDocumentation: boolean) =>
      broker.ask(DescribeConfigs, version, {
        resources: [
          { resourceType: TOPIC, resourceName: 'orders', configurationKeys: ['retention.ms'] },
        ],
        ...(version >= 3 && { includeDocumentation }),
      })
    const documented = (await ask(4, true)).results[0]!.configs[0]!
    expect(documented).toMatchObject({ configType: 5, synonyms: [] })
    expect(documented.documentation).toMatch(/segments/)
    expect((await ask(4, false)).results[0]!.configs[0]!.documentation).toBeNull()
    expect((await ask(1, false)).results[0]!.configs[0]).toMatchObject({ value: '360000000' })
  })
})

describe('ListConfigResources', () => {
  async function list(resourceTypes: readonly number[], version = 1) {
    const { errorCode, configResources } = await broker.ask(ListConfigResources, version, {
      resourceTypes,
    })
    return [errorCode, configResources.map((one) => [one.resourceType, one.resourceName])]
  }

  test('names what has configs, and all brokers and topics', async () => {
    await alter(GROUP, 'g', [['share.isolation.level', SET, 'read_committed']])
    await alter(CLIENT_METRICS, 'm', [['metrics', SET, '*']])
    expect(await list([])).toEqual([
      0,
      [
        [CLIENT_METRICS, 'm'],
        [GROUP, 'g'],
        [BROKER_LOGGER, '1'],
        [BROKER, '1'],
        [TOPIC, 'orders'],
      ],
    ])
    expect(await list([GROUP])).toEqual([0, [[GROUP, 'g']]])
    expect(await list([99])).toEqual([35, []])
  })

  test('version 0 knows client metrics only', async () => {
    await alter(CLIENT_METRICS, 'm', [['metrics', SET, '*']])
    expect(await list([], 0)).toEqual([0, [[CLIENT_METRICS, 'm']]])
  })
})
