import type { Clock } from '../base/clock.ts'
import type { Dispatcher } from '../broker/exchange.ts'
import type { Logger } from '../broker/logger.ts'
import type { Writer } from '../protocol/bytes/writer.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Connection } from './connection.ts'
import type { RequestMemory } from './request-memory.ts'

/** Limits of one server; names and defaults: promises.md section 4. */
export interface ServerLimits {
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** Addresses with a limit of their own. */
  readonly maxConnectionsByAddress: ReadonlyMap<string, number>
  readonly maxNewPerSecond: number
  readonly maxNewPerSecondAndAddress: number
  readonly connectionsMaxIdleMs: number
  /** Largest request (socket.request.max.bytes). */
  readonly maxRequestBytes: number
  /** Requests of all connections that have come in but are not handled. */
  readonly requestMemoryBytes: number
  /** Requests of one connection that have begun and are not answered. */
  readonly maxInFlightRequests: number
  /** Responses of one connection that the client has not taken; beyond it nothing more is read. */
  readonly maxUnsentBytes: number
  /** While request memory is exhausted: how long half a request may stand still. */
  readonly stalledRequestMs: number
}

export const defaultServerLimits: ServerLimits = {
  maxConnections: 10_000,
  maxConnectionsPerAddress: 10_000,
  maxConnectionsByAddress: new Map(),
  maxNewPerSecond: Number.POSITIVE_INFINITY,
  maxNewPerSecondAndAddress: Number.POSITIVE_INFINITY,
  connectionsMaxIdleMs: 600_000,
  maxRequestBytes: 104_857_600,
  requestMemoryBytes: 256 * 1024 * 1024,
  maxInFlightRequests: 1_000,
  maxUnsentBytes: 1024 * 1024,
  stalledRequestMs: 10_000,
}

/** What connections share. */
export interface ConnectionHost {
  readonly dispatcher: Dispatcher
  readonly clock: Clock
  readonly log: Logger
  readonly limits: ServerLimits
  readonly pool: BufferPool
  readonly requestMemory: RequestMemory
  /** Empty between the ticks of connections. */
  readonly writer: Writer
  /** All reads of all connections go here; its content ends with the read's callback. */
  readonly receiveBuffer: Buffer
  /** Calls `connection.tick()` once, soon, after the events that are being handled. */
  schedule(connection: Connection): void
  connectionClosed(connection: Connection): void
}
