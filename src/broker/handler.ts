import type { ErrorCode } from '../protocol/error-code.ts'
import type { Api, RequestOf, ResponseOf } from '../protocol/schema.ts'
import type { Broker } from './broker.ts'
import type { Peer } from './peer.ts'

export type { Peer } from './peer.ts'

/** What a handler knows of a request besides its body. */
export interface RequestContext {
  readonly apiVersion: number
  /** '' when the client sent none. */
  readonly clientId: string
  readonly peer: Peer
  /** The broker's clock when the bytes came in: one reading per socket read. */
  readonly nowMs: number
  /**
   * Runs `callback` exactly once, when the response's bytes are with the kernel or will never be
   * sent. Buffers that the response refers to are released here.
   */
  onSent(callback: () => void): void
  /**
   * Lets the next request of this connection begin before this one is answered; answers keep their
   * order. Otherwise a connection's requests run one after the other, as in Kafka. For handlers
   * whose effect is already decided when they wait, such as an append handed to the log.
   */
  startNext(): void
  /**
   * More requests may have come with the same read: an append may be held (`LogStore.hold`) and the
   * handler return a `Held`.
   */
  readonly mayHold: boolean
  /** How long the thread was busy with the request so far; 0 where no quota is set. */
  readonly busyMs: number
  /** What the log says when the handler answers `closeConnection`. */
  explainClose(reason: string): void
}

/** Returned by a handler when closing the connection is the only answer. */
export const closeConnection: unique symbol = Symbol('close the connection')

/** Null: the request has no response (Produce with acks=0). */
export type Outcome<Response> = Response | null | typeof closeConnection

/** What a handler that holds appends returns: it is asked once they are written. */
export class Held<Response> {
  readonly outcome: () => Outcome<Response> | Promise<Outcome<Response>>

  constructor(outcome: () => Outcome<Response> | Promise<Outcome<Response>>) {
    this.outcome = outcome
  }
}

/**
 * One API: its declaration, the versions that are answered, and what answers them. Routing,
 * ApiVersions and docs/COMPATIBILITY.md derive from these.
 */
export interface Handler<A extends Api = Api> {
  readonly api: A
  readonly minVersion: number
  readonly maxVersion: number
  /** False: answered, but left out of ApiVersions. */
  readonly advertised: boolean
  /**
   * A value that comes back at once is encoded inside the socket's read callback. A thrown
   * `KafkaError` becomes the API's whole-request error; any other throw is logged as a bug and
   * becomes UNKNOWN_SERVER_ERROR.
   */
  handle(
    request: RequestOf<A>,
    context: RequestContext,
    broker: Broker,
  ): Outcome<ResponseOf<A>> | Promise<Outcome<ResponseOf<A>>> | Held<ResponseOf<A>>
  /** The same object is returned as long as it says the same: its bytes are kept. */
  readonly repeats: boolean
  /** Undefined: the response has a top-level `errorCode` and that says it all. */
  readonly errorResponse: ErrorResponse<A> | undefined
}

/** Builds the response that gives `error` for everything that `request` asked. */
export type ErrorResponse<A extends Api> = (
  request: RequestOf<A>,
  error: { readonly errorCode: ErrorCode; readonly errorMessage: string | null },
  apiVersion: number,
) => Outcome<ResponseOf<A>>

export interface HandlerOptions<A extends Api> {
  /**
   * Needed when the response has no top-level `errorCode` in every version, and when the error must
   * also stand at each item.
   */
  readonly errorResponse?: ErrorResponse<A>
  readonly advertised?: boolean
  readonly repeats?: boolean
}

export function handler<A extends Api>(
  api: A,
  versions: readonly [min: number, max: number],
  handle: Handler<A>['handle'],
  { errorResponse, advertised = true, repeats = false }: HandlerOptions<A> = {},
): Handler<A> {
  const [minVersion, maxVersion] = versions
  return { api, minVersion, maxVersion, advertised, repeats, handle, errorResponse }
}
