import { RE2JS } from 're2js'
import { formatUuid, randomUuid, type Uuid, ZERO_UUID } from '../base/uuid.ts'
import { KafkaError } from '../protocol/error-code.ts'
import { crc32c } from '../protocol/records/crc32c.ts'
import {
  type ClientMatchKey,
  clientMetricsSettingsByName,
  parseClientMatch,
} from '../settings/client-metrics-settings.ts'
import { parseValue } from '../settings/parse-value.ts'
import { ConfigResourceType, type MetadataImage } from '../storage/metadata-store.ts'
import type { Peer } from './peer.ts'

/** Clients remembered between their requests; the one longest silent goes first. */
const INSTANCES_MAX = 16_384
const ALL_METRICS = '*'
const DEFAULT_PUSH_INTERVAL_MS = 300_000
/** ZStd, LZ4, GZip, Snappy: in the order in which Kafka prefers them. */
export const telemetryCompressionTypes: readonly number[] = [4, 3, 1, 2]

/** Who asks; what a subscription may match it by. */
export interface TelemetryClient {
  readonly instanceId: Uuid
  readonly clientId: string
  readonly peer: Peer
}

export interface TelemetrySubscription {
  /** Changes with what is subscribed to. */
  readonly subscriptionId: number
  readonly pushIntervalMs: number
  readonly metrics: readonly string[]
}

interface Instance {
  subscription: TelemetrySubscription
  /** Configs of all subscriptions as they were when it was matched. */
  readonly configs: readonly ReadonlyMap<string, string>[]
  lastGetMs: number
  lastPushMs: number
  isTerminating: boolean
  /** Its last push was refused in a way that only asking again mends. */
  mayAskNow: boolean
}

/**
 * Tells clients which metrics they are to push, and checks what they push (KIP-714). Nobody takes
 * the metrics here, as in a Kafka without a telemetry plugin.
 */
export class ClientTelemetry {
  readonly #image: () => MetadataImage
  readonly #maxBytes: () => number
  /** Longest silent first. */
  readonly #instances = new Map<Uuid, Instance>()

  constructor(options: { image: () => MetadataImage; maxBytes: () => number }) {
    this.#image = options.image
    this.#maxBytes = options.maxBytes
  }

  /** Throws THROTTLING_QUOTA_EXCEEDED when the client asks more often than it shall push. */
  subscribe(
    client: TelemetryClient,
    nowMs: number,
  ): TelemetrySubscription & { readonly instanceId: Uuid } {
    const isNew = client.instanceId === ZERO_UUID
    const instanceId = isNew ? randomUuid() : client.instanceId
    const instance = this.#instance({ ...client, instanceId })
    const elapsedMs = nowMs - Math.max(instance.lastGetMs, instance.lastPushMs)
    if (elapsedMs < instance.subscription.pushIntervalMs && !instance.mayAskNow) {
      throw new KafkaError('THROTTLING_QUOTA_EXCEEDED')
    }
    instance.lastGetMs = nowMs
    instance.mayAskNow = false
    return { ...instance.subscription, instanceId }
  }

  /** Throws what the push is to be answered with when it is refused. */
  push(
    client: TelemetryClient,
    push: {
      readonly subscriptionId: number
      readonly terminating: boolean
      readonly compressionType: number
      readonly metrics: Uint8Array
    },
    nowMs: number,
  ): void {
    if (client.instanceId === ZERO_UUID) throw new KafkaError('INVALID_REQUEST')
    const instance = this.#instance(client)
    if (instance.isTerminating) throw new KafkaError('INVALID_REQUEST')
    // The first push after a subscription may come before the interval is over.
    const isEarly =
      instance.lastGetMs <= instance.lastPushMs &&
      nowMs - instance.lastPushMs < instance.subscription.pushIntervalMs
    instance.lastPushMs = nowMs
    if (isEarly && !push.terminating) throw new KafkaError('THROTTLING_QUOTA_EXCEEDED')
    if (push.terminating) instance.isTerminating = true
    if (push.subscriptionId !== instance.subscription.subscriptionId) {
      instance.mayAskNow = true
      throw new KafkaError('UNKNOWN_SUBSCRIPTION_ID')
    }
    if (push.compressionType !== 0 && !telemetryCompressionTypes.includes(push.compressionType)) {
      instance.mayAskNow = true
      throw new KafkaError('UNSUPPORTED_COMPRESSION_TYPE')
    }
    if (push.metrics.length > this.#maxBytes()) throw new KafkaError('TELEMETRY_TOO_LARGE')
  }

  /** What is known of the client, matched anew when a subscription has changed. */
  #instance(client: TelemetryClient): Instance {
    const { instanceId } = client
    const configs = this.#configs()
    const known = this.#instances.get(instanceId)
    const isFresh = known && sameItems(known.configs, configs)
    const instance: Instance = isFresh
      ? known
      : {
          subscription: subscriptionOf(client, configs),
          configs,
          lastGetMs: Number.NEGATIVE_INFINITY,
          lastPushMs: Number.NEGATIVE_INFINITY,
          isTerminating: false,
          mayAskNow: false,
        }
    this.#instances.delete(instanceId)
    this.#instances.set(instanceId, instance)
    if (this.#instances.size > INSTANCES_MAX) {
      const [oldest] = this.#instances.keys()
      this.#instances.delete(oldest!)
    }
    return instance
  }

  #configs(): readonly ReadonlyMap<string, string>[] {
    const image = this.#image()
    const type = ConfigResourceType.CLIENT_METRICS
    return image.configuredNames(type).map((name) => image.configs(type, name))
  }
}

function sameItems<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index])
}

function subscriptionOf(
  client: TelemetryClient,
  configs: readonly ReadonlyMap<string, string>[],
): TelemetrySubscription {
  const metrics = new Set<string>()
  let pushIntervalMs = Number.POSITIVE_INFINITY
  for (const config of configs) {
    const wanted = listOf(config, 'metrics')
    if (wanted.length === 0 || !matches(client, listOf(config, 'match'))) continue
    for (const metric of wanted) metrics.add(metric)
    pushIntervalMs = Math.min(pushIntervalMs, intervalOf(config))
  }
  const asked = metrics.has(ALL_METRICS) ? [ALL_METRICS] : Array.from(metrics)
  const text = JSON.stringify([asked, pushIntervalMs, client.instanceId])
  return {
    subscriptionId: crc32c(Buffer.from(text)) | 0,
    pushIntervalMs: Number.isFinite(pushIntervalMs) ? pushIntervalMs : DEFAULT_PUSH_INTERVAL_MS,
    metrics: asked,
  }
}

function listOf(config: ReadonlyMap<string, string>, name: 'metrics' | 'match'): readonly string[] {
  const value = parseValue(name, clientMetricsSettingsByName.get(name)!, config.get(name) ?? '')
  return Array.isArray(value) ? value : []
}

function intervalOf(config: ReadonlyMap<string, string>): number {
  const text = config.get('interval.ms')
  return text === undefined ? DEFAULT_PUSH_INTERVAL_MS : Number(text)
}

/** A client must fit every pattern; patterns were checked when they were stored. */
function matches(client: TelemetryClient, items: readonly string[]): boolean {
  return items.every((item) => {
    const match = parseClientMatch(item)
    return match !== undefined && RE2JS.compile(match.pattern).matches(attribute(client, match.key))
  })
}

function attribute({ instanceId, clientId, peer }: TelemetryClient, key: ClientMatchKey): string {
  switch (key) {
    case 'client_instance_id':
      return formatUuid(instanceId)
    case 'client_id':
      return clientId
    case 'client_software_name':
      return peer.softwareName
    case 'client_software_version':
      return peer.softwareVersion
    case 'client_source_address':
      return peer.address
    case 'client_source_port':
      return String(peer.port)
  }
}
