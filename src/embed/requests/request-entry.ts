import { steadyNowMs } from '../../base/event-loop.ts'
import { closeConnection } from '../../broker/handler.ts'
import type { InterceptedCall } from '../../broker/interceptor.ts'
import type { Api } from '../../protocol/schema.ts'
import type { Answer } from '../faults/apply-fault.ts'
import { ownedCopy } from '../faults/owned-copy.ts'
import type { Json } from './json.ts'
import { messageJson } from './message-json.ts'

/** A request and what became of it. Messages are decoded when they are asked for. */
export class RequestEntry {
  /** Counts from 1. */
  readonly number: number
  /** When it came in, on the broker's clock. */
  readonly atMs: number
  /** Kafka's name of the API. */
  readonly api: string
  readonly apiVersion: number
  readonly clientId: string
  /** Number of the connection; `faults.add({ connection })` takes it. */
  readonly connection: number
  /** Address and port of the client. */
  readonly client: string
  /** As the client calls itself, such as `apache-kafka-java 4.3.0`; empty when it does not. */
  readonly software: string
  /**
   * `pending`: not answered yet. `silent`: answered by nothing (Produce with acks=0). `closed`: the
   * connection was closed instead.
   */
  outcome: 'pending' | 'answered' | 'silent' | 'closed' = 'pending'
  /** From the request to the answer; -1 while there is none. */
  tookMs = -1
  readonly #api: Api
  readonly #request: unknown
  #response: unknown
  readonly #beganMs = steadyNowMs()
  #sizeBytes: number

  /** @internal */
  constructor(number: number, call: InterceptedCall) {
    const { api, apiVersion, clientId, peer, nowMs } = call
    this.number = number
    this.atMs = nowMs
    this.api = api.name
    this.apiVersion = apiVersion
    this.clientId = clientId
    this.connection = peer.connectionId
    this.client = `${peer.address}:${peer.port}`
    this.software = `${peer.softwareName} ${peer.softwareVersion}`.trim()
    this.#api = api
    this.#request = ownedCopy(call.request)
    this.#sizeBytes = byteLength(this.#request)
  }

  get request(): Json {
    return messageJson(this.#api.request, this.apiVersion, this.#request)
  }

  /** Null unless it was answered. */
  get response(): Json {
    if (this.outcome !== 'answered') return null
    return messageJson(this.#api.response, this.apiVersion, this.#response)
  }

  /** @internal Roughly: the bytes that it keeps. */
  get sizeBytes(): number {
    return this.#sizeBytes
  }

  /** @internal */
  settle(answer: Answer): void {
    this.tookMs = steadyNowMs() - this.#beganMs
    if (answer === null) this.outcome = 'silent'
    else if (answer === closeConnection) this.outcome = 'closed'
    else {
      this.outcome = 'answered'
      this.#response = ownedCopy(answer)
      this.#sizeBytes += byteLength(this.#response)
    }
  }

  toJSON(): { readonly [name: string]: Json } {
    const { number, atMs, api, apiVersion, clientId, connection, client, software } = this
    const { outcome, tookMs, request, response } = this
    return {
      number,
      atMs,
      api,
      apiVersion,
      clientId,
      connection,
      client,
      software,
      outcome,
      tookMs: Math.round(tookMs * 1000) / 1000,
      request,
      response,
    }
  }
}

function byteLength(value: unknown): number {
  if (value instanceof Uint8Array) return value.byteLength
  if (typeof value !== 'object' || value === null) return 8
  return Object.values(value).reduce((sum: number, one) => sum + byteLength(one), 16)
}
