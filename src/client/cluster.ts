import type { Clock } from '../base/clock.ts'
import { type Uuid, ZERO_UUID } from '../base/uuid.ts'
import { Metadata } from '../protocol/apis/03-metadata.ts'
import { FindCoordinator } from '../protocol/apis/10-find-coordinator.ts'
import { ErrorCode, KafkaError } from '../protocol/error-code.ts'
import type { DecodedOf } from '../protocol/schema.ts'
import type { BrokerAddress } from './broker-address.ts'
import { brokerError, throwIfError } from './broker-error.ts'
import { clientClock } from './client-clock.ts'
import { Connection } from './connection.ts'
import { ConnectionError } from './connection-error.ts'
import { isPassing, type RetryOptions, retry } from './retry.ts'

export interface ClusterOptions {
  readonly bootstrap: readonly BrokerAddress[]
  readonly clientId?: string
  readonly softwareVersion?: string
  readonly connectTimeoutMs?: number
  /** For one answer. */
  readonly requestTimeoutMs?: number
  /** For one call, all its attempts together. */
  readonly retryTimeoutMs?: number
  readonly clock?: Clock
}

export interface Node extends BrokerAddress {
  readonly nodeId: number
  readonly rack: string | null
}

export interface PartitionInfo {
  readonly partition: number
  /** -1 when there is none. */
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly offline: readonly number[]
}

export interface TopicInfo {
  readonly name: string
  /** The zero uuid from brokers that have no topic ids. */
  readonly topicId: Uuid
  readonly isInternal: boolean
  /** In the order of their numbers. */
  readonly partitions: readonly PartitionInfo[]
}

export interface ClusterInfo {
  readonly clusterId: string | null
  readonly controllerId: number
  readonly nodes: readonly Node[]
}

export interface MetadataQuery {
  /** Topics that are not there are made, where the broker allows it. */
  readonly allowAutoTopicCreation?: boolean
}

const CONNECT_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 30_000
const RETRY_TIMEOUT_MS = 30_000

/**
 * A Kafka cluster as a client sees it: found through any of its brokers, asked through the one that
 * can answer. Connections are made when they are needed and kept.
 */
export class Cluster {
  readonly clock: Clock
  readonly retryTimeoutMs: number
  readonly #options: ClusterOptions
  readonly #nodes = new Map<number, Node>()
  readonly #connections = {
    data: new Map<number, Promise<Connection>>(),
    coordination: new Map<number, Promise<Connection>>(),
  }
  readonly #topics = new Map<string, TopicInfo>()
  readonly #asking = new Map<string, Promise<TopicInfo>>()
  #bootstrap: Promise<Connection> | undefined
  #controllerId = -1
  #wasReached = false
  #isClosed = false

  constructor(options: ClusterOptions) {
    this.#options = options
    this.clock = options.clock ?? clientClock
    this.retryTimeoutMs = options.retryTimeoutMs ?? RETRY_TIMEOUT_MS
  }

  /** Repeats what may pass; metadata is read anew before each further attempt. */
  async retry<T>(attempt: () => Promise<T>, alsoPassing?: RetryOptions['alsoPassing']): Promise<T> {
    const { clock, retryTimeoutMs: timeoutMs } = this
    const mayPass = (error: unknown) => this.mayPass(error) || alsoPassing?.(error) === true
    return await retry({ clock, timeoutMs, alsoPassing: mayPass }, async () => {
      try {
        return await attempt()
      } catch (error) {
        this.#controllerId = -1
        this.#topics.clear()
        throw error
      }
    })
  }

  /** Another try is worth it: also when brokers that were there have gone, for they may restart. */
  mayPass(error: unknown): boolean {
    const isGone = error instanceof ConnectionError && error.fault === 'unreachable'
    return isPassing(error) || (isGone && this.#wasReached)
  }

  /** A connection to whichever broker answers. Rejects with the last `ConnectionError`. */
  async any(): Promise<Connection> {
    const known = this.#bootstrap
    if (known) {
      const connection = await known.catch(() => undefined)
      if (connection?.isOpen) return connection
      if (this.#bootstrap === known) this.#bootstrap = undefined
      return await this.any()
    }
    const opening = this.#openAny()
    this.#bootstrap = opening
    return await opening
  }

  /**
   * A connection to this broker. A broker answers what comes on a connection one after the other,
   * so what must not wait behind a long fetch goes by one of its own.
   */
  async node(nodeId: number, purpose: 'data' | 'coordination' = 'data'): Promise<Connection> {
    const connections = this.#connections[purpose]
    const known = connections.get(nodeId)
    if (known) {
      const connection = await known.catch(() => undefined)
      if (connection?.isOpen) return connection
      if (connections.get(nodeId) === known) connections.delete(nodeId)
      return await this.node(nodeId, purpose)
    }
    const node = this.#nodes.get(nodeId)
    if (!node) throw new KafkaError('LEADER_NOT_AVAILABLE', `node ${nodeId} is not in the cluster`)
    const opening = this.#open(node)
    connections.set(nodeId, opening)
    return await opening
  }

  /** Also the brokers of the cluster; kept for `node` and the others. */
  async describe(): Promise<ClusterInfo> {
    const { clusterId, controllerId } = await this.#metadata([])
    return { clusterId, controllerId, nodes: [...this.#nodes.values()] }
  }

  async controller(): Promise<Connection> {
    if (this.#controllerId < 0) await this.#metadata([])
    if (this.#controllerId < 0) throw new KafkaError('NOT_CONTROLLER', 'there is no controller')
    return await this.node(this.#controllerId)
  }

  /** All topics, sorted by name. Those that cannot be described are left out. */
  async allTopics(): Promise<TopicInfo[]> {
    const { topics } = await this.#metadata(null)
    return topics
      .filter(({ errorCode }) => errorCode === ErrorCode.NONE)
      .map(topicInfo)
      .sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** One topic, as the broker sees it now. Throws what the broker answers for it. */
  async topic(name: string, query: MetadataQuery = {}): Promise<TopicInfo> {
    const { topics } = await this.#metadata([name], query)
    const topic = topics[0]
    const errorCode = topic?.errorCode ?? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    if (!topic || errorCode !== ErrorCode.NONE) {
      throw brokerError(errorCode, `${name}: ${brokerError(errorCode).message}`)
    }
    const info = topicInfo(topic)
    this.#topics.set(name, info)
    return info
  }

  /** As it was seen last, if nothing has failed since. */
  seenTopic(name: string): TopicInfo | undefined {
    return this.#topics.get(name)
  }

  /** The same, asked for if need be; those who ask at the same time share the answer. */
  async cachedTopic(name: string, query: MetadataQuery = {}): Promise<TopicInfo> {
    const seen = this.#topics.get(name)
    if (seen) return seen
    let asking = this.#asking.get(name)
    if (!asking) {
      asking = this.topic(name, query).finally(() => this.#asking.delete(name))
      this.#asking.set(name, asking)
    }
    return await asking
  }

  /** The partition with its leader; throws UNKNOWN_TOPIC_OR_PARTITION or LEADER_NOT_AVAILABLE. */
  async leaderOf(topic: string, partition: number): Promise<PartitionInfo & { topicId: Uuid }> {
    const { topicId, partitions } = await this.cachedTopic(topic)
    const info = partitions.find((one) => one.partition === partition)
    if (!info) {
      const text = `${topic} has no partition ${partition}`
      throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', text)
    }
    if (info.leaderId < 0) {
      throw new KafkaError('LEADER_NOT_AVAILABLE', `${topic} partition ${partition} has no leader`)
    }
    return { ...info, topicId }
  }

  /** What was seen of topics before is doubtful. */
  forgetTopics(): void {
    this.#topics.clear()
  }

  /** The broker that keeps the state of a group. */
  async coordinator(groupId: string): Promise<Connection> {
    const connection = await this.any()
    const batched = connection.versionOf(FindCoordinator) >= 4
    const request = batched ? { key: '', coordinatorKeys: [groupId] } : { key: groupId }
    const response = await connection.request(FindCoordinator, { ...request, keyType: 0 })
    const found = batched ? response.coordinators[0] : response
    if (!found) throw new KafkaError('COORDINATOR_NOT_AVAILABLE')
    throwIfError(found.errorCode, found.errorMessage)
    const { nodeId, host, port } = found
    if (!this.#nodes.has(nodeId)) this.#nodes.set(nodeId, { nodeId, host, port, rack: null })
    return await this.node(nodeId, 'coordination')
  }

  close(): void {
    this.#isClosed = true
    const { data, coordination } = this.#connections
    const all = [this.#bootstrap, ...data.values(), ...coordination.values()]
    for (const opening of all) {
      opening?.then(
        (connection) => connection.close(),
        () => {},
      )
    }
  }

  async #metadata(
    names: readonly string[] | null,
    query: MetadataQuery = {},
  ): Promise<DecodedOf<(typeof Metadata)['response']>> {
    const connection = await this.any()
    // In version 0 no topics are all topics.
    const topics = names === null && connection.versionOf(Metadata) === 0 ? [] : names
    const response = await connection.request(Metadata, {
      topics: topics === null ? null : topics.map((name) => ({ name })),
      allowAutoTopicCreation: query.allowAutoTopicCreation ?? false,
    })
    throwIfError(response.errorCode)
    this.#nodes.clear()
    for (const node of response.brokers) this.#nodes.set(node.nodeId, node)
    this.#controllerId = response.controllerId
    return response
  }

  /** The brokers that were named, then those that the cluster was seen to have. */
  async #openAny(): Promise<Connection> {
    let failure: unknown
    for (const address of [...this.#options.bootstrap, ...this.#nodes.values()]) {
      try {
        return await this.#open(address)
      } catch (error) {
        failure ??= error
      }
    }
    throw failure
  }

  async #open(address: BrokerAddress): Promise<Connection> {
    if (this.#isClosed) throw new ConnectionError('closed', 'the client was closed')
    const connection = await Connection.open(address, {
      clientId: this.#options.clientId ?? 'dohle',
      softwareVersion: this.#options.softwareVersion ?? '0.0.0',
      connectTimeoutMs: this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      requestTimeoutMs: this.#options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
      clock: this.clock,
    })
    this.#wasReached = true
    if (this.#isClosed) connection.close()
    return connection
  }
}

type TopicMetadata = DecodedOf<(typeof Metadata)['response']>['topics'][number]

function topicInfo({ name, topicId, isInternal, partitions }: TopicMetadata): TopicInfo {
  if (name === null) throw brokerError(ErrorCode.UNKNOWN_TOPIC_ID)
  return {
    name,
    topicId: topicId ?? ZERO_UUID,
    isInternal,
    partitions: partitions
      .map((partition) => ({
        partition: partition.partitionIndex,
        leaderId: partition.leaderId,
        leaderEpoch: partition.leaderEpoch,
        replicas: partition.replicaNodes,
        isr: partition.isrNodes,
        offline: partition.offlineReplicas,
      }))
      .sort((a, b) => a.partition - b.partition),
  }
}
