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
  /** Of brokers that were asked; those that were opened anew since are others. */
  readonly #dispatchers = new WeakMap<Broker, RequestDispatcher>()

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

  /**
   * Asks the first broker that is up, or the one given. Rejects when it would close the connection.
   */
  async call<A extends Api>(
    api: A,
    apiVersion: number,
    request: EncodableOf<A['request']>,
    broker = this.#running.broker,
  ): Promise<DecodedOf<A['response']>> {
    const header = { correlationId: 0, clientId: 'dohle' }
    const frame = Buffer.concat(encodeRequest(api, apiVersion, header, request).chunks)
    const dispatcher = this.#dispatcherOf(broker)
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

  #dispatcherOf(broker: Broker): RequestDispatcher {
    const known = this.#dispatchers.get(broker)
    if (known) return known
    const dispatcher = new RequestDispatcher(broker)
    this.#dispatchers.set(broker, dispatcher)
    return dispatcher
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
