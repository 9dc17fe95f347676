import { once } from 'node:events'
import http from 'node:http'
import { errorName, KafkaError } from '../../protocol/error-code.ts'
import { ConfigError } from '../../settings/parse-value.ts'
import type { EmbeddedBroker } from '../embedded-broker.ts'
import { WaitError } from '../wait-until.ts'
import { ControlError, controlRoutes, type Route } from './control-routes.ts'

const HOST = '127.0.0.1'
const BODY_BYTES_MAX = 32 * 1024 * 1024

/**
 * The helpers of a broker over HTTP, for tests in other languages and processes: JSON in, JSON out,
 * on the loopback address alone (docs/EMBEDDING.md lists the paths). Whoever can reach it can do
 * everything, so it is off unless asked for, and nothing that a browser sends is obeyed.
 */
export class ControlServer {
  readonly url: string
  readonly #server: http.Server

  private constructor(server: http.Server, url: string) {
    this.#server = server
    this.url = url
  }

  /**
   * At a port of the loopback address, 0 for a free one, or at a path in the file system. Rejects with
   * the system's error when it cannot be had.
   */
  static async start(
    broker: EmbeddedBroker,
    at: { readonly keepAlive: boolean } & ({ readonly port: number } | { readonly path: string }),
  ): Promise<ControlServer> {
    const routes = controlRoutes(broker)
    const server = http.createServer((request, response) => void serve(routes, request, response))
    if (!at.keepAlive) server.on('connection', (socket) => socket.unref())
    server.listen('path' in at ? { path: at.path } : { port: at.port, host: HOST })
    await once(server, 'listening')
    if (!at.keepAlive) server.unref()
    const address = server.address()
    const isPort = typeof address === 'object' && address !== null
    return new ControlServer(server, isPort ? `http://${HOST}:${address.port}` : String(address))
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

async function serve(
  routes: readonly Route[],
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  try {
    refuseBrowsers(request)
    const url = new URL(request.url ?? '/', `http://${HOST}`)
    const { route, parameters } = find(routes, request.method ?? 'GET', url.pathname)
    const body = request.method === 'POST' ? await readJson(request) : undefined
    const answer = await route.handle({ parameters, query: url.searchParams, body })
    send(response, 200, answer ?? {})
  } catch (error) {
    const { status, ...told } = failure(error)
    send(response, status, { error: told })
  }
}

/**
 * A page on the web may make a browser send requests to this machine, also under a name that it
 * lets point here. It cannot leave out Origin, nor forge Host.
 */
function refuseBrowsers({ headers }: http.IncomingMessage): void {
  const host = (headers.host ?? '').replace(/:\d+$/, '')
  const isLocal = host === HOST || host === 'localhost' || host === '[::1]'
  if (!isLocal || headers.origin !== undefined) {
    throw new ControlError(403, 'only programs of this machine are served, not web pages')
  }
}

function find(routes: readonly Route[], method: string, path: string) {
  const parts = path.split('/').filter((part) => part !== '')
  const fitting = routes.flatMap((route) => {
    const parameters = match(route.path, parts)
    return parameters ? [{ route, parameters }] : []
  })
  const found = fitting.find(({ route }) => route.method === method)
  if (found) return found
  if (fitting.length === 0) throw new ControlError(404, `there is no ${path}`)
  const methods = fitting.map(({ route }) => route.method).join(', ')
  throw new ControlError(405, `${path} takes ${methods}`)
}

function match(path: string, parts: readonly string[]): Map<string, string> | undefined {
  const wanted = path.split('/').filter((part) => part !== '')
  if (wanted.length !== parts.length) return undefined
  const parameters = new Map<string, string>()
  for (const [index, name] of wanted.entries()) {
    const part = parts[index]!
    if (name.startsWith(':')) parameters.set(name.slice(1), decoded(part))
    else if (name !== part) return undefined
  }
  return parameters
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw new ControlError(400, `'${part}' is not encoded as a part of a URL`)
  }
}

async function readJson(request: http.IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let byteCount = 0
  for await (const chunk of request) {
    const bytes = Buffer.from(chunk)
    byteCount += bytes.byteLength
    if (byteCount > BODY_BYTES_MAX) throw new ControlError(413, 'the body is too large')
    chunks.push(bytes)
  }
  if (byteCount === 0) return {}
  if (!request.headers['content-type']?.startsWith('application/json')) {
    throw new ControlError(415, 'the body should be of content type application/json')
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (error) {
    throw new ControlError(400, `the body is not JSON: ${String(error)}`)
  }
}

function failure(error: unknown): { status: number; name: string; message: string; code?: string } {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  if (error instanceof ControlError) return { status: error.status, name, message }
  if (error instanceof ConfigError || error instanceof TypeError) {
    return { status: 400, name, message }
  }
  if (error instanceof WaitError) return { status: 408, name, message }
  if (error instanceof KafkaError) {
    return { status: 409, name, message, code: errorName(error.errorCode) }
  }
  return { status: 500, name, message }
}

function send(response: http.ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(body, base64Buffers)}\n`)
}

/** As `Buffer.toJSON` has it, an array of numbers, nobody wants to read bytes. */
function base64Buffers(_name: string, value: unknown): unknown {
  const isBuffer =
    typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer'
  if (!isBuffer || !('data' in value) || !Array.isArray(value.data)) return value
  return { base64: Buffer.from(value.data).toString('base64') }
}
