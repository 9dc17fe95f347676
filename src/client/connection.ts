import net from 'node:net'
import type { Cancel, Clock } from '../base/clock.ts'
import { ApiVersions } from '../protocol/apis/18-api-versions.ts'
import { ProtocolError } from '../protocol/bytes/protocol-error.ts'
import { ErrorCode, KafkaError } from '../protocol/error-code.ts'
import { FrameSplitter } from '../protocol/frame.ts'
import { decodeResponse, encodeRequest } from '../protocol/message.ts'
import type { Api, DecodedOf, EncodableOf } from '../protocol/schema.ts'
import { type BrokerAddress, formatAddress } from './broker-address.ts'
import { throwIfError } from './broker-error.ts'
import { clientClock } from './client-clock.ts'
import { ConnectionError } from './connection-error.ts'

/** Largest answer that is read; a broker's own limit for what it sends is lower. */
const FRAME_BYTES_MAX = 512 * 1024 * 1024

export interface ConnectionOptions {
  readonly clientId: string
  /** Shown by brokers beside the client's name. */
  readonly softwareVersion: string
  readonly connectTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly clock?: Clock | undefined
}

export interface RequestOptions {
  /** No higher version, also when both sides know one. */
  readonly maxVersion?: number | undefined
  /** Added to the connection's own limit: how long the broker was asked to wait. */
  readonly waitMs?: number | undefined
}

interface Pending {
  readonly api: Api
  readonly apiVersion: number
  readonly resolve: (response: unknown) => void
  readonly reject: (error: Error) => void
  readonly cancelTimeout: Cancel
}

interface Range {
  readonly min: number
  readonly max: number
}

/**
 * One connection to one broker. Requests may be sent before earlier ones are answered; each uses
 * the newest version that both sides know. Whatever goes wrong with one of them, but for an answer
 * with an error code in it, ends the connection and all that is asked on it.
 */
export class Connection {
  readonly address: BrokerAddress
  readonly #options: ConnectionOptions
  readonly #clock: Clock
  readonly #socket: net.Socket
  readonly #pending = new Map<number, Pending>()
  readonly #versions = new Map<number, Range>()
  readonly #splitter = new FrameSplitter(FRAME_BYTES_MAX, (buffer, start, end) =>
    // What was decoded may refer to its bytes for as long as someone holds it.
    this.#onFrame(Buffer.from(buffer.subarray(start, end))),
  )
  #correlationId = 0
  #failure: Error | undefined
  #onClose: (() => void) | undefined

  private constructor(address: BrokerAddress, socket: net.Socket, options: ConnectionOptions) {
    this.address = address
    this.#options = options
    this.#clock = options.clock ?? clientClock
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => this.#onData(bytes))
    socket.on('error', (error) => this.#fail(this.#error('closed', describe(error), error)))
    socket.on('close', () => this.#fail(this.#error('closed', 'the broker closed the connection')))
  }

  /** Connects and agrees on versions. Rejects with `ConnectionError`. */
  static async open(address: BrokerAddress, options: ConnectionOptions): Promise<Connection> {
    const socket = await connect(address, options)
    const connection = new Connection(address, socket, options)
    try {
      await connection.#negotiate()
      return connection
    } catch (error) {
      connection.close()
      throw error
    }
  }

  get isOpen(): boolean {
    return this.#failure === undefined
  }

  /** What the broker said it answers, by API key. */
  get versions(): ReadonlyMap<number, Range> {
    return this.#versions
  }

  /** Called once when it is no longer usable, whoever ended it. */
  set onClose(callback: () => void) {
    this.#onClose = callback
  }

  /** The newest version of `api` that both sides know; throws UNSUPPORTED_VERSION for none. */
  versionOf(api: Api, maxVersion = api.versions[1]): number {
    const range = this.#versions.get(api.key)
    const newest = Math.min(maxVersion, range?.max ?? -1)
    if (range === undefined || newest < Math.max(range.min, api.versions[0])) {
      const text = `${formatAddress(this.address)} does not answer ${api.name}`
      throw new KafkaError('UNSUPPORTED_VERSION', text)
    }
    return newest
  }

  supports({ key, versions: [min, max] }: Api): boolean {
    const range = this.#versions.get(key)
    return range !== undefined && range.min <= max && range.max >= min
  }

  /** Rejects with `ConnectionError`, or UNSUPPORTED_VERSION; error codes are in the response. */
  async request<A extends Api>(
    api: A,
    request: EncodableOf<A['request']>,
    options: RequestOptions = {},
  ): Promise<DecodedOf<A['response']>> {
    const apiVersion = this.versionOf(api, options.maxVersion)
    return await this.#exchange(api, apiVersion, request, options.waitMs)
  }

  /** For requests that have no answer: Produce with acks=0. Resolves when the bytes are handed on. */
  async send<A extends Api>(
    api: A,
    request: EncodableOf<A['request']>,
    options: RequestOptions = {},
  ): Promise<void> {
    if (this.#failure) throw this.#failure
    const apiVersion = this.versionOf(api, options.maxVersion)
    await new Promise<void>((resolve, reject) =>
      this.#write(api, apiVersion, this.#correlationId++, request, (error) =>
        error ? reject(this.#failure ?? error) : resolve(),
      ),
    )
  }

  close(): void {
    this.#fail(this.#error('closed', 'the connection was closed here'))
  }

  async #negotiate(): Promise<void> {
    const newest = ApiVersions.versions[1]
    const request = {
      clientSoftwareName: 'dohle',
      clientSoftwareVersion: this.#options.softwareVersion,
    }
    // From version 5 on a client may name the broker it means, which we do not know yet.
    let response = await this.#exchange(ApiVersions, Math.min(newest, 4), request)
    if (response.errorCode === ErrorCode.UNSUPPORTED_VERSION) {
      response = await this.#exchange(ApiVersions, 0, {})
    }
    throwIfError(response.errorCode)
    for (const { apiKey, minVersion, maxVersion } of response.apiKeys) {
      this.#versions.set(apiKey, { min: minVersion, max: maxVersion })
    }
  }

  #exchange<A extends Api>(
    api: A,
    apiVersion: number,
    request: EncodableOf<A['request']>,
    waitMs = 0,
  ): Promise<DecodedOf<A['response']>> {
    return new Promise<DecodedOf<A['response']>>((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure)
        return
      }
      const correlationId = this.#correlationId++
      const limitMs = this.#options.requestTimeoutMs + waitMs
      const cancelTimeout = this.#clock.schedule(limitMs, () =>
        this.#fail(this.#error('timeout', `no answer to ${api.name} within ${limitMs} ms`)),
      )
      // The version says what the response is.
      const settle = resolve as (response: unknown) => void
      this.#pending.set(correlationId, { api, apiVersion, resolve: settle, reject, cancelTimeout })
      this.#write(api, apiVersion, correlationId, request)
    })
  }

  #write<A extends Api>(
    api: A,
    apiVersion: number,
    correlationId: number,
    request: EncodableOf<A['request']>,
    done?: (error?: Error | null) => void,
  ): void {
    const header = { correlationId, clientId: this.#options.clientId }
    const { chunks, byteLength } = encodeRequest(api, apiVersion, header, request)
    this.#socket.write(Buffer.concat(chunks, byteLength), done)
  }

  #onData(bytes: Buffer): void {
    try {
      this.#splitter.push(bytes)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      this.#fail(this.#error('protocol', 'what answers there is no Kafka broker', error))
    }
  }

  #onFrame(frame: Buffer): void {
    const correlationId = frame.length >= 4 ? frame.readInt32BE(0) : -1
    const pending = this.#pending.get(correlationId)
    if (!pending) throw new ProtocolError(`an answer to ${correlationId}, which was not asked`)
    const { api, apiVersion } = pending
    const { response } = decodeResponse(api, versionOfAnswer(api, apiVersion, frame), frame)
    this.#pending.delete(correlationId)
    pending.cancelTimeout()
    pending.resolve(response)
  }

  #fail(error: Error): void {
    if (this.#failure) return
    this.#failure = error
    this.#socket.destroy()
    for (const pending of this.#pending.values()) {
      pending.cancelTimeout()
      pending.reject(error)
    }
    this.#pending.clear()
    this.#onClose?.()
  }

  #error(fault: 'closed' | 'timeout' | 'protocol', text: string, cause?: Error): ConnectionError {
    return new ConnectionError(fault, `${formatAddress(this.address)}: ${text}`, { cause })
  }
}

/** A broker answers an ApiVersions that is too new in version 0, with the error code in front. */
function versionOfAnswer(api: Api, apiVersion: number, frame: Buffer): number {
  const isRefusal =
    api.key === ApiVersions.key &&
    frame.length >= 6 &&
    frame.readInt16BE(4) === ErrorCode.UNSUPPORTED_VERSION
  return isRefusal ? 0 : apiVersion
}

function connect(address: BrokerAddress, options: ConnectionOptions): Promise<net.Socket> {
  const { clock = clientClock, connectTimeoutMs } = options
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host: address.host, port: address.port })
    const refuse = (reason: string, cause?: Error) => {
      cancel()
      socket.destroy()
      const text = `${formatAddress(address)}: ${reason}`
      reject(new ConnectionError('unreachable', text, { cause }))
    }
    const onError = (error: Error) => refuse(describe(error), error)
    const cancel = clock.schedule(connectTimeoutMs, () =>
      refuse(`no connection within ${connectTimeoutMs} ms`),
    )
    socket.once('error', onError)
    socket.once('connect', () => {
      cancel()
      socket.off('error', onError)
      resolve(socket)
    })
  })
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name cannot be looked up',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ETIMEDOUT: 'no connection in time',
}

/** A name with several addresses fails with one error for each of them. */
function describe(error: Error): string {
  const all = error instanceof AggregateError ? error.errors : [error]
  const reasons = all.map(
    (one: Error & { code?: string }) => REASONS[one.code ?? ''] ?? one.message,
  )
  return [...new Set(reasons)].join(', ')
}
