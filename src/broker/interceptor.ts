import type { KafkaError } from '../protocol/error-code.ts'
import type { Api, RequestOf, ResponseOf } from '../protocol/schema.ts'
import type { Outcome, RequestContext } from './handler.ts'

/**
 * Stands between the requests of clients and their handlers: faults that a test asks for, and the
 * journal of requests.
 */
export interface Interceptor {
  /** Answers `call`, with its handler's help or without. */
  intercept(call: InterceptedCall): Outcome<ResponseOf<Api>> | Promise<Outcome<ResponseOf<Api>>>
}

/** A request that has been decoded and not been handled. */
export interface InterceptedCall extends Omit<RequestContext, 'onSent' | 'startNext' | 'mayHold'> {
  readonly api: Api
  /** `records` in it are views that are gone when `intercept` has returned. */
  readonly request: RequestOf<Api>
  /** Has a request handled, this one or a part of it. Never throws, never rejects. */
  handle(request?: RequestOf<Api>): Outcome<ResponseOf<Api>> | Promise<Outcome<ResponseOf<Api>>>
  /** What this API answers when all of the request, or of a part of it, fails with `error`. */
  fail(error: KafkaError, request?: RequestOf<Api>): Outcome<ResponseOf<Api>>
  /** The connection closes, for a reason that is logged. */
  close(reason: string): Outcome<ResponseOf<Api>>
}
