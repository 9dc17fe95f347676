import { assert } from '../base/assert.ts'
import { ProtocolError } from '../protocol/bytes/protocol-error.ts'
import { Reader, viewOf } from '../protocol/bytes/reader.ts'
import type { Writer } from '../protocol/bytes/writer.ts'
import { ErrorCode, KafkaError } from '../protocol/error-code.ts'
import { readRequestHeader } from '../protocol/header.ts'
import { decodeRequest, writeResponse } from '../protocol/message.ts'
import type { Api, RequestOf, ResponseOf } from '../protocol/schema.ts'
import type { Broker } from './broker.ts'
import type { Dispatcher, Exchange } from './exchange.ts'
import {
  closeConnection,
  type Handler,
  Held,
  type Outcome,
  type RequestContext,
} from './handler.ts'
import { unsupportedApiVersions } from './handlers/18-api-versions.ts'
import type { InterceptedCall, Interceptor } from './interceptor.ts'
import type { Peer } from './peer.ts'
import { callerOf } from './quotas/caller.ts'
import type { QuotaEnforcer } from './quotas/quota-enforcer.ts'
import { writeRepeated } from './repeated-response.ts'

const PRODUCE_KEY = 0
const FETCH_KEY = 1
const API_VERSIONS_KEY = 18

/** Header -> route -> version -> body -> handler -> response. */
export class RequestDispatcher implements Dispatcher {
  /** Stands between requests and handlers; most brokers have none. */
  interceptor: Interceptor | undefined
  readonly #broker: Broker
  /** By API key. */
  readonly #routes: (Handler | undefined)[] = []
  readonly #reader = new Reader()
  /** Produce requests of one read whose appends are not written. */
  #held: RequestExchange[] = []

  constructor(broker: Broker) {
    this.#broker = broker
    for (const handler of broker.handlers) {
      const { key, name } = handler.api
      assert(this.#routes[key] === undefined, `one handler for ${name}`)
      this.#routes[key] = handler
    }
  }

  dispatch(
    bytes: Buffer,
    start: number,
    end: number,
    peer: Peer,
    nowMs: number,
    mayHold = false,
  ): Exchange {
    const reader = this.#reader
    const view = reader.buffer === bytes ? reader.view : viewOf(bytes)
    reader.reset(bytes, view, start, end)
    try {
      return this.#dispatch(reader, peer, nowMs, mayHold)
    } catch (error) {
      if (error instanceof ProtocolError) return new RefusedExchange(error.message)
      throw error
    }
  }

  settleHeld(): void {
    const held = this.#held
    if (held.length === 0) return
    this.#held = []
    this.#broker.engine.log.writeHeld()
    for (const exchange of held) exchange.settleHeld()
  }

  #dispatch(reader: Reader, peer: Peer, nowMs: number, mayHold: boolean): Exchange {
    const byteLength = reader.end - reader.position
    const { api, apiVersion, correlationId, clientId } = readRequestHeader(reader)
    const handler = this.#routes[api.key]
    if (!handler) return new RefusedExchange(`${api.name} is not answered`)
    const { minVersion, maxVersion } = handler
    const header = { handler, apiVersion, correlationId, clientId, peer, nowMs, byteLength }
    if (apiVersion < minVersion || apiVersion > maxVersion) {
      if (api.key === API_VERSIONS_KEY) return this.#answerTooNewApiVersions(header)
      return new RefusedExchange(
        `${api.name} version ${apiVersion} (versions ${minVersion} to ${maxVersion} are answered)`,
      )
    }
    const request = decodeRequest(api, apiVersion, reader)
    this.#broker.meters.requests[api.key]!++
    // What comes after a held request finds it done, as if it had not been held.
    if (this.#held.length > 0 && api.key !== PRODUCE_KEY) this.settleHeld()
    const exchange = new RequestExchange(header, request, this.#broker)
    if (this.interceptor !== undefined) exchange.beginIntercepted(this.interceptor)
    else {
      const holds = mayHold || this.#held.length > 0
      // A quota measures how long each request takes.
      exchange.mayHold = holds && this.#broker.quotas.active === undefined
      exchange.begin()
      if (exchange.isHeld) this.#held.push(exchange)
    }
    return exchange
  }

  /** Clients begin with the newest version they know and step down by this answer. */
  #answerTooNewApiVersions(header: RequestHeader): Exchange {
    const exchange = new RequestExchange({ ...header, apiVersion: 0 }, {}, this.#broker)
    exchange.settle(unsupportedApiVersions(header.handler))
    return exchange
  }
}

interface RequestHeader {
  readonly handler: Handler
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string
  readonly peer: Peer
  readonly nowMs: number
  /** Of the whole request. */
  readonly byteLength: number
}

/** Bytes that are not answered. */
class RefusedExchange implements Exchange {
  readonly state = 'failed'
  readonly nextMayStart = false
  readonly throttleTimeMs = 0
  onChange: ((exchange: Exchange) => void) | undefined
  readonly failure: string

  constructor(failure: string) {
    this.failure = failure
  }

  encode(): void {
    assert(false, 'nothing to be encoded for a refused request')
  }

  sent(): void {}
}

/** A decoded request until its response is sent: the handler's context on one side. */
class RequestExchange implements Exchange, RequestContext, InterceptedCall {
  state: Exchange['state'] = 'pending'
  nextMayStart = false
  throttleTimeMs = 0
  onChange: ((exchange: Exchange) => void) | undefined
  failure = ''
  readonly apiVersion: number
  readonly clientId: string
  readonly peer: Peer
  readonly nowMs: number
  readonly request: RequestOf<Api>
  readonly #handler: Handler
  readonly #correlationId: number
  readonly #byteLength: number
  /** Where a quota is set: when the work began that goes on now, and what came before it. */
  #busySinceMs = 0
  #busyMs = 0
  readonly #broker: Broker
  mayHold = false
  #held: Held<ResponseOf<Api>> | undefined
  #response: ResponseOf<Api> | undefined
  #sentCallbacks: (() => void)[] | undefined
  #sent = false

  constructor(header: RequestHeader, request: RequestOf<Api>, broker: Broker) {
    this.apiVersion = header.apiVersion
    this.clientId = header.clientId
    this.peer = header.peer
    this.nowMs = header.nowMs
    this.#handler = header.handler
    this.#correlationId = header.correlationId
    this.#byteLength = header.byteLength
    this.request = request
    this.#broker = broker
  }

  begin(): void {
    if (this.#broker.quotas.active !== undefined) this.#busySinceMs = performance.now()
    try {
      const outcome = this.#handler.handle(this.request, this, this.#broker)
      if (outcome instanceof Promise) this.#await(outcome)
      else if (outcome instanceof Held) this.#hold(outcome)
      else this.settle(outcome)
    } catch (error) {
      this.#settleError(error)
    }
    if (this.#busySinceMs !== 0) this.#busyMs = performance.now() - this.#busySinceMs
  }

  get isHeld(): boolean {
    return this.#held !== undefined
  }

  #hold(held: Held<ResponseOf<Api>>): void {
    assert(this.mayHold, 'appends to be held only where they are settled')
    this.#held = held
    this.nextMayStart = true
  }

  /** The appends are written. */
  settleHeld(): void {
    const { outcome } = this.#held!
    this.#held = undefined
    try {
      const decided = outcome()
      if (decided instanceof Promise) this.#await(decided)
      else this.settle(decided)
    } catch (error) {
      this.#settleError(error)
    }
  }

  beginIntercepted(interceptor: Interceptor): void {
    try {
      const outcome = interceptor.intercept(this)
      if (outcome instanceof Promise) this.#await(outcome)
      else this.settle(outcome)
    } catch (error) {
      this.#settleError(error)
    }
  }

  get api(): Api {
    return this.#handler.api
  }

  handle(request = this.request): Outcome<ResponseOf<Api>> | Promise<Outcome<ResponseOf<Api>>> {
    try {
      const outcome = this.#handler.handle(request, this, this.#broker)
      assert(!(outcome instanceof Held), 'nothing to be held by a request that may not hold')
      if (!(outcome instanceof Promise)) return outcome
      return outcome.catch((error: unknown) => this.#errorOutcome(error, request))
    } catch (error) {
      return this.#errorOutcome(error, request)
    }
  }

  fail(error: KafkaError, request = this.request): Outcome<ResponseOf<Api>> {
    return this.#errorOutcome(error, request)
  }

  close(reason: string): Outcome<ResponseOf<Api>> {
    this.failure = reason
    return closeConnection
  }

  #await(outcome: Promise<Outcome<ResponseOf<Api>>>): void {
    outcome.then(
      (value) => {
        this.#countTime()
        this.settle(value)
      },
      (error: unknown) => {
        this.#countTime()
        this.#settleError(error)
      },
    )
  }

  #countTime(): void {
    const { meters, clock } = this.#broker
    meters.requestTimeMs[this.#handler.api.key]! += Math.max(0, clock.nowMs() - this.nowMs)
  }

  /** Measured up to the first wait: what comes after it is mostly somebody else's time. */
  get busyMs(): number {
    if (this.#busySinceMs === 0) return 0
    return this.#busyMs > 0 ? this.#busyMs : performance.now() - this.#busySinceMs
  }

  /** The outcome with the time that its client has to wait now. */
  #throttled(quotas: QuotaEnforcer, outcome: ResponseOf<Api> | null): Outcome<ResponseOf<Api>> {
    const { key, response } = this.#handler.api
    const nowMs = this.#broker.clock.nowMs()
    const caller = callerOf(this)
    const decided = outcome?.['throttleTimeMs']
    let throttleTimeMs = typeof decided === 'number' ? decided : 0
    if (key === PRODUCE_KEY) {
      const ms = quotas.produced(caller, this.#byteLength, nowMs)
      throttleTimeMs = Math.max(throttleTimeMs, ms)
    }
    // A Fetch has asked for itself: its answer depends on it.
    if (key !== FETCH_KEY && outcome !== null) {
      throttleTimeMs = Math.max(throttleTimeMs, quotas.handled(caller, this.busyMs, nowMs))
    }
    this.throttleTimeMs = throttleTimeMs
    const isTold = throttleTimeMs > 0 && response.fields['throttleTimeMs'] !== undefined
    return isTold && outcome !== null ? { ...outcome, throttleTimeMs } : outcome
  }

  settle(decided: Outcome<ResponseOf<Api>>): void {
    assert(this.state === 'pending', 'a request to be answered once')
    const quotas = this.#broker.quotas.active
    const outcome =
      quotas === undefined || decided === closeConnection
        ? decided
        : this.#throttled(quotas, decided)
    if (outcome === closeConnection) {
      this.failure ||= `${this.#handler.api.name} version ${this.apiVersion} failed`
      this.state = 'failed'
    } else if (outcome === null) {
      this.state = 'silent'
    } else {
      this.#response = outcome
      this.state = 'ready'
    }
    this.onChange?.(this)
  }

  #settleError(error: unknown): void {
    this.settle(this.#errorOutcome(error))
  }

  #errorOutcome(error: unknown, request = this.request): Outcome<ResponseOf<Api>> {
    const { api, errorResponse } = this.#handler
    if (!(error instanceof KafkaError)) this.#logBug(error, 'handler failed')
    const errorCode = error instanceof KafkaError ? error.errorCode : ErrorCode.UNKNOWN_SERVER_ERROR
    const errorMessage = (error instanceof KafkaError && error.detail) || null
    try {
      if (errorResponse) {
        return errorResponse(request, { errorCode, errorMessage }, this.apiVersion)
      }
    } catch (failure) {
      this.#logBug(failure, 'error response failed')
    }
    const { fields } = api.response
    if (!fields['errorCode']) {
      this.failure = `${api.name} version ${this.apiVersion} failed and has no error response`
      return closeConnection
    }
    return {
      errorCode,
      ...(fields['errorMessage'] && { errorMessage }),
      ...(fields['throttleTimeMs'] && { throttleTimeMs: 0 }),
    }
  }

  #logBug(error: unknown, message: string): void {
    const { clientId, apiVersion } = this
    const stack = error instanceof Error ? error.stack : String(error)
    this.#broker.log.error({ api: this.#handler.api.name, apiVersion, clientId, stack }, message)
  }

  encode(writer: Writer): void {
    const quotas = this.#broker.quotas.active
    if (quotas === undefined) {
      this.#encode(writer)
      return
    }
    const sinceMs = performance.now()
    this.#encode(writer)
    quotas.wrote(callerOf(this), performance.now() - sinceMs, this.#broker.clock.nowMs())
  }

  #encode(writer: Writer): void {
    try {
      this.#write(writer, this.#response!)
    } catch (error) {
      const outcome = this.#errorOutcome(error)
      assert(outcome !== null && outcome !== closeConnection, 'an error response to say a bug')
      this.#write(writer, outcome)
    }
  }

  #write(writer: Writer, response: ResponseOf<Api>): void {
    const { api, repeats } = this.#handler
    if (repeats) writeRepeated(writer, api, this.apiVersion, this.#correlationId, response)
    else writeResponse(writer, api, this.apiVersion, this.#correlationId, response)
  }

  onSent(callback: () => void): void {
    if (this.#sent) {
      callback()
      return
    }
    this.#sentCallbacks ??= []
    this.#sentCallbacks.push(callback)
  }

  explainClose(reason: string): void {
    this.failure = reason
  }

  startNext(): void {
    if (this.nextMayStart) return
    this.nextMayStart = true
    this.onChange?.(this)
  }

  sent(): void {
    assert(!this.#sent, 'a response to be sent once')
    this.#sent = true
    this.#response = undefined
    const callbacks = this.#sentCallbacks
    if (!callbacks) return
    this.#sentCallbacks = undefined
    for (const callback of callbacks) callback()
  }
}
