import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { portOf } from './receive.ts'

/** Waiting connections that the kernel keeps for us (it may cut this to its own limit). */
const BACKLOG = 1024
/** Tries to find a port that is free on both loopback addresses. */
const PORT_TRIES = 20

/** An address of this machine that cannot be listened on, in words for the person who starts. */
export class BindError extends Error {
  override name = 'BindError'
  readonly host: string
  readonly port: number
  readonly code: string

  constructor(host: string, port: number, cause: unknown) {
    super(`cannot listen on ${host}:${port}: ${describe(cause)}`, { cause })
    this.host = host
    this.port = port
    this.code = codeOf(cause)
  }
}

/**
 * Listens on `host`: on every interface when it is empty, on both loopback addresses, with the same
 * port, when it is undefined or 'localhost'. Port 0 takes a free one. Sockets of accepted
 * connections come paused.
 */
export async function bind(host: string | undefined, port: number): Promise<Server[]> {
  if (host === '') return [await listenEverywhere(port)]
  if (host !== undefined && host !== 'localhost') return [await listen(host, port)]
  for (let tries = 1; ; tries++) {
    const first = await listen('127.0.0.1', port)
    try {
      const second = await listen('::1', portOf(first))
      return [first, second]
    } catch (error) {
      // A machine without IPv6 is served on IPv4 alone.
      if (error instanceof BindError && isWithoutIpv6(error.code)) return [first]
      await closeServer(first)
      const portWasChosen = port === 0 && error instanceof BindError && error.code === 'EADDRINUSE'
      if (!portWasChosen || tries === PORT_TRIES) throw error
    }
  }
}

/** The IPv6 address of all interfaces takes IPv4 too, where there is IPv6. */
async function listenEverywhere(port: number): Promise<Server> {
  try {
    return await listen('::', port)
  } catch (error) {
    if (error instanceof BindError && isWithoutIpv6(error.code)) return listen('0.0.0.0', port)
    throw error
  }
}

async function listen(host: string, port: number): Promise<Server> {
  const server = createServer({ pauseOnConnect: true, noDelay: true })
  try {
    server.listen({ host, port, backlog: BACKLOG })
    await once(server, 'listening')
    return server
  } catch (error) {
    throw new BindError(host, port, error)
  }
}

/** Stops accepting. Connections are not waited for: they are not the server's any more. */
export async function closeServer(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  await closed
}

function isWithoutIpv6(code: string): boolean {
  return code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT' || code === 'EINVAL'
}

function codeOf(error: unknown): string {
  // Not `instanceof Error`: under a test runner Node's errors may be of another realm than ours.
  const hasCode = typeof error === 'object' && error !== null && 'code' in error
  return hasCode ? String(error.code) : ''
}

function describe(cause: unknown): string {
  const code = codeOf(cause)
  if (code === 'EADDRINUSE') return 'the port is taken'
  if (code === 'EACCES') return 'no permission for this port'
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return 'no such address on this machine'
  return cause instanceof Error ? cause.message : String(cause)
}
