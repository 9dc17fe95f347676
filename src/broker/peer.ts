/**
 * Who is at the other end of a connection, as far as handlers may know: sockets stay in
 * src/server. One per connection; it lives as long as the connection does.
 */
export interface Peer {
  /** Unique among all connections of the process. */
  readonly connectionId: number
  /** Address and port of the client, an IPv4 address never in its IPv6 form. */
  readonly address: string
  readonly port: number
  /** Listener it came in on, and the address of this machine that it reached. */
  readonly listenerName: string
  readonly localAddress: string
  readonly localPort: number
  /** `User:ANONYMOUS` until something authenticates it. */
  principal: string
  /** As the client named itself in ApiVersions v3+; '' before (KIP-511). */
  softwareName: string
  softwareVersion: string
  readonly closed: boolean
  /** Runs `callback` once when the connection ends. Returns what takes it back. */
  onClose(callback: () => void): () => void
}
