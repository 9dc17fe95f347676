import type { Writer } from '../protocol/bytes/writer.ts'
import type { Peer } from './peer.ts'

/**
 * A request on its way to an answer: what src/server sees of it. `pending` becomes one of the
 * others exactly once: `ready` (encode it), `silent` (nothing is sent) or `failed` (the connection
 * closes, after what stands before it has been sent).
 */
export interface Exchange {
  readonly state: 'pending' | 'ready' | 'silent' | 'failed'
  /** The connection's next request may begin although this one is pending. */
  readonly nextMayStart: boolean
  /** Called when one of the two above changes later on. */
  onChange: ((exchange: Exchange) => void) | undefined
  /** When no longer pending: how long the connection is not read after it (a quota); mostly 0. */
  readonly throttleTimeMs: number
  /** Why the connection has to close, when `failed`. */
  readonly failure: string
  /**
   * Writes the whole response frame, its size included. Only when `ready`, once. Bytes that the
   * writer refers to stay as they are until the exchange is `sent`.
   */
  encode(writer: Writer): void
  /** The bytes are with the kernel, or will never be sent. Exactly once, in every case. */
  sent(): void
}

/** Turns frames into exchanges: the broker's dispatcher, or a test's. */
export interface Dispatcher {
  /**
   * `bytes` from `start` to `end` is one frame without its size. It is a view of a receive buffer:
   * nothing of it is looked at after the call has returned or, with `mayHold`, `settleHeld`.
   */
  dispatch(
    bytes: Buffer,
    start: number,
    end: number,
    peer: Peer,
    nowMs: number,
    mayHold?: boolean,
  ): Exchange

  /** The end of a read: what was held to be done together is done. */
  settleHeld(): void
}
