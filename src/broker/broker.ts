import type { Clock } from '../base/clock.ts'
import type { TimerQueue } from '../base/timer-queue.ts'
import type { Settings } from '../settings/settings.ts'
import type { StorageEngine } from '../storage/engine.ts'
import type { ClientTelemetry } from './client-telemetry.ts'
import type { ConfigAdmin } from './configs/configs.ts'
import type { LoggerLevels } from './configs/logger-levels.ts'
import type { GroupService } from './coordinators/group-service.ts'
import type { ProducerIds } from './coordinators/producer-ids.ts'
import type { TransactionService } from './coordinators/transaction-service.ts'
import type { DelayedFetches } from './delayed.ts'
import type { FetchSessions } from './fetch/fetch-session.ts'
import type { Handler } from './handler.ts'
import type { Logger } from './logger.ts'
import type { MetadataWriter } from './metadata-writer.ts'
import type { Meters } from './meters.ts'
import type { Peer } from './peer.ts'
import type { Quotas } from './quotas/quotas.ts'
import type { TopicAdmin } from './topics/topics.ts'

/** Everything that handlers work with. One per broker; a process may have many. */
export interface Broker {
  readonly brokerId: number
  /** Of all brokers of this process, this one too, which share engine and metadata. */
  readonly presentedIds: readonly number[]
  readonly clusterId: string
  readonly engine: StorageEngine
  /** Changes of cluster metadata, one after the other. */
  readonly metadata: MetadataWriter
  readonly settings: Settings
  readonly clock: Clock
  /** All timers of this broker. */
  readonly timers: TimerQueue
  readonly log: Logger
  /** What this broker answers. */
  readonly handlers: readonly Handler[]
  readonly fetchSessions: FetchSessions
  readonly fetches: DelayedFetches
  readonly producerIds: ProducerIds
  /** Creation, growth, deletion and effective configs of topics. */
  readonly topics: TopicAdmin
  /** Changes of dynamic configs. */
  readonly configs: ConfigAdmin
  readonly loggers: LoggerLevels
  readonly telemetry: ClientTelemetry
  readonly meters: Meters
  readonly quotas: Quotas
  readonly groups: GroupService
  readonly transactions: TransactionService
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
