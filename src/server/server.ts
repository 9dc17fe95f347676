import type net from 'node:net'
import type { Clock } from '../base/clock.ts'
import { clearTimeout, setImmediate, setTimeout } from '../base/event-loop.ts'
import type { Timer, TimerQueue } from '../base/timer-queue.ts'
import type { Dispatcher } from '../broker/exchange.ts'
import type { Logger } from '../broker/logger.ts'
import { Writer } from '../protocol/bytes/writer.ts'
import { bind, closeServer } from './bind.ts'
import { BufferPool } from './buffer-pool.ts'
import { Connection } from './connection.ts'
import type { ConnectionHost, ServerLimits } from './connection-host.ts'
import { ConnectionPeer } from './connection-peer.ts'
import { ConnectionQuota } from './connection-quota.ts'
import { portOf, type ReceiveMode, receiveInto } from './receive.ts'
import { RequestMemory } from './request-memory.ts'
import { ReturnWatch } from './return-watch.ts'

/** Large enough that the kernel's whole backlog of a connection comes with one call. */
const RECEIVE_BUFFER_BYTES = 1024 * 1024
/** How often connections are looked over for idle and stalled ones. */
const SWEEP_INTERVAL_MS = 1_000
/** Connections over their quota that are kept until they are closed. */
const MAX_THROTTLED = 1_000

export interface ServerOptions {
  readonly clock: Clock
  readonly timers: TimerQueue
  readonly log: Logger
  readonly limits: ServerLimits
  readonly receiveMode: ReceiveMode
  /** False: open sockets do not keep the process alive. */
  readonly keepAlive: boolean
  /** Where ids of connections come from, when several servers share them. */
  readonly connectionIds?: { next: number }
}

interface Waiting {
  readonly socket: net.Socket
  readonly listenerName: string
}

/** Accepts connections on any number of addresses and hands their requests to the dispatcher. */
export class Server implements ConnectionHost {
  readonly clock: Clock
  readonly log: Logger
  readonly limits: ServerLimits
  readonly pool = new BufferPool()
  readonly requestMemory: RequestMemory
  readonly writer = new Writer()
  readonly receiveBuffer = Buffer.allocUnsafeSlow(RECEIVE_BUFFER_BYTES)
  readonly returns: ReturnWatch
  readonly #timers: TimerQueue
  readonly #receiveMode: ReceiveMode
  readonly #keepAlive: boolean
  readonly #listening: net.Server[] = []
  readonly #connections = new Set<Connection>()
  readonly #quota: ConnectionQuota
  /** Since the last line about them. */
  #refusedCount = 0
  #refusalLoggedMs = 0
  #scheduled = new Set<Connection>()
  readonly #connectionIds: { next: number }
  #sweepTimer: Timer | undefined
  #dispatcher: Dispatcher | undefined
  readonly #waiting: Waiting[] = []
  #stopping = false
  #whenEmpty: (() => void) | undefined
  /** How long a new connection from `address` has to wait, only to be closed then; 0: it is let in. */
  throttleAddress: ((address: string, nowMs: number) => number) | undefined
  readonly #throttled = new Set<net.Socket>()

  constructor(options: ServerOptions) {
    this.clock = options.clock
    this.log = options.log
    this.limits = options.limits
    this.requestMemory = new RequestMemory(options.limits.requestMemoryBytes)
    this.#quota = new ConnectionQuota(options.limits)
    this.#timers = options.timers
    this.returns = new ReturnWatch(options.timers, options.log)
    this.#receiveMode = options.receiveMode
    this.#keepAlive = options.keepAlive
    this.#connectionIds = options.connectionIds ?? { next: 1 }
  }

  /** Connections exist only after `start`. */
  get dispatcher(): Dispatcher {
    return this.#dispatcher!
  }

  get listening(): boolean {
    return !this.#stopping && this.#listening.some(({ listening }) => listening)
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  /**
   * Listens at `host` (every interface when empty, both loopback addresses when undefined) and
   * returns the port, which is a free one for port 0. Clients wait until `start`. Rejects with
   * `BindError`.
   */
  async listen(listenerName: string, host: string | undefined, port: number): Promise<number> {
    const servers = await bind(host, port)
    for (const server of servers) {
      server.on('connection', (socket) => this.#accept({ socket, listenerName }))
      server.on('error', (error) => this.log.error({ error: error.message }, 'accept failed'))
      if (!this.#keepAlive) server.unref()
    }
    this.#listening.push(...servers)
    return portOf(servers[0]!)
  }

  /** Serves those who have connected, and all who will. */
  start(dispatcher: Dispatcher): void {
    this.#sweepTimer = this.#timers.after(SWEEP_INTERVAL_MS, () => this.#sweep())
    this.#dispatcher = dispatcher
    for (const waiting of this.#waiting.splice(0)) this.#serve(waiting)
  }

  /** Requests that come in from now on go to `dispatcher`. */
  dispatchTo(dispatcher: Dispatcher): void {
    this.#dispatcher = dispatcher
  }

  /** Ends every connection now, as a machine does that goes away. */
  cutConnections(): void {
    for (const connection of this.#connections) connection.destroy()
  }

  /** Accepts no more connections; those that are open go on. */
  stopAccepting(): void {
    this.#stopping = true
    for (const server of this.#listening) if (server.listening) server.close()
  }

  /**
   * Answers the requests that have begun, then ends every connection; after `graceMs` those that
   * are still open are cut.
   */
  async close(graceMs: number): Promise<void> {
    this.stopAccepting()
    if (this.#sweepTimer) this.#timers.cancel(this.#sweepTimer)
    for (const { socket } of this.#waiting.splice(0)) socket.destroy()
    for (const socket of this.#throttled) socket.destroy()
    for (const connection of this.#connections) connection.drain()
    if (this.#connections.size > 0) await this.#emptyWithin(graceMs)
    await Promise.all(this.#listening.map(closeServer))
  }

  schedule(connection: Connection): void {
    if (this.#scheduled.size === 0) setImmediate(() => this.#tick())
    this.#scheduled.add(connection)
  }

  connectionClosed(connection: Connection): void {
    this.#connections.delete(connection)
    this.#quota.closed(connection.peer.address)
    if (this.#connections.size === 0) this.#whenEmpty?.()
  }

  #tick(): void {
    const connections = this.#scheduled
    this.#scheduled = new Set()
    for (const connection of connections) connection.tick()
  }

  #accept(waiting: Waiting): void {
    if (this.#dispatcher) this.#serve(waiting)
    else this.#waiting.push(waiting)
  }

  #serve({ socket: accepted, listenerName }: Waiting): void {
    const address = plainAddress(accepted.remoteAddress)
    const refusal = this.#refusal(address)
    if (refusal !== undefined) {
      this.#logRefusal(address, refusal)
      accepted.destroy()
      return
    }
    const throttleMs = this.throttleAddress?.(address, this.clock.nowMs()) ?? 0
    if (throttleMs > 0) {
      this.#logRefusal(address, 'connection_creation_rate, a quota of its address')
      this.#closeLater(accepted, throttleMs)
      return
    }
    const peer = new ConnectionPeer({
      connectionId: this.#connectionIds.next++,
      address,
      port: accepted.remotePort ?? 0,
      listenerName,
      localAddress: plainAddress(accepted.localAddress),
      localPort: accepted.localPort ?? 0,
    })
    const connection = new Connection(this, peer, this.clock.nowMs())
    this.#connections.add(connection)
    this.#quota.opened(address)
    this.returns.arrived(address)
    const socket = receiveInto(accepted, this.#receiveMode, connection)
    if (!this.#keepAlive) socket.unref()
    connection.start(socket)
  }

  /** As Kafka does: whoever is closed at once comes back at once. */
  #closeLater(socket: net.Socket, throttleMs: number): void {
    if (this.#throttled.size >= MAX_THROTTLED) {
      socket.destroy()
      return
    }
    this.#throttled.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.#throttled.delete(socket))
    if (!this.#keepAlive) socket.unref()
    this.#timers.after(throttleMs, () => socket.destroy())
  }

  #refusal(address: string): string | undefined {
    // A client may be gone before it is looked at: then it has no address.
    if (this.#stopping || address === '') return 'the broker is stopping or the client has left'
    return this.#quota.refusal(address, this.clock.nowMs())
  }

  /** One line a second at most: whoever is refused comes back at once. */
  #logRefusal(address: string, reason: string): void {
    const nowMs = this.clock.nowMs()
    this.#refusedCount++
    if (nowMs - this.#refusalLoggedMs < SWEEP_INTERVAL_MS) return
    this.log.warn({ client: address, reason, refused: this.#refusedCount }, 'connection refused')
    this.#refusalLoggedMs = nowMs
    this.#refusedCount = 0
  }

  #sweep(): void {
    const nowMs = this.clock.nowMs()
    const { connectionsMaxIdleMs, stalledRequestMs } = this.limits
    const exhausted = this.requestMemory.exhausted
    for (const connection of this.#connections) {
      const quietMs = nowMs - connection.lastActivityMs
      if (connectionsMaxIdleMs >= 0 && quietMs > connectionsMaxIdleMs) {
        connection.abort(`idle for ${quietMs} ms (connections.max.idle.ms)`, 'debug')
      } else if (exhausted && connection.isMidRequest && quietMs > stalledRequestMs) {
        connection.abort(`half a request for ${quietMs} ms while request memory is exhausted`)
      }
    }
    this.#sweepTimer = this.#timers.after(SWEEP_INTERVAL_MS, () => this.#sweep())
  }

  async #emptyWithin(graceMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      // Real time, whatever the broker's clock: a test's clock that stands still must not block.
      const timer = setTimeout(() => {
        for (const connection of this.#connections) connection.destroy()
      }, graceMs)
      this.#whenEmpty = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** IPv4 addresses come in their IPv6 form where a socket listens for both. */
function plainAddress(address: string | undefined): string {
  if (!address) return ''
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
