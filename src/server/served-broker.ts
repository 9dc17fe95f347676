import { type Clock, systemClock } from '../base/clock.ts'
import { TimerQueue } from '../base/timer-queue.ts'
import type { Dispatcher } from '../broker/exchange.ts'
import type { Logger } from '../broker/logger.ts'
import { type ListenerSetting, resolveListeners } from '../settings/listeners.ts'
import { ConfigError } from '../settings/parse-value.ts'
import type { Settings } from '../settings/settings.ts'
import type { BoundListener } from './endpoints.ts'
import { probeReceiveMode } from './receive.ts'
import { Server } from './server.ts'
import { LiveServerLimits } from './server-limits.ts'

export interface ServedBrokerOptions {
  /** Of this broker. */
  readonly settings: Settings
  readonly clock: Clock
  readonly log: Logger
  readonly keepAlive: boolean
  /** Shared by all brokers of the process. */
  readonly connectionIds: { next: number }
}

/** How long a broker that stops waits for clients. */
const STOP_GRACE_MS = 400

/** The ports of one of the brokers of the process: the addresses stay, their server may go and come. */
export class ServedBroker {
  readonly brokerId: number
  readonly settings: Settings
  listeners: readonly BoundListener[] = []
  /** Another one after each `open`. */
  server: Server
  /** Set while it is down. */
  isDown = false
  readonly #options: ServedBrokerOptions
  readonly #wanted: readonly ListenerSetting[]

  private constructor(
    options: ServedBrokerOptions,
    wanted: readonly ListenerSetting[],
    server: Server,
  ) {
    this.brokerId = options.settings.nodeId
    this.settings = options.settings
    this.#options = options
    this.#wanted = wanted
    this.server = server
  }

  /** Throws `ConfigError`. */
  static async create(options: ServedBrokerOptions): Promise<ServedBroker> {
    const wanted = plaintextListeners(options.settings)
    return new ServedBroker(options, wanted, await createServer(options))
  }

  /** Takes the addresses: what was free at first is kept from then on. Rejects with `BindError`. */
  async listen(): Promise<void> {
    const wanted = this.listeners.length > 0 ? this.listeners : this.#wanted
    const bound: BoundListener[] = []
    for (const listener of wanted) {
      const port = this.listeners.length > 0 ? (listener as BoundListener).boundPort : listener.port
      const boundPort = await this.server.listen(listener.name, listener.host, port)
      bound.push({ ...listener, boundPort })
    }
    this.listeners = bound
  }

  /** Serves those who have come meanwhile, and all who will. */
  serve(dispatcher: Dispatcher, throttleAddress: (address: string, nowMs: number) => number): void {
    this.server.start(dispatcher)
    this.server.throttleAddress = throttleAddress
  }

  /** Answers what has begun, then frees the addresses. */
  close(graceMs = STOP_GRACE_MS): Promise<void> {
    return this.server.close(graceMs)
  }

  /** After `close`: the same addresses again. Rejects with `BindError`. */
  async reopen(): Promise<void> {
    const server = await createServer(this.#options)
    this.server = server
    try {
      await this.listen()
    } catch (error) {
      await server.close(0)
      throw error
    }
  }
}

async function createServer(options: ServedBrokerOptions): Promise<Server> {
  const { settings, clock, log, keepAlive, connectionIds } = options
  const receiveMode = await probeReceiveMode()
  // Clients live in real time: a clock that a test moves on by a week makes no connection idle.
  const limits = new LiveServerLimits(settings, { mayBeIdle: clock !== systemClock })
  const timers = new TimerQueue(systemClock)
  return new Server({ clock, timers, log, limits, receiveMode, keepAlive, connectionIds })
}

function plaintextListeners(settings: Settings): ListenerSetting[] {
  const listeners = resolveListeners(settings)
  const secure = listeners.find(({ securityProtocol }) => securityProtocol !== 'PLAINTEXT')
  if (secure) {
    throw new ConfigError(
      `listeners: ${secure.name} asks for ${secure.securityProtocol}, which this version does ` +
        'not have; use PLAINTEXT',
    )
  }
  return listeners
}
