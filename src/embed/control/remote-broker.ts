import { ErrorCode, type ErrorName, KafkaError } from '../../protocol/error-code.ts'
import { ConfigError } from '../../settings/parse-value.ts'
import type { StateOptions } from '../broker-state.ts'
import type { EmbeddedNode } from '../embedded-node.ts'
import type { FaultSpec } from '../faults/fault-spec.ts'
import type { FaultEvent } from '../faults/faults.ts'
import type { MemberMatch } from '../faults/group-faults.ts'
import type { ProducerMatch } from '../faults/producer-faults.ts'
import type { GroupOptions, GroupView, StoredOffset } from '../local-groups.ts'
import type { NewRecord, RecordPlace, StoredRecord, WaitOptions } from '../local-records.ts'
import type { NewTopic, TopicView } from '../local-topics.ts'
import type { Json } from '../requests/json.ts'
import { WaitError } from '../wait-until.ts'

/** Functions do not go over a wire. */
export type RemoteReadOptions = Omit<WaitOptions, 'where'>

export type RemoteNode = Pick<
  EmbeddedNode,
  'brokerId' | 'host' | 'port' | 'bootstrapServers' | 'isUp'
>

export interface RemoteFault {
  readonly id: number
  readonly spec: FaultSpec
  readonly seed: number
  readonly hits: number
  readonly isOver: boolean
}

/**
 * A broker of another process, through its control API: one that a runner's global setup started,
 * `dohle start --control-port`, a container. The helpers are those of `startBroker`'s broker.
 */
export class RemoteBroker {
  readonly controlUrl: string
  readonly bootstrapServers: string
  readonly clusterId: string

  private constructor(controlUrl: string, facts: { bootstrapServers: string; clusterId: string }) {
    this.controlUrl = controlUrl
    this.bootstrapServers = facts.bootstrapServers
    this.clusterId = facts.clusterId
  }

  /** Rejects when nobody answers there. */
  static async connect(controlUrl: string): Promise<RemoteBroker> {
    const url = controlUrl.replace(/\/+$/, '')
    const facts = await call<{ bootstrapServers: string; clusterId: string }>(url, 'GET', '/')
    return new RemoteBroker(url, facts)
  }

  #get<T>(path: string, query: object = {}): Promise<T> {
    const text = new URLSearchParams()
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) text.set(name, String(value))
    }
    return call<T>(this.controlUrl, 'GET', text.size > 0 ? `${path}?${text}` : path)
  }

  #post<T>(path: string, body: unknown = {}): Promise<T> {
    return call<T>(this.controlUrl, 'POST', path, body)
  }

  async #do(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<void> {
    await call<unknown>(this.controlUrl, method, path, body)
  }

  /** All brokers that the process presents, by id. */
  brokers(): Promise<RemoteNode[]> {
    return this.#get('/brokers')
  }

  /** Takes one of several brokers down; see `EmbeddedNode`. */
  stopBroker(brokerId: number): Promise<RemoteNode> {
    return this.#post(`/brokers/${brokerId}/stop`)
  }

  /** Brings it back. */
  startBroker(brokerId: number): Promise<RemoteNode> {
    return this.#post(`/brokers/${brokerId}/start`)
  }

  createTopics(topics: readonly (string | NewTopic)[]): Promise<void> {
    return this.#do('POST', '/topics', topics)
  }

  async deleteTopics(names: readonly string[]): Promise<void> {
    for (const name of names) await this.#do('DELETE', `/topics/${encodeURIComponent(name)}`)
  }

  topics(): Promise<TopicView[]> {
    return this.#get('/topics')
  }

  produce(topic: string, records: readonly NewRecord[]): Promise<RecordPlace[]> {
    return this.#post(recordsPath(topic), records.map(recordJson))
  }

  records<Value = unknown>(
    topic: string,
    options: RemoteReadOptions = {},
  ): Promise<StoredRecord<Value>[]> {
    return this.#get(recordsPath(topic), options)
  }

  waitForRecords<Value = unknown>(
    topic: string,
    count: number,
    options: RemoteReadOptions = {},
  ): Promise<StoredRecord<Value>[]> {
    return this.#get(recordsPath(topic), { ...options, count })
  }

  groups(): Promise<GroupView[]> {
    return this.#get('/groups')
  }

  committedOffsets(groupId: string): Promise<StoredOffset[]> {
    return this.#get(`/groups/${encodeURIComponent(groupId)}/offsets`)
  }

  waitForGroup(groupId: string, options: GroupOptions = {}): Promise<GroupView> {
    return this.#get(`/groups/${encodeURIComponent(groupId)}`, options)
  }

  addFault(spec: FaultSpec): Promise<RemoteFault> {
    return this.#post('/faults', spec)
  }

  /** As it is now, with its hits. */
  faults(): Promise<RemoteFault[]> {
    return this.#get('/faults')
  }

  removeFault(id: number): Promise<void> {
    return this.#do('DELETE', `/faults/${id}`)
  }

  clearFaults(): Promise<void> {
    return this.#do('DELETE', '/faults')
  }

  faultLog(): Promise<FaultEvent[]> {
    return this.#get('/faults/log')
  }

  rebalance(groupId: string): Promise<void> {
    return this.#do('POST', `/groups/${encodeURIComponent(groupId)}/rebalance`)
  }

  async expireMember(groupId: string, match: MemberMatch = {}): Promise<string> {
    const path = `/groups/${encodeURIComponent(groupId)}/expire`
    return (await this.#post<{ memberId: string }>(path, match)).memberId
  }

  fenceProducer(
    match: { readonly transactionalId: string } | ProducerMatch,
  ): Promise<{ readonly producerId: number; readonly producerEpoch: number }> {
    return this.#post('/producers/fence', match)
  }

  recordRequests(): Promise<void> {
    return this.#do('POST', '/requests/start')
  }

  requests(match: { api?: string; clientId?: string } = {}): Promise<Json[]> {
    return this.#get('/requests', match)
  }

  /** The id to restore it by; the broker keeps it. */
  async snapshot(): Promise<string> {
    return (await this.#post<{ id: string }>('/snapshots')).id
  }

  restore(snapshotId: string, options: StateOptions = {}): Promise<void> {
    return this.#do('POST', `/snapshots/${snapshotId}/restore`, options)
  }

  reset(options: StateOptions = {}): Promise<void> {
    return this.#do('POST', '/reset', options)
  }

  exportTo(directory: string): Promise<void> {
    return this.#do('POST', '/export', { directory })
  }

  async advanceClock(by: number | string): Promise<number> {
    return (await this.#post<{ nowMs: number }>('/clock/advance', { by })).nowMs
  }
}

const recordsPath = (topic: string) => `/topics/${encodeURIComponent(topic)}/records`

function recordJson({ key, value, ...rest }: NewRecord) {
  return {
    ...(key instanceof Uint8Array ? { keyBase64: base64(key) } : { key }),
    ...(value instanceof Uint8Array ? { valueBase64: base64(value) } : { value }),
    ...rest,
  }
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')

async function call<T>(
  url: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: unknown,
): Promise<T> {
  const response = await fetch(`${url}${path}`, {
    method,
    ...(body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  })
  const answer = JSON.parse(await response.text(), bufferOfBase64)
  if (response.ok) return answer
  throw errorOf(answer.error ?? { name: 'Error', message: `status ${response.status}` })
}

function errorOf({ name, message, code }: RemoteError): Error {
  if (name === 'WaitError') return new WaitError(message)
  if (name === 'ConfigError') return new ConfigError(message)
  if (code !== undefined && isErrorName(code)) return new KafkaError(code, message)
  return new Error(message)
}

interface RemoteError {
  readonly name: string
  readonly message: string
  /** Kafka's name of the error. */
  readonly code?: string
}

function isErrorName(name: string): name is ErrorName {
  return Object.hasOwn(ErrorCode, name)
}

/** Bytes that are no text come as `{ "base64": "..." }`. */
function bufferOfBase64(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('base64' in value)) return value
  const isOnly = Object.keys(value).length === 1 && typeof value.base64 === 'string'
  return isOnly ? Buffer.from(String(value.base64), 'base64') : value
}
