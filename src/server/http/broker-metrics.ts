import type { Broker } from '../../broker/broker.ts'
import type { TopicMeter } from '../../broker/meters.ts'
import { ErrorCode } from '../../protocol/error-code.ts'
import type { Bounds } from '../../storage/engine.ts'
import type { PartitionImage, TopicImage } from '../../storage/metadata-store.ts'
import type { PrometheusText } from './prometheus-text.ts'

/**
 * Metrics of a broker under the names that dashboards for Kafka ask for: those of the JMX exporter
 * (kafka_server_*, kafka_log_*, kafka_network_*) and of kafka_exporter (kafka_topic_*). Several brokers
 * of one process are told together.
 */
export function writeBrokerMetrics(text: PrometheusText, broker: Broker): void {
  const topics = [...broker.engine.metadata.image.topicsById.values()]
  writeThroughput(text, broker)
  writeRequests(text, broker)
  writeTopics(text, topics)
  writePartitions(text, topics)
  writeReplicas(text, broker, topics)
  writeLogs(text, broker, topics)
}

const throughput: readonly [field: keyof TopicMeter, name: string, help: string][] = [
  ['messagesIn', 'messagesin', 'Records appended.'],
  ['bytesIn', 'bytesin', 'Bytes of records appended.'],
  ['bytesOut', 'bytesout', 'Bytes of records sent to consumers.'],
  ['produceRequests', 'totalproducerequests', 'Appends to partitions.'],
  ['failedProduceRequests', 'failedproducerequests', 'Appends to partitions that failed.'],
  ['fetchRequests', 'totalfetchrequests', 'Reads of partitions.'],
  ['failedFetchRequests', 'failedfetchrequests', 'Reads of partitions that failed.'],
]

function writeThroughput(text: PrometheusText, { meters, engine }: Broker): void {
  const { topicsById } = engine.metadata.image
  const byTopic = meters.topics((topicId) => topicsById.has(topicId))
  for (const [field, name, help] of throughput) {
    text.family(`kafka_server_brokertopicmetrics_${name}_total`, 'counter', help)
    text.sample(meters.all[field])
    for (const [topicId, meter] of byTopic) {
      text.sample(meter[field], { topic: topicsById.get(topicId)!.name })
    }
  }
}

function writeRequests(text: PrometheusText, { meters, handlers }: Broker): void {
  const asked = handlers.filter(({ api }) => meters.requests[api.key]! > 0)
  text.family('kafka_network_requestmetrics_requests_total', 'counter', 'Requests handled.')
  for (const { api } of asked) text.sample(meters.requests[api.key]!, { request: api.name })
  text.family(
    'kafka_network_requestmetrics_totaltimems_total',
    'counter',
    'Milliseconds that requests waited for their answers, all together.',
  )
  for (const { api } of asked) text.sample(meters.requestTimeMs[api.key]!, { request: api.name })
}

function writeTopics(text: PrometheusText, topics: readonly TopicImage[]): void {
  text.family('kafka_topic_partitions', 'gauge', 'Partitions of a topic.')
  for (const { name, partitions } of topics) text.sample(partitions.length, { topic: name })
}

const ofPartitions: readonly [
  name: string,
  help: string,
  value: (partition: PartitionImage) => number,
][] = [
  ['leader', 'Id of the leader of a partition.', ({ leader }) => leader],
  ['replicas', 'Replicas of a partition.', ({ replicas }) => replicas.length],
  ['in_sync_replica', 'Replicas that are in sync.', ({ isr }) => isr.length],
  [
    'leader_is_preferred',
    '1 when the leader is the first replica.',
    ({ leader, replicas }) => (leader === replicas[0] ? 1 : 0),
  ],
  [
    'under_replicated_partition',
    '1 when replicas are not in sync.',
    (partition) => (isUnderReplicated(partition) ? 1 : 0),
  ],
]

function writePartitions(text: PrometheusText, topics: readonly TopicImage[]): void {
  for (const [name, help, value] of ofPartitions) {
    text.family(`kafka_topic_partition_${name}`, 'gauge', help)
    for (const { name: topic, partitions } of topics) {
      for (const one of partitions) text.sample(value(one), { topic, partition: one.partition })
    }
  }
}

function isUnderReplicated({ isr, replicas }: PartitionImage): boolean {
  return isr.length < replicas.length
}

function writeReplicas(
  text: PrometheusText,
  { presentedIds, engine, fetches, fetchSessions }: Broker,
  topics: readonly TopicImage[],
): void {
  const partitions = topics.flatMap((topic) => topic.partitions)
  const held = partitions.filter(({ replicas }) => replicas.some((id) => presentedIds.includes(id)))
  const led = partitions.filter(({ leader }) => presentedIds.includes(leader))
  const offline = partitions.filter(({ leader }) => leader === -1).length
  const gauge = (name: string, help: string, value: number) =>
    text.single(name, 'gauge', help, value)
  const manager = 'kafka_server_replicamanager'
  gauge('kafka_brokers', 'Brokers of the cluster.', engine.metadata.image.brokers.size)
  gauge(`${manager}_partitioncount`, 'Partitions that this broker holds.', held.length)
  gauge(`${manager}_leadercount`, 'Partitions that this broker leads.', led.length)
  const under = led.filter(isUnderReplicated).length
  gauge(`${manager}_underreplicatedpartitions`, 'Led partitions not in sync.', under)
  const controller = 'kafka_controller_kafkacontroller'
  gauge(`${controller}_activecontrollercount`, '1 on the controller.', 1)
  gauge(`${controller}_globaltopiccount`, 'Topics of the cluster.', topics.length)
  gauge(`${controller}_globalpartitioncount`, 'Partitions of the cluster.', partitions.length)
  gauge(`${controller}_offlinepartitionscount`, 'Partitions without a leader.', offline)
  const delayed = 'kafka_server_delayedoperationpurgatory_purgatorysize'
  text.family(delayed, 'gauge', 'Requests that wait.')
  text.sample(fetches.size, { delayedOperation: 'Fetch' })
  const sessions = 'kafka_server_fetchsessioncache_numincrementalfetchsessions'
  gauge(sessions, 'Fetch sessions that are remembered.', fetchSessions.size)
}

interface Led {
  readonly labels: { readonly topic: string; readonly partition: number }
  readonly bounds: Bounds
  readonly segments: number
}

const ofLogs: readonly [name: string, help: string, value: (led: Led) => number][] = [
  ['kafka_topic_partition_current_offset', 'High watermark.', ({ bounds }) => bounds.highWatermark],
  ['kafka_topic_partition_oldest_offset', 'Log start.', ({ bounds }) => bounds.logStartOffset],
  ['kafka_log_log_logstartoffset', 'First offset of a log.', ({ bounds }) => bounds.logStartOffset],
  ['kafka_log_log_logendoffset', 'Next offset of a log.', ({ bounds }) => bounds.logEndOffset],
  ['kafka_log_log_size', 'Bytes of the segments of a log.', ({ bounds }) => bounds.sizeBytes],
  ['kafka_log_log_numlogsegments', 'Segments of a log.', ({ segments }) => segments],
]

function writeLogs(
  text: PrometheusText,
  { engine, presentedIds }: Broker,
  topics: readonly TopicImage[],
): void {
  const logs: Led[] = []
  for (const { name, topicId, partitions } of topics) {
    for (const { partition, leader } of partitions) {
      if (!presentedIds.includes(leader)) continue
      const where = { topicId, partition }
      const bounds = engine.log.bounds(where)
      if (bounds.errorCode !== ErrorCode.NONE) continue
      const segments = engine.log.segmentOffsets(where).length
      logs.push({ labels: { topic: name, partition }, bounds, segments })
    }
  }
  for (const [name, help, value] of ofLogs) {
    text.family(name, 'gauge', help)
    for (const log of logs) text.sample(value(log), log.labels)
  }
}
