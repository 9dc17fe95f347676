import { ZERO_UUID } from '../../../src/base/uuid.ts'
import { CreateTopics } from '../../../src/protocol/apis/19-create-topics.ts'
import { DeleteTopics } from '../../../src/protocol/apis/20-delete-topics.ts'
import { DeleteRecords } from '../../../src/protocol/apis/21-delete-records.ts'
import { DescribeConfigs } from '../../../src/protocol/apis/32-describe-configs.ts'
import { AlterConfigs } from '../../../src/protocol/apis/33-alter-configs.ts'
import { AlterReplicaLogDirs } from '../../../src/protocol/apis/34-alter-replica-log-dirs.ts'
import { DescribeLogDirs } from '../../../src/protocol/apis/35-describe-log-dirs.ts'
import { CreatePartitions } from '../../../src/protocol/apis/37-create-partitions.ts'
import { DeleteGroups } from '../../../src/protocol/apis/42-delete-groups.ts'
import { ElectLeaders } from '../../../src/protocol/apis/43-elect-leaders.ts'
import { IncrementalAlterConfigs } from '../../../src/protocol/apis/44-incremental-alter-configs.ts'
import { AlterPartitionReassignments } from '../../../src/protocol/apis/45-alter-partition-reassignments.ts'
import { ListPartitionReassignments } from '../../../src/protocol/apis/46-list-partition-reassignments.ts'
import { OffsetDelete } from '../../../src/protocol/apis/47-offset-delete.ts'
import { DescribeClientQuotas } from '../../../src/protocol/apis/48-describe-client-quotas.ts'
import { AlterClientQuotas } from '../../../src/protocol/apis/49-alter-client-quotas.ts'
import { DescribeUserScramCredentials } from '../../../src/protocol/apis/50-describe-user-scram-credentials.ts'
import { AlterUserScramCredentials } from '../../../src/protocol/apis/51-alter-user-scram-credentials.ts'
import { DescribeQuorum } from '../../../src/protocol/apis/55-describe-quorum.ts'
import { UpdateFeatures } from '../../../src/protocol/apis/57-update-features.ts'
import { DescribeCluster } from '../../../src/protocol/apis/60-describe-cluster.ts'
import { DescribeProducers } from '../../../src/protocol/apis/61-describe-producers.ts'
import { UnregisterBroker } from '../../../src/protocol/apis/64-unregister-broker.ts'
import { ListConfigResources } from '../../../src/protocol/apis/74-list-config-resources.ts'
import { DescribeTopicPartitions } from '../../../src/protocol/apis/75-describe-topic-partitions.ts'
import { AddRaftVoter } from '../../../src/protocol/apis/80-add-raft-voter.ts'
import { RemoveRaftVoter } from '../../../src/protocol/apis/81-remove-raft-voter.ts'
import type { Api, EncodableOf } from '../../../src/protocol/schema.ts'
import { type Question, question } from './question.ts'

const questions: Question[] = []

function ask<A extends Api>(api: A, about: string, request: EncodableOf<A['request']>): void {
  questions.push(question(api, about, request))
}

const timeoutMs = 10_000
const plain = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
const unasked = { ...plain, numPartitions: -1, replicationFactor: -1 }

for (const [about, topics] of Object.entries({
  'a topic': [{ ...plain, name: 'made-$', numPartitions: 3 }],
  'one that exists': [{ ...plain, name: 'made-$' }],
  defaults: [{ ...unasked, name: 'defaults-$' }],
  configs: [{ ...plain, name: 'configured-$', configs: [{ name: 'retention.ms', value: ' 5 ' }] }],
  'no topics': [],
  'a name twice': [
    { ...plain, name: 'twice-$' },
    { ...plain, name: 'twice-$' },
  ],
  'bad names': ['', '.', 'a b', 'x'.repeat(250)].map((name) => ({ ...plain, name })),
  'the metadata topic': [{ ...plain, name: '__cluster_metadata' }],
  'a null value': [{ ...plain, name: 'n-$', configs: [{ name: 'retention.ms', value: null }] }],
  'no name of a config': [{ ...plain, name: 'n-$', configs: [{ name: '', value: '1' }] }],
  'wrong counts': [
    { ...plain, name: 'zero-$', numPartitions: 0 },
    { ...plain, name: 'minus-$', numPartitions: -2 },
    { ...plain, name: 'factor-$', replicationFactor: 0 },
    { ...plain, name: 'factors-$', replicationFactor: 2 },
  ],
  'too many partitions': [
    { ...plain, name: 'huge-$', numPartitions: 10_001 },
    { ...plain, name: 'small-$' },
  ],
  assignments: [
    { ...plain, name: 'both-$', assignments: [{ partitionIndex: 0, brokerIds: [1] }] },
    { ...unasked, name: 'gap-$', assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
    { ...unasked, name: 'none-$', assignments: [{ partitionIndex: 0, brokerIds: [] }] },
    { ...unasked, name: 'unknown-$', assignments: [{ partitionIndex: 0, brokerIds: [7] }] },
    { ...unasked, name: 'double-$', assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }] },
    {
      ...unasked,
      name: 'again-$',
      assignments: [
        { partitionIndex: 0, brokerIds: [1] },
        { partitionIndex: 0, brokerIds: [1] },
      ],
    },
    { ...unasked, name: 'placed-$', assignments: [{ partitionIndex: 0, brokerIds: [1] }] },
  ],
})) {
  ask(CreateTopics, about, { topics, timeoutMs })
}
ask(CreateTopics, 'only a check', {
  topics: [
    { ...plain, name: 'checked-$' },
    { ...plain, name: 'made-$' },
  ],
  timeoutMs,
  validateOnly: true,
})

for (const [about, topics] of Object.entries({
  more: [{ name: 'made-$', count: 4, assignments: null }],
  'as many': [{ name: 'made-$', count: 4, assignments: null }],
  'fewer, unknown, bad': [
    { name: 'made-$', count: 1, assignments: null },
    { name: 'nobody', count: 2, assignments: null },
    { name: 'a b', count: 2, assignments: null },
    { name: '', count: 2, assignments: null },
    { name: 'defaults-$', count: -1, assignments: null },
  ],
  'a name twice': [
    { name: 'made-$', count: 9, assignments: null },
    { name: 'made-$', count: 8, assignments: null },
  ],
  'too few assignments': [{ name: 'made-$', count: 6, assignments: [{ brokerIds: [1] }] }],
  'unknown broker': [{ name: 'made-$', count: 5, assignments: [{ brokerIds: [7] }] }],
  'no broker': [{ name: 'made-$', count: 5, assignments: [{ brokerIds: [] }] }],
  'a broker twice': [{ name: 'made-$', count: 5, assignments: [{ brokerIds: [1, 1] }] }],
  'an assignment': [{ name: 'made-$', count: 5, assignments: [{ brokerIds: [1] }] }],
  nothing: [],
})) {
  ask(CreatePartitions, about, { topics, timeoutMs, validateOnly: false })
}
ask(CreatePartitions, 'only a check', {
  topics: [{ name: 'made-$', count: 9, assignments: null }],
  timeoutMs,
  validateOnly: true,
})

ask(DescribeTopicPartitions, 'known, unknown and bad names', {
  topics: [{ name: 'made-$' }, { name: 'nobody' }, { name: 'a b' }],
})
ask(DescribeTopicPartitions, 'a limit', {
  topics: [{ name: 'made-$' }, { name: 'defaults-$' }],
  responsePartitionLimit: 2,
})
ask(DescribeTopicPartitions, 'a cursor', {
  topics: [{ name: 'made-$' }],
  cursor: { topicName: 'made-$', partitionIndex: 3 },
})
ask(DescribeTopicPartitions, 'a cursor of a topic that is not asked for', {
  topics: [{ name: 'made-$' }],
  cursor: { topicName: 'defaults-$', partitionIndex: 0 },
})
ask(DescribeTopicPartitions, 'a negative cursor', {
  topics: [{ name: 'made-$' }],
  cursor: { topicName: 'made-$', partitionIndex: -1 },
})

const TOPIC = 2
const BROKER = 4
const LOGGER = 8
const CLIENT_METRICS = 16
const GROUP = 32
const all = null
for (const [about, resource] of Object.entries({
  'a topic': { resourceType: TOPIC, resourceName: 'configured-$', configurationKeys: all },
  'some keys': {
    resourceType: TOPIC,
    resourceName: 'configured-$',
    configurationKeys: ['retention.ms', 'no.such.config'],
  },
  'no keys': { resourceType: TOPIC, resourceName: 'configured-$', configurationKeys: [] },
  'an unknown topic': { resourceType: TOPIC, resourceName: 'nobody', configurationKeys: all },
  'a bad topic': { resourceType: TOPIC, resourceName: 'a b', configurationKeys: all },
  'no topic': { resourceType: TOPIC, resourceName: '', configurationKeys: all },
  'another broker': { resourceType: BROKER, resourceName: '7', configurationKeys: all },
  'no broker id': { resourceType: BROKER, resourceName: 'one', configurationKeys: all },
  'all brokers': { resourceType: BROKER, resourceName: '', configurationKeys: all },
  'loggers of another broker': { resourceType: LOGGER, resourceName: '7', configurationKeys: all },
  'loggers of no broker': { resourceType: LOGGER, resourceName: '', configurationKeys: all },
  'a group': { resourceType: GROUP, resourceName: 'g', configurationKeys: all },
  'no group': { resourceType: GROUP, resourceName: '', configurationKeys: all },
  'a subscription': { resourceType: CLIENT_METRICS, resourceName: 's', configurationKeys: all },
  'no subscription': { resourceType: CLIENT_METRICS, resourceName: '', configurationKeys: all },
  'an unknown type': { resourceType: 3, resourceName: 'x', configurationKeys: all },
  'type 0': { resourceType: 0, resourceName: 'x', configurationKeys: all },
})) {
  ask(DescribeConfigs, about, { resources: [resource], includeSynonyms: true })
}

for (const includeDocumentation of [true, false]) {
  ask(DescribeConfigs, `all of a broker and a topic, documentation ${includeDocumentation}`, {
    resources: [
      { resourceType: BROKER, resourceName: '1', configurationKeys: all },
      { resourceType: TOPIC, resourceName: 'made-$', configurationKeys: all },
      { resourceType: GROUP, resourceName: 'g', configurationKeys: all },
    ],
    includeSynonyms: includeDocumentation,
    includeDocumentation,
  })
}

const resourcesToAlter: readonly [
  about: string,
  resourceType: number,
  resourceName: string,
  name: string,
  value: string | null,
][] = [
  ['a topic', TOPIC, 'made-$', 'retention.ms', '60000'],
  ['an unknown topic', TOPIC, 'nobody', 'retention.ms', '1'],
  ['a bad topic', TOPIC, 'a b', 'retention.ms', '1'],
  ['no topic', TOPIC, '', 'retention.ms', '1'],
  ['an unknown config', TOPIC, 'made-$', 'no.such.config', '1'],
  ['an unknown config of an unknown topic', TOPIC, 'nobody', 'no.such.config', '1'],
  ['a wrong value', TOPIC, 'made-$', 'retention.ms', 'soon'],
  ['a value out of range', TOPIC, 'made-$', 'min.cleanable.dirty.ratio', '1.5'],
  ['null', TOPIC, 'made-$', 'retention.ms', null],
  ['null of an unknown topic', TOPIC, 'nobody', 'retention.ms', null],
  ['an empty name', TOPIC, 'made-$', '', '1'],
  ['a long value', TOPIC, 'made-$', 'cleanup.policy', 'x'.repeat(32_768)],
  ['another broker', BROKER, '7', 'log.cleaner.threads', '2'],
  ['no broker id', BROKER, 'one', 'log.cleaner.threads', '2'],
  ['a read-only config', BROKER, '1', 'process.roles', 'broker'],
  ['a wrong value of a broker', BROKER, '1', 'log.retention.ms', 'soon'],
  ['null of a broker', BROKER, '1', 'log.retention.ms', null],
  ['an own config of all brokers', BROKER, '', 'ssl.keystore.location', '/nowhere'],
  ['a listener of all brokers', BROKER, '', 'listener.name.x.ssl.keystore.location', '/nowhere'],
  ['isr of a broker', BROKER, '1', 'min.insync.replicas', '1'],
  ['an own config of a broker', BROKER, '1', 'custom.config', 'x'],
  ['a logger', LOGGER, '1', 'root', 'INFO'],
  ['an unknown level', LOGGER, '1', 'root', 'LOUD'],
  ['an unknown logger', LOGGER, '1', 'no.such.Logger', 'INFO'],
  ['a logger of another broker', LOGGER, '7', 'root', 'INFO'],
  ['a logger of no broker', LOGGER, '', 'root', 'INFO'],
  ['a subscription', CLIENT_METRICS, 'sub-$', 'interval.ms', '1000'],
  ['a short interval', CLIENT_METRICS, 'sub-$', 'interval.ms', '1'],
  ['a bad match', CLIENT_METRICS, 'sub-$', 'match', 'nonsense=1'],
  ['an unknown key of a subscription', CLIENT_METRICS, 'sub-$', 'nonsense', '1'],
  ['no subscription', CLIENT_METRICS, '', 'interval.ms', '1000'],
  ['a group', GROUP, 'group-$', 'consumer.session.timeout.ms', '50000'],
  ['a group out of bounds', GROUP, 'group-$', 'consumer.session.timeout.ms', '1'],
  ['an unknown key of a group', GROUP, 'group-$', 'nonsense', '1'],
  ['no group', GROUP, '', 'consumer.session.timeout.ms', '50000'],
  ['an unknown type', 3, 'x', 'retention.ms', '1'],
  ['type 0', 0, 'x', 'retention.ms', '1'],
]
const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3
for (const [about, resourceType, resourceName, name, value] of resourcesToAlter) {
  const configs = [{ name, value }]
  ask(AlterConfigs, about, {
    resources: [{ resourceType, resourceName, configs }],
    validateOnly: resourceType !== TOPIC,
  })
  ask(IncrementalAlterConfigs, about, {
    resources: [{ resourceType, resourceName, configs: [{ name, value, configOperation: SET }] }],
    validateOnly: resourceType !== TOPIC,
  })
}
const topic = { resourceType: TOPIC, resourceName: 'made-$' }
for (const [about, configs] of Object.entries({
  'a key twice': [
    { name: 'retention.ms', configOperation: SET, value: '1' },
    { name: 'retention.ms', configOperation: DELETE, value: null },
  ],
  'a key twice, once null': [
    { name: 'retention.ms', configOperation: SET, value: null },
    { name: 'retention.ms', configOperation: SET, value: '1' },
  ],
  'append to a number': [{ name: 'retention.ms', configOperation: APPEND, value: '1' }],
  'subtract from a number': [{ name: 'retention.ms', configOperation: SUBTRACT, value: '1' }],
  'append to an unknown': [{ name: 'no.such.config', configOperation: APPEND, value: '1' }],
  append: [{ name: 'cleanup.policy', configOperation: APPEND, value: 'compact' }],
  'append again': [{ name: 'cleanup.policy', configOperation: APPEND, value: 'compact' }],
  subtract: [{ name: 'cleanup.policy', configOperation: SUBTRACT, value: 'delete' }],
  'append null': [{ name: 'cleanup.policy', configOperation: APPEND, value: null }],
  'an unknown operation': [{ name: 'retention.ms', configOperation: 9, value: '1' }],
  'a conflict': [
    { name: 'min.compaction.lag.ms', configOperation: SET, value: '9' },
    { name: 'max.compaction.lag.ms', configOperation: SET, value: '8' },
  ],
  delete: [{ name: 'cleanup.policy', configOperation: DELETE, value: null }],
  'delete an unknown': [{ name: 'no.such.config', configOperation: DELETE, value: null }],
  nothing: [],
})) {
  ask(IncrementalAlterConfigs, about, { resources: [{ ...topic, configs }], validateOnly: false })
}
ask(AlterConfigs, 'a key twice', {
  resources: [
    {
      ...topic,
      configs: [
        { name: 'retention.ms', value: '1' },
        { name: 'retention.ms', value: '2' },
      ],
    },
  ],
  validateOnly: false,
})
ask(IncrementalAlterConfigs, 'a resource twice', {
  resources: [
    { ...topic, configs: [{ name: 'retention.ms', configOperation: SET, value: '1' }] },
    { ...topic, configs: [{ name: 'retention.ms', configOperation: SET, value: '2' }] },
    { resourceType: TOPIC, resourceName: 'nobody', configs: [] },
  ],
  validateOnly: false,
})
ask(IncrementalAlterConfigs, 'delete of the root logger', {
  resources: [
    {
      resourceType: LOGGER,
      resourceName: '1',
      configs: [{ name: 'root', configOperation: DELETE, value: null }],
    },
  ],
  validateOnly: true,
})
ask(IncrementalAlterConfigs, 'append to a logger', {
  resources: [
    {
      resourceType: LOGGER,
      resourceName: '1',
      configs: [{ name: 'root', configOperation: APPEND, value: 'INFO' }],
    },
  ],
  validateOnly: true,
})
ask(DescribeConfigs, 'the topic after this', {
  resources: [{ ...topic, configurationKeys: null }],
  includeSynonyms: true,
})
for (const [about, resourceTypes] of Object.entries({
  all: [],
  'topics and brokers': [TOPIC, BROKER, LOGGER],
  'an unknown type': [3],
  'type 0': [0],
})) {
  ask(ListConfigResources, about, { resourceTypes })
}

ask(DeleteRecords, 'errors', {
  topics: [
    {
      name: 'made-$',
      partitions: [
        { partitionIndex: 0, offset: 5 },
        { partitionIndex: 1, offset: -2 },
      ],
    },
    { name: 'made-$', partitions: [{ partitionIndex: 99, offset: 0 }] },
    { name: 'nobody', partitions: [{ partitionIndex: 0, offset: 0 }] },
    { name: '__consumer_offsets', partitions: [{ partitionIndex: 0, offset: 0 }] },
  ],
  timeoutMs,
})
ask(DeleteRecords, 'nothing', { topics: [], timeoutMs })

ask(DescribeLogDirs, 'topics and those that are not there', {
  topics: [
    { topic: 'made-$', partitions: [0, 77] },
    { topic: 'nobody', partitions: [0] },
  ],
})
ask(DescribeLogDirs, 'nothing', { topics: [] })
ask(AlterReplicaLogDirs, 'a directory that is not there', {
  dirs: [
    {
      path: '/no/such/directory',
      topics: [
        { name: 'made-$', partitions: [0, 77] },
        { name: 'nobody', partitions: [0] },
      ],
    },
    { path: 'relative', topics: [{ name: 'made-$', partitions: [1] }] },
  ],
})
ask(AlterReplicaLogDirs, 'nothing', { dirs: [] })

for (const electionType of [0, 1, 2]) {
  ask(ElectLeaders, `type ${electionType}`, {
    electionType,
    topicPartitions: [
      { topic: 'made-$', partitions: [0, 99, -1] },
      { topic: 'nobody', partitions: [0] },
    ],
    timeoutMs,
  })
  ask(ElectLeaders, `type ${electionType} of all`, {
    electionType,
    topicPartitions: null,
    timeoutMs,
  })
  ask(ElectLeaders, `type ${electionType} of none`, {
    electionType,
    topicPartitions: [],
    timeoutMs,
  })
}
ask(ElectLeaders, 'a topic without partitions', {
  electionType: 0,
  topicPartitions: [{ topic: 'made-$', partitions: [] }],
  timeoutMs,
})

for (const allowReplicationFactorChange of [true, false]) {
  ask(AlterPartitionReassignments, `factor may change: ${allowReplicationFactorChange}`, {
    timeoutMs,
    allowReplicationFactorChange,
    topics: [
      {
        name: 'made-$',
        partitions: [
          { partitionIndex: 0, replicas: [1] },
          { partitionIndex: 1, replicas: null },
          { partitionIndex: 2, replicas: [] },
          { partitionIndex: 3, replicas: [1, 1] },
          { partitionIndex: 4, replicas: [7] },
          { partitionIndex: 99, replicas: [1] },
        ],
      },
      { name: 'nobody', partitions: [{ partitionIndex: 0, replicas: [1] }] },
      { name: 'defaults-$', partitions: [] },
    ],
  })
  ask(AlterPartitionReassignments, `nothing, factor may change: ${allowReplicationFactorChange}`, {
    timeoutMs,
    allowReplicationFactorChange,
    topics: [],
  })
}
ask(ListPartitionReassignments, 'all', { timeoutMs, topics: null })
ask(ListPartitionReassignments, 'known and unknown', {
  timeoutMs,
  topics: [
    { name: 'made-$', partitionIndexes: [0, 99] },
    { name: 'nobody', partitionIndexes: [0] },
  ],
})

for (const group of ['nobody', '']) {
  ask(OffsetDelete, `group '${group}'`, {
    groupId: group,
    topics: [{ name: 'made-$', partitions: [{ partitionIndex: 0 }] }],
  })
  ask(DeleteGroups, `group '${group}'`, { groupsNames: [group] })
}

interface Entity {
  readonly entityType: string
  readonly entityName: string | null
}
const user = (entityName: string | null): Entity => ({ entityType: 'user', entityName })
const client = (entityName: string | null): Entity => ({ entityType: 'client-id', entityName })
const ip = (entityName: string | null): Entity => ({ entityType: 'ip', entityName })
const set = (key: string, value: number) => ({ key, value, remove: false })
const quotas: readonly [
  about: string,
  entity: readonly Entity[],
  ops: readonly { key: string; value: number; remove: boolean }[],
][] = [
  ['a user', [user('anna-$')], [set('producer_byte_rate', 1000)]],
  ['a user and a client', [user('anna-$'), client('app')], [set('consumer_byte_rate', 1.5)]],
  ['defaults', [user(null), client(null)], [set('request_percentage', 12.5)]],
  ['an address', [ip('192.0.2.1')], [set('connection_creation_rate', 7)]],
  ['all addresses', [ip(null)], [set('connection_creation_rate', 70)]],
  ['a rate that is no whole number', [ip('192.0.2.1')], [set('connection_creation_rate', 7.5)]],
  ['a host name that resolves', [ip('localhost')], [set('connection_creation_rate', 7)]],
  ['an address that is none', [ip('999.1.1.1.1')], [set('connection_creation_rate', 7)]],
  ['an address and a user', [ip('192.0.2.1'), user('anna-$')], [set('producer_byte_rate', 7)]],
  ['an empty user', [user('')], [set('producer_byte_rate', 7)]],
  [
    'an entity without a type',
    [{ entityType: '', entityName: 'x' }],
    [set('producer_byte_rate', 7)],
  ],
  ['an unknown type', [{ entityType: 'group', entityName: 'x' }], [set('producer_byte_rate', 7)]],
  ['nothing', [], [set('producer_byte_rate', 7)]],
  ['no changes', [user('anna-$')], []],
  ['an unknown key', [user('anna-$')], [set('nonsense', 7)]],
  ['an unknown key to remove', [user('anna-$')], [{ key: 'nonsense', value: 0, remove: true }]],
  ['a key of addresses', [user('anna-$')], [set('connection_creation_rate', 7)]],
  ['a key of users', [ip('192.0.2.1')], [set('producer_byte_rate', 7)]],
  ['zero', [user('anna-$')], [set('producer_byte_rate', 0)]],
  ['a negative rate', [user('anna-$')], [set('producer_byte_rate', -1)]],
  ['not a number', [user('anna-$')], [set('producer_byte_rate', Number.NaN)]],
  ['infinity', [user('anna-$')], [set('producer_byte_rate', Number.POSITIVE_INFINITY)]],
  ['a fraction of a byte', [user('anna-$')], [set('producer_byte_rate', 0.5)]],
  ['a tiny percentage', [user('anna-$')], [set('request_percentage', 0.0001)]],
  ['a tiny mutation rate', [user('anna-$')], [set('controller_mutation_rate', 0.1)]],
  ['beyond a long', [user('anna-$')], [set('producer_byte_rate', 1e19)]],
  ['a key twice', [user('anna-$')], [set('producer_byte_rate', 1), set('producer_byte_rate', 2)]],
  ['a type twice', [user('anna-$'), user('bert')], [set('producer_byte_rate', 1)]],
]
for (const [about, entity, ops] of quotas) {
  ask(AlterClientQuotas, about, { entries: [{ entity, ops }], validateOnly: false })
}
ask(AlterClientQuotas, 'only a check', {
  entries: [{ entity: [user('carl')], ops: [set('producer_byte_rate', 1)] }],
  validateOnly: true,
})
ask(AlterClientQuotas, 'an entity twice', {
  entries: [
    { entity: [user('dora-$')], ops: [set('producer_byte_rate', 1)] },
    { entity: [user('dora-$')], ops: [set('consumer_byte_rate', 1)] },
  ],
  validateOnly: false,
})
const EXACT = 0
const DEFAULT = 1
const ANY = 2
interface Component {
  readonly entityType: string
  readonly matchType: number
  readonly match: string | null
}
const components: Record<string, readonly Component[]> = {
  all: [],
  'a user': [{ entityType: 'user', matchType: EXACT, match: 'anna-$' }],
  'a default': [{ entityType: 'user', matchType: DEFAULT, match: null }],
  'any user': [{ entityType: 'user', matchType: ANY, match: null }],
  'a user and any client': [
    { entityType: 'user', matchType: EXACT, match: 'anna-$' },
    { entityType: 'client-id', matchType: ANY, match: null },
  ],
  'any address': [{ entityType: 'ip', matchType: ANY, match: null }],
  'an address and a user': [
    { entityType: 'ip', matchType: ANY, match: null },
    { entityType: 'user', matchType: ANY, match: null },
  ],
  'an unknown type': [{ entityType: 'group', matchType: ANY, match: null }],
  'an empty type': [{ entityType: '', matchType: ANY, match: null }],
  'a type twice': [
    { entityType: 'user', matchType: ANY, match: null },
    { entityType: 'user', matchType: EXACT, match: 'anna-$' },
  ],
  'an unknown match': [{ entityType: 'user', matchType: 9, match: null }],
  'no name': [{ entityType: 'user', matchType: EXACT, match: null }],
  'a name too many': [{ entityType: 'user', matchType: ANY, match: 'x' }],
}
for (const [about, filter] of Object.entries(components)) {
  for (const strict of [false, true]) {
    ask(DescribeClientQuotas, `${about}${strict ? ', strict' : ''}`, { components: filter, strict })
  }
}
for (const [, entity, ops] of quotas) {
  // Leaves nothing that would slow the next version down.
  const removals = ops.map(({ key }) => ({ key, value: 0, remove: true }))
  ask(AlterClientQuotas, 'removal', { entries: [{ entity, ops: removals }], validateOnly: false })
}
ask(DescribeClientQuotas, 'all after removal', { components: [], strict: false })

const SHA_256 = 1
const salt = Buffer.from('0123456789abcdef')
const credential = {
  name: 'anna-$',
  mechanism: SHA_256,
  iterations: 8192,
  salt,
  saltedPassword: salt,
}
for (const [about, upsertions] of Object.entries({
  'a credential': [credential],
  'too few iterations': [{ ...credential, iterations: 4095 }],
  'too many iterations': [{ ...credential, iterations: 16_385 }],
  'an unknown mechanism': [{ ...credential, mechanism: 9 }],
  'mechanism 0': [{ ...credential, mechanism: 0 }],
  'an empty name': [{ ...credential, name: '' }],
  twice: [credential, { ...credential, mechanism: 2 }],
  nothing: [],
})) {
  ask(AlterUserScramCredentials, about, { deletions: [], upsertions })
}
ask(DescribeUserScramCredentials, 'known and unknown', {
  users: [{ name: 'anna-$' }, { name: 'nobody' }],
})
ask(DescribeUserScramCredentials, 'twice', { users: [{ name: 'anna-$' }, { name: 'anna-$' }] })
ask(DescribeUserScramCredentials, 'all', { users: null })
ask(DescribeUserScramCredentials, 'none', { users: [] })
for (const [about, deletions] of Object.entries({
  delete: [{ name: 'anna-$', mechanism: SHA_256 }],
  'delete again': [{ name: 'anna-$', mechanism: SHA_256 }],
  'delete an unknown mechanism': [{ name: 'anna-$', mechanism: 9 }],
  'delete without a name': [{ name: '', mechanism: SHA_256 }],
})) {
  ask(AlterUserScramCredentials, about, { deletions, upsertions: [] })
}
ask(AlterUserScramCredentials, 'delete and upsert', {
  deletions: [{ name: 'anna-$', mechanism: SHA_256 }],
  upsertions: [credential],
})

ask(DescribeQuorum, 'another topic', {
  topics: [{ topicName: 'made-$', partitions: [{ partitionIndex: 0 }] }],
})
ask(DescribeQuorum, 'another partition', {
  topics: [{ topicName: '__cluster_metadata', partitions: [{ partitionIndex: 1 }] }],
})
ask(DescribeQuorum, 'nothing', { topics: [] })

const update = {
  feature: 'group.version',
  maxVersionLevel: 1,
  upgradeType: 1,
  allowDowngrade: false,
}
for (const [about, featureUpdates] of Object.entries({
  'as it is': [update],
  'too new': [{ ...update, maxVersionLevel: 9 }],
  unknown: [{ ...update, feature: 'nonsense' }],
  'no name': [{ ...update, feature: '' }],
  negative: [{ ...update, maxVersionLevel: -1 }],
  'a downgrade that is not allowed': [{ ...update, maxVersionLevel: 0 }],
  'an unknown kind of upgrade': [{ ...update, upgradeType: 9 }],
  'upgrade as a downgrade': [{ ...update, maxVersionLevel: 1, upgradeType: 2 }],
  'metadata too old': [
    { ...update, feature: 'metadata.version', maxVersionLevel: 1, upgradeType: 2 },
  ],
  twice: [update, update],
  'one good and one bad': [update, { ...update, feature: 'nonsense' }],
  nothing: [],
})) {
  ask(UpdateFeatures, about, { timeoutMs, featureUpdates, validateOnly: true })
}

for (const endpointType of [1, 2, 3]) {
  ask(DescribeCluster, `endpoints ${endpointType}`, {
    endpointType,
    includeClusterAuthorizedOperations: true,
    includeFencedBrokers: true,
  })
}
ask(DescribeProducers, 'known, unknown and bad', {
  topics: [
    { name: 'made-$', partitionIndexes: [0, 99, -1] },
    { name: 'nobody', partitionIndexes: [0] },
    { name: 'a b', partitionIndexes: [0] },
    { name: '', partitionIndexes: [0] },
  ],
})
for (const brokerId of [9, -1]) ask(UnregisterBroker, `${brokerId}`, { brokerId })
const voter = { clusterId: null, timeoutMs, voterId: 9, voterDirectoryId: '0123456789abcdef' }
const listeners = [{ name: 'CONTROLLER', host: 'localhost', port: 1 }]
ask(AddRaftVoter, 'of another cluster', { ...voter, listeners, clusterId: 'another' })
ask(AddRaftVoter, 'a negative one', { ...voter, listeners, voterId: -1 })
ask(AddRaftVoter, 'without a directory', { ...voter, listeners, voterDirectoryId: ZERO_UUID })
ask(AddRaftVoter, 'without listeners', { ...voter, listeners: [] })
ask(RemoveRaftVoter, 'an unknown one with a directory', {
  clusterId: null,
  voterId: 9,
  voterDirectoryId: '0123456789abcdef',
})
ask(RemoveRaftVoter, 'a negative one', {
  clusterId: null,
  voterId: -1,
  voterDirectoryId: '0123456789abcdef',
})
ask(RemoveRaftVoter, 'an unknown one', {
  clusterId: null,
  voterId: 9,
  voterDirectoryId: ZERO_UUID,
})
ask(RemoveRaftVoter, 'of another cluster', {
  clusterId: 'another',
  voterId: 1,
  voterDirectoryId: ZERO_UUID,
})

for (const [about, topicNames] of Object.entries({
  'known, unknown and bad': ['made-$', 'nobody', 'a b', ''],
  'a name twice': ['defaults-$', 'defaults-$'],
  nothing: [],
})) {
  const topics = topicNames.map((name) => ({ name, topicId: ZERO_UUID }))
  ask(DeleteTopics, about, { topicNames, topics, timeoutMs })
}
ask(DeleteTopics, 'neither name nor id, and an unknown id', {
  topicNames: [],
  topics: [
    { name: null, topicId: ZERO_UUID },
    { name: null, topicId: '0123456789abcdef' },
    { name: 'configured-$', topicId: '0123456789abcdef' },
  ],
  timeoutMs,
})

export const adminQuestions: readonly Question[] = questions
