import { Fetch } from '../../../src/protocol/apis/01-fetch.ts'
import { ListOffsets } from '../../../src/protocol/apis/02-list-offsets.ts'
import { Metadata } from '../../../src/protocol/apis/03-metadata.ts'
import { OffsetFetch } from '../../../src/protocol/apis/09-offset-fetch.ts'
import { ListGroups } from '../../../src/protocol/apis/16-list-groups.ts'
import { ApiVersions } from '../../../src/protocol/apis/18-api-versions.ts'
import { DescribeAcls } from '../../../src/protocol/apis/29-describe-acls.ts'
import { DescribeConfigs } from '../../../src/protocol/apis/32-describe-configs.ts'
import { DescribeClientQuotas } from '../../../src/protocol/apis/48-describe-client-quotas.ts'
import { DescribeUserScramCredentials } from '../../../src/protocol/apis/50-describe-user-scram-credentials.ts'
import { DescribeProducers } from '../../../src/protocol/apis/61-describe-producers.ts'
import { DescribeTransactions } from '../../../src/protocol/apis/65-describe-transactions.ts'
import { ListTransactions } from '../../../src/protocol/apis/66-list-transactions.ts'
import { errorName } from '../../../src/protocol/error-code.ts'
import { batches } from '../../../src/protocol/records/batch.ts'
import { type BatchContent, batchContent } from '../batch-content.ts'
import { WireClient } from '../wire-client.ts'

const TOPIC = 2
const BROKER = 4
/** DescribeConfigs tells where a value is from; these were set while the broker ran. */
const DYNAMIC_SOURCES: readonly number[] = [1, 2, 3]
const FETCH_BYTES = 64 * 1024 * 1024

/** An answer that a broker gives while it starts; ask again. */
function ensureGood(what: string, ...errorCodes: number[]): void {
  const bad = errorCodes.find((errorCode) => errorCode !== 0)
  if (bad !== undefined) throw new Error(`${what}: ${errorName(bad)}`)
}

/**
 * Everything that clients can find out about what a broker keeps, but for what changes with each of
 * its starts: leader epochs, broker epochs and what follows from them.
 */
export async function observe(bootstrap: string) {
  const client = await WireClient.connect(bootstrap)
  try {
    const { topics, ...cluster } = await topicsOf(client)
    const logs = []
    for (const { name, partitions } of topics) {
      for (const partition of partitions) logs.push(await logOf(client, name, partition))
    }
    return {
      cluster,
      features: await featuresOf(client),
      topics,
      configs: await configsOf(client, topics),
      quotas: await quotasOf(client),
      credentials: await credentialsOf(client),
      logs,
      groups: await groupsOf(client),
      transactions: await transactionsOf(client),
    }
  } finally {
    client.close()
  }
}

export type Observation = Awaited<ReturnType<typeof observe>>

async function topicsOf(client: WireClient) {
  const answer = await client.ask(Metadata, 12, { topics: null, allowAutoTopicCreation: false })
  const topics = answer.topics.map(({ errorCode, name, topicId, isInternal, partitions }) => {
    ensureGood(`topic ${name}`, errorCode, ...partitions.map((one) => one.errorCode))
    const indexes = partitions.map(({ partitionIndex }) => partitionIndex)
    return { name: name ?? '', topicId, isInternal, partitions: indexes.sort((a, b) => a - b) }
  })
  const nodes = answer.brokers.map(({ nodeId }) => nodeId)
  return { clusterId: answer.clusterId, nodes, topics: sorted(topics, ({ name }) => name) }
}

async function featuresOf(client: WireClient): Promise<string[]> {
  const request = { clientSoftwareName: 'observer', clientSoftwareVersion: '1' }
  const { errorCode, finalizedFeatures } = await client.ask(ApiVersions, 3, request)
  ensureGood('features', errorCode)
  return finalizedFeatures.map(({ name, maxVersionLevel }) => `${name} ${maxVersionLevel}`).sort()
}

async function configsOf(client: WireClient, topics: readonly { name: string }[]) {
  const all = { configurationKeys: null }
  const { results } = await client.ask(DescribeConfigs, 4, {
    resources: [
      ...topics.map(({ name }) => ({ ...all, resourceType: TOPIC, resourceName: name })),
      ...['', '1'].map((resourceName) => ({ ...all, resourceType: BROKER, resourceName })),
    ],
  })
  return results.map(({ errorCode, resourceType, resourceName, configs }) => {
    ensureGood(`configs of ${resourceName}`, errorCode)
    const set = configs.filter(({ configSource }) => DYNAMIC_SOURCES.includes(configSource))
    const lines = set.map(({ name, value }) => `${name}=${value}`)
    return { resourceType, resourceName, set: lines.sort() }
  })
}

async function quotasOf(client: WireClient): Promise<string[]> {
  const answer = await client.ask(DescribeClientQuotas, 1, { components: [], strict: false })
  ensureGood('quotas', answer.errorCode)
  return (answer.entries ?? []).map((entry) => JSON.stringify(entry)).sort()
}

async function credentialsOf(client: WireClient) {
  const answer = await client.ask(DescribeUserScramCredentials, 0, { users: null })
  ensureGood('credentials', answer.errorCode, ...answer.results.map(({ errorCode }) => errorCode))
  return sorted(answer.results, ({ user }) => user)
}

/** The access rules, which only a broker with an authorizer tells. */
export async function observeAcls(bootstrap: string): Promise<string[]> {
  const client = await WireClient.connect(bootstrap)
  try {
    const any = 1
    const { errorCode, resources } = await client.ask(DescribeAcls, 3, {
      resourceTypeFilter: any,
      resourceNameFilter: null,
      patternTypeFilter: any,
      principalFilter: null,
      hostFilter: null,
      operation: any,
      permissionType: any,
    })
    ensureGood('rules', errorCode)
    return resources
      .flatMap(({ acls, ...pattern }) => acls.map((acl) => JSON.stringify({ ...pattern, ...acl })))
      .sort()
  } finally {
    client.close()
  }
}

async function logOf(client: WireClient, topic: string, partition: number) {
  const name = `${topic}-${partition}`
  const bounds = await client.ask(ListOffsets, 7, {
    replicaId: -1,
    topics: [{ name: topic, partitions: [{ partitionIndex: partition, timestamp: -2 }] }],
  })
  const [start] = bounds.topics[0]!.partitions
  ensureGood(name, start!.errorCode)
  const all = await fetch(client, topic, partition, start!.offset, 0)
  const committed = await fetch(client, topic, partition, start!.offset, 1)
  const { topics } = await client.ask(DescribeProducers, 0, {
    topics: [{ name: topic, partitionIndexes: [partition] }],
  })
  const [producers] = topics[0]!.partitions
  ensureGood(`producers of ${name}`, producers!.errorCode)
  return {
    name,
    logStartOffset: start!.offset,
    highWatermark: all.highWatermark,
    lastStableOffset: committed.lastStableOffset,
    batches: all.batches,
    committed: visible(committed.batches, committed.aborted),
    producers: sorted(producers!.activeProducers, ({ producerId }) => producerId),
  }
}

async function fetch(
  client: WireClient,
  topic: string,
  partition: number,
  from: number,
  isolationLevel: number,
) {
  const found: BatchContent[] = []
  const aborted = new Map<number, AbortedTransaction>()
  for (let fetchOffset = from; ; ) {
    const { errorCode, responses } = await client.ask(Fetch, 12, {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: FETCH_BYTES,
      isolationLevel,
      sessionId: 0,
      sessionEpoch: -1,
      topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: FETCH_BYTES }] }],
      forgottenTopicsData: [],
      rackId: '',
    })
    const answer = responses[0]?.partitions[0]
    ensureGood(`fetch of ${topic}-${partition}`, errorCode, answer?.errorCode ?? 0)
    const { highWatermark, lastStableOffset, abortedTransactions, records: bytes } = answer!
    for (const one of abortedTransactions ?? []) aborted.set(one.firstOffset, one)
    const before = found.length
    for (const batch of batches(bytes ?? Buffer.alloc(0))) {
      batch.ensureValid()
      if (batch.lastOffset < fetchOffset) continue
      found.push(batchContent(batch))
      fetchOffset = batch.nextOffset
    }
    const end = isolationLevel === 0 ? highWatermark : lastStableOffset
    if (fetchOffset >= end || found.length === before) {
      return { highWatermark, lastStableOffset, batches: found, aborted: [...aborted.values()] }
    }
  }
}

interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
}

/**
 * Offsets that a consumer shows its user. It is told of aborted transactions of which compaction has
 * left nothing, too, but not by every broker: one that was killed reads them from what is left.
 */
function visible(found: readonly BatchContent[], aborted: readonly AbortedTransaction[]): number[] {
  const left = sorted(aborted, ({ firstOffset }) => firstOffset)
  const within = new Set<number>()
  return found.flatMap(({ offsets, producer, control, isTransactional, records: values }) => {
    const [producerId = -1] = producer
    while (left[0] && left[0].firstOffset <= offsets[1]!) within.add(left.shift()!.producerId)
    if (control !== undefined) within.delete(producerId)
    if (control !== undefined || (isTransactional && within.has(producerId))) return []
    return values.map(({ offset }) => offset)
  })
}

async function groupsOf(client: WireClient) {
  const listed = await client.ask(ListGroups, 5, { statesFilter: [], typesFilter: [] })
  ensureGood('groups', listed.errorCode)
  const groups = []
  for (const { groupId, protocolType, groupType } of sorted(listed.groups, (one) => one.groupId)) {
    const offsets: Record<string, string[]> = {}
    for (const requireStable of [true, false]) {
      const answer = await client.ask(OffsetFetch, 8, {
        groups: [{ groupId, topics: null }],
        requireStable,
      })
      const [group] = answer.groups
      ensureGood(`offsets of ${groupId}`, group!.errorCode)
      offsets[requireStable ? 'stable' : 'all'] = group!.topics.flatMap(({ name, partitions }) =>
        sorted(partitions, ({ partitionIndex }) => partitionIndex).map(
          ({ partitionIndex, errorCode, committedOffset, committedLeaderEpoch, metadata }) =>
            `${name}-${partitionIndex} ${errorName(errorCode)} ${committedOffset} ${committedLeaderEpoch} ${metadata}`,
        ),
      ).sort() // biome-ignore format: one expression
    }
    groups.push({ groupId, protocolType, groupType, offsets })
  }
  return groups
}

async function transactionsOf(client: WireClient) {
  const listed = await client.ask(ListTransactions, 0, { stateFilters: [], producerIdFilters: [] })
  ensureGood('transactions', listed.errorCode)
  const transactionalIds = listed.transactionStates.map((one) => one.transactionalId)
  const { transactionStates } = await client.ask(DescribeTransactions, 0, { transactionalIds })
  ensureGood('transactions', ...transactionStates.map(({ errorCode }) => errorCode))
  const states = transactionStates.map((state) => ({
    ...state,
    topics: state.topics
      .map(({ topic, partitions }) => `${topic} ${[...partitions].sort()}`)
      .sort(),
  }))
  return sorted(states, ({ transactionalId }) => transactionalId)
}

function sorted<T>(values: readonly T[], keyOf: (value: T) => string | number): T[] {
  const compare = (one: T, other: T) => (keyOf(one) < keyOf(other) ? -1 : 1)
  return [...values].sort(compare)
}
