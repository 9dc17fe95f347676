import type { Uuid } from '../../base/uuid.ts'
import type { GroupSettings } from './group-settings.ts'

/** Who sent a request, as far as groups look at it. */
export interface Client {
  readonly apiVersion: number
  readonly clientId: string
  /** As groups show it: the address behind a slash. */
  readonly clientHost: string
}

export interface TopicView {
  readonly name: string
  readonly topicId: Uuid
  readonly partitionCount: number
}

/** The topics there are now. */
export interface TopicsView {
  /** Rises with every change of the metadata. */
  readonly version: number
  /** The version at which a topic was last created. */
  readonly newTopicVersion: number
  byName(name: string): TopicView | undefined
  byId(topicId: Uuid): TopicView | undefined
  names(): Iterable<string>
}

/** Configs that one group may have of its own; names are Kafka's in camel case. */
export interface ConsumerGroupConfig {
  readonly consumerSessionTimeoutMs: number
  readonly consumerHeartbeatIntervalMs: number
  readonly consumerAssignmentIntervalMs: number
}

/** What group coordinators are given; time comes with each input. */
export interface GroupContext {
  readonly settings: GroupSettings
  readonly topics: TopicsView
  groupConfig(groupId: string): ConsumerGroupConfig
  /** A random UUID as Java prints it; ends the ids of classic members. */
  randomId(): string
  /** A random UUID as Kafka prints it; the ids of members that bring none to a consumer group. */
  randomUuidText(): string
}
