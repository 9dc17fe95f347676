import type { Socket } from 'node:net'
import { Writer } from '../../src/protocol/bytes/writer.ts'
import { BufferPool } from '../../src/server/buffer-pool.ts'
import { Connection } from '../../src/server/connection.ts'
import {
  type ConnectionHost,
  defaultServerLimits,
  type ServerLimits,
} from '../../src/server/connection-host.ts'
import { RequestMemory } from '../../src/server/request-memory.ts'
import type { TestBroker } from '../broker/test-broker.ts'
import { testPeer } from '../broker/test-peer.ts'

/**
 * A connection of a broker without a network: what it reads is given to it, what it writes goes to
 * `written`, at once.
 */
export class Unplugged {
  readonly #connection: Connection
  readonly #received = Buffer.alloc(1024 * 1024)
  /** The connection has ended, or was cut. */
  isOver = false
  #resumed = () => {}

  constructor(
    { dispatcher, clock, broker }: Pick<TestBroker, 'dispatcher' | 'clock' | 'broker'>,
    written: (bytes: Uint8Array) => void,
    limits: Partial<ServerLimits> = {},
  ) {
    const host: ConnectionHost = {
      dispatcher,
      clock,
      log: broker.log,
      limits: { ...defaultServerLimits, ...limits },
      pool: new BufferPool(),
      requestMemory: new RequestMemory(defaultServerLimits.requestMemoryBytes),
      writer: new Writer(),
      receiveBuffer: this.#received,
      schedule: (connection) => setImmediate(() => connection.tick()),
      connectionClosed: () => undefined,
    }
    this.#connection = new Connection(host, testPeer(), clock.nowMs())
    const over = () => {
      this.isOver = true
    }
    const socket = {
      writableLength: 0,
      on: () => socket,
      resume: () => this.#resumed(),
      read: () => null,
      cork: () => undefined,
      uncork: () => undefined,
      end: over,
      destroy: over,
      destroySoon: over,
      write: (bytes: Uint8Array, sent?: () => void) => {
        written(bytes)
        sent?.()
        return true
      },
    }
    this.#connection.start(socket as unknown as Socket)
  }

  /** One read. False: it does not read on before `resumed`. */
  read(bytes: Uint8Array): boolean {
    // As with a socket, the bytes are gone afterwards.
    let isReading = true
    for (let at = 0; at < bytes.length; ) {
      const target = this.#connection.readTarget()
      const count = Math.min(target.length, bytes.length - at)
      target.set(bytes.subarray(at, at + count))
      at += count
      isReading = this.#connection.received(target, count)
    }
    return isReading
  }

  /** Resolves when it reads on. */
  resumed(): Promise<void> {
    return new Promise((resolve) => {
      this.#resumed = resolve
    })
  }
}
