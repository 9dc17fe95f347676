import type { Peer } from '../broker/peer.ts'

/** The plain facts of a connection, and who waits for its end. */
export class ConnectionPeer implements Peer {
  readonly connectionId: number
  readonly address: string
  readonly port: number
  readonly listenerName: string
  readonly localAddress: string
  readonly localPort: number
  principal = 'User:ANONYMOUS'
  softwareName = ''
  softwareVersion = ''
  #closed = false
  readonly #closeCallbacks = new Set<() => void>()

  constructor(facts: {
    connectionId: number
    address: string
    port: number
    listenerName: string
    localAddress: string
    localPort: number
  }) {
    this.connectionId = facts.connectionId
    this.address = facts.address
    this.port = facts.port
    this.listenerName = facts.listenerName
    this.localAddress = facts.localAddress
    this.localPort = facts.localPort
  }

  get closed(): boolean {
    return this.#closed
  }

  onClose(callback: () => void): () => void {
    // A wrapper of its own: the same function may be given twice.
    const entry = () => callback()
    if (this.#closed) queueMicrotask(entry)
    else this.#closeCallbacks.add(entry)
    return () => this.#closeCallbacks.delete(entry)
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const callback of this.#closeCallbacks) callback()
    this.#closeCallbacks.clear()
  }

  /** For log lines. */
  description(): object {
    const client = this.softwareName && `${this.softwareName} ${this.softwareVersion}`.trim()
    return { client: `${this.address}:${this.port}`, ...(client && { software: client }) }
  }
}
