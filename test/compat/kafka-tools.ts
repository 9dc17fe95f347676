import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { KAFKA_VERSION, tools } from './tools.mjs'

/** Kafka's scripts: what they call, by their usual names without `.sh`. */
export const toolClasses = {
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand',
  'kafka-console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'kafka-console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'kafka-consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'kafka-groups': 'org.apache.kafka.tools.GroupsCommand',
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'kafka-delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'kafka-producer-perf-test': 'org.apache.kafka.tools.ProducerPerformance',
  'kafka-consumer-perf-test': 'org.apache.kafka.tools.ConsumerPerformance',
  'kafka-verifiable-producer': 'org.apache.kafka.tools.VerifiableProducer',
  'kafka-verifiable-consumer': 'org.apache.kafka.tools.VerifiableConsumer',
  'kafka-broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'kafka-cluster': 'org.apache.kafka.tools.ClusterTool',
  'kafka-dump-log': 'org.apache.kafka.tools.DumpLogSegments',
  'kafka-share-groups': 'org.apache.kafka.tools.consumer.group.ShareGroupCommand',
  'kafka-streams-groups': 'org.apache.kafka.tools.streams.StreamsGroupCommand',
  'kafka-acls': 'org.apache.kafka.tools.AclCommand',
  'kafka-log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'kafka-features': 'org.apache.kafka.tools.FeatureCommand',
  'kafka-metadata-quorum': 'org.apache.kafka.tools.MetadataQuorumCommand',
  'kafka-client-metrics': 'org.apache.kafka.tools.ClientMetricsCommand',
  'kafka-leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  'kafka-reassign-partitions': 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  'kafka-transactions': 'org.apache.kafka.tools.TransactionsCommand',
  'kafka-delegation-tokens': 'org.apache.kafka.tools.DelegationTokenCommand',
  'kafka-e2e-latency': 'org.apache.kafka.tools.EndToEndLatency',
  'kafka-replica-verification': 'org.apache.kafka.tools.ReplicaVerificationTool',
  'kafka-storage': 'kafka.tools.StorageTool',
  'kafka-server-start': 'kafka.Kafka',
} as const
export type KafkaTool = keyof typeof toolClasses

export const kafkaTools = Object.keys(toolClasses) as KafkaTool[]

/** Tools that had another class before 4.0, where their script was a Scala one. */
const olderClasses: Partial<Record<KafkaTool, string>> = {
  'kafka-topics': 'kafka.admin.TopicCommand',
  'kafka-console-producer': 'kafka.tools.ConsoleProducer',
  'kafka-console-consumer': 'kafka.tools.ConsoleConsumer',
}

export interface Command {
  readonly command: string
  readonly args: readonly string[]
}

const here = import.meta.dirname

/** What starts one of Kafka's scripts. A JVM that ran a tool once starts it faster from then on. */
export function kafkaTool(tool: KafkaTool, args: readonly string[], version = KAFKA_VERSION) {
  const main = version.startsWith('4.')
    ? toolClasses[tool]
    : (olderClasses[tool] ?? toolClasses[tool])
  return java(main, args, version)
}

/** Runs one of the programs in test/compat/java from its source. */
export function javaProgram(
  name: string,
  args: readonly string[],
  flags: readonly string[] = [],
): Command {
  const command = java(resolve(here, 'java', `${name}.java`), args, KAFKA_VERSION)
  return { ...command, args: [...flags, ...command.args] }
}

/** As `kafkaTool` for what runs long: with the JVM's own compilers and `heap`, as in production. */
export function kafkaServerTool(tool: KafkaTool, args: readonly string[], heap: string): Command {
  const g1 = ['-XX:+UseG1GC', '-XX:MaxGCPauseMillis=20', '-XX:InitiatingHeapOccupancyPercent=35']
  return jvm(toolClasses[tool], args, tools.kafkaLibraries(KAFKA_VERSION), [
    `-Xmx${heap}`,
    `-Xms${heap}`,
    '-server',
    ...g1,
  ])
}

function java(main: string, args: readonly string[], version: string): Command {
  const quickStart = ['-Xmx512m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC']
  const libraries = tools.kafkaLibraries(version)
  return jvm(main, args, libraries, [...quickStart, ...classArchive(main, version)])
}

/** As `javaProgram` for one of test/compat/java/streams. */
export function streamsProgram(name: string, args: readonly string[]): Command {
  const program = resolve(here, 'java/streams', `${name}.java`)
  return jvm(program, args, tools.streamsLibraries, ['-Xmx512m', '-XX:TieredStopAtLevel=1'])
}

/** kafka-metadata-shell, which reads a log or a snapshot of the cluster's metadata. */
export function metadataShell(file: string, ...command: string[]): Command {
  const args = ['--snapshot', file, ...command]
  const flags = ['-Xmx256m', '-XX:TieredStopAtLevel=1']
  return jvm('org.apache.kafka.shell.MetadataShell', args, tools.shellLibraries, flags)
}

function jvm(main: string, args: readonly string[], libraries: string, flags: string[]): Command {
  const classpath = readdirSync(libraries)
    .sort()
    .map((jar) => join(libraries, jar))
    .join(':')
  const options = [
    ...flags,
    '-Djava.awt.headless=true',
    `-Dlog4j2.configurationFile=${resolve(here, 'java/log4j2.properties')}`,
  ]
  return { command: tools.java, args: [...options, '-cp', classpath, main, ...args] }
}

function classArchive(main: string, version: string): string[] {
  if (main.endsWith('.java')) return []
  const archive = join(tools.classArchives(version), `${main}.jsa`)
  const quiet = ['-Xshare:auto', '-Xlog:disable', '-Xlog:all=off']
  return existsSync(archive)
    ? [...quiet, `-XX:SharedArchiveFile=${archive}`]
    : [...quiet, `-XX:ArchiveClassesAtExit=${archive}`]
}
