/**
 * Defaults of dohle that differ from Kafka's (promises.md section 4). They are a layer of their
 * own below the file, so that clients see them like entries of a server.properties.
 */
const always: Readonly<Record<string, string>> = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'max.connections': '10000',
  'group.max.size': '1000',
  'group.consumer.max.size': '1000',
  'group.streams.max.size': '1000',
}

const dev: Readonly<Record<string, string>> = {
  'dohle.durability': 'os',
  listeners: 'PLAINTEXT://localhost:9092',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
  'share.coordinator.state.topic.num.partitions': '1',
  'group.initial.rebalance.delay.ms': '0',
  'group.streams.initial.rebalance.delay.ms': '0',
  'queued.max.request.bytes': '268435456',
  'max.connections.per.ip': '10000',
}

const prod: Readonly<Record<string, string>> = {
  'dohle.durability': 'sync',
  'auto.create.topics.enable': 'false',
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'max.connections.per.ip': '1000',
  'dohle.connections.per.ip.rate.max': '100',
}

/**
 * Kafka's defaults are made for three brokers: fewer could not hold the replicas, and internal topics
 * would never be made. A topic whose creator names no factor is to outlive a broker, too.
 */
function replication(brokers: number): Readonly<Record<string, string>> {
  const factor = String(Math.min(3, brokers))
  const minIsr = String(Math.min(2, brokers))
  return {
    ...(brokers > 1 && { 'default.replication.factor': factor }),
    'offsets.topic.replication.factor': factor,
    'transaction.state.log.replication.factor': factor,
    'transaction.state.log.min.isr': minIsr,
    'share.coordinator.state.topic.replication.factor': factor,
    'share.coordinator.state.topic.min.isr': minIsr,
  }
}

export function modeDefaults(mode: 'dev' | 'prod', brokers = 1): ReadonlyMap<string, string> {
  const ofMode = mode === 'prod' ? prod : dev
  return new Map(Object.entries({ ...always, ...replication(brokers), ...ofMode }))
}
