import { assert } from '../base/assert.ts'
import type { Dispatcher, Exchange } from '../broker/exchange.ts'
import type { Peer } from '../broker/peer.ts'
import type { Writer } from '../protocol/bytes/writer.ts'

/** Lets requests wait for another dispatcher: there is none while a broker is opened anew. */
export class HoldingDispatcher implements Dispatcher {
  readonly #held: HeldExchange[] = []
  #target: Dispatcher | undefined

  dispatch(
    bytes: Buffer,
    start: number,
    end: number,
    peer: Peer,
    nowMs: number,
    mayHold = false,
  ): Exchange {
    if (this.#target) return this.#target.dispatch(bytes, start, end, peer, nowMs, mayHold)
    const held = new HeldExchange(Buffer.from(bytes.subarray(start, end)), peer, nowMs)
    this.#held.push(held)
    return held
  }

  settleHeld(): void {
    this.#target?.settleHeld()
  }

  /** Hands everything that waits to `target`. */
  release(target: Dispatcher): void {
    this.#target = target
    for (const held of this.#held.splice(0)) held.begin(target)
  }
}

/** A frame that waits, and then stands for the exchange that it became. */
class HeldExchange implements Exchange {
  onChange: ((exchange: Exchange) => void) | undefined
  readonly #frame: Buffer
  readonly #peer: Peer
  readonly #nowMs: number
  #exchange: Exchange | undefined

  constructor(frame: Buffer, peer: Peer, nowMs: number) {
    this.#frame = frame
    this.#peer = peer
    this.#nowMs = nowMs
  }

  get state(): Exchange['state'] {
    return this.#exchange?.state ?? 'pending'
  }

  get nextMayStart(): boolean {
    return this.#exchange?.nextMayStart ?? false
  }

  get throttleTimeMs(): number {
    return this.#exchange?.throttleTimeMs ?? 0
  }

  get failure(): string {
    return this.#exchange?.failure ?? ''
  }

  begin(target: Dispatcher): void {
    if (this.#peer.closed) return
    const { byteLength } = this.#frame
    const exchange = target.dispatch(this.#frame, 0, byteLength, this.#peer, this.#nowMs)
    exchange.onChange = () => this.onChange?.(this)
    this.#exchange = exchange
    if (exchange.state !== 'pending' || exchange.nextMayStart) this.onChange?.(this)
  }

  encode(writer: Writer): void {
    assert(this.#exchange !== undefined, 'a held request to be dispatched before its answer')
    this.#exchange.encode(writer)
  }

  sent(): void {
    this.#exchange?.sent()
  }
}
