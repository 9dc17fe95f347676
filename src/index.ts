export type { Clock } from './base/clock.ts'
export type { Logger } from './broker/logger.ts'
export type { ApiName } from './embed/api-name.ts'
export type { BrokerOptions } from './embed/broker-options.ts'
export type { StateOptions } from './embed/broker-state.ts'
export {
  RemoteBroker,
  type RemoteFault,
  type RemoteNode,
  type RemoteReadOptions,
} from './embed/control/remote-broker.ts'
export type { EmbeddedBroker as RunningBroker } from './embed/embedded-broker.ts'
export type { EmbeddedNode } from './embed/embedded-node.ts'
export type { Fault } from './embed/faults/fault.ts'
export type { FaultEffect, FaultMatch, FaultSpec } from './embed/faults/fault-spec.ts'
export type { FaultEvent, Faults } from './embed/faults/faults.ts'
export type { MemberMatch } from './embed/faults/group-faults.ts'
export type { ProducerMatch } from './embed/faults/producer-faults.ts'
export type { GroupOptions, GroupView, MemberView, StoredOffset } from './embed/local-groups.ts'
export type {
  NewRecord,
  ReadOptions,
  RecordPlace,
  StoredRecord,
  WaitOptions,
} from './embed/local-records.ts'
export type { NewTopic, PartitionView, TopicView } from './embed/local-topics.ts'
export type { ValueFormat, Writable } from './embed/record-values.ts'
export type { Json } from './embed/requests/json.ts'
export type { RequestEntry } from './embed/requests/request-entry.ts'
export type { RequestJournal, RequestMatch } from './embed/requests/request-journal.ts'
export type { Snapshot } from './embed/snapshot.ts'
export { startBroker } from './embed/start-broker.ts'
export { VirtualClock } from './embed/virtual-clock.ts'
export { WaitError } from './embed/wait-until.ts'
export { KafkaError } from './protocol/error-code.ts'
export { BindError } from './server/bind.ts'
export { ConfigError } from './settings/parse-value.ts'
export { StorageError } from './storage/engine.ts'
