import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { HttpListener } from '../../settings/http-listener.ts'
import { BindError } from '../bind.ts'
import { writeBrokerMetrics } from './broker-metrics.ts'
import { writeGroupMetrics } from './group-metrics.ts'
import { type HealthSource, unreadyReasons } from './health.ts'
import { ProcessMetrics } from './process-metrics.ts'
import { PrometheusText } from './prometheus-text.ts'

/** What is measured besides the health of the broker. */
export interface MetricsSource extends HealthSource {
  readonly connectionCount: number
}

interface Page {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

const REQUEST_TIMEOUT_MS = 10_000

/** `/livez`, `/readyz` and `/metrics` for those who watch over the process; nothing is logged. */
export class HttpEndpoint {
  readonly #server: http.Server
  readonly #source: MetricsSource
  readonly #process = new ProcessMetrics()

  private constructor(source: MetricsSource, keepAlive: boolean) {
    this.#source = source
    this.#server = http.createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) =>
      this.#answer(request, response),
    )
    if (!keepAlive) this.#server.unref()
  }

  /** Rejects with `BindError`. */
  static async open(
    { host, port }: HttpListener,
    source: MetricsSource,
    { keepAlive }: { readonly keepAlive: boolean },
  ): Promise<HttpEndpoint> {
    const endpoint = new HttpEndpoint(source, keepAlive)
    const server = endpoint.#server
    try {
      server.listen({ host, port })
      await once(server, 'listening')
    } catch (error) {
      endpoint.#process.close()
      throw new BindError(host, port, error)
    }
    return endpoint
  }

  get address(): { readonly host: string; readonly port: number } {
    const { address, port } = this.#server.address() as AddressInfo
    return { host: address, port }
  }

  async close(): Promise<void> {
    this.#process.close()
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }

  #answer({ method, url }: http.IncomingMessage, response: http.ServerResponse): void {
    const { status, contentType, body } = this.#page(method ?? '', url ?? '')
    response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' })
    response.end(method === 'HEAD' ? undefined : body)
  }

  #page(method: string, url: string): Page {
    if (method !== 'GET' && method !== 'HEAD') return json(405, { error: 'GET and HEAD, no more' })
    switch (url.split('?', 1)[0]) {
      case '/livez':
        return json(200, { status: 'ok' })
      case '/readyz': {
        const reasons = unreadyReasons(this.#source)
        if (reasons.length === 0) return json(200, { status: 'ready', reasons })
        return json(503, { status: 'not ready', reasons })
      }
      case '/metrics':
        return { status: 200, contentType: 'text/plain; version=0.0.4', body: this.#metrics() }
      default:
        return json(404, { error: 'there are /livez, /readyz and /metrics' })
    }
  }

  #metrics(): string {
    const text = new PrometheusText()
    const { broker, brokers, connectionCount } = this.#source
    if (broker) {
      writeBrokerMetrics(text, broker)
      writeGroupMetrics(text, brokers)
    }
    const name = 'kafka_server_socket_server_metrics_connection_count'
    text.single(name, 'gauge', 'Connections of clients.', connectionCount)
    this.#process.write(text)
    return text.toString()
  }
}

function json(status: number, value: object): Page {
  return { status, contentType: 'application/json', body: `${JSON.stringify(value)}\n` }
}
