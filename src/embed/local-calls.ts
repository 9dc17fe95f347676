import type { Broker } from '../broker/broker.ts'
import { RequestDispatcher } from '../broker/dispatch.ts'
import type { Exchange } from '../broker/exchange.ts'
import type { Peer } from '../broker/peer.ts'
import { Writer } from '../protocol/bytes/writer.ts'
import { FRAME_SIZE_BYTES } from '../protocol/frame.ts'
import { decodeResponse, encodeRequest } from '../protocol/message.ts'
import type { Api, DecodedOf, EncodableOf } from '../protocol/schema.ts'
import type { RunningBroker } from '../server/run-broker.ts'

/** Asks a broker as a client does, but without a socket. Faults and journals do not see it. */
export class LocalCalls {
  readonly #running: RunningBroker
  readonly #peer: Peer
  /** For the broker that was there last: it may have been opened anew since. */
  #dispatcher: { readonly broker: Broker; readonly dispatcher: RequestDispatcher } | undefined

  constructor(running: RunningBroker) {
    this.#running = running
    const [listener] = running.listeners
    this.#peer = {
      connectionId: 0,
      address: '127.0.0.1',
      port: 0,
      listenerName: listener!.name,
      localAddress: '127.0.0.1',
      localPort: listener!.boundPort,
      principal: 'User:ANONYMOUS',
      softwareName: 'dohle',
      softwareVersion: '',
      closed: false,
      onClose: () => () => {},
    }
  }

  /** Rejects when the broker would close the connection. */
  async call<A extends Api>(
    api: A,
    apiVersion: number,
    request: EncodableOf<A['request']>,
  ): Promise<DecodedOf<A['response']>> {
    const header = { correlationId: 0, clientId: 'dohle' }
    const frame = Buffer.concat(encodeRequest(api, apiVersion, header, request).chunks)
    const { broker, dispatcher } = this.#current()
    const nowMs = broker.clock.nowMs()
    const exchange = dispatcher.dispatch(
      frame,
      FRAME_SIZE_BYTES,
      frame.byteLength,
      this.#peer,
      nowMs,
    )
    await settled(exchange)
    try {
      if (exchange.state !== 'ready') throw new Error(exchange.failure || `${api.name}: no answer`)
      const writer = new Writer()
      exchange.encode(writer)
      const answer = Buffer.concat(writer.take().chunks)
      return decodeResponse(api, apiVersion, answer.subarray(FRAME_SIZE_BYTES)).response
    } finally {
      exchange.sent()
    }
  }

  #current() {
    const { broker } = this.#running
    if (this.#dispatcher?.broker !== broker) {
      this.#dispatcher = { broker, dispatcher: new RequestDispatcher(broker) }
    }
    return this.#dispatcher
  }
}

async function settled(exchange: Exchange): Promise<void> {
  if (exchange.state !== 'pending') return
  await new Promise<void>((resolve) => {
    exchange.onChange = ({ state }) => {
      if (state !== 'pending') resolve()
    }
  })
}
