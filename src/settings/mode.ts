/**
 * Defaults of dohle that differ from Kafka's (promises.md section 4). They are a layer of their
 * own below the file, so that clients see them like entries of a server.properties.
 */
const always: Readonly<Record<string, string>> = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  // One node holds one replica: Kafka's default of 3 would keep internal topics from being made.
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
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

export function modeDefaults(mode: 'dev' | 'prod'): ReadonlyMap<string, string> {
  return new Map(Object.entries({ ...always, ...(mode === 'prod' ? prod : dev) }))
}
