import { ZERO_UUID } from '../../../src/base/uuid.ts'
import { CreateTopics } from '../../../src/protocol/apis/19-create-topics.ts'
import { DeleteTopics } from '../../../src/protocol/apis/20-delete-topics.ts'
import { DeleteRecords } from '../../../src/protocol/apis/21-delete-records.ts'
import { DescribeAcls } from '../../../src/protocol/apis/29-describe-acls.ts'
import { CreateAcls } from '../../../src/protocol/apis/30-create-acls.ts'
import { DeleteAcls } from '../../../src/protocol/apis/31-delete-acls.ts'
import { DescribeConfigs } from '../../../src/protocol/apis/32-describe-configs.ts'
import { AlterReplicaLogDirs } from '../../../src/protocol/apis/34-alter-replica-log-dirs.ts'
import { DescribeLogDirs } from '../../../src/protocol/apis/35-describe-log-dirs.ts'
import { CreatePartitions } from '../../../src/protocol/apis/37-create-partitions.ts'
import { CreateDelegationToken } from '../../../src/protocol/apis/38-create-delegation-token.ts'
import { RenewDelegationToken } from '../../../src/protocol/apis/39-renew-delegation-token.ts'
import { ExpireDelegationToken } from '../../../src/protocol/apis/40-expire-delegation-token.ts'
import { DescribeDelegationToken } from '../../../src/protocol/apis/41-describe-delegation-token.ts'
import { DeleteGroups } from '../../../src/protocol/apis/42-delete-groups.ts'
import { ElectLeaders } from '../../../src/protocol/apis/43-elect-leaders.ts'
import { IncrementalAlterConfigs } from '../../../src/protocol/apis/44-incremental-alter-configs.ts'
import { AlterPartitionReassignments } from '../../../src/protocol/apis/45-alter-partition-reassignments.ts'
import { ListPartitionReassignments } from '../../../src/protocol/apis/46-list-partition-reassignments.ts'
import { AlterClientQuotas } from '../../../src/protocol/apis/49-alter-client-quotas.ts'
import { AlterUserScramCredentials } from '../../../src/protocol/apis/51-alter-user-scram-credentials.ts'
import { UpdateFeatures } from '../../../src/protocol/apis/57-update-features.ts'
import { DescribeTransactions } from '../../../src/protocol/apis/65-describe-transactions.ts'
import { ListTransactions } from '../../../src/protocol/apis/66-list-transactions.ts'
import { PushTelemetry } from '../../../src/protocol/apis/72-push-telemetry.ts'
import { DescribeTopicPartitions } from '../../../src/protocol/apis/75-describe-topic-partitions.ts'
import { type Question, question } from './question.ts'

const timeoutMs = 10_000
const plain = { numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }
const unasked = { ...plain, numPartitions: -1, replicationFactor: -1 }

/** Values that a topic may not have, and some at the edge that it may. */
const topicValues: readonly (readonly [name: string, ...values: string[]])[] = [
  ['cleanup.policy', '', 'delete,delete', 'compact,delete', ' compact ', 'DELETE', 'none', ','],
  ['compression.type', 'GZIP', 'none', 'uncompressed', ''],
  ['compression.gzip.level', '0', '10', '-1', '-2', '1.5'],
  ['compression.lz4.level', '0', '17', '18'],
  ['compression.zstd.level', '-131073', '-131072', '23'],
  ['delete.retention.ms', '-1', '9223372036854775807', '9223372036854775808', '1e3', ''],
  ['file.delete.delay.ms', '-1', '0'],
  ['flush.messages', '0', '1'],
  ['flush.ms', '-1'],
  [
    'follower.replication.throttled.replicas',
    '*',
    'none',
    '0:1',
    '0:1,1:1',
    'x',
    '0',
    '0:x',
    '*,0:1',
  ],
  ['index.interval.bytes', '-1', '2147483648'],
  ['leader.replication.throttled.replicas', '', '0:1:2', '-1:1'],
  ['local.retention.bytes', '-3', '-2', '5'],
  ['local.retention.ms', '-3', '-1', '700000000', '604800001'],
  ['max.compaction.lag.ms', '0', '1'],
  ['max.message.bytes', '-1', '0', '2147483648'],
  ['message.timestamp.after.max.ms', '-1', '0'],
  ['message.timestamp.before.max.ms', '-1'],
  ['message.timestamp.type', 'createtime', 'LogAppendTime', 'LogAppendTime '],
  ['message.format.version', '3.0'],
  ['message.downconversion.enable', 'true'],
  ['min.cleanable.dirty.ratio', '-0.1', '1.01', 'NaN', '1', '.5', '1f'],
  ['min.compaction.lag.ms', '-1'],
  ['min.insync.replicas', '0', '2147483647', '1 '],
  ['preallocate', 'yes', 'True', 'false ', ''],
  ['remote.storage.enable', 'true', 'false', 'maybe'],
  ['remote.log.copy.disable', 'true'],
  ['remote.log.delete.on.disable', 'true', 'x'],
  ['retention.bytes', '-2', '-9223372036854775808', '1_000', '+5'],
  ['retention.ms', '-2', '-1', '0x10'],
  ['segment.bytes', '1048575', '1048576', '2147483648'],
  ['segment.index.bytes', '3', '4'],
  ['segment.jitter.ms', '-1'],
  ['segment.ms', '0', '1'],
  ['unclean.leader.election.enable', '1', 'TRUE'],
  ['Retention.ms', '1'],
  ['internal.segment.bytes', '100'],
]

function topicQuestions(): Question[] {
  const asked = topicValues.flatMap(([name, ...values]) =>
    values.flatMap((value, index) => {
      const topic = { ...plain, name: `e-$-${name}-${index}`, configs: [{ name, value }] }
      const resource = { resourceType: TOPIC, resourceName: 'errors-$' }
      const configs = [{ name, value, configOperation: SET }]
      return [
        question(CreateTopics, `${name}=${value}`, {
          topics: [topic],
          timeoutMs,
          validateOnly: true,
        }),
        question(IncrementalAlterConfigs, `${name}=${value}`, {
          resources: [{ ...resource, configs }],
          validateOnly: true,
        }),
      ]
    }),
  )
  return [
    question(CreateTopics, 'for what follows', {
      topics: [
        { ...plain, name: 'errors-$', numPartitions: 2 },
        { ...plain, name: 'compacted-$', configs: [{ name: 'cleanup.policy', value: 'compact' }] },
        { ...plain, name: 'kept-$', configs: [{ name: 'cleanup.policy', value: '' }] },
        { ...plain, name: 'under_$' },
      ],
      timeoutMs,
    }),
    ...asked,
  ]
}

const TOPIC = 2
const BROKER = 4
const GROUP = 32
const CLIENT_METRICS = 16
const SET = 0
const DELETE = 1
const APPEND = 2
const SUBTRACT = 3

const otherTopics: readonly (readonly [about: string, topics: object[]])[] = [
  ['a name that collides', [{ ...plain, name: 'under.$' }]],
  [
    'names that collide with each other',
    [
      { ...plain, name: 'a.b-$' },
      { ...plain, name: 'a_b-$' },
    ],
  ],
  [
    'a config twice',
    [
      {
        ...plain,
        name: 'c-$',
        configs: [
          { name: 'retention.ms', value: '1' },
          { name: 'retention.ms', value: 'x' },
        ],
      },
    ],
  ],
  [
    'several wrong configs',
    [
      {
        ...plain,
        name: 'c-$',
        configs: [
          { name: 'retention.ms', value: 'x' },
          { name: 'nonsense', value: 'x' },
        ],
      },
    ],
  ],
  [
    'a conflict',
    [
      {
        ...plain,
        name: 'c-$',
        configs: [
          { name: 'min.compaction.lag.ms', value: '9' },
          { name: 'max.compaction.lag.ms', value: '8' },
        ],
      },
    ],
  ],
  [
    'factors',
    [-2, 3, 32_767].map((replicationFactor) => ({
      ...plain,
      name: `f${replicationFactor}-$`,
      replicationFactor,
    })),
  ],
  [
    'counts',
    [-1, -3].map((numPartitions) => ({ ...plain, name: `n${numPartitions}-$`, numPartitions })),
  ],
  ['an internal name', [{ ...plain, name: '__transaction_state' }]],
  [
    'a wrong config of one that exists',
    [{ ...plain, name: 'errors-$', configs: [{ name: 'nonsense', value: '1' }] }],
  ],
  [
    'a bad name with a wrong config',
    [{ ...plain, name: 'a b', numPartitions: 0, configs: [{ name: 'nonsense', value: '1' }] }],
  ],
  [
    'wrong in three ways',
    [
      {
        ...plain,
        name: 'w-$',
        numPartitions: 0,
        replicationFactor: 9,
        configs: [{ name: 'nonsense', value: '1' }],
      },
    ],
  ],
  ['wrong in two ways', [{ ...plain, name: 'w-$', numPartitions: 0, replicationFactor: 9 }]],
  [
    'assignments with a count',
    [
      {
        ...plain,
        name: 'w-$',
        replicationFactor: -1,
        assignments: [{ partitionIndex: 0, brokerIds: [1] }],
      },
    ],
  ],
  [
    'assignments of differing length',
    [
      {
        ...unasked,
        name: 'w-$',
        assignments: [
          { partitionIndex: 0, brokerIds: [1] },
          { partitionIndex: 1, brokerIds: [] },
        ],
      },
    ],
  ],
  [
    'assignments from 1 on',
    [
      {
        ...unasked,
        name: 'w-$',
        assignments: [
          { partitionIndex: 1, brokerIds: [1] },
          { partitionIndex: 2, brokerIds: [1] },
        ],
      },
    ],
  ],
  [
    'a negative partition',
    [{ ...unasked, name: 'w-$', assignments: [{ partitionIndex: -1, brokerIds: [1] }] }],
  ],
]

const brokerValues: readonly (readonly [name: string, ...values: string[]])[] = [
  ['log.cleaner.threads', '0', '-1', '100', 'x', '2'],
  ['num.io.threads', '0', '1', '5', '17', '100'],
  ['num.network.threads', '1', '100'],
  ['background.threads', '1', '2', '200'],
  ['num.recovery.threads.per.data.dir', '0', '4', '50'],
  ['log.retention.ms', '0', '-1', '-2', '5'],
  ['log.retention.bytes', '-2'],
  ['log.segment.bytes', '100', '1048576'],
  ['log.cleanup.policy', '', 'none', 'compact', 'compact,compact'],
  ['log.roll.ms', '0', '1'],
  ['log.roll.jitter.ms', '-1', '0'],
  ['compression.type', 'x', 'zstd'],
  ['max.connections', '-1', '0', '10'],
  ['max.connections.per.ip', '-1', '0', '10'],
  ['max.connections.per.ip.overrides', 'localhost:1', 'nonsense', 'x:y', ''],
  ['max.connection.creation.rate', '-1', '0', '5'],
  ['message.max.bytes', '-1', '5'],
  ['min.insync.replicas', '0'],
  ['unclean.leader.election.enable', 'x', 'true'],
  ['leader.replication.throttled.rate', '-1', '0', '5', 'x'],
  ['log.message.timestamp.type', 'x', 'LogAppendTime'],
  ['log.cleaner.min.cleanable.ratio', '2', '0.1'],
  ['log.cleaner.io.max.bytes.per.second', '-1', 'x', '0'],
  ['log.cleaner.dedupe.buffer.size', '1', '1048576', '10000000'],
  ['log.cleaner.io.buffer.size', '-1', '1'],
  ['log.flush.interval.ms', '-1', 'x'],
  ['log.index.size.max.bytes', '3'],
  ['log.local.retention.ms', '-3', '5'],
  ['log.local.retention.bytes', '-3'],
  ['metric.reporters', 'x', ''],
  ['num.replica.fetchers', '0', '2'],
  ['transaction.partition.verification.enable', 'x', 'false'],
  ['producer.id.expiration.ms', '0', '5'],
  ['group.consumer.assignment.interval.ms', '-1', '5', '99999'],
  ['group.coordinator.cached.buffer.max.bytes', '5', '524288'],
  ['cordoned.log.dirs', '/x', '', '*'],
  ['follower.fetch.last.tiered.offset.enable', 'true'],
  ['ssl.keystore.location', '/nowhere'],
  ['sasl.enabled.mechanisms', 'PLAIN', ''],
  ['listener.name.plaintext.ssl.keystore.location', '/nowhere'],
  ['listener.name.plaintext.max.connections', '5'],
  ['listener.name.nobody.max.connections', '5'],
  ['node.id', '1'],
  ['auto.create.topics.enable', 'false'],
  ['log.retention.hours', '5'],
  ['num.partitions', '5'],
  ['advertised.listeners', 'PLAINTEXT://localhost:1'],
  ['', 'x'],
]

const groupValues: readonly (readonly [name: string, ...values: string[]])[] = [
  ['consumer.session.timeout.ms', '44999', '45000', '60001', 'x', '0'],
  ['consumer.heartbeat.interval.ms', '4999', '15001', '15000'],
  ['consumer.assignment.interval.ms', '-1', '15001', '0'],
  ['share.session.timeout.ms', '44999', '60001'],
  ['share.heartbeat.interval.ms', '1'],
  ['share.record.lock.duration.ms', '999', '14999', '60001', '20000'],
  ['share.delivery.count.limit', '1', '2', '11'],
  ['share.partition.max.record.locks', '99', '100', '4001'],
  [
    'share.auto.offset.reset',
    'none',
    'earliest',
    'by_duration:PT1H',
    'by_duration:x',
    'by_duration:-PT1H',
    'LATEST',
  ],
  ['share.isolation.level', 'x', 'read_committed', 'READ_COMMITTED'],
  ['share.renew.acknowledge.enable', 'x', 'false'],
  ['streams.session.timeout.ms', '1'],
  ['streams.heartbeat.interval.ms', '1'],
  ['streams.num.standby.replicas', '-1', '2', '3'],
  ['streams.initial.rebalance.delay.ms', '-1', '0'],
  ['nonsense', 'x'],
]

const metricsValues: readonly (readonly [name: string, ...values: string[]])[] = [
  ['interval.ms', '99', '100', '3600000', '3600001', 'x', ''],
  [
    'match',
    '',
    'client_id=a',
    'client_id',
    'client_id=[',
    'client_id=a,client_id=b',
    'x=y',
    'client_id=a=b',
  ],
  ['metrics', '', '*', 'a,a', 'a, b'],
]

function configQuestions(
  resourceType: number,
  resourceName: string,
  values: typeof brokerValues,
): Question[] {
  return values.flatMap(([name, ...all]) =>
    [...all.map((value) => ({ configOperation: SET, value })), ...operations].map(
      ({ configOperation, value }) =>
        question(
          IncrementalAlterConfigs,
          `${resourceType} '${resourceName}' ${configOperation} ${name}=${value}`,
          {
            resources: [
              { resourceType, resourceName, configs: [{ name, configOperation, value }] },
            ],
            validateOnly: true,
          },
        ),
    ),
  )
}
const operations: readonly { configOperation: number; value: string | null }[] = [
  { configOperation: DELETE, value: null },
  { configOperation: APPEND, value: 'x' },
  { configOperation: SUBTRACT, value: 'x' },
]

const acl = {
  resourceType: 2,
  resourceName: 'x',
  resourcePatternType: 3,
  principal: 'User:a',
  host: '*',
  operation: 3,
  permissionType: 3,
}
const filter = {
  resourceTypeFilter: 1,
  resourceNameFilter: null,
  patternTypeFilter: 1,
  principalFilter: null,
  hostFilter: null,
  operation: 1,
  permissionType: 1,
}
const token = Buffer.from('token')

export const errorQuestions: readonly Question[] = [
  ...topicQuestions(),
  ...otherTopics.map(([about, topics]) =>
    question(CreateTopics, about, { topics, timeoutMs, validateOnly: true } as never),
  ),
  question(CreatePartitions, 'too many assignments and an unequal one', {
    topics: [
      { name: 'errors-$', count: 3, assignments: [{ brokerIds: [1] }, { brokerIds: [1] }] },
      { name: 'compacted-$', count: 2, assignments: [{ brokerIds: [1, 1] }] },
      { name: 'kept-$', count: 1, assignments: [] },
      { name: 'under_$', count: 2, assignments: [] },
    ],
    timeoutMs,
    validateOnly: true,
  }),
  question(DeleteRecords, 'of compacted and kept topics', {
    topics: ['errors-$', 'compacted-$', 'kept-$'].map((name) => ({
      name,
      partitions: [{ partitionIndex: 0, offset: 0 }],
    })),
    timeoutMs,
  }),
  question(DeleteRecords, 'a partition twice', {
    topics: [
      {
        name: 'errors-$',
        partitions: [
          { partitionIndex: 0, offset: 0 },
          { partitionIndex: 0, offset: 1 },
        ],
      },
    ],
    timeoutMs,
  }),
  question(DeleteRecords, 'to the end, and negative partitions', {
    topics: [
      {
        name: 'errors-$',
        partitions: [
          { partitionIndex: 0, offset: -1 },
          { partitionIndex: -1, offset: 0 },
        ],
      },
    ],
    timeoutMs,
  }),
  ...configQuestions(BROKER, '1', brokerValues),
  ...configQuestions(BROKER, '', brokerValues),
  ...configQuestions(GROUP, 'errors-$', groupValues),
  ...configQuestions(CLIENT_METRICS, 'errors-$', metricsValues),
  question(IncrementalAlterConfigs, 'good and bad together', {
    resources: [
      {
        resourceType: TOPIC,
        resourceName: 'errors-$',
        configs: [{ name: 'retention.ms', configOperation: SET, value: '5' }],
      },
      {
        resourceType: TOPIC,
        resourceName: 'kept-$',
        configs: [{ name: 'retention.ms', configOperation: SET, value: 'x' }],
      },
      {
        resourceType: BROKER,
        resourceName: '1',
        configs: [{ name: 'node.id', configOperation: SET, value: '1' }],
      },
      {
        resourceType: GROUP,
        resourceName: 'errors-$',
        configs: [{ name: 'nonsense', configOperation: SET, value: '1' }],
      },
    ],
    validateOnly: false,
  }),
  question(DescribeConfigs, 'what that left', {
    resources: ['errors-$', 'kept-$'].map((resourceName) => ({
      resourceType: TOPIC,
      resourceName,
      configurationKeys: ['retention.ms', 'cleanup.policy'],
    })),
    includeSynonyms: true,
  }),
  question(DescribeConfigs, 'a resource twice and several types', {
    resources: [
      { resourceType: TOPIC, resourceName: 'errors-$', configurationKeys: ['retention.ms'] },
      {
        resourceType: TOPIC,
        resourceName: 'errors-$',
        configurationKeys: ['retention.ms', 'retention.ms'],
      },
      {
        resourceType: BROKER,
        resourceName: '1',
        configurationKeys: ['nonsense', 'log.retention.ms'],
      },
      { resourceType: BROKER, resourceName: ' 1', configurationKeys: ['log.retention.ms'] },
      { resourceType: BROKER, resourceName: '01', configurationKeys: ['log.retention.ms'] },
      { resourceType: 8, resourceName: '1', configurationKeys: ['nonsense'] },
      {
        resourceType: GROUP,
        resourceName: 'x',
        configurationKeys: ['nonsense', 'share.isolation.level'],
      },
    ],
    includeSynonyms: true,
  }),
  question(DescribeAcls, 'all', filter),
  question(CreateAcls, 'one', { creations: [acl] }),
  question(CreateAcls, 'none', { creations: [] }),
  question(DeleteAcls, 'one', { filters: [filter] }),
  question(DeleteAcls, 'none', { filters: [] }),
  question(CreateDelegationToken, 'one', {
    ownerPrincipalType: null,
    ownerPrincipalName: null,
    renewers: [],
    maxLifetimeMs: -1,
  }),
  question(RenewDelegationToken, 'one', { hmac: token, renewPeriodMs: 1 }),
  question(ExpireDelegationToken, 'one', { hmac: token, expiryTimePeriodMs: 1 }),
  question(DescribeDelegationToken, 'all', { owners: null }),
  question(DescribeDelegationToken, 'none', { owners: [] }),
  question(ElectLeaders, 'a partition twice, a topic twice', {
    electionType: 0,
    topicPartitions: [{ topic: 'errors-$', partitions: [0, 0] }],
    timeoutMs,
  }),
  question(AlterPartitionReassignments, 'a partition twice', {
    timeoutMs,
    topics: [
      {
        name: 'errors-$',
        partitions: [
          { partitionIndex: 0, replicas: [1] },
          { partitionIndex: 0, replicas: [7] },
        ],
      },
    ],
  }),
  question(ListPartitionReassignments, 'none', { timeoutMs, topics: [] }),
  question(AlterClientQuotas, 'good and bad together', {
    entries: [
      {
        entity: [{ entityType: 'user', entityName: 'good-$' }],
        ops: [{ key: 'producer_byte_rate', value: 1, remove: false }],
      },
      {
        entity: [{ entityType: 'user', entityName: 'bad-$' }],
        ops: [{ key: 'nonsense', value: 1, remove: false }],
      },
    ],
    validateOnly: true,
  }),
  question(AlterUserScramCredentials, 'good and bad together', {
    deletions: [
      { name: 'nobody', mechanism: 1 },
      { name: '', mechanism: 9 },
    ],
    upsertions: [
      { name: 'eve-$', mechanism: 2, iterations: 1, salt: token, saltedPassword: token },
      {
        name: 'fay-$',
        mechanism: 1,
        iterations: 4096,
        salt: token,
        saltedPassword: token,
      },
    ],
  }),
  ...[
    'metadata.version',
    'group.version',
    'share.version',
    'streams.version',
    'transaction.version',
    'kraft.version',
    'eligible.leader.replicas.version',
  ].flatMap((feature) =>
    [0, 1, 2, 29].flatMap((maxVersionLevel) =>
      [1, 2, 3].map((upgradeType) =>
        question(UpdateFeatures, `${feature} ${maxVersionLevel} ${upgradeType}`, {
          timeoutMs,
          featureUpdates: [
            { feature, maxVersionLevel, upgradeType, allowDowngrade: upgradeType > 1 },
          ],
          validateOnly: true,
        }),
      ),
    ),
  ),
  question(DescribeTransactions, 'an unknown one and an empty one', {
    transactionalIds: ['nobody-$', ''],
  }),
  question(ListTransactions, 'unknown states and producers', {
    stateFilters: ['Nonsense', 'Ongoing'],
    producerIdFilters: [77],
    durationFilter: -1,
  }),
  question(ListTransactions, 'a wrong pattern', {
    stateFilters: [],
    producerIdFilters: [],
    transactionalIdPattern: '[',
  }),
  question(PushTelemetry, 'of nobody', {
    clientInstanceId: ZERO_UUID,
    subscriptionId: 1,
    terminating: false,
    compressionType: 0,
    metrics: Buffer.alloc(0),
  }),
  question(DescribeTopicPartitions, 'names twice', {
    topics: [{ name: 'errors-$' }, { name: 'errors-$' }],
  }),
  question(DescribeLogDirs, 'a topic twice', {
    topics: [{ topic: 'errors-$', partitions: [0, 0] }],
  }),
  question(AlterReplicaLogDirs, 'a directory twice', {
    dirs: [
      { path: '/none', topics: [{ name: 'errors-$', partitions: [0, 0] }] },
      { path: '', topics: [{ name: 'kept-$', partitions: [0] }] },
    ],
  }),
  question(DeleteGroups, 'a group twice', { groupsNames: ['nobody', 'nobody'] }),
  question(DeleteTopics, 'twice in several ways', {
    topicNames: ['compacted-$', 'compacted-$', 'kept-$'],
    topics: ['compacted-$', 'compacted-$', 'kept-$'].map((name) => ({ name, topicId: ZERO_UUID })),
    timeoutMs,
  }),
]
