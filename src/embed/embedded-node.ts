import type { PresentedBroker, RunningBroker } from '../server/run-broker.ts'
import { bracketed } from './broker-options.ts'

/** One of the brokers that a process presents over one store. */
export class EmbeddedNode {
  readonly brokerId: number
  readonly host: string
  readonly port: number
  /** Of this broker alone. */
  readonly bootstrapServers: string
  readonly #running: RunningBroker

  /** @internal */
  constructor(host: string, presented: PresentedBroker, running: RunningBroker) {
    this.brokerId = presented.brokerId
    this.host = host
    this.port = presented.listeners[0]!.boundPort
    this.bootstrapServers = `${bracketed(host)}:${this.port}`
    this.#running = running
  }

  /** False between `stop()` and `start()`. */
  get isUp(): boolean {
    return this.#running.presented.some(({ brokerId, isUp }) => brokerId === this.brokerId && isUp)
  }

  /**
   * Takes the broker down as Kafka's controlled shutdown does: what it leads and coordinates moves to
   * others that are in sync, then its connections end and nobody listens on its port. Idempotent.
   */
  stop(): Promise<void> {
    return this.#running.takeDown(this.brokerId)
  }

  /**
   * Brings it back on the same port: in sync at once, and leader of what nobody else could lead.
   * Rejects with `BindError` when the port was taken meanwhile. Idempotent.
   */
  start(): Promise<void> {
    return this.#running.bringUp(this.brokerId)
  }
}
