import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { decodeResponse, encodeRequest } from '../../src/protocol/message.ts'
import type { Api, DecodedOf, EncodableOf } from '../../src/protocol/schema.ts'

interface Waiting {
  readonly resolve: (frame: Buffer) => void
  readonly reject: (error: Error) => void
}

/**
 * One connection that asks exactly what a test wants asked. Any number of requests may be under way;
 * they are answered in their order.
 */
export class WireClient {
  readonly #socket: Socket
  readonly #waiting: Waiting[] = []
  #correlationId = 0
  #received = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (bytes: Buffer) => this.#take(bytes))
    socket.on('close', () => {
      for (const { reject } of this.#waiting.splice(0)) reject(isClosed())
    })
    socket.on('error', () => {})
  }

  static async connect(bootstrap: string): Promise<WireClient> {
    const [, host = '', port = ''] = /^(.+):(\d+)$/.exec(bootstrap) ?? []
    const socket = connect(Number(port), host)
    await once(socket, 'connect')
    return new WireClient(socket)
  }

  async ask<A extends Api>(
    api: A,
    apiVersion: number,
    request: EncodableOf<A['request']>,
    clientId = 'wire',
  ): Promise<DecodedOf<A['response']>> {
    const correlationId = ++this.#correlationId
    const { chunks } = encodeRequest(api, apiVersion, { correlationId, clientId }, request)
    if (this.#socket.destroyed) throw isClosed()
    this.#socket.write(Buffer.concat(chunks))
    const frame = await new Promise<Buffer>((resolve, reject) => {
      this.#waiting.push({ resolve, reject })
    })
    return decodeResponse(api, apiVersion, frame).response
  }

  #take(bytes: Buffer): void {
    const received = this.#received.length > 0 ? Buffer.concat([this.#received, bytes]) : bytes
    let at = 0
    while (received.length - at >= 4) {
      const end = at + 4 + received.readInt32BE(at)
      if (received.length < end) break
      this.#waiting.shift()?.resolve(received.subarray(at + 4, end))
      at = end
    }
    this.#received = Buffer.from(received.subarray(at))
  }

  close(): void {
    this.#socket.destroy()
  }
}

function isClosed(): Error {
  return new Error('the connection is closed')
}
