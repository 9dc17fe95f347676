import type { Clock } from '../base/clock.ts'
import type { TimerQueue } from '../base/timer-queue.ts'
import type { ErrorCode } from '../protocol/error-code.ts'
import type { Settings } from '../settings/settings.ts'
import type { TopicConfig } from '../settings/topic-settings.ts'
import type { StorageEngine } from '../storage/engine.ts'
import type { TopicImage } from '../storage/metadata-store.ts'
import type { DelayedFetches } from './delayed.ts'
import type { FetchSessions } from './fetch-session.ts'
import type { Handler, RequestContext } from './handler.ts'
import type { Logger } from './logger.ts'
import type { Peer } from './peer.ts'
import type { ProducerIds } from './producer-ids.ts'

/** Everything that handlers work with. One per broker; a process may have many. */
export interface Broker {
  readonly brokerId: number
  readonly clusterId: string
  readonly engine: StorageEngine
  readonly settings: Settings
  readonly clock: Clock
  /** All timers of this broker. */
  readonly timers: TimerQueue
  readonly log: Logger
  /** What this broker answers. */
  readonly handlers: readonly Handler[]
  readonly topics: Topics
  readonly fetchSessions: FetchSessions
  readonly fetches: DelayedFetches
  readonly producerIds: ProducerIds
  /** Live brokers with the address that this peer can dial. */
  nodes(peer: Peer): readonly Node[]
}

/** A broker as clients see it. */
export interface Node {
  readonly brokerId: number
  readonly host: string
  readonly port: number
  readonly rack: string | null
}

/** Creation and settings of topics, over `engine.metadata`. */
export interface Topics {
  /**
   * Creates a topic that a client asked Metadata for, with the broker's default counts (internal
   * topics: their own). Answers the existing topic when someone else was faster.
   */
  autoCreate(
    name: string,
    context: RequestContext,
  ): TopicImage | ErrorCode | Promise<TopicImage | ErrorCode>
  /** Effective configs, kept until something changes: cheap enough for every request. */
  config(topic: TopicImage): TopicConfig
}
